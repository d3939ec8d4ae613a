"""A fixed mean of three models that err differently: the product to trust."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field as Option

from gossan.arrays.array_type import Block
from gossan.errors import FitError
from gossan.fusion.geostatistical.averaging import Start
from gossan.fusion.geostatistical.forest import (
    GeostatisticalForest,
    GeostatisticalForestSettings,
)
from gossan.fusion.geostatistical.map_layer import PosteriorLayer
from gossan.fusion.geostatistical.mean_map import MeanMap
from gossan.fusion.geostatistical.model import Geostatistical, GeostatisticalSettings
from gossan.fusion.pixel_features import PixelFeatures
from gossan.fusion.protocol import Features, Observations, Points, Prediction
from gossan.fusion.rivals.kriging_prior import KrigingPrior, KrigingPriorSettings, PriorForest
from gossan.fusion.trees import Remainder
from gossan.geo.layer import Layer

__all__ = ["Recipe", "RecipeSettings"]


class RecipeSettings(GeostatisticalForestSettings):
    """Settings of the recipe.

    ``curves_share`` and ``prior_share``: weights of the geostatistical model with curves and of
    kriging-prior regression; the geostatistical forest has the rest. The other settings are those
    of the geostatistical forest.
    """

    model: Literal["recipe"] = "recipe"  # type: ignore[assignment]
    curves_share: float = Option(default=0.3, ge=0.0, le=0.5)
    """Weight of the model with curves."""
    prior_share: float = Option(default=0.15, ge=0.0, le=0.5)
    """Weight of the forest that sees kriging."""


class Recipe:
    """Average the geostatistical forest, curves of the features, and kriging-prior regression.

    ``estimate = 0.55 m + 0.3 c + 0.15 k``. m is the geostatistical model with half of what a
    forest finds in its residuals; c the geostatistical model with a smooth curve of each feature;
    k a forest of the features, the kriging estimate and that of the geostatistical model. Nothing
    is chosen by the user's data: the weights were settled by cross-validation over all surveys
    (docs/validation.md). The standard error is that of m, as wide as at the mean. A member that
    cannot be fitted hands its weight to m.

    Parameters
    ----------
    settings
        Those of the geostatistical forest, and the weights.
    start, curves_start
        Where the geostatistical models without and with curves begin, see ``restarted``.

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
    >>> Recipe().fit(Observations(points, values), features).tables_["recipe"].share.tolist()
    [0.55, 0.3, 0.15]
    """

    def __init__(
        self,
        settings: RecipeSettings | None = None,
        start: Start | None = None,
        curves_start: Start | None = None,
    ) -> None:
        self.settings = settings or RecipeSettings()
        self.start, self.curves_start = start, curves_start
        self.tables_: dict[str, pd.DataFrame] = {}

    def fit(self, observations: Observations, features: Features) -> Self:
        """Fit the three members to the same observations."""
        options = self.settings
        own = options.model_dump(include=set(GeostatisticalForestSettings.model_fields) - {"model"})
        forest = GeostatisticalForestSettings(**own)
        self.forest_ = GeostatisticalForest(forest, self.start).fit(observations, features)
        observations = replace(observations, points=self.forest_.smooth_.points_)
        self.curves_ = self._curves(observations, features)
        self.prior_ = self._prior(observations, features)
        bent = options.curves_share if self.curves_ is not None else 0.0
        prior = options.prior_share if self.prior_ is not None else 0.0
        self.shares_ = (round(1.0 - bent - prior, 9), bent, prior)
        members = ["geostatistical_forest", "geostatistical, curves", "kriging_prior"]
        recipe = pd.DataFrame({"member": members, "share": self.shares_})
        self.tables_ = {**self.forest_.tables_, "recipe": recipe}
        self.verdict_ = self.forest_.verdict_
        return self

    def restarted(self) -> Recipe:
        """Return an unfitted model whose searches begin where those of this one ended."""
        curves = None if self.curves_ is None else self.curves_.found_
        return Recipe(self.settings, self.forest_.smooth_.found_, curves)

    def predict(self, points: Points, features: Features) -> Prediction:
        """Estimate at points, with the standard error of a new sample."""
        if points.mixed is not None:
            return Prediction.of_parts(points, lambda part: self.predict(part, features))
        points = self.forest_.smooth_.seen(points)
        smooth = self.forest_.smooth_.predict(points, features)
        mean = self.shares_[0] * self.forest_.bent(smooth.mean, points, features)
        if self.curves_ is not None:
            mean += self.shares_[1] * self.curves_.predict(points, features).mean
        if self.prior_ is not None:
            shift = self.forest_.smooth_.shift_at(points)
            kriged = self.prior_.predict(points, features, smooth.mean - shift).mean
            mean += self.shares_[2] * (kriged + shift)
        return self.forest_.scaled(mean, smooth)

    def layer(self, features: Features) -> PosteriorLayer:
        """Return estimate and standard error at every pixel of the features' grid."""
        smooth = self.forest_.smooth_.layer(features)
        members = _Members(
            self.forest_.remainder_,
            None if self.curves_ is None else MeanMap.of(self.curves_, features.grid),
            None if self.prior_ is None else self._prior_map(features),
            self.shares_[1:],
        )
        return self.forest_.with_terms(smooth, (members,))

    def _curves(self, observations: Observations, features: Features) -> Geostatistical | None:
        """Fit the model with curves under its most probable hyperparameters."""
        smooth = self.forest_.smooth_
        if not self.settings.curves_share or not len(smooth.standard_.used):
            return None
        own = self.settings.model_dump(include=set(GeostatisticalSettings.model_fields) - {"model"})
        own |= {"nonlinear": "curves", "averaging": "mode", "correlation": "exponential"}
        own |= {"windows": "nested", "windows_px": smooth.widths_}
        own |= {"support": "square" if smooth.squares_ else "catchment", "mixing": "area"}
        curves = Geostatistical(GeostatisticalSettings(**own), self.curves_start)
        return curves.fit(observations, features)

    def _prior(self, observations: Observations, features: Features) -> KrigingPrior | None:
        left = self.forest_.left_
        if not self.settings.prior_share or left is None:
            return None
        widths = self.forest_.smooth_.widths_
        settings = KrigingPriorSettings(windows_px=widths, seed=self.settings.seed)
        try:
            smooth = self.forest_.smooth_
            if observations.points.grounds is not None:  # brought to points
                observations = replace(observations, values=smooth.problem_.observed)
            estimate = smooth.problem_.observed - left
            return KrigingPrior(settings).fit(observations, features, estimate)
        except FitError:  # too few samples have every feature
            return None

    def _prior_map(self, features: Features) -> _PriorMap:
        assert self.prior_ is not None
        kriged = self.prior_.kriging_.layer(features)
        return _PriorMap(self.prior_.forest_, kriged, self._shift(0.0))

    def _shift(self, support_m: float) -> float:
        """Return the correction of a composite's logarithm for a target's support."""
        smooth = self.forest_.smooth_
        return smooth.composite_.shift(smooth.mixture_, support_m)


@dataclass(frozen=True, eq=False)
class _PriorMap:
    """Kriging-prior regression at pixels; the kriged value where a feature is empty."""

    forest: PriorForest
    kriged: Layer
    shift: float

    def at_pixels(self, pixels: PixelFeatures, smooth: Block) -> Block:
        estimate, error = self.kriged.read(pixels.window).reshape(2, -1)
        beside = smooth.reshape(-1) - np.float32(self.shift)
        flat, filled = pixels.flat, pixels.filled
        if filled.all():
            estimate = self.forest(flat, estimate, error, beside).astype(np.float32)
        elif filled.any():
            known = (field[filled] for field in (estimate, error, beside))
            estimate[filled] = self.forest(flat[:, filled], *known)
        return (estimate + np.float32(self.shift)).reshape(smooth.shape)


@dataclass(frozen=True, eq=False)
class _Members:
    """What the members add to the estimate of the geostatistical model."""

    forest: Remainder | None
    curves: MeanMap | None
    prior: _PriorMap | None
    shares: tuple[float, float]

    def at_pixels(self, pixels: PixelFeatures, estimate: Block) -> Block:
        """Return what to add to the geostatistical estimate (height, width)."""
        bent, prior = (np.float32(share) for share in self.shares)
        total = np.zeros_like(estimate)
        if self.forest is not None:
            total += (1 - bent - prior) * self.forest.at_pixels(pixels, estimate)
        if self.curves is not None:
            total += bent * (self.curves.at_pixels(pixels) - estimate)
        if self.prior is not None:
            total += prior * (self.prior.at_pixels(pixels, estimate) - estimate)
        return total
