"""Low and high frequencies of a layer, window by window (Ding et al. 2023, section 4.3.1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.pyramid import expand_coarse, expand_taps, low_pass_reach, reduce_window
from gossan.arrays.resample import Taps
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Window
from gossan.geo.layer import Layer, LikeSource

__all__ = ["LowPassLayer", "add_coarse", "hold_coarse", "low_pass_layer"]

HELD_BYTES = 256 * 2**20
"""A coarse level up to this size is kept; a larger one is made anew around each window."""


@dataclass(frozen=True, eq=False)
class LowPassLayer(LikeSource):
    """Smooth a layer by a pyramid of some levels, empty pixels left out.

    ``low = E E' (m v) / E E' m``: the image is reduced once to the coarse level, which is small
    and held whole, and expanded for each window. A shallow pyramid of a large image, whose coarse
    level is not small, is reduced anew around each window: the result is the same.

    Parameters
    ----------
    source
        The image; a pixel counts only if all its bands are filled.
    levels
        Depth of the pyramid.
    rows, columns
        Expansion taps of the whole grid.
    sums
        (bands + 1, nodes, nodes) of the coarse level, or None: made around each window.
    """

    source: Layer
    levels: int
    rows: Taps = field(repr=False)
    columns: Taps = field(repr=False)
    sums: NDArray[np.float64] | None = field(default=None, repr=False)

    def read(self, window: Window) -> NDArray[np.float32]:
        """Return the low frequencies; NaN only far from any filled pixel."""
        return self.split(window)[1] if self.sums is None else self._expand(window, self.sums)

    def split(self, window: Window) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the image and its low frequencies, reading the source once."""
        if self.sums is not None:
            return self.source.read(window), self._expand(window, self.sums)
        around = window.padded(low_pass_reach(self.levels)).clipped(self.grid.shape)
        values = self.source.read(around)
        near, (down, across) = reduce_window(*self._taps(around), values)
        low = self._expand(window, near, down.start, across.start)
        return values[(slice(None), *window.within(around))], low

    def _taps(self, window: Window) -> tuple[Taps, Taps]:
        down, across = window.slices
        return self.rows.part(down.start, down.stop), self.columns.part(across.start, across.stop)

    def _expand(
        self, window: Window, sums: NDArray[np.float64], top: int = 0, left: int = 0
    ) -> NDArray[np.float32]:
        rows, columns = self._taps(window)
        return expand_coarse(rows.moved(-top), columns.moved(-left), sums)


def low_pass_layer(layer: Layer, levels: int, blocks: Blocks | None = None) -> LowPassLayer:
    """Make the low-pass of a layer, reducing it once if the coarse level is held.

    >>> from gossan.geo.grid import Grid
    >>> from gossan.geo.layer import ArrayLayer
    >>> grid = Grid.from_bounds(32638, (0, 0, 90, 70), 10)
    >>> layer = ArrayLayer(grid, ("b1",), np.full((1, 7, 9), 3.0))
    >>> low = low_pass_layer(layer, 2)
    >>> bool(np.allclose(low.read(grid.whole), 3.0))
    True
    """
    low = hold_coarse(layer, levels)
    if low.sums is not None:
        for _, (sums, place) in (blocks or Blocks()).map(partial(_reduce, low), layer.grid):
            low.sums[(slice(None), *place)] += sums
    return low


def _reduce(low: LowPassLayer, window: Window) -> tuple[NDArray[np.float64], tuple[slice, slice]]:
    return add_coarse(low, window, low.source.read(window))


def hold_coarse(layer: Layer, levels: int) -> LowPassLayer:
    """Lay out a low-pass whose coarse level, if it is to be held, is still all zeros."""
    rows, columns = (expand_taps(size, levels) for size in layer.grid.shape)
    shape = (len(layer.bands) + 1, rows.nodes, columns.nodes)
    sums = np.zeros(shape) if 8 * np.prod(shape) <= HELD_BYTES else None
    return LowPassLayer(layer, levels, rows, columns, sums)


def add_coarse(
    low: LowPassLayer, window: Window, values: NDArray[np.float32]
) -> tuple[NDArray[np.float64], tuple[slice, slice]]:
    """Reduce one window: its share of the coarse level, and where it belongs."""
    return reduce_window(*low._taps(window), values)
