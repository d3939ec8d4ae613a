"""Regression kriging: any regressor of the features plus the kriged out-of-fold residual."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import ConfigDict, Field
from sklearn.base import BaseEstimator

from gossan.arrays.array_type import Array
from gossan.arrays.folds import random_folds
from gossan.fusion.features.nested import NestedFeatures, nested, window_widths
from gossan.fusion.kriging_model import (
    KrigingModel,
    KrigingSettings,
    as_measured,
    automatic_variogram,
    check_values,
    variogram_table,
)
from gossan.fusion.lattice import lattice_over, lattice_step, smooth_layer
from gossan.fusion.protocol import Features, Observations, Points, Prediction
from gossan.fusion.rivals.regressors import (
    RegressorWord,
    explained_share,
    fit_weighted,
    regressor,
    swift,
)
from gossan.fusion.where_filled import (
    FilledLayer,
    filled_rows,
    needs_layer,
    predict_where_filled,
)
from gossan.geo.layer import Layer
from gossan.geochem.kriging.estimator import Kriging
from gossan.settings import Settings

__all__ = ["RegressionKriging", "RegressionKrigingSettings"]


class RegressionKrigingSettings(Settings):
    """Options of regression kriging.

    ``regressor``: "ridge", "forest", "boosting", or (from Python) any scikit-learn regressor;
    ``windows``: "nested" offers every feature at several widths up to the sample spacing (a
    sample stands for more ground than a pixel), "survey" at the survey's support alone;
    ``folds``: regressors fitted, each without a part of the samples; ``neighbours`` and
    ``lattice_m``: of the kriged residual.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    regressor: RegressorWord | BaseEstimator = "ridge"
    windows: Literal["nested", "survey"] = "nested"
    folds: int = Field(default=5, ge=2, le=20)
    neighbours: int = Field(default=32, ge=4, le=200)
    """Samples in each estimate of the kriged residual."""
    lattice_m: float | None = Field(default=None, gt=0)
    """Spacing at which the residual is kriged; default: as of kriging."""
    seed: int = 0
    """Of the regressor and the folds."""


class ForestSettings(RegressionKrigingSettings):
    """Options of regression kriging with a forest (the word "forest")."""

    regressor: RegressorWord | BaseEstimator = "forest"


class BoostingSettings(RegressionKrigingSettings):
    """Options of regression kriging with gradient boosting (the word "boosting")."""

    regressor: RegressorWord | BaseEstimator = "boosting"


class RegressionKriging:
    """Add a kriged residual to a regression on the features.

    ``estimate(x) = mean_k f_k(phi(x)) + r(x)``: regressors f_k, each fitted without one fold of the
    samples; the residual of a sample is taken from the f_k that did not see it (otherwise a
    flexible regressor leaves no residual to krige), and r is its simple kriging with mean 0.
    Variance: kriging variance of r plus the jackknife variance of the f_k,
    ``(K - 1) / K sum_k (f_k - mean)^2``. Where a feature is empty the kriged baseline stands in.

    Parameters
    ----------
    settings
        Regressor, folds and neighbourhood.

    Sources: Hengl et al. 2007; Barber et al. 2021 (residuals of left-out folds).
    """

    def __init__(self, settings: RegressionKrigingSettings | None = None) -> None:
        self.settings = settings or RegressionKrigingSettings()
        self.tables_: dict[str, pd.DataFrame] = {}

    def fit(self, observations: Observations, features: Features) -> Self:
        """Fit the regressors, then the variogram of what they leave."""
        check_values(observations)
        observations = as_measured(observations)
        options = self.settings
        kriging = KrigingSettings(neighbours=options.neighbours, lattice_m=options.lattice_m)
        self.baseline_ = KrigingModel(kriging).fit(observations, features)
        self.points_ = observations.points
        self.widths_ = self._widths(observations, features)
        x, filled = filled_rows(observations, self._offer(features))
        used = observations.subset(filled)
        y, xy, known = used.values, used.points.coordinates, used.error_variance
        folds = random_folds(len(y), options.folds, options.seed)
        self.regressors_ = [self._regressor(x, used, folds != k) for k in range(options.folds)]
        left_out = np.empty(len(y))
        for k, fitted in enumerate(self.regressors_):
            left_out[folds == k] = fitted.predict(x[folds == k])
        residual = y - left_out
        self.variogram_ = automatic_variogram(xy, residual, errors=known)
        self.kriging_ = Kriging(
            self.variogram_, method="simple", mean=0.0,
            neighbours=min(options.neighbours, len(y)),
        ).fit(xy, residual, known)  # fmt: skip
        self.coordinates_ = xy
        explained = explained_share(residual, y, used.weights)
        self.tables_ = {
            "variograms": variogram_table(self.variogram_),
            "regressions": pd.DataFrame(
                {"samples": [len(y)], "features": [x.shape[1]], "r2_left_out": [explained]}
            ),
        }
        return self

    def _regressor(self, x: Array, used: Observations, rows: NDArray[np.bool_]) -> Any:
        """Fit a regressor to some of the samples, less to those of larger known errors."""
        unfitted = regressor(self.settings.regressor, self.settings.seed)
        some = used.subset(rows)
        return swift(fit_weighted(unfitted, x[rows], some.values, some.weights))

    def predict(self, points: Points, features: Features) -> Prediction:
        """Estimate at points, with the error of a new sample."""
        x = self._offer(features).at(points)
        base = self.baseline_.predict(points, features)
        return predict_where_filled(base, x, lambda rows: self._at_points(points, x, rows))

    def _at_points(self, points: Points, x: Array, rows: NDArray[np.bool_]) -> tuple[Array, Array]:
        return self._estimate(x[rows], *self.kriging_.predict(points.coordinates[rows]))

    def _estimate(self, x: Array, residual: Array, variance: Array) -> tuple[Array, Array]:
        """Return mean and variance from features (n, d) and the kriged residual (n,)."""
        trend, spread = self._trend(x)
        return trend + residual, np.maximum(variance, 0.0) + spread

    def layer(self, features: Features) -> Layer:
        """Return estimate and standard error on the grid of the features."""
        source = needs_layer(self._offer(features), "regression kriging")
        grid = features.grid
        step = self.settings.lattice_m or lattice_step(
            self.coordinates_, self.variogram_.practical_range_m, grid
        )
        lattice = lattice_over(grid, step)
        smooth = smooth_layer(
            lattice, self.kriging_.lattice(lattice), ("residual", "variance"), grid
        )
        return FilledLayer(source, smooth, self.baseline_.layer(features), self._estimate)

    def _widths(self, observations: Observations, features: Features) -> tuple[int, ...]:
        if self.settings.windows == "survey" or features.layer is None:
            return (1,)
        return window_widths(features.grid, observations.points.coordinates)

    def _offer(self, features: Features) -> NestedFeatures:
        """Return the features at every width."""
        return nested(features, self.widths_, self.points_)

    def _trend(self, x: Array) -> tuple[Array, Array]:
        """Return mean and jackknife variance of the regressors at (n, d) features."""
        found = np.stack([fitted.predict(x) for fitted in self.regressors_])
        count = len(found)
        return found.mean(axis=0), (count - 1) * found.var(axis=0)
