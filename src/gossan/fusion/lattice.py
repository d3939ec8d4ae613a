"""Compute a smooth field on a coarse lattice and bring it to pixels by cubic convolution."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.spacing import mean_spacing
from gossan.errors import FitError, must
from gossan.fusion.lattice_layer import LatticeLayer, cubic_pair
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer, Layer
from gossan.geo.warp import WarpedLayer

__all__ = ["lattice_over", "lattice_step", "shared_lattice", "shared_step", "smooth_layer"]

MARGIN = 3
NODES_LIMIT = 4_000_000


def lattice_step(coordinates: NDArray[np.float64], range_m: float, grid: Grid) -> float:
    """Choose the spacing in metres of a lattice that resolves a kriged field.

    An eighth of the range, or half of the mean spacing of the samples if that is less; never
    finer than a pixel, and never so fine that the lattice outgrows four million nodes.

    Parameters
    ----------
    coordinates : (n, 2) samples.
    range_m : practical range in metres (0: a pure nugget).
    grid : output grid.
    """
    left, bottom, right, top = grid.bounds
    area = (right - left) * (top - bottom)
    spacing = mean_spacing(coordinates, grid.pixel_width)
    wanted = min(spacing / 2.0, range_m / 8.0) if range_m > 0 else spacing / 2.0
    return max(wanted, min(grid.pixel_width, grid.pixel_height), math.sqrt(area / NODES_LIMIT))


def lattice_over(grid: Grid, step_m: float) -> Grid:
    """Cover a grid and a margin of three nodes with a lattice of spacing ``step_m``.

    Raises
    ------
    FitError
        ``step_m`` must be above 0.

    >>> grid = Grid.from_bounds(32638, (0, 0, 1000, 400), 10)
    >>> lattice_over(grid, 100.0).shape
    (10, 16)
    """
    if not step_m > 0:
        raise FitError(must("lattice_m", "above 0", step_m, "Leave it out, or set metres"))
    left, bottom, right, top = grid.bounds
    columns = math.ceil((right - left) / step_m - 1e-9)
    rows = math.ceil((top - bottom) / step_m - 1e-9)
    pad = MARGIN * step_m
    bounds = (left - pad, top - rows * step_m - pad, left + columns * step_m + pad, top + pad)
    return Grid.from_bounds(grid.crs, bounds, step_m)


def shared_step(step_m: float, grid: Grid) -> float:
    """Round a lattice spacing down so that elements and folds share one lattice.

    The result is a pixel times a power of the square root of 2, and at least one pixel.

    >>> grid = Grid.from_bounds(32638, (0, 0, 100, 100), 10)
    >>> [round(shared_step(step, grid), 3) for step in (95.0, 159.9, 3.0)]
    [80.0, 113.137, 10.0]
    """
    pixel = min(grid.pixel_width, grid.pixel_height)
    power = max(math.floor(2 * math.log2(step_m / pixel) + 1e-9), 0)
    return float(pixel * 2 ** (power / 2))


def shared_lattice(step_m: float, grid: Grid) -> Grid:
    """Lay a lattice of about ``step_m``, rounded by ``shared_step``, over a grid."""
    return lattice_over(grid, shared_step(step_m, grid))


def smooth_layer(
    lattice: Grid, fields: NDArray[np.floating], bands: tuple[str, ...], grid: Grid
) -> Layer:
    """Bring fields (band, row, column) on a lattice to a grid by cubic convolution (Keys).

    Where nodes are empty, GDAL's cubic convolution leaves them out.

    Source: Ding et al. 2023, sec. 4.3.2; Keys 1981.
    """
    if np.isfinite(fields).all():
        return LatticeLayer(grid, bands, np.asarray(fields, float), cubic_pair(lattice, grid))
    return WarpedLayer(ArrayLayer(lattice, bands, fields), grid, "cubic")
