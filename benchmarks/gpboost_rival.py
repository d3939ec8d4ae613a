"""GPBoost (Sigrist 2022) as a rival in benchmarks: boosted trees or a linear mean, plus a field.

All see the features at the widths that the geostatistical model sees. ``gpboost``: trees of depth
3 at a learning rate of 0.05, their number by four random folds; ``gpboost_linear``: a linear mean
of standardised features; ``gpboost_slopes``: the same, and slopes on the two leading components of
the features that vary over the ground, each a Gaussian process. The field is a Gaussian process
with exponential covariance and a nugget, coordinates in kilometres. The package is not a
dependency: pip install gpboost.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from gossan.fusion.features.nested import nested, window_widths
from gossan.fusion.protocol import Features, Observations, Points, Prediction

WORDS = ("gpboost", "gpboost_linear", "gpboost_slopes")
TREES = {"objective": "regression_l2", "learning_rate": 0.05, "max_depth": 3, "num_leaves": 8,
         "min_data_in_leaf": 10, "verbose": -1, "seed": 0, "num_threads": 1}  # fmt: skip
MOST_TREES = 300


class GPBoost:
    """Fit and predict by GPBoost, by one of the words."""

    def __init__(self, word: str) -> None:
        self.trees, self.varying = word == "gpboost", word == "gpboost_slopes"

    def fit(self, observations: Observations, features: Features) -> Self:
        import gpboost

        self.points = observations.points
        xy, y = self.points.coordinates, observations.values
        self.widths = (1,) if features.layer is None else window_widths(features.grid, xy)
        x = self._features(self.points, features)
        self.filling, self.scale = np.nanmean(x, axis=0), np.nanstd(x, axis=0)
        self.axes = np.linalg.svd(self._design(x)[:, 1:], full_matrices=False)[2][:2].T
        slopes = {"gp_rand_coef_data": self._leading(x)} if self.varying else {}
        self.gp = gpboost.GPModel(
            gp_coords=xy / 1000.0, cov_function="exponential", num_parallel_threads=1, **slopes
        )
        if not self.trees:
            self.gp.fit(y=y, X=self._design(x))
            return self
        data = gpboost.Dataset(x, y, free_raw_data=False)
        folds = gpboost.cv(
            params=TREES, train_set=data, gp_model=self.gp, num_boost_round=MOST_TREES, nfold=4,
            early_stopping_rounds=20, metric="mse", stratified=False, seed=0,
        )  # fmt: skip
        rounds = max(len(next(iter(folds.values()))), 1)
        self.gp = gpboost.GPModel(
            gp_coords=xy / 1000.0, cov_function="exponential", num_parallel_threads=1
        )
        self.booster = gpboost.train(
            params=TREES, train_set=data, gp_model=self.gp, num_boost_round=rounds
        )
        return self

    def predict(self, points: Points, features: Features) -> Prediction:
        x, places = self._features(points, features), points.coordinates / 1000.0
        found: dict[str, Any]
        if self.trees:
            found = self.booster.predict(
                data=x, gp_coords_pred=places, predict_var=True, pred_latent=False
            )
            mean, variance = found["response_mean"], found["response_var"]
        else:
            slopes = {"gp_rand_coef_data_pred": self._leading(x)} if self.varying else {}
            found = self.gp.predict(
                gp_coords_pred=places, X_pred=self._design(x), predict_var=True, **slopes
            )
            mean, variance = found["mu"], found["var"]
        return Prediction(np.asarray(mean), np.sqrt(variance))

    def _features(self, points: Points, features: Features) -> np.ndarray:
        return nested(features, self.widths, self.points).at(points)

    def _leading(self, x: np.ndarray) -> np.ndarray:
        """Return the two leading components (n, 2), of unit size."""
        return self._design(x)[:, 1:] @ self.axes / np.sqrt(len(self.scale) / 2)

    def _design(self, x: np.ndarray) -> np.ndarray:
        z = (np.where(np.isfinite(x), x, self.filling) - self.filling) / self.scale
        return np.column_stack([np.ones(len(z)), z])
