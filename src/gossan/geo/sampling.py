"""Pick pixels evenly and at random: one in each square cell, the same whatever the blocks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer, MappedLayer
from gossan.geo.stored import source_of

__all__ = ["PixelPattern", "SampledBlocks", "even_share", "sample_pixels", "spread_windows"]


@dataclass(frozen=True, eq=False)
class PixelPattern:
    """Picked pixels of a grid.

    Columns are even, so that each picked pixel and the one to its right lie in one window of
    even size.

    Parameters
    ----------
    rows, cols
        (n,) indices of the pixels.

    Examples
    --------
    >>> grid = Grid.from_bounds(32638, (0, 0, 300, 200), 10)
    >>> pattern = PixelPattern.stratified(grid, 50, seed=1)
    >>> len(pattern), bool((pattern.cols % 2 == 0).all())
    (40, True)
    """

    rows: NDArray[np.int64] = field(repr=False)
    cols: NDArray[np.int64] = field(repr=False)

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def stratified(cls, grid: Grid, count: int, seed: int = 0) -> PixelPattern:
        """Pick at most about ``count`` pixels: one at random in each square cell.

        Small grids are taken whole (every second column).
        """
        side = max(math.ceil(math.sqrt(grid.height * grid.width / count)), 1)
        wide = max(side - side % 2, 2)
        tops, lefts = np.arange(0, grid.height, side), np.arange(0, grid.width, wide)
        rng = np.random.default_rng(seed)
        shape = (len(tops), len(lefts))
        high = np.minimum(side, grid.height - tops)[:, None]
        halves = (np.minimum(wide, grid.width - lefts) + 1) // 2
        rows = tops[:, None] + (rng.random(shape) * high).astype(np.int64)
        cols = lefts + 2 * (rng.random(shape) * halves).astype(np.int64)
        return cls(rows.ravel(), cols.ravel())

    def inside(self, window: Window) -> NDArray[np.int64]:
        """Return the numbers of the pixels that lie in a window."""
        row, col, height, width = window
        found = (self.rows >= row) & (self.rows < row + height)
        found &= (self.cols >= col) & (self.cols < col + width)
        return np.flatnonzero(found)

    def take(
        self, values: NDArray[np.floating], window: Window
    ) -> tuple[NDArray[np.int64], NDArray[np.floating]]:
        """Take the picked pixels from a window's values (bands, height, width).

        Returns their numbers (k,) and their values (bands, k).
        """
        numbers = self.inside(window)
        return numbers, values[:, self.rows[numbers] - window.row, self.cols[numbers] - window.col]


def spread_windows(grid: Grid, side: int, across: int) -> list[Window]:
    """Spread windows evenly over a grid, ``across`` along each side, none over another.

    >>> spread_windows(Grid.from_bounds(32638, (0, 0, 100, 50), 10), 2, 2)[-1]
    Window(row=3, col=8, height=2, width=2)
    """
    rows, cols = (_starts(length, side, across) for length in grid.shape)
    return [Window(row, col, high, wide) for row, high in rows for col, wide in cols]


def _starts(length: int, side: int, across: int) -> list[tuple[int, int]]:
    """Place segments along a side; a side that they would fill is cut into them whole."""
    if length <= side * across:
        return [(start, min(side, length - start)) for start in range(0, length, side)]
    return [(int(start), side) for start in np.linspace(0, length - side, across)]


@dataclass(frozen=True)
class SampledBlocks(Blocks):
    """Visit a few windows spread over a grid instead of all of them, for a look before a run.

    What is added up over them is that of a sample of the pixels. Nothing may be written with it.

    Parameters
    ----------
    side
        Side of a window in pixels.
    across
        Windows along each side of a grid.

    Examples
    --------
    >>> grid = Grid.from_bounds(32638, (0, 0, 30000, 30000), 10)
    >>> SampledBlocks().reduce(lambda window: window.height * window.width, grid)
    65536
    """

    side: int = 64
    across: int = 4

    @property
    def whole(self) -> Blocks:
        """The engine that visits every window."""
        return Blocks(self.size, self.workers, self.scheduler, self.progress)

    def windows(self, grid: Grid) -> list[Window]:
        """Spread the windows over the grid."""
        return spread_windows(grid, self.side, self.across)

    def some(self, windows: Sequence[Window]) -> list[Window]:
        """Choose ``across`` windows evenly, each cut to ``side``."""
        places = np.unique(np.linspace(0, len(windows) - 1, self.across).astype(int))
        chosen = [windows[place] for place in places] if len(windows) else []
        return [
            Window(w.row, w.col, min(w.height, self.side), min(w.width, self.side)) for w in chosen
        ]


def even_share(windows: Sequence[Window], grid: Grid, most_pixels: int | None) -> list[Window]:
    """Choose windows with about ``most_pixels`` pixels of a grid, evenly along rows and columns.

    Parameters
    ----------
    windows
        The windows that cover the grid, row by row.
    grid
        Their grid.
    most_pixels
        Grids with no more pixels, or all grids if None, keep every window.

    Returns
    -------
    Every n-th window, shifted from row to row.

    Examples
    --------
    >>> grid = Grid.from_bounds(32638, (0, 0, 40, 40), 10)
    >>> windows = Blocks(size=1, workers=1).windows(grid)
    >>> [tuple(w[:2]) for w in even_share(windows, grid, 4)]
    [(0, 0), (1, 2), (2, 0), (3, 2)]
    """
    step = max(1, -(-grid.height * grid.width // most_pixels)) if most_pixels else 1
    columns = max(1, len({window.col for window in windows}))
    turn = max(1, round(0.382 * step))
    return [
        window
        for k, window in enumerate(windows)
        if (k % columns + turn * (k // columns)) % step == 0
    ]


def sample_pixels(
    layer: Layer, count: int = 200_000, seed: int = 0, blocks: Blocks | None = None
) -> NDArray[np.float32]:
    """Read a stratified random sample of pixels; those with an empty band are left out.

    Parameters
    ----------
    layer
        Any layer; it is read once, window by window.
    count
        About how many pixels.
    seed
        Of the choice; the choice depends on neither blocks nor workers.
    blocks
        The engine; one that visits a sample of windows gives every pixel of these.

    Returns
    -------
    (bands, n) float32.
    """
    blocks = blocks or Blocks()
    if isinstance(blocks, SampledBlocks):
        parts = [part.reshape(len(part), -1) for _, part in blocks.map(layer.read, layer.grid)]
        values = np.concatenate(parts, axis=1)
        return values[:, np.isfinite(values).all(axis=0)]
    pattern = PixelPattern.stratified(layer.grid, count, seed)
    result = np.full((len(layer.bands), len(pattern)), np.nan, np.float32)

    def read(window: Window) -> tuple[NDArray[np.int64], NDArray[np.floating]]:
        source, place = source_of(layer, window)
        if not isinstance(source, MappedLayer):
            return pattern.take(source.read(place), window)
        numbers, values = pattern.take(source.source.read(place), window)
        return numbers, source.function(values[:, None])[:, 0]

    for _, (numbers, values) in blocks.map(read, layer.grid):
        result[:, numbers] = values
    return result[:, np.isfinite(result).all(axis=0)]
