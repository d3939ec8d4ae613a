"""One covariance for variograms, kriging, simulation and the geostatistical model."""
