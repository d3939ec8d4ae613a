# Makes cokriging_gstat.json: ordinary cokriging of meuse (package sp) by R gstat: ln zinc at every
# third place, ln cadmium at all; covariances C, rho C and rho^2 C + D (autoregressive link).
# Run in this folder: Rscript cokriging_gstat.R
suppressMessages({library(gstat); library(sp); library(jsonlite)})
data(meuse); data(meuse.grid)
coordinates(meuse) <- ~x+y
few <- seq(1, nrow(meuse), 3)
targets <- meuse.grid[seq(1, nrow(meuse.grid), 61), c("x", "y")]
targets$x <- targets$x + 0.37; targets$y <- targets$y + 0.23
coordinates(targets) <- ~x+y
rho <- 0.6
own <- function(share, with_own) {
  m <- vgm(0.9 * share, "Exp", 400, 0.2 * share)
  if (with_own) m <- vgm(0.15, "Sph", 700, add.to = vgm(0.04, "Nug", 0, add.to = m))
  m
}
g <- gstat(NULL, "cadmium", log(cadmium) ~ 1, meuse, model = own(1, FALSE))
g <- gstat(g, "zinc", log(zinc) ~ 1, meuse[few, ], model = own(rho^2, TRUE))
g <- gstat(g, c("cadmium", "zinc"), model = own(rho, FALSE))
g$set <- list(nocheck = 1)
out <- predict(g, targets, debug.level = 0)@data
result <- list(
  versions = list(R = R.version.string, gstat = as.character(packageVersion("gstat"))),
  rho = rho, few = few - 1, targets = coordinates(targets),
  estimate = out$zinc.pred, variance = out$zinc.var
)
write(toJSON(result, digits = 12, auto_unbox = TRUE), "cokriging_gstat.json")
