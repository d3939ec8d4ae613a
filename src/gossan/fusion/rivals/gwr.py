"""Geographically weighted regression of the samples on the features, residual kriged back."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from gossan.arrays.array_type import Array
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
from gossan.fusion.rivals.local_regression import LocalRegression
from gossan.fusion.where_filled import (
    FilledLayer,
    filled_rows,
    needs_layer,
    predict_where_filled,
)
from gossan.geo.layer import Layer
from gossan.geochem.kriging.estimator import Kriging
from gossan.settings import Settings

__all__ = ["GeographicallyWeighted", "GeographicallyWeightedSettings"]


class GeographicallyWeightedSettings(Settings):
    """Options of geographically weighted regression.

    ``criterion`` chooses the bandwidth: corrected Akaike or leave-one-out; ``neighbours`` fixes it
    instead (adaptive: this many nearest samples); ``penalty``: weight, in samples, that holds
    local slopes to the global ones.
    """

    criterion: Literal["aicc", "leave_one_out"] = "aicc"
    """What chooses the bandwidth."""
    neighbours: int | None = Field(default=None, ge=10)
    """Samples in each estimate of the kriged residual."""
    penalty: float = Field(default=10.0, gt=0)
    lattice_m: float | None = Field(default=None, gt=0)
    """Spacing at which slopes and residual are computed; default: as of kriging."""


class GeographicallyWeighted:
    """Let the slopes on the features vary over the ground.

    ``estimate(x) = b0(x) + phi(x) . b(x) + r(x)`` with ``b(x)`` fitted to the nearest samples by
    bisquare weights ``(1 - (d/h)^2)^2``, held to the global slopes by a ridge; r is the simple
    kriging (mean 0) of leave-one-out residuals. Features are averaged over the samples'
    support; coefficients are computed on a lattice and brought to pixels by cubic convolution.
    Variance: kriging variance of r plus ``sigma^2 phi' A(x) phi`` of the coefficients. Where a
    feature is empty the kriged baseline stands in.

    Source: Fotheringham, Brunsdon & Charlton 2002, ch. 2 and 4.2.
    """

    def __init__(self, settings: GeographicallyWeightedSettings | None = None) -> None:
        self.settings = settings or GeographicallyWeightedSettings()
        self.tables_: dict[str, pd.DataFrame] = {}

    def fit(self, observations: Observations, features: Features) -> Self:
        """Choose the bandwidth, then fit the variogram of what the regression leaves."""
        check_values(observations)
        observations = as_measured(observations)
        options = self.settings
        self.baseline_ = KrigingModel(KrigingSettings(lattice_m=options.lattice_m)).fit(
            observations, features
        )
        x, filled = filled_rows(observations, features)
        used = observations.subset(filled)
        y, xy, known = used.values, used.points.coordinates, used.error_variance
        counts = [options.neighbours] if options.neighbours else _counts(len(y), x.shape[1])
        tried = [
            LocalRegression(xy, x, y, count, options.penalty, used.weights) for count in counts
        ]
        scores = [t.aicc if options.criterion == "aicc" else t.leave_one_out_error for t in tried]
        self.local_ = tried[int(np.argmin(scores))]
        residual = self.local_.leave_one_out
        self.variogram_ = automatic_variogram(xy, residual, errors=known)
        self.kriging_ = Kriging(
            self.variogram_, method="simple", mean=0.0, neighbours=min(32, len(y))
        ).fit(xy, residual, known)
        self.coordinates_ = xy
        bandwidths = pd.DataFrame(
            {
                "neighbours": [t.count for t in tried],
                "aicc": [t.aicc for t in tried],
                "leave_one_out_rmse": [t.leave_one_out_error**0.5 for t in tried],
                "effective_parameters": [t.trace for t in tried],
                "chosen": [t is self.local_ for t in tried],
            }
        )
        self.tables_ = {"variograms": variogram_table(self.variogram_), "bandwidths": bandwidths}
        return self

    def predict(self, points: Points, features: Features) -> Prediction:
        """Estimate at points, with the error of a new sample."""
        x = features.at(points)
        base = self.baseline_.predict(points, features)
        return predict_where_filled(base, x, lambda rows: self._at_points(points, x, rows))

    def _at_points(self, points: Points, x: Array, rows: NDArray[np.bool_]) -> tuple[Array, Array]:
        coefficients, covariance = self.local_.at(points.coordinates[rows])
        one = self.local_.design(x[rows])
        residual, variance = self.kriging_.predict(points.coordinates[rows])
        spread = np.einsum("ni,nij,nj->n", one, covariance, one)
        return (one * coefficients).sum(axis=1) + residual, np.maximum(variance, 0.0) + spread

    def _at_pixels(self, x: Array, *fields: Array) -> tuple[Array, Array]:
        """Return mean and variance from features (n, d) and the fields of ``layer``, each (n,)."""
        one = self.local_.design(x)
        size = one.shape[1]
        spread = np.zeros(len(one))
        for k, (i, j) in enumerate(zip(*np.triu_indices(size))):
            spread += (1.0 if i == j else 2.0) * one[:, i] * one[:, j] * fields[size + k]
        mean = (one.T * fields[:size]).sum(axis=0) + fields[-2]
        return mean, np.maximum(fields[-1], 0.0) + np.maximum(spread, 0.0)

    def layer(self, features: Features) -> Layer:
        """Return estimate and standard error on the grid of the features."""
        source = needs_layer(features, "geographically weighted regression")
        grid = features.grid
        step = self.settings.lattice_m or lattice_step(
            self.coordinates_, self.variogram_.practical_range_m, grid
        )
        lattice = lattice_over(grid, step)
        coefficients, covariance = self.local_.at(lattice.centres())
        upper = np.triu_indices(coefficients.shape[1])
        fields = np.concatenate(
            [coefficients.T, covariance[:, upper[0], upper[1]].T, np.zeros((2, len(covariance)))]
        ).reshape(-1, *lattice.shape)
        fields[-2:] = self.kriging_.lattice(lattice)
        names = tuple(f"f{i}" for i in range(len(fields)))
        smooth = smooth_layer(lattice, fields, names, grid)
        return FilledLayer(source, smooth, self.baseline_.layer(features), self._at_pixels)


def _counts(n: int, d: int) -> list[int]:
    """Return bandwidths to try, in samples: from what d slopes need to all samples."""
    least = min(max(20, 4 * (d + 1)), n)
    return sorted({round(v) for v in np.geomspace(least, n, 7)})
