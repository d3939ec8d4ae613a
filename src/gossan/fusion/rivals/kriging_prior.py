"""Kriging-prior regression: a forest that sees the imagery and what kriging says of the place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from gossan.arrays.array_type import Array
from gossan.arrays.folds import random_folds
from gossan.fusion.features.nested import NestedFeatures, nested, window_widths
from gossan.fusion.kriging_model import (
    KrigingModel,
    KrigingSettings,
    as_measured,
    check_values,
)
from gossan.fusion.protocol import Features, Observations, Points, Prediction
from gossan.fusion.random_forest import Forest, ForestOptions, grow
from gossan.fusion.rivals.regressors import explained_share
from gossan.fusion.trees import Trees
from gossan.fusion.where_filled import FilledLayer, filled_rows, needs_layer, predict_where_filled
from gossan.geo.layer import Layer
from gossan.settings import Settings

_KNOWN = ("kriged", "kriging error", "other estimate")
__all__ = ["KrigingPrior", "KrigingPriorSettings", "PriorForest"]


class KrigingPriorSettings(Settings):
    """Settings of kriging-prior regression.

    ``trees`` and ``leaf``: number of trees, and the fewest samples in a leaf; ``folds``: samples
    are kriged without their own fold for training; ``windows``: "nested" offers every feature at
    several widths up to the sample spacing (or at ``windows_px`` pixels), "survey" at the survey's
    support alone; ``neighbours`` and ``lattice_m``: of kriging.
    """

    trees: int = Field(default=100, ge=10, le=2000)
    """Number of trees."""
    leaf: int = Field(default=5, ge=1)
    """Fewest samples in a leaf."""
    folds: int = Field(default=10, ge=2, le=50)
    windows: Literal["nested", "survey"] = "nested"
    windows_px: tuple[int, ...] | None = None
    """Widths of the imagery in pixels; default: as of the geostatistical model."""
    neighbours: int = Field(default=32, ge=4, le=200)
    """Samples in each kriging estimate."""
    lattice_m: float | None = Field(default=None, gt=0)
    """Spacing kriged at; default: as of kriging."""
    seed: int = 0
    """Of the forest and the folds."""


@dataclass(frozen=True, eq=False)
class PriorForest:
    """A forest of the features and of what other estimates say of the place.

    ``ratio`` is the root mean square of the out-of-bag residuals in units of the kriging standard
    error.
    """

    trees: Trees = field(repr=False)
    ratio: float

    def __call__(
        self, features: NDArray[np.floating], *estimates: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """Return the estimate (n,) at features (d, n) and the other estimates, each (n,)."""
        return self.trees(features, *estimates)


class KrigingPrior:
    """Regress on the features and on what kriging says of the place.

    ``estimate(x) = f(phi(x), k(x), s(x))``: f is a random forest, phi the features at every width,
    k the ordinary kriging estimate and s its standard error. For training, each sample is kriged
    without its own fold, so that f learns how far to trust kriging at places without a sample. The
    standard error is s times the root mean square of the out-of-bag residuals in units of s.
    Where a feature is empty the kriged baseline stands in.

    Another model's estimate may stand beside that of kriging: ``fit`` then takes what it says of
    each sample without having seen it, and ``predict`` what it says of each point.

    Parameters
    ----------
    settings
        Forest, folds and neighbourhood.

    Source: arXiv 2509.09408 (kriging-prior regression); Breiman 2001 (random forests).
    """

    def __init__(self, settings: KrigingPriorSettings | None = None) -> None:
        self.settings = settings or KrigingPriorSettings()
        self.tables_: dict[str, pd.DataFrame] = {}

    def fit(
        self, observations: Observations, features: Features, beside: Array | None = None
    ) -> Self:
        """Krige the samples out of fold, then grow the forest.

        Parameters
        ----------
        observations : samples on the working scale.
        features : what the imagery says.
        beside : (n,) estimates of another model, each by a fit without the sample.
        """
        check_values(observations)
        observations = as_measured(observations)
        options = self.settings
        kriging = KrigingSettings(neighbours=options.neighbours, lattice_m=options.lattice_m)
        self.kriging_ = KrigingModel(kriging).fit(observations, features)
        self.points_ = observations.points
        self.widths_ = self._widths(features)
        offered = self._offered(features)
        x, filled = filled_rows(observations, offered)
        kriged = self._out_of_fold(observations, features)[filled]
        known = kriged if beside is None else np.column_stack([kriged, beside[filled]])
        used = observations.subset(filled)
        y, known_errors = used.values, used.known_errors
        grown = ForestOptions(options.trees, options.leaf, options.seed)
        forest = grow(np.column_stack([x, known]), y, grown, used.weights)
        residual = y - forest.out_of_bag
        spread = kriged[:, 1] ** 2 + known_errors
        ratio = float(np.sqrt(np.mean(residual**2 / spread)))
        self.forest_ = PriorForest(forest.trees, ratio)
        self.tables_ = {
            "variograms": self.kriging_.tables_["variograms"],
            "importance": _importance(forest, (*offered.names, *_KNOWN[: known.shape[1]]), used),
        }
        return self

    def predict(
        self, points: Points, features: Features, beside: Array | None = None
    ) -> Prediction:
        """Estimate at points, with the standard error of a new sample.

        ``beside`` (n,) are the estimates of the other model, where ``fit`` had some.
        """
        base = self.kriging_.predict(points, features)
        x = self._offered(features).at(points)
        assert base.standard_error is not None
        known = [base.mean, base.standard_error, *(() if beside is None else (beside,))]
        return predict_where_filled(
            base, x, lambda rows: self._estimate(x[rows], *(one[rows] for one in known))
        )

    def layer(self, features: Features) -> Layer:
        """Return estimate and standard error on the grid of the features."""
        source = needs_layer(self._offered(features), "kriging-prior regression")
        kriged = self.kriging_.layer(features)
        return FilledLayer(source, kriged, kriged, self._estimate)

    def _estimate(
        self, x: Array, kriged: Array, error: Array, *beside: Array
    ) -> tuple[Array, Array]:
        """Return mean and variance from features (n, d) and the other estimates (n,)."""
        return self.forest_(x.T, kriged, error, *beside), (self.forest_.ratio * error) ** 2

    def _out_of_fold(self, observations: Observations, features: Features) -> Array:
        """Krige each sample without its fold, by the variogram of all samples.

        Returns
        -------
        (n, 2) estimate and standard error.
        """
        folds = random_folds(len(observations), self.settings.folds, self.settings.seed)
        kriged = np.empty((len(folds), 2))
        for fold in np.unique(folds):
            own, rest = folds == fold, folds != fold
            model = KrigingModel(self.kriging_.settings, self.kriging_.variogram_)
            model.fit(observations.subset(rest), features)
            found = model.predict(observations.points.subset(own), features)
            kriged[own, 0], kriged[own, 1] = found.mean, found.standard_error
        return kriged

    def _widths(self, features: Features) -> tuple[int, ...]:
        if self.settings.windows == "survey" or features.layer is None:
            return (1,)
        return self.settings.windows_px or window_widths(features.grid, self.points_.coordinates)

    def _offered(self, features: Features) -> NestedFeatures:
        return nested(features, self.widths_, self.points_)


def _importance(forest: Forest, names: tuple[str, ...], used: Observations) -> pd.DataFrame:
    """List what the forest looks at, and the share of the variance it explains out of bag."""
    left = used.values - forest.out_of_bag
    explained = explained_share(left, used.values, used.weights)
    return pd.DataFrame(
        {"feature": names, "importance": forest.importance, "r2_out_of_bag": explained}
    ).sort_values("importance", ascending=False)
