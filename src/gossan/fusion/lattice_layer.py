"""Cubic convolution from a lattice to pixels, part by part (Ding et al. 2023, section 4.3.2)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.resample import Taps, cubic_taps, interpolate, interpolate_at
from gossan.geo.grid import Grid, Window

__all__ = ["LatticeLayer", "TapsPair", "cubic_pair"]


@dataclass(frozen=True, eq=False)
class TapsPair:
    """Bring a field from a lattice to pixels: ``rows @ lattice @ columns.T``, part by part."""

    rows: Taps = field(repr=False)
    columns: Taps = field(repr=False)

    def window(self, lattice: NDArray[np.float64], window: Window) -> NDArray[np.float32]:
        """Return the field (..., height, width) in a window."""
        return interpolate(*self.parts(window), lattice)

    def at(
        self, lattice: NDArray[np.float64], rows: NDArray[np.int64], cols: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the field (..., n) at pixels."""
        return interpolate_at(self.rows.take(rows), self.columns.take(cols), lattice)

    def parts(self, window: Window) -> tuple[Taps, Taps]:
        """Return the taps of a window's rows and columns."""
        down, across = window.slices
        return self.rows.part(down.start, down.stop), self.columns.part(across.start, across.stop)


def cubic_pair(lattice: Grid, grid: Grid) -> TapsPair:
    """Return cubic convolution (Keys, a = -0.5) from a lattice to the pixels of a grid.

    Source: Ding et al. 2023, sec. 4.3.2.
    """
    easting, northing = grid.coordinates()
    rows, _ = lattice.index_of(np.full_like(northing, easting[0]), northing)
    _, columns = lattice.index_of(easting, np.full_like(easting, northing[0]))
    return TapsPair(cubic_taps(rows, lattice.height), cubic_taps(columns, lattice.width))


@dataclass(frozen=True, eq=False)
class LatticeLayer:
    """See fields on a lattice as a layer on a grid, by cubic convolution (Keys, a = -0.5).

    Parameters
    ----------
    grid
        Where the pixels are.
    bands
        Names of the fields.
    fields
        (bands, rows, columns) on the lattice; no NaN.
    pair
        ``cubic_pair(lattice, grid)``.

    Examples
    --------
    >>> lattice = Grid.from_bounds(32638, (0, 0, 400, 400), 100)
    >>> grid = Grid.from_bounds(32638, (100, 100, 300, 300), 50)
    >>> field = np.arange(4.0)[None, :, None] + np.zeros(4)
    >>> LatticeLayer(grid, ("b1",), field, cubic_pair(lattice, grid)).read(grid.whole)[0, :, 0]
    array([0.75, 1.25, 1.75, 2.25], dtype=float32)
    """

    grid: Grid
    bands: tuple[str, ...]
    fields: NDArray[np.float64] = field(repr=False)
    pair: TapsPair = field(repr=False)

    def read(self, window: Window) -> NDArray[np.float32]:
        """Return (bands, height, width)."""
        return self.pair.window(self.fields, window)
