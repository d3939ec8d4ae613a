"""Features at nested supports: each band at the pixel, and its mean over wider squares.

A sample is not a pixel: a stream sediment stands for its catchment, a composite for a square.
Which width of the imagery explains the samples is not known beforehand and differs between
bands, so the means over squares of several widths are all offered as features, each width with
a prior variance of its own. The sum over nested widths is a pyramid: detail between two widths is
multiplied by the gains of the narrower ones only, so the gain may change from level to level and
the samples decide by how much.

A mean over a square of ``w`` pixels is taken exactly at nodes ``w / 2`` pixels apart and brought to
the pixels between them linearly, weighted by the number of filled pixels. Wide squares are added up once, in one pass over the
imagery, and held at their nodes; where those would be too many, they are computed with the
window that is read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gossan.arrays.resample import Taps, interpolate
from gossan.fusion.features import support_means
from gossan.fusion.protocol import Features, Points
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer, read_padded

__all__ = ["Held", "MeanLayer", "NestedFeatures", "NestedLayer", "Nodes", "hold", "nested", "window_widths"]

RATIO = 4
MOST = 3
_MOST_BYTES = 192 * 2**20


def window_widths(grid: Grid, coordinates: NDArray[np.float64]) -> tuple[int, ...]:
    """Choose the widths in pixels: 1, then powers of four up to the spacing of the samples.

    Coarser than the samples' spacing, imagery has nothing to add to the samples. At most three
    widths; where there would be more, they are spread evenly between pixel and spacing.

    >>> xy = np.random.default_rng(0).uniform(0, 30_000, (100, 2))
    >>> window_widths(Grid.from_bounds(32638, (0, 0, 30_000, 30_000), 100), xy)
    (1, 4, 16)
    """
    extent = np.maximum(np.ptp(coordinates, axis=0), grid.pixel_width)
    spacing = math.sqrt(float(np.prod(extent)) / len(coordinates))
    pixels = spacing / math.sqrt(grid.pixel_width * grid.pixel_height)
    limit = min(grid.height, grid.width) / 2
    steps = max(0, math.floor(math.log(max(min(pixels, limit), 1.0), RATIO)))
    if steps < MOST:
        return tuple(RATIO**k for k in range(steps + 1))
    top = RATIO**steps
    return tuple(2 * round(top ** (k / (MOST - 1)) / 2) or 1 for k in range(MOST))


@dataclass(frozen=True, eq=False)
class Nodes:
    """Sums and counts of the filled pixels of the squares about nodes.

    Node (i, j) is the corner of pixels ``(first_row + i) * cell`` and ``(first_col + j) * cell``;
    ``sums`` is (band, row, column), ``counts`` the same or with one band if all are filled alike.
    """

    sums: NDArray[np.float32] = field(repr=False)
    counts: NDArray[np.float32] = field(repr=False)
    cell: int
    first_row: int = 0
    first_col: int = 0

    def at_pixels(self, window: Window) -> NDArray[np.float32]:
        """Give the means at the pixels of a window, NaN where no pixel of the square is filled."""
        rows = _between(window.row, window.height, self.cell, self.first_row, self.sums.shape[1])
        cols = _between(window.col, window.width, self.cell, self.first_col, self.sums.shape[2])
        rows, down = rows.local()
        cols, across = cols.local()
        sums, counts = self.sums[:, down, across], self.counts[:, down, across]
        whole = counts.flat[0]
        if whole > 0 and (counts == whole).all():
            return interpolate(rows, cols, sums / whole)
        total = interpolate(rows, cols, sums)
        count = interpolate(rows, cols, counts)
        with np.errstate(invalid="ignore", divide="ignore"):
            np.divide(total, count, out=total)
        total[np.broadcast_to(count < 1e-3, total.shape)] = np.nan
        return total


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
        """Give the means at the pixels of a window."""
        if self.held is not None:
            return self.held.at_pixels(window)
        return self.of(read_padded(self.source, window, self.reach), window)

    def of(self, padded: NDArray[np.float32], window: Window) -> NDArray[np.float32]:
        """Give the means from the source's pixels of the window grown by ``reach``."""
        cell = self.width // 2
        above, left = window.row - self.reach, window.col - self.reach
        first_row, first_col = -(-above // cell), -(-left // cell)
        part = padded[:, first_row * cell - above :, first_col * cell - left :]
        return _nodes(*cell_sums(part, cell), cell, first_row + 1, first_col + 1).at_pixels(window)


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
    """Add up the squares of several widths, and the supports of points, in one pass."""
    grid, bands = source.grid, len(source.bands)
    shapes = {w: (bands, *(2 + -(-size // (w // 2)) for size in grid.shape)) for w in widths}
    totals = {w: (np.zeros(s, np.float32), np.zeros(s, np.float32)) for w, s in shapes.items()}
    squares = _squares(grid, points)
    sums, counts = np.zeros((len(points), bands)), np.zeros((len(points), bands))

    def part(window: Window) -> tuple[_Sums, tuple[NDArray[np.float64], ...]]:
        values = source.read(window)
        inside = _meet(squares, window)
        found = np.zeros((len(inside), bands)), np.zeros((len(inside), bands))
        _add_squares(values, squares[inside], window.row, window.col, *found)
        return {w: _aligned_sums(values, window, w // 2) for w in widths}, (inside, *found)

    for window, (cells, (inside, total, count)) in blocks.map(part, grid):
        for width, (one, two) in cells.items():
            row, col = (1 + i // (width // 2) for i in (window.row, window.col))
            place = (slice(None), slice(row, row + one.shape[1]), slice(col, col + one.shape[2]))
            totals[width][0][place] += one
            totals[width][1][place] += two
        sums[inside] += total
        counts[inside] += count
    means = np.where(counts > 0, sums / np.maximum(counts, 1.0), np.nan)
    return Held({w: _nodes(*totals[w], w // 2, 0, 0) for w in widths}, means)


_Sums = dict[int, tuple[NDArray[np.float32], NDArray[np.float32]]]


def _squares(grid: Grid, points: Points) -> NDArray[np.int64]:
    """Give (n, 4) first and last row, first and last column of each point's support.

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


@njit(cache=True, nogil=True)
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
    sums: NDArray[np.float32], counts: NDArray[np.float32], cell: int, first_row: int, first_col: int
) -> Nodes:
    if (counts == counts[:1]).all():
        counts = counts[:1]
    return Nodes(_corners(sums), _corners(counts), cell, first_row, first_col)


def _corners(cells: NDArray[np.float32]) -> NDArray[np.float32]:
    """Add 2 x 2 cells about their shared corner."""
    rows = cells[:, :-1] + cells[:, 1:]
    return rows[:, :, :-1] + rows[:, :, 1:]


def _between(start: int, length: int, cell: int, first: int, nodes: int) -> Taps:
    """Weights of linear interpolation between nodes for pixels start .. start + length - 1."""
    place = (start + np.arange(length) + 0.5) / cell - first
    base = np.clip(np.floor(place).astype(np.int64), 0, nodes - 2)
    share = np.clip(place - base, 0.0, 1.0)
    return Taps(base, np.column_stack([1.0 - share, share]), nodes)


@njit(cache=True, nogil=True)
def _add_cells(values, cell, total, count):  # type: ignore[no-untyped-def]
    for k in range(values.shape[0]):
        for y in range(values.shape[1]):
            row = y // cell
            for x in range(values.shape[2]):
                value = values[k, y, x]
                if np.isfinite(value):
                    total[k, row, x // cell] += value
                    count[k, row, x // cell] += np.float32(1.0)


@dataclass(frozen=True, eq=False)
class NestedLayer:
    """See a layer's bands at the pixel and, after them, at each wider square; read once."""

    source: Layer
    means: tuple[MeanLayer, ...]

    @property
    def grid(self) -> Grid:
        """Grid of the source."""
        return self.source.grid

    @property
    def bands(self) -> tuple[str, ...]:
        """Bands of the source, then those of each width."""
        return (*self.source.bands, *(band for mean in self.means for band in mean.bands))

    @property
    def reach(self) -> int:
        """How many pixels beyond a window are looked at."""
        return max((mean.reach for mean in self.means), default=0)

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read the source once and average it."""
        return self.of(read_padded(self.source, window, self.reach), window)

    def of(self, padded: NDArray[np.float32], window: Window) -> NDArray[np.float32]:
        """Give all bands from the source's pixels of the window grown by ``reach``."""
        parts = [_inner(padded, self.reach)]
        for mean in self.means:
            if mean.held is None:
                parts.append(mean.of(_inner(padded, self.reach - mean.reach), window))
            else:
                parts.append(mean.held.at_pixels(window))
        return np.concatenate(parts)


def _inner(padded: NDArray[np.float32], trim: int) -> NDArray[np.float32]:
    return padded[:, trim : padded.shape[1] - trim, trim : padded.shape[2] - trim]


@dataclass(frozen=True, eq=False)
class NestedFeatures:
    """Features at nested supports: groups of the same bands, one group a width.

    Parameters
    ----------
    source
        Features at the pixel.
    layer
        Their bands at every width, widest last; None where there is no imagery.
    widths
        Widths in pixels, 1 first.
    """

    source: Features
    layer: NestedLayer | None
    widths: tuple[int, ...]
    _read: dict[tuple[bytes, float], NDArray[np.float64]] = field(default_factory=dict, repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features, those of the pixel first."""
        return self.source.names if self.layer is None else self.layer.bands

    @property
    def grid(self) -> Grid:
        """Grid of the features."""
        return self.source.grid

    @property
    def group(self) -> NDArray[np.int_]:
        """Group of each feature: the place of its width."""
        return np.repeat(np.arange(len(self.widths)), len(self.source.names))

    def at(self, points: Points) -> NDArray[np.float64]:
        """Give (n, features) means over the points' support; NaN where empty."""
        if self.layer is None or not self.layer.means:
            return self.source.at(points)
        key = _key(points)
        if key not in self._read:
            self._read[key] = self.beside(self.source.at(points), points)
        return self._read[key].copy()

    def beside(self, fine: NDArray[np.float64], points: Points) -> NDArray[np.float64]:
        """Put the means over wider squares beside the features (n, bands) at the pixel."""
        parts = [fine]
        squares = _squares(self.grid, points)
        for mean in self.layer.means if self.layer else ():
            if mean.held is None:
                parts.append(support_means(mean, points.coordinates, points.support_m))
            else:
                parts.append(_means_within(mean, squares))
        return np.column_stack(parts)


def _key(points: Points) -> tuple[bytes, float]:
    return points.coordinates.tobytes(), points.support_m


def _means_within(mean: MeanLayer, squares: NDArray[np.int64]) -> NDArray[np.float64]:
    """Average a layer that is held over squares of pixels: (n, bands)."""
    result = np.full((len(squares), len(mean.bands)), np.nan)
    for i, (top, bottom, left, right) in enumerate(squares):
        window = Window(int(top), int(left), int(bottom - top + 1), int(right - left + 1))
        window = window.clipped(mean.grid.shape)
        if not (window.height and window.width):
            continue
        values = mean.read(window).reshape(len(mean.bands), -1).astype(np.float64)
        filled = np.isfinite(values)
        count = filled.sum(axis=1)
        total = np.where(filled, values, 0.0).sum(axis=1)
        result[i] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return result


_MADE: WeakKeyDictionary[Features, dict[tuple[int, ...], NestedFeatures]] = WeakKeyDictionary()
_LOCK = Lock()


def nested(
    features: Features, widths: tuple[int, ...], points: Points, blocks: Blocks | None = None
) -> NestedFeatures:
    """Offer features at several widths; the sums are made once for each ``features`` and kept.

    Parameters
    ----------
    features : at the pixel; without a layer they are taken as they are.
    widths : in pixels, 1 first, the others even.
    points : samples, whose features are wanted first.
    blocks : engine of the pass over the imagery.
    """
    layer = features.layer
    if layer is None or len(widths) == 1:
        single = None if layer is None else NestedLayer(layer, ())
        return NestedFeatures(features, single, (1,))
    with _LOCK:
        made = _MADE.setdefault(features, {})
        if widths not in made:
            made[widths] = _make(features, layer, widths, points, blocks or Blocks())
        return made[widths]


def _make(
    features: Features, layer: Layer, widths: tuple[int, ...], points: Points, blocks: Blocks
) -> NestedFeatures:
    pixels = len(layer.bands) * layer.grid.height * layer.grid.width
    kept = tuple(w for w in widths[1:] if 4 * pixels / (w // 2) ** 2 <= _MOST_BYTES)
    held = hold(layer, kept, blocks, points)
    means = tuple(MeanLayer(layer, w, held.nodes.get(w)) for w in widths[1:])
    result = NestedFeatures(features, NestedLayer(layer, means), widths)
    result._read[_key(points)] = result.beside(held.at_points, points)
    return result
