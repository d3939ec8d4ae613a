"""The kriged layer as the pyramid sees it: nodes of a lattice, and its low-pass at pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gossan.arrays.pyramid import smoothed
from gossan.fusion.lattice import lattice_over
from gossan.fusion.lattice_layer import TapsPair
from gossan.geo.grid import Grid

__all__ = ["SmoothedPair", "shared_lattice", "shared_step", "smoothed_pair"]


@dataclass(frozen=True, eq=False)
class SmoothedPair(TapsPair):
    """Bring the low-pass of a lattice field to pixels, by way of an inner lattice.

    ``low = rows @ (inner_rows @ lattice @ inner_columns.T) @ columns.T``
    """

    inner_rows: sparse.csr_array = field(repr=False)
    inner_columns: sparse.csr_array = field(repr=False)

    def inner(self, lattice: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bring lattice values (rows, columns) to the inner lattice."""
        return np.asarray(self.inner_rows @ lattice @ self.inner_columns.T)


def smoothed_pair(pair: TapsPair, levels: int) -> SmoothedPair:
    """Give the low-pass, by a pyramid of some levels, of fields that ``pair`` brings to pixels."""
    rows, inner_rows = smoothed(pair.rows, levels)
    columns, inner_columns = smoothed(pair.columns, levels)
    return SmoothedPair(rows, columns, inner_rows, inner_columns)


def shared_step(step_m: float, grid: Grid) -> float:
    """Round a lattice spacing down so that elements and folds share one lattice.

    To the next lower pixel size times a power of the root of 2, at least one pixel.

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
