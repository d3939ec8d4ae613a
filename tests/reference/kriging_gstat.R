# Makes kriging_gstat.json: what R gstat and nlme say of meuse (package sp).
# Run in this folder: Rscript kriging_gstat.R
suppressMessages({library(gstat); library(sp); library(nlme); library(jsonlite)})
data(meuse); data(meuse.grid)
frame <- meuse
coordinates(meuse) <- ~x+y
# every 13th node, moved off the whole metres of the samples: no ties among neighbours
targets <- meuse.grid[seq(1, nrow(meuse.grid), 13), c("x", "y")]
targets$x <- targets$x + 0.37; targets$y <- targets$y + 0.23
coordinates(targets) <- ~x+y

spherical <- vgm(0.59, "Sph", 897, 0.05)
krige_with <- function(model, formula = log(zinc) ~ 1, ...) {
  out <- krige(formula, meuse, targets, model, debug.level = 0, ...)@data
  list(estimate = out[[1]], variance = out[[2]])
}
x0 <- 180000; y0 <- 331000
nested <- vgm(0.4, "Gau", 400, 0.05, add.to = vgm(0.2, "Mat", 100, kappa = 1.5))
cases <- list(
  global = krige_with(spherical),
  local = krige_with(spherical, nmax = 32),
  block = krige_with(spherical, nmax = 32, block = c(40, 60)),
  simple = krige_with(spherical, nmax = 32, beta = 5.9),
  linear_drift = krige_with(spherical, log(zinc) ~ x + y, nmax = 32),
  # centred: with whole coordinates squared gstat loses five digits
  quadratic_drift = krige_with(spherical, log(zinc) ~ I(x - x0) + I(y - y0) + I((x - x0)^2) +
                               I((x - x0) * (y - y0)) + I((y - y0)^2)),
  block_drift = krige_with(spherical, log(zinc) ~ x + y, block = c(40, 60)),
  filtered = krige_with(vgm(0.59, "Sph", 897, add.to = vgm(0.05, "Err", 0)), nmax = 32),
  radius = krige_with(spherical, nmax = 32, maxdist = 200, nmin = 5),
  quadrant = krige_with(spherical, omax = 4, maxdist = 800),
  anisotropic = krige_with(vgm(0.59, "Exp", 300, 0.05, anis = c(30, 0.5))),
  matern = krige_with(vgm(0.59, "Mat", 200, 0.05, kappa = 0.8), nmax = 32),
  nested = krige_with(nested, nmax = 32)
)
cv <- krige.cv(log(zinc) ~ 1, meuse, spherical, nmax = 32, verbose = FALSE)@data
# idw of 12 nearest
idw12 <- idw(log(zinc) ~ 1, meuse, targets, nmax = 12, idp = 2, debug.level = 0)@data[[1]]

classes <- function(v) list(distance = v$dist, semivariance = v$gamma, pairs = v$np)
v <- variogram(log(zinc) ~ 1, meuse)
v1500 <- variogram(log(zinc) ~ 1, meuse, cutoff = 1500, width = 100)
fitted <- function(v, ...) {
  m <- suppressWarnings(fit.variogram(v, vgm(...)))
  list(nugget = m$psill[1], sill = m$psill[2], range = m$range[2], misfit = attr(m, "SSErr"))
}
# restricted log-likelihood of nlme at given parameters (nugget here is a share of the sill)
reml <- function(range, share) {
  m <- gls(log(zinc) ~ 1, frame, method = "REML", correlation = corSpher(c(range, share),
           form = ~x + y, nugget = TRUE, fixed = TRUE))
  list(range = range, share = share, minus_twice = -2 * as.numeric(logLik(m)), sill = m$sigma^2)
}
out <- list(
  made_by = paste0("R ", getRversion(), ", gstat ", packageVersion("gstat"), ", nlme ",
                   packageVersion("nlme"), "; Rscript kriging_gstat.R"),
  targets = coordinates(targets), cases = cases,
  leave_one_out = list(estimate = cv$var1.pred, variance = cv$var1.var),
  inverse_distance = idw12,
  classes = list(matheron = classes(v), matheron_1500 = classes(v1500),
                 cressie_hawkins = classes(variogram(log(zinc) ~ 1, meuse, cressie = TRUE)),
                 north_45 = classes(variogram(log(zinc) ~ 1, meuse, alpha = 45, tol.hor = 22.5))),
  fits = list(spherical = fitted(v, 1, "Sph", 900, 1), exponential = fitted(v, 1, "Exp", 300, 1),
              matern_1.5 = fitted(v, 1, "Mat", 300, 1, kappa = 1.5),
              spherical_1500 = fitted(v1500, 1, "Sph", 900, 1)),
  reml = list(reml(900, 0.1), reml(500, 0.2), reml(2000, 0.05))
)
dimnames(out$targets) <- NULL
write_json(out, "kriging_gstat.json", digits = I(15), auto_unbox = TRUE)
