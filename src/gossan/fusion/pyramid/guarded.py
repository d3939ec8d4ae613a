"""The pyramid with a guard: inject only the share of its detail that held-out samples bear out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from gossan.arrays.array_type import Array
from gossan.fusion.cross_validation import ModelFactory, cross_predict
from gossan.fusion.inner_folds import InnerFolds, inner_folds
from gossan.fusion.kriging_model import KrigingModel, as_measured, check_values
from gossan.fusion.protocol import Features, Observations, Points, Prediction
from gossan.fusion.pyramid.model import PyramidLayer, PyramidModel, PyramidSettings
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer

__all__ = ["GuardedPyramid", "GuardedPyramidSettings", "injection_factor"]


class GuardedPyramidSettings(InnerFolds):
    """Options of the guarded pyramid; ``scope`` to ``shrinkage`` are those of the pyramid."""

    scope: Literal["global", "local"] = "local"
    """As of the pyramid."""
    clusters: int = Field(default=6, ge=2, le=254)
    """As of the pyramid."""
    levels: int | None = Field(default=None, ge=1, le=12)
    """As of the pyramid."""
    shrinkage: float = Field(default=10.0, ge=0)
    """As of the pyramid."""


class GuardedPyramid:
    """Scale the pyramid's injected detail by a factor in [0, 1].

    ``estimate = kriged + s detail`` with ``s = sum d (y - k) / sum d^2`` over held-out samples
    (d: pyramid less kriged), less one standard error, cut to [0, 1]: 0 gives back the kriged map,
    so that detail which the samples refute does no harm. Composites see only part of it: the share
    is multiplied by the part of the detail's variance that is left over their support. Where
    imagery is masked there is no detail: the kriged value stands. Standard error: that of kriging
    times the ratio of both held-out RMSEs.

    Source: Ding et al. 2023, Eq. 2; Aiazzi et al. 2002 (injection gains).
    """

    def __init__(self, settings: GuardedPyramidSettings | None = None) -> None:
        self.settings = settings or GuardedPyramidSettings()
        self.tables_: dict[str, pd.DataFrame] = {}

    def fit(self, observations: Observations, features: Features) -> Self:
        """Choose the factor on held-out samples, then fit both parts on all."""
        check_values(observations)
        observations = as_measured(observations)
        weights = observations.weights
        root = np.ones(len(observations)) if weights is None else np.sqrt(weights)
        folds, _ = inner_folds(observations, features, self.settings)
        models: dict[str, ModelFactory] = {
            "kriged": KrigingModel,
            "fused": self._pyramid,  # type: ignore[dict-item]
        }
        table = cross_predict(models, observations, features, folds)
        kriged, fused = (
            table.loc[table["model"] == name, "estimate"].to_numpy(float) for name in models
        )
        detail = root * np.where(np.isfinite(fused), fused - kriged, 0.0)
        left = root * (observations.values - kriged)
        self.baseline_ = KrigingModel().fit(observations, features)
        self.pyramid_ = self._pyramid().fit(observations, features)
        self.factor_ = injection_factor(detail, left) * self._seen(observations.points)
        after = left - self.factor_ * detail
        self.ratio_ = float(np.sqrt((after @ after) / (left @ left)))
        self.tables_ = {
            **self.baseline_.tables_,
            "regressions": self.pyramid_.tables_.get("regressions", pd.DataFrame()),
            "injection": pd.DataFrame({"factor": [self.factor_], "rmse_ratio": [self.ratio_]}),
        }
        return self

    def _seen(self, points: Points) -> float:
        """Share of the detail's variance at pixels that samples of this support can judge."""
        if points.support_m <= 0.0:
            return 1.0
        judged = float(np.var(self.pyramid_.injected(points)))
        whole = float(np.var(self.pyramid_.injected(Points(points.coordinates))))
        return min(1.0, judged / whole) if whole > 0.0 else 1.0

    def _pyramid(self) -> PyramidModel:
        options = self.settings
        return PyramidModel(
            PyramidSettings(
                variant="sound", scope=options.scope, clusters=options.clusters,
                levels=options.levels, shrinkage=options.shrinkage, seed=options.seed,
            )
        )  # fmt: skip

    def predict(self, points: Points, features: Features) -> Prediction:
        """Estimate at points; plain kriging where there is no imagery."""
        base = self.baseline_.predict(points, features)
        assert base.standard_error is not None
        mean = base.mean + self.factor_ * self.pyramid_.injected(points)
        return Prediction(mean, base.standard_error * self.ratio_)

    def layer(self, features: Features) -> Layer:
        """Return estimate and standard error on the grid of the features."""
        return _GuardedLayer(
            self.baseline_.layer(features), self.pyramid_.layer(features), self.factor_, self.ratio_
        )


def injection_factor(detail: Array, left: Array) -> float:
    """Find the share of detail (n,) that what kriging left (n,) bears out, in [0, 1].

    The least-squares share less its standard error (robust to unequal errors), cut to [0, 1]: when
    in doubt, less.

    >>> round(injection_factor(np.array([1.0, -1.0, 2.0]), np.array([0.4, -0.4, 0.8])), 9)
    0.4
    """
    size = float(detail @ detail)
    if size <= 0.0:
        return 0.0
    share = float(detail @ left) / size
    error = float(np.sqrt(np.sum((detail * (left - share * detail)) ** 2))) / size
    return float(np.clip(share - error, 0.0, 1.0))


@dataclass(frozen=True)
class _GuardedLayer:
    """Add the factor's share of the pyramid's detail to the kriged layer."""

    kriged: Layer
    fused: PyramidLayer
    factor: float
    ratio: float

    @property
    def grid(self) -> Grid:
        return self.kriged.grid

    @property
    def bands(self) -> tuple[str, ...]:
        return ("estimate", "standard_error")

    def read(self, window: Window) -> NDArray[np.float32]:
        block = self.kriged.read(window)
        block[0] += np.float32(self.factor) * self.fused.injected(window)
        block[1] *= np.float32(self.ratio)
        return block
