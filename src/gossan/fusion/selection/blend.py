"""A weighted mean of models, weights by spatial cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from gossan.arrays.array_type import Array
from gossan.errors import FitError, InputError, must
from gossan.fusion.cross_validation import ModelFactory, cross_predict
from gossan.fusion.inner_folds import InnerFolds, inner_folds
from gossan.fusion.kriging_model import check_values
from gossan.fusion.protocol import Features, FusionModel, Observations, Points, Prediction
from gossan.fusion.registry import factory_of
from gossan.fusion.selection.stacking import blend_weights
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer

__all__ = ["Blend", "BlendLayer", "BlendSettings", "pivot", "single_models"]


class BlendSettings(InnerFolds):
    """Options of the blend: ``members`` are words of models."""

    members: tuple[str, ...] = Field(default=("geostatistical", "forest"), min_length=2)
    """Models that are blended."""

    @property
    def fitted_in_folds(self) -> int:
        """The members."""
        return len(self.members)


class Blend:
    """Average several models.

    ``estimate = sum_k w_k m_k``, ``variance = sum_k w_k (s_k^2 + (m_k - estimate)^2)``: members'
    own errors and their disagreement. Weights are non-negative, sum to 1, and come from held-out
    samples, as near to equal as those allow. A member without a standard error lends its
    held-out RMSE.

    Parameters
    ----------
    settings
        Members and folds.

    Source: Breiman 1996 (stacked regressions, non-negative weights).
    """

    def __init__(self, settings: BlendSettings | None = None) -> None:
        self.settings = settings or BlendSettings()
        self.tables_: dict[str, pd.DataFrame] = {}

    def fit(self, observations: Observations, features: Features) -> Self:
        """Find the weights on held-out samples, then fit every member on all."""
        check_values(observations)
        factories = single_models(self.settings.members)
        folds, _ = inner_folds(observations, features, self.settings)
        table = cross_predict(factories, observations, features, folds)
        held = pivot(table, tuple(factories))
        weights, share = blend_weights(held, observations.values, folds)
        errors = np.sqrt(np.mean((held - observations.values[:, None]) ** 2, axis=0))
        members = [factory().fit(observations, features) for factory in factories.values()]
        return self.join(members, weights, errors, share)

    def join(
        self, members: Sequence[FusionModel], weights: Array, errors: Array, share: float
    ) -> Self:
        """Take fitted members with known weights and held-out RMSE."""
        self.members_, self.weights_, self.errors_ = list(members), weights, errors
        rows = {
            "member": list(self.settings.members),
            "weight": weights,
            "held_out_rmse": errors,
            "share_of_equal": share,
        }
        self.tables_ = {"weights": pd.DataFrame(rows)}
        return self

    def predict(self, points: Points, features: Features) -> Prediction:
        """Average the members' predictions."""
        found = [member.predict(points, features) for member in self.members_]
        mean = np.stack([f.mean for f in found])
        error = np.stack(
            [
                np.full(len(points), rmse) if f.standard_error is None else f.standard_error
                for f, rmse in zip(found, self.errors_)
            ]
        )
        return Prediction(*mixture(mean, error, self.weights_))

    def layer(self, features: Features) -> Layer:
        """Return estimate and standard error on the grid of the features."""
        layers = tuple(member.layer(features) for member in self.members_)
        return BlendLayer(layers, tuple(self.weights_), tuple(self.errors_))


@dataclass(frozen=True)
class BlendLayer:
    """Average layers "estimate" (and "standard_error") with weights."""

    sources: tuple[Layer, ...]
    weights: tuple[float, ...]
    errors: tuple[float, ...]

    @property
    def grid(self) -> Grid:
        """Grid of the sources."""
        return self.sources[0].grid

    @property
    def bands(self) -> tuple[str, ...]:
        """Estimate and standard error."""
        return ("estimate", "standard_error")

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read every source and average; a pixel empty in a source of any weight is empty."""
        blocks = [source.read(window) for source in self.sources]
        mean = np.stack([block[0] for block in blocks])
        error = np.stack(
            [
                block[1] if len(block) > 1 else np.full(block.shape[1:], rmse, np.float32)
                for block, rmse in zip(blocks, self.errors)
            ]
        )
        return np.stack(mixture(mean, error, np.array(self.weights))).astype(np.float32)


def mixture(mean: Array, error: Array, weights: Array) -> tuple[Array, Array]:
    """Return mean and standard deviation of a mixture: arrays (member, ...).

    >>> m, s = mixture(np.array([[0.0], [2.0]]), np.array([[1.0], [1.0]]), np.array([0.5, 0.5]))
    >>> m.tolist(), (s**2).round(6).tolist()
    ([1.0], [2.0])
    """
    used = weights > 0
    mean, error, weight = mean[used], error[used], weights[used]
    average = np.tensordot(weight, mean, axes=1)
    spread = np.tensordot(weight, error**2 + (mean - average) ** 2, axes=1)
    return average, np.sqrt(spread)


def pivot(table: pd.DataFrame, models: Sequence[str]) -> Array:
    """Return held-out predictions (n, models) from the long table of ``cross_predict``.

    Raises
    ------
    FitError
        A member does not predict every held-out sample.
    """
    columns = []
    for model in models:
        mine = table[table["model"] == model].sort_values("sample")
        columns.append(mine["estimate"].to_numpy(float))
    held = np.column_stack(columns)
    bad = ~np.isfinite(held).all(axis=0)
    if bad.any():
        name = models[int(np.argmax(bad))]
        raise FitError(
            must(f"member {name!r}", "able to predict every held-out sample", "NaN", "Leave it out")
        )
    return held


def single_models(words: Sequence[str]) -> dict[str, ModelFactory]:
    """Return factories of models by word; a model of models is refused.

    Raises
    ------
    InputError
        Members must be single models.

    >>> list(single_models(["kriging", "gwr"]))
    ['kriging', 'gwr']
    """
    nested = [word for word in words if word in ("blend", "auto")]
    if nested:
        raise InputError(must("members", "single models", repr(nested[0]), "Leave it out"))
    return {word: factory_of(word) for word in words}
