"""Area-to-point regression kriging: sharpen the coarse layer and aggregate back to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field
from sklearn.linear_model import RidgeCV

from gossan.arrays.area_to_point import CellKernel, cell_kernel, spread
from gossan.arrays.array_type import Array
from gossan.arrays.spacing import mean_spacing
from gossan.errors import FitError, must
from gossan.fusion.features.cell_means import cell_means
from gossan.fusion.kriging_model import (
    KrigingModel,
    as_measured,
    automatic_variogram,
    check_values,
    variogram_table,
)
from gossan.fusion.protocol import Features, Observations, Points, Prediction
from gossan.fusion.rivals.deconvolution import deconvolve
from gossan.fusion.where_filled import filled_rows, needs_layer
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer, OnSourceGrid
from gossan.geochem.kriging.estimator import Kriging
from gossan.settings import Settings

__all__ = ["AreaToPoint", "AreaToPointSettings"]

FACTOR_LIMIT = 256


class AreaToPointSettings(Settings):
    """Options of area-to-point regression kriging.

    ``cell_m``: side of the cells of the coarse layer (default: the mean sample spacing);
    ``slopes``: regressed over "cells" of the kriged layer (the published method) or on the
    "samples"; ``reach``: neighbouring cells to every side.
    """

    cell_m: float | None = Field(default=None, gt=0)
    slopes: Literal["cells", "samples"] = "cells"
    reach: int = Field(default=2, ge=1, le=4)


class AreaToPoint:
    """Sharpen a block-kriged layer so that it aggregates back to itself.

    The samples are block-kriged to cells z(V):
    ``estimate(v) = a + b . phi(v) + sum_k w_k(v) e(V_k)``
    with ``e = z - (a + b . mean_V phi)`` and area-to-point simple kriging weights w of a
    deconvoluted variogram, the same in every cell: solved once. The mean of the estimate over
    the pixels of a cell is z(V). Pixels with an empty feature take the mean of their cell.
    Variance: block kriging, area-to-point kriging, slopes and the samples' nugget.

    Sources: Kyriakidis 2004; Wang et al. 2015; Pardo-Iguzquiza & Atkinson 2007.
    """

    def __init__(self, settings: AreaToPointSettings | None = None) -> None:
        self.settings = settings or AreaToPointSettings()
        self.tables_: dict[str, pd.DataFrame] = {}

    def fit(self, observations: Observations, features: Features) -> Self:
        """Krige the cells, regress them, deconvolve what is left."""
        check_values(observations)
        observations = as_measured(observations)
        source = needs_layer(features, "area-to-point regression kriging")
        self.grid_ = features.grid
        self.baseline_ = KrigingModel().fit(observations, features)
        factor = self._factor(observations)
        self.cells_ = self.grid_.coarsen(factor)
        self._krige_cells(observations)
        means = cell_means(source, factor)
        self._regress(observations, features, means)
        centre = np.where(np.isfinite(means), means, self.centre_[:, None, None])
        self.cell_features_ = centre
        trend = self.constant_ + np.tensordot(self.slopes_, centre, axes=1)
        residual = self.layer_ - trend
        size = (self.cells_.pixel_height, self.cells_.pixel_width)
        variogram, deconvoluted = deconvolve(residual, size)
        pixel = (self.grid_.pixel_height, self.grid_.pixel_width)
        self.kernel_ = cell_kernel(variogram.covariance, factor, pixel, self.settings.reach)
        self.residual_ = residual
        self.remainder_ = residual - self._aggregated(residual)
        self.tables_ = {
            "variograms": variogram_table(variogram),
            "deconvolution": deconvoluted,
            "regressions": pd.DataFrame(
                {"feature": ["constant", *features.names],
                 "coefficient": [self.constant_, *self.slopes_]}
            ),
        }  # fmt: skip
        return self

    def _factor(self, observations: Observations) -> int:
        pixel = np.sqrt(self.grid_.pixel_width * self.grid_.pixel_height)
        spacing = mean_spacing(observations.points.coordinates, pixel)
        wanted = round((self.settings.cell_m or spacing) / pixel)
        room = min(self.grid_.shape) // 4
        if room < 2:
            cure = "Use finer imagery, or another model"
            shape = f"{self.grid_.height} x {self.grid_.width} pixels"
            raise FitError(must("the output grid", "at least 8 x 8 pixels", shape, cure))
        return int(np.clip(wanted, 2, min(room, FACTOR_LIMIT)))

    def _krige_cells(self, observations: Observations) -> None:
        xy, known = observations.points.coordinates, observations.error_variance
        self.variogram_ = automatic_variogram(xy, observations.values, errors=known)
        size = (self.cells_.pixel_width, self.cells_.pixel_height)
        kriging = Kriging(self.variogram_, neighbours=min(32, len(xy)), block_m=size).fit(
            xy, observations.values, known
        )
        estimate, variance = kriging.predict(self.cells_.centres())
        self.layer_ = estimate.reshape(self.cells_.shape)
        self.cell_variance_ = np.maximum(variance, 0.0).reshape(self.cells_.shape)

    def _regress(self, observations: Observations, features: Features, means: Array) -> None:
        """Fit the slopes over cells or on samples."""
        if self.settings.slopes == "samples":
            x, filled = filled_rows(observations, features)
            y = observations.values[filled]
        else:
            flat = means.reshape(len(means), -1).T
            filled = np.asarray(np.isfinite(flat).all(axis=1))
            x, y = flat[filled], self.layer_.ravel()[filled]
        if len(x) < x.shape[1] + 3:
            cure = "Set a smaller cell_m, or use fewer features"
            raise FitError(must("cells with features", f"at least {x.shape[1] + 3}", len(x), cure))
        self.centre_, scale = x.mean(axis=0), x.std(axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        z = (x - self.centre_) / scale
        if self.settings.slopes == "samples":
            weight = RidgeCV([10.0**k for k in range(-2, 5)]).fit(z, y).coef_
        else:
            weight = np.linalg.lstsq(z, y - y.mean(), rcond=None)[0]
        left = y - y.mean() - z @ weight
        noise = float(left @ left) / max(len(y) - x.shape[1] - 1, 1)
        inverse = np.linalg.pinv(z.T @ z) * noise
        self.slopes_ = weight / scale
        self.slope_covariance_ = inverse / np.outer(scale, scale)
        self.constant_ = float(y.mean() - self.slopes_ @ self.centre_)

    def _aggregated(self, residual: Array) -> Array:
        """Return what the spread residual averages to over the pixels that each cell has."""
        factor, cells = self.kernel_.factor, self.cells_.shape
        reach = int(np.abs(self.kernel_.offsets).max())
        padded = np.pad(residual, reach)
        rows = np.minimum(factor, self.grid_.height - factor * np.arange(cells[0]))
        cols = np.minimum(factor, self.grid_.width - factor * np.arange(cells[1]))
        total = np.zeros(cells)
        for weight, (i, j) in zip(self.kernel_.weights, self.kernel_.offsets):
            summed = weight.cumsum(axis=0).cumsum(axis=1)[rows - 1][:, cols - 1]
            share = summed / (rows[:, None] * cols[None, :])
            moved = padded[reach + i :, reach + j :][: cells[0], : cells[1]]
            total += share * moved
        return total

    def _at_pixels(
        self, phi: Array, row: NDArray[np.int_], col: NDArray[np.int_]
    ) -> tuple[Array, Array]:
        """Return estimate and variance at pixels; ``phi`` (d, ...) is NaN where empty."""
        factor = self.kernel_.factor
        own = self.cell_features_[:, row // factor, col // factor]
        filled = np.isfinite(phi).all(axis=0)
        phi = np.where(filled, phi, own)
        estimate = self.constant_ + np.tensordot(self.slopes_, phi, axes=1)
        estimate = estimate + spread(self.residual_, self.kernel_, row, col)
        estimate = estimate + self.remainder_[row // factor, col // factor]
        off = phi - own
        slopes = np.einsum("i...,ij,j...->...", off, self.slope_covariance_, off)
        inner = self.kernel_.variance[row % factor, col % factor]
        whole = self.cell_variance_[row // factor, col // factor] + self.variogram_.nugget
        return estimate, slopes + inner + whole

    def predict(self, points: Points, features: Features) -> Prediction:
        """Estimate at points: the pixel under each, features averaged over its support."""
        base = self.baseline_.predict(points, features)
        assert base.standard_error is not None
        mean, error = base.mean.copy(), base.standard_error.copy()
        xy = points.coordinates
        inside = self.grid_.contains(xy[:, 0], xy[:, 1])
        if inside.any():
            row, col = self.grid_.index_of(xy[inside, 0], xy[inside, 1])
            rows, cols = np.floor(row + 0.5).astype(int), np.floor(col + 0.5).astype(int)
            phi = features.at(points)[inside].T
            mean[inside], variance = self._at_pixels(phi, rows, cols)
            error[inside] = np.sqrt(variance)
        return Prediction(mean, error)

    def layer(self, features: Features) -> Layer:
        """Return estimate and standard error on the grid of the features."""
        return _SharpenedLayer(needs_layer(features, "area-to-point regression kriging"), self)

    def coarse_layer(self) -> tuple[Grid, Array]:
        """Return the coarse layer that the map aggregates to: its grid and values."""
        return self.cells_, self.layer_

    @property
    def kernel(self) -> CellKernel:
        """Weights of the grid."""
        return self.kernel_


@dataclass(frozen=True, eq=False)
class _SharpenedLayer(OnSourceGrid):
    """Apply slopes and weights to the pixels of a window."""

    source: Layer
    model: AreaToPoint

    @property
    def bands(self) -> tuple[str, ...]:
        return ("estimate", "standard_error")

    def read(self, window: Window) -> NDArray[np.float32]:
        phi = self.source.read(window).astype(np.float64)
        row = window.row + np.arange(window.height)[:, None]
        col = window.col + np.arange(window.width)[None, :]
        estimate, variance = self.model._at_pixels(phi, row, col)
        return np.stack([estimate, np.sqrt(variance)]).astype(np.float32)
