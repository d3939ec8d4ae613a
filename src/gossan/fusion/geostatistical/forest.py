"""The geostatistical model and, on top, part of what a forest finds in its remainder."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field as Option

from gossan.arrays.array_type import Array
from gossan.arrays.folds import random_folds
from gossan.fusion.features.nested import NestedFeatures, nested
from gossan.fusion.geostatistical.averaging import Start
from gossan.fusion.geostatistical.map_layer import Addition, PosteriorLayer
from gossan.fusion.geostatistical.model import Geostatistical, GeostatisticalSettings
from gossan.fusion.geostatistical.spread import Spread
from gossan.fusion.protocol import Features, Observations, Points, Prediction
from gossan.fusion.random_forest import Forest, ForestOptions, grow
from gossan.fusion.trees import Remainder

__all__ = ["GeostatisticalForest", "GeostatisticalForestSettings"]

_FOLDS = 10
_MOST_OF_FOLD = 400
_FEWEST = 20


class GeostatisticalForestSettings(GeostatisticalSettings):
    """Options of the geostatistical model with a forest on top.

    ``share``: of what the forest says is added (0: the geostatistical model alone); ``trees``:
    how many; ``leaf``: fewest samples of a leaf. The others are those of the geostatistical model.
    """

    model: Literal["geostatistical_forest"] = "geostatistical_forest"  # type: ignore[assignment]
    share: float = Option(default=0.5, ge=0.0, le=1.0)
    trees: int = Option(default=100, ge=10, le=2000)
    leaf: int = Option(default=5, ge=1)
    seed: int = 0
    """Of the forest."""


class GeostatisticalForest:
    """Add part of what a forest finds in the residuals of the geostatistical model.

    ``estimate(x) = m(x) + share f(phi(x))``: m is the geostatistical estimate; f a random forest
    of the same features (every width), fitted on residuals of samples that m did not see
    (hyperparameters kept, samples left out fold by fold). What is linear, and what neighbours
    tell, is taken by m, which shrinks it rightly; the forest may bend what is left. It is added by
    half: the mean of the model with it and the model without, as safe as either. The standard
    error stays that of m, which holds the remainder as noise. Where a feature is empty nothing is
    added.

    Parameters
    ----------
    settings
        Those of the geostatistical model, and of the forest.
    start
        Where the geostatistical model begins, see ``restarted``.

    Attributes
    ----------
    left_ : (n,) residuals that the forest was fitted to; None where there is no forest.

    Examples
    --------
    >>> from gossan.fusion.features.sources import LayerFeatures
    >>> from gossan.geo.grid import Grid
    >>> from gossan.geo.layer import ArrayLayer
    >>> rng = np.random.default_rng(0)
    >>> grid = Grid.from_bounds(32638, (0, 0, 6000, 4000), 100)
    >>> features = LayerFeatures(ArrayLayer(grid, ("index",), rng.normal(size=(1, 40, 60))))
    >>> points = Points(rng.uniform(0, 1, (80, 2)) * [6000, 4000])
    >>> values = features.at(points)[:, 0] ** 2
    >>> model = GeostatisticalForest().fit(Observations(points, values), features)
    >>> model.layer(features).bands
    ('estimate', 'standard_error')

    Sources: docs/geostatistical.md; Breiman 2001 (random forests); Friedman 2001 (a remainder is
    fitted and added by a part).
    """

    def __init__(
        self, settings: GeostatisticalForestSettings | None = None, start: Start | None = None
    ) -> None:
        self.settings = settings or GeostatisticalForestSettings()
        self.start = start
        self.tables_: dict[str, pd.DataFrame] = {}

    def fit(self, observations: Observations, features: Features) -> Self:
        """Fit the geostatistical model, then the forest on what it leaves."""
        options = self.settings
        alone = options.model_dump(include=set(GeostatisticalSettings.model_fields) - {"model"})
        smooth = Geostatistical(GeostatisticalSettings(**alone), self.start)
        self.smooth_ = smooth.fit(observations, features)
        self.tables_, self.verdict_ = dict(self.smooth_.tables_), self.smooth_.verdict_
        self.remainder_: Remainder | None = None
        self.left_: Array | None = None
        self.spread_: Spread | None = None
        points = self.smooth_.points_
        offered = self._offered(features, points)
        x = offered.at(points)
        filled = np.isfinite(x).all(axis=1)
        if not offered.names or filled.sum() < max(_FEWEST, 2 * options.leaf):
            return self
        folds = random_folds(len(x), max(_FOLDS, len(x) // _MOST_OF_FOLD), options.seed)
        left = self.left_ = self.smooth_.residuals(folds)
        self.spread_ = Spread.of(left, self.smooth_.problem_.observed - left)
        grown = ForestOptions(options.trees, options.leaf, options.seed)
        forest = grow(x[filled], left[filled], grown)
        self.remainder_ = Remainder(forest.trees, options.share)
        self.tables_["remainder"] = _table(forest, offered.names, left, observations.values)
        return self

    def restarted(self) -> GeostatisticalForest:
        """Return an unfitted model whose search begins where that of this one ended."""
        return GeostatisticalForest(self.settings, self.smooth_.found_)

    def predict(self, points: Points, features: Features) -> Prediction:
        """Estimate at points, with the error of a new sample."""
        found = self.smooth_.predict(points, features)
        return self.scaled(self.bent(found.mean, points, features), found)

    def bent(self, mean: Array, points: Points, features: Features) -> Array:
        """Add the forest's part to estimates (n,) of the geostatistical model at points."""
        if self.remainder_ is None:
            return mean
        seen = self.smooth_.seen(points)
        return mean + self.remainder_(self._offered(features, seen).at(seen).T)

    def scaled(self, mean: Array, smooth: Prediction) -> Prediction:
        """Put the standard error of the geostatistical model, as wide as at ``mean``, beside it."""
        if self.spread_ is None or smooth.standard_error is None:
            return Prediction(mean, smooth.standard_error)
        return Prediction(mean, smooth.standard_error * self.spread_(mean))

    def layer(self, features: Features) -> PosteriorLayer:
        """Return estimate and standard error at every pixel of the features' grid."""
        smooth = self.smooth_.layer(features)
        additions = () if self.remainder_ is None else (self.remainder_,)
        return self.with_terms(smooth, additions)

    def with_terms(self, smooth: PosteriorLayer, additions: tuple[Addition, ...]) -> PosteriorLayer:
        """Add terms to the map of the geostatistical model, and scale its standard error."""
        spread = self.spread_
        elements = (replace(one, additions=additions, spread=spread) for one in smooth.elements)
        return replace(smooth, elements=tuple(elements))

    def _offered(self, features: Features, points: Points) -> NestedFeatures:
        return nested(features, self.smooth_.widths_, points)


def _table(forest: Forest, names: tuple[str, ...], left: Array, values: Array) -> pd.DataFrame:
    """Say how much is left of the samples' variance, and what the forest looks at."""
    share = float(np.mean(left**2) / np.var(values))
    return pd.DataFrame(
        {"feature": names, "importance": forest.importance, "variance_left": share}
    ).sort_values("importance", ascending=False)
