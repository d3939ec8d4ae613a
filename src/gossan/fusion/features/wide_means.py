"""Means of a layer over wide squares, exact at nodes and linear between them.

A mean over a square of ``w`` pixels is taken exactly at nodes ``w / 2`` pixels apart and brought to
the pixels between them linearly, weighted by the share of filled pixels (normalised
convolution). The sums add over blocks, so wide squares need one pass and no deep margins.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.compiled import compiled
from gossan.arrays.resample import Taps, interpolate, interpolate_at
from gossan.fusion.protocol import Points
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer, read_padded

Places = NDArray[np.float64] | NDArray[np.int64]

__all__ = ["Held", "MeanLayer", "Nodes", "cell_sums", "hold", "support_squares"]


@dataclass(frozen=True, eq=False)
class Nodes:
    """What the filled pixels of the squares about nodes say.

    Node (i, j) is the corner of pixels ``(first_row + i) * cell`` and ``(first_col + j) * cell``.
    Of its square's pixels within the grid, ``sums`` (band, row, column) is the sum of the filled
    ones over the number of all, and ``shares`` the share of filled ones, the same shape or with
    one band if all are filled alike. Where all are filled, sums are means.
    """

    sums: NDArray[np.float32] = field(repr=False)
    shares: NDArray[np.float32] = field(repr=False)
    cell: int
    first_row: int = 0
    first_col: int = 0

    def taps(self, rows: Places, cols: Places) -> tuple[Taps, Taps]:
        """Weights of linear interpolation between nodes for rows and columns of pixels."""
        return (
            _between(rows, self.cell, self.first_row, self.sums.shape[1]),
            _between(cols, self.cell, self.first_col, self.sums.shape[2]),
        )

    def at_pixels(self, window: Window) -> NDArray[np.float32]:
        """Return the means at the pixels of a window, NaN where none of the square is filled."""
        rows = window.row + np.arange(window.height)
        cols = window.col + np.arange(window.width)
        whole = self.whole(rows, cols)
        if whole is not None:
            return whole
        taps = self.taps(rows, cols)
        total, share = interpolate(*taps, self.sums), interpolate(*taps, self.shares)
        with np.errstate(invalid="ignore", divide="ignore"):
            np.divide(total, share, out=total)
        total[np.broadcast_to(share < self._nothing, total.shape)] = np.nan
        return total

    def whole(self, rows: Places, cols: Places) -> NDArray[np.float32] | None:
        """Return means at rows and columns, also between pixels; None if a pixel is empty."""
        taps = self.taps(rows, cols)
        (_, down), (_, across) = (axis.local() for axis in taps)
        if (self.shares[:, down, across] != 1.0).any():
            return None
        return interpolate(*taps, self.sums)

    def at_spots(self, rows: NDArray[np.int64], cols: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the means (n, bands) at scattered pixels."""
        taps = self.taps(rows, cols)
        total = interpolate_at(*taps, self.sums.astype(np.float64))
        share = interpolate_at(*taps, self.shares.astype(np.float64))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(share < self._nothing, np.nan, total / share).T

    @property
    def _nothing(self) -> float:
        """Share below which no pixel is filled but for rounding."""
        return 1e-3 / (2 * self.cell) ** 2


@dataclass(frozen=True, eq=False)
class MeanLayer:
    """See the means of a layer's bands over squares of ``width`` pixels (even, at least 2).

    ``held`` holds the sums at the nodes of the whole grid; where it is None they are computed with
    each window. Both give the same numbers.

    >>> from gossan.geo.layer import ArrayLayer
    >>> grid = Grid.from_bounds(32638, (0, 0, 40, 40), 10)
    >>> layer = ArrayLayer(grid, ("b",), np.arange(16.0).reshape(1, 4, 4))
    >>> MeanLayer(layer, 2).read(Window(1, 1, 1, 2)).round(2).tolist()
    [[[5.0, 6.0]]]
    """

    source: Layer
    width: int
    held: Nodes | None = field(default=None, repr=False)

    @property
    def grid(self) -> Grid:
        """Grid of the source."""
        return self.source.grid

    @property
    def bands(self) -> tuple[str, ...]:
        """Bands of the source, marked with the width."""
        return tuple(f"{band}@{self.width}px" for band in self.source.bands)

    @property
    def reach(self) -> int:
        """How many pixels beyond a window the means look (0 where the sums are held)."""
        return 0 if self.held is not None else 3 * (self.width // 2)

    def read(self, window: Window) -> NDArray[np.float32]:
        """Return the means at the pixels of a window."""
        if self.held is not None:
            return self.held.at_pixels(window)
        return self.of(read_padded(self.source, window, self.reach), window)

    def of(self, padded: NDArray[np.float32], window: Window) -> NDArray[np.float32]:
        """Return the means from the source's pixels of the window grown by ``reach``."""
        cell = self.width // 2
        above, left = window.row - self.reach, window.col - self.reach
        first_row, first_col = -(-above // cell), -(-left // cell)
        part = padded[:, first_row * cell - above :, first_col * cell - left :]
        sums, counts = cell_sums(part, cell)
        return _nodes(sums, counts, cell, self.grid, first_row + 1, first_col + 1).at_pixels(window)


def cell_sums(
    values: NDArray[np.float32], cell: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Add filled pixels up in cells of ``cell`` x ``cell``: sums and counts (band, row, column).

    Pixels beyond the last whole cell make a cell of their own.

    >>> sums, counts = cell_sums(np.array([[[1.0, 2.0, np.nan]]], np.float32), 2)
    >>> sums.tolist(), counts.tolist()
    ([[[3.0, 0.0]]], [[[2.0, 0.0]]])
    """
    bands, height, width = values.shape
    shape = (bands, -(-height // cell), -(-width // cell))
    total, count = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    _add_cells(values, cell, total, count)
    return total, count


@dataclass(frozen=True, eq=False)
class Held:
    """What one pass over a layer leaves: nodes of each width, and means (n, bands) at points."""

    nodes: dict[int, Nodes]
    at_points: NDArray[np.float64] = field(repr=False)


def hold(source: Layer, widths: tuple[int, ...], blocks: Blocks, points: Points) -> Held:
    """Add up the squares of several widths, and the supports of points, in one pass.

    Cells of the narrowest width are added up with the pixels, wider ones out of those where they
    are multiples.
    """
    grid, bands = source.grid, len(source.bands)
    cells = tuple(sorted(w // 2 for w in widths))
    first = tuple(c for c in cells if c == cells[0] or c % cells[0])
    shapes = {c: (bands, *(-(-size // c) for size in grid.shape)) for c in first}
    totals = {c: (np.zeros(s, np.float32), np.zeros(s, np.float32)) for c, s in shapes.items()}
    squares = support_squares(grid, points)
    sums, counts = np.zeros((len(points), bands)), np.zeros((len(points), bands))

    def part(window: Window) -> tuple[_Sums, _Found]:
        values = source.read(window)
        inside = _meet(squares, window)
        found = np.zeros((len(inside), bands)), np.zeros((len(inside), bands))
        _add_squares(values, squares[inside], window.row, window.col, *found)
        return {c: _aligned_sums(values, window, c) for c in first}, (inside, *found)

    for window, (found, (inside, total, count)) in blocks.map(part, grid):
        for cell, (one, two) in found.items():
            row, col = window.row // cell, window.col // cell
            place = (slice(None), slice(row, row + one.shape[1]), slice(col, col + one.shape[2]))
            totals[cell][0][place] += one
            totals[cell][1][place] += two
        sums[inside] += total
        counts[inside] += count
    for cell in set(cells) - set(first):
        fine = totals[cells[0]]
        total_, count_ = (cell_sums(part_, cell // cells[0])[0] for part_ in fine)
        totals[cell] = total_, count_
    means = np.where(counts > 0, sums / np.maximum(counts, 1.0), np.nan)
    return Held({w: _edged(*totals[w // 2], w // 2, grid) for w in widths}, means)


def _edged(sums: NDArray[np.float32], counts: NDArray[np.float32], cell: int, grid: Grid) -> Nodes:
    """Make the nodes of a whole grid: an empty cell beyond every edge gives the corners there."""
    pads = ((0, 0), (1, 1), (1, 1))
    return _nodes(np.pad(sums, pads), np.pad(counts, pads), cell, grid, 0, 0)


_Found = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]
_Sums = dict[int, tuple[NDArray[np.float32], NDArray[np.float32]]]


def support_squares(grid: Grid, points: Points) -> NDArray[np.int64]:
    """Return (n, 4) first and last row, first and last column of each point's support.

    The pixels whose centres lie in it, at least the one under the point; none (last < first) for
    a point off the grid. As ``features.support_means`` has it.
    """
    x, y = points.coordinates.T
    row, col = (np.floor(i + 0.5).astype(np.int64) for i in grid.index_of(x, y))
    down = int(points.support_m / 2 // grid.pixel_height)
    across = int(points.support_m / 2 // grid.pixel_width)
    squares = np.column_stack([row - down, row + down, col - across, col + across])
    squares[~grid.contains(x, y)] = (0, -1, 0, -1)
    return squares


def _meet(squares: NDArray[np.int64], window: Window) -> NDArray[np.int64]:
    """Find the squares that reach into a window."""
    return np.flatnonzero(
        (squares[:, 1] >= window.row) & (squares[:, 0] < window.row + window.height)
        & (squares[:, 3] >= window.col) & (squares[:, 2] < window.col + window.width)
    )  # fmt: skip


@compiled()
def _add_squares(values, squares, top, left, total, count):  # type: ignore[no-untyped-def]
    height, width = values.shape[1], values.shape[2]
    for i in range(squares.shape[0]):
        for k in range(values.shape[0]):
            for y in range(max(squares[i, 0] - top, 0), min(squares[i, 1] - top + 1, height)):
                for x in range(max(squares[i, 2] - left, 0), min(squares[i, 3] - left + 1, width)):
                    value = values[k, y, x]
                    if np.isfinite(value):
                        total[i, k] += value
                        count[i, k] += 1.0


def _aligned_sums(
    values: NDArray[np.float32], window: Window, cell: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Add a window up in the cells of the grid, whatever pixel it begins at."""
    above, left = window.row % cell, window.col % cell
    if above or left:
        pads = ((0, 0), (above, 0), (left, 0))
        values = np.pad(values, pads, constant_values=np.nan)
    return cell_sums(values, cell)


def _nodes(
    sums: NDArray[np.float32], counts: NDArray[np.float32], cell: int, grid: Grid,
    first_row: int, first_col: int,
) -> Nodes:  # fmt: skip
    if (counts == counts[:1]).all():
        counts = counts[:1]
    total, filled = _corners(sums), _corners(counts)
    down = _pixels_about(first_row + np.arange(total.shape[1]), cell, grid.height)
    across = _pixels_about(first_col + np.arange(total.shape[2]), cell, grid.width)
    pixels = np.maximum(down[:, None] * across, 1).astype(np.float32)
    return Nodes(total / pixels, filled / pixels, cell, first_row, first_col)


def _pixels_about(nodes: NDArray[np.int64], cell: int, size: int) -> NDArray[np.int64]:
    """Count the pixels of a grid of ``size`` within one cell of each node, along an axis."""
    return np.clip((nodes + 1) * cell, 0, size) - np.clip((nodes - 1) * cell, 0, size)


def _corners(cells: NDArray[np.float32]) -> NDArray[np.float32]:
    """Add 2 x 2 cells about their shared corner."""
    rows = cells[:, :-1] + cells[:, 1:]
    return rows[:, :, :-1] + rows[:, :, 1:]


def _between(pixels: Places, cell: int, first: int, nodes: int) -> Taps:
    """Weights of linear interpolation between nodes for pixels along one axis."""
    place = (pixels + 0.5) / cell - first
    base = np.clip(np.floor(place).astype(np.int64), 0, nodes - 2)
    share = np.clip(place - base, 0.0, 1.0)
    return Taps(base, np.column_stack([1.0 - share, share]), nodes)


@compiled()
def _add_cells(values, cell, total, count):  # type: ignore[no-untyped-def]
    width = values.shape[2]
    for k in range(values.shape[0]):
        for y in range(values.shape[1]):
            row = y // cell
            for col in range(total.shape[2]):
                line = values[k, y, col * cell : min((col + 1) * cell, width)]
                added, filled = np.float32(0.0), 0
                for x in range(line.size):
                    if np.isfinite(line[x]):
                        added += line[x]
                        filled += 1
                total[k, row, col] += added
                count[k, row, col] += filled
