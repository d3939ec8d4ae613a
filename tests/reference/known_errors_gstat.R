# Makes known_errors_gstat.json: ordinary kriging of meuse (package sp) by R gstat where the error
# variance of each sample is known: weights are its inverse (Delhomme 1978).
# Run in this folder: Rscript known_errors_gstat.R
suppressMessages({library(gstat); library(sp); library(jsonlite)})
data(meuse); data(meuse.grid)
coordinates(meuse) <- ~x+y
targets <- meuse.grid[seq(1, nrow(meuse.grid), 41), c("x", "y")]
targets$x <- targets$x + 0.37; targets$y <- targets$y + 0.23
coordinates(targets) <- ~x+y
errors <- 0.02 * (1 + (seq_len(nrow(meuse)) - 1) %% 7)
krige_with <- function(model, ...) {
  out <- krige(log(zinc) ~ 1, meuse, targets, model, weights = 1 / errors, debug.level = 0, ...)@data
  list(estimate = out[[1]], variance = out[[2]])
}
result <- list(
  versions = list(R = R.version.string, gstat = as.character(packageVersion("gstat"))),
  errors = errors, targets = coordinates(targets),
  exact = krige_with(vgm(0.59, "Sph", 897, 0.05)),
  local = krige_with(vgm(0.59, "Sph", 897, 0.05), nmax = 32),
  filtered = krige_with(vgm(0.59, "Sph", 897, add.to = vgm(0.05, "Err", 0)))
)
write(toJSON(result, digits = 12, auto_unbox = TRUE), "known_errors_gstat.json")
