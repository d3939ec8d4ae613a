"""Find the point variogram whose average over cells matches what cells show."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.arrays.area_to_point import regularised_semivariance
from gossan.arrays.array_type import Array
from gossan.errors import FitError, must
from gossan.geochem.variogram.fitting import CovarianceModel, Structure

__all__ = ["deconvolve"]


_KINDS: tuple[Literal["exponential", "spherical"], ...] = ("exponential", "spherical")
_LAGS = 6


def deconvolve(
    values: Array, cell: tuple[float, float], most_lags: int = _LAGS
) -> tuple[CovarianceModel, pd.DataFrame]:
    """Fit a point variogram to the values of cells (direct deconvolution).

    Least squares, weighted by pairs, between the semivariance of the cells at their lags and
    that of the point model averaged over cells. The nugget of points leaves no trace in cells
    of any size and is taken as 0.

    Parameters
    ----------
    values : (height, width) of cells; NaN is left out.
    cell : height and width of a cell in metres.
    most_lags : farthest lag in cells.

    Returns
    -------
    The point variogram, and a table ``lag_m, pairs, cells, model`` of both semivariances.

    Raises
    ------
    FitError : fewer than 9 cells, or constant ones.

    Source: Pardo-Iguzquiza & Atkinson 2007; Goovaerts 2008.
    """
    lags, gamma, pairs = _cell_variogram(values, most_lags)
    if lags.shape[0] < 3 or not gamma.max() > 0:
        raise FitError(
            must(
                "the coarse layer",
                "at least 3 x 3 cells that differ",
                f"{values.shape[0]} x {values.shape[1]}",
                "Set a smaller cell_m",
            )
        )
    size = float(np.sqrt(cell[0] * cell[1]))
    best: tuple[float, Structure, Array] | None = None
    for kind in _KINDS:
        for range_m in size * np.geomspace(0.3, most_lags * 1.5, 24):
            unit = CovarianceModel(0.0, (Structure(kind, 1.0, float(range_m)),))
            shape = regularised_semivariance(unit.covariance, cell, lags, points=4)
            sill = float((pairs * gamma * shape).sum() / (pairs * shape**2).sum())
            misfit = float((pairs * (gamma - sill * shape) ** 2).sum())
            if best is None or misfit < best[0]:
                best = (misfit, Structure(kind, sill, float(range_m)), sill * shape)
    assert best is not None
    _, chosen, shape = best
    distance = np.hypot(lags[:, 0] * cell[0], lags[:, 1] * cell[1])
    table = pd.DataFrame({"lag_m": distance, "pairs": pairs, "cells": gamma, "model": shape})
    return CovarianceModel(0.0, (chosen,)), table


def _cell_variogram(values: Array, most: int) -> tuple[NDArray[np.int_], Array, Array]:
    """Return lags (k, 2) in cells, their semivariance and number of pairs."""
    height, width = values.shape
    found = []
    for i in range(0, min(most, height - 1) + 1):
        for j in range(-min(most, width - 1), min(most, width - 1) + 1):
            if (i == 0 and j <= 0) or i * i + j * j > most * most:
                continue
            first = values[: height - i, max(0, -j) : width - max(0, j)]
            second = values[i:, max(0, j) : width - max(0, -j)]
            apart = (second - first)[np.isfinite(second) & np.isfinite(first)]
            if apart.size:
                found.append((i, j, 0.5 * float(np.mean(apart**2)), apart.size))
    table = np.array(found, dtype=np.float64).reshape(-1, 4)
    return table[:, :2].astype(int), table[:, 2], table[:, 3]
