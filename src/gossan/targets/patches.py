"""Connected patches of a map at or above a threshold, found strip by strip."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from gossan.arrays.array_type import Array
from gossan.errors import GridError, must
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer
from gossan.targets.outlines import (
    EIGHT_NEIGHBOURS,
    Edges,
    Labels,
    horizontal_edges,
    polygons,
    vertical_edges,
)

WINDOW = 512
"""Side in pixels of the windows that are read: the blocks of the maps' files."""


@dataclass(frozen=True, eq=False)
class Patches:
    """n patches in order of their first pixel; arrays are (n,) or (n, columns).

    ``pixels``; ``mean`` and ``peak`` in the map's unit; ``peak_place`` and ``first_place``: row
    and column (n, 2); ``above``: pixels at or above each further level (n, levels); ``overlays``:
    mean of each overlay band over its valid pixels (n, bands), NaN where it has none;
    ``geometry``: valid polygons on the ground along pixel edges; corners connect.
    """

    grid: Grid
    pixels: Labels
    mean: Array
    peak: Array
    peak_place: Labels
    first_place: Labels
    above: Labels
    overlays: Array
    geometry: NDArray[np.object_] = field(repr=False)

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def area_km2(self) -> Array:
        """(n,) area in km2."""
        return np.asarray(self.pixels * (self.grid.pixel_width * self.grid.pixel_height / 1e6))

    @property
    def peak_coordinates(self) -> Array:
        """(n, 2) easting and northing of the highest pixel."""
        easting, northing = self.grid.coordinates()
        return np.column_stack([easting[self.peak_place[:, 1]], northing[self.peak_place[:, 0]]])

    @property
    def first_coordinates(self) -> Array:
        """(n, 2) easting and northing of the first pixel, which lies inside the patch."""
        easting, northing = self.grid.coordinates()
        return np.column_stack([easting[self.first_place[:, 1]], northing[self.first_place[:, 0]]])

    def take(self, rows: NDArray[Any]) -> Patches:
        """Return some of the patches, by mask or number."""
        return replace(self, **{name: getattr(self, name)[rows] for name in _COLUMNS})

    @staticmethod
    def joined(parts: Sequence[Patches]) -> Patches:
        """Return the patches of one grid, found apart, as one."""
        columns: dict[str, Any] = {
            name: np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS
        }
        whole = replace(parts[0], **columns)
        return whole.take(np.lexsort(whole.first_place.T[::-1]))


_COLUMNS = tuple(column.name for column in fields(Patches) if column.name != "grid")


@dataclass
class _PatchSums:
    """Sums over patches that may still grow; rows are patches."""

    pixels: Labels
    total: Array
    peak: Array
    peak_at: Labels
    first_at: Labels
    above: Labels
    overlay_sum: Array
    overlay_count: Array

    def take(self, rows: NDArray[Any]) -> _PatchSums:
        return _PatchSums(*(column[rows] for column in vars(self).values()))

    @staticmethod
    def joined(parts: Sequence[_PatchSums]) -> _PatchSums:
        columns = zip(*(vars(part).values() for part in parts), strict=True)
        return _PatchSums(*(np.concatenate(column) for column in columns))

    def merged(self, group: Labels, number: int) -> _PatchSums:
        """Add the rows of each group (0 to number - 1)."""

        def added(column: NDArray[Any]) -> NDArray[Any]:
            out = np.zeros((number, *column.shape[1:]), column.dtype)
            np.add.at(out, group, column)
            return out

        order = np.lexsort((-self.peak_at, self.peak, group))
        top = order[np.append(np.diff(group[order]) > 0, True)] if len(order) else order
        first = np.full(number, np.iinfo(np.int64).max)
        np.minimum.at(first, group, self.first_at)
        return _PatchSums(
            added(self.pixels), added(self.total), self.peak[top], self.peak_at[top], first,
            added(self.above), added(self.overlay_sum), added(self.overlay_count),
        )  # fmt: skip


def find_patches(
    layer: Layer,
    threshold: float,
    *,
    within: Layer | None = None,
    levels: Sequence[float] = (),
    overlays: Layer | None = None,
    minimum_pixels: int = 1,
    strip_rows: int | None = None,
) -> Patches:
    """Find the patches of pixels at or above a threshold, with sums and outlines.

    Parameters
    ----------
    layer, within, levels, overlays, minimum_pixels, strip_rows
        As for :func:`patches_at`.
    threshold
        In the layer's unit; NaN pixels are never inside.

    Raises
    ------
    GridError
        Another layer lies on another grid.

    Examples
    --------

    >>> from affine import Affine
    >>> from pyproj import CRS
    >>> from gossan.geo.layer import ArrayLayer
    >>> grid = Grid(CRS.from_epsg(32645), Affine(10.0, 0, 0, 0, -20.0, 40.0), 2, 3)
    >>> patches = find_patches(ArrayLayer(grid, ("Cu",), np.array([[[5.0, 1, 9], [7, 1, 1]]])), 5)
    >>> patches.pixels.tolist(), patches.peak.tolist(), patches.geometry[0].area
    ([2, 1], [7.0, 9.0], 400.0)
    """
    return next(
        patches_at(
            layer, (threshold,), within=within, levels=levels, overlays=overlays,
            minimum_pixels=minimum_pixels, strip_rows=strip_rows,
        )
    )  # fmt: skip


def patches_at(
    layer: Layer,
    thresholds: Sequence[float],
    *,
    within: Layer | None = None,
    levels: Sequence[float] = (),
    overlays: Layer | None = None,
    minimum_pixels: int = 1,
    strip_rows: int | None = None,
) -> Iterator[Patches]:
    """Find the patches at several thresholds; the map is read once for all of them.

    The map is read window by window and labelled in strips of whole rows; only patches that reach
    the last row read stay open, and small ones are dropped as soon as they close, so memory
    follows the strip and the outlines that are kept, not the map. The result does not depend on
    the strip.

    Parameters
    ----------
    layer
        Map of contents; its first band counts.
    thresholds
        In the layer's unit; NaN pixels are never inside.
    within
        Layer on the same grid that is compared with the thresholds in place of the map (a
        probability, for example); the sums and the peak stay those of the map.
    levels
        Further levels of the map at or above which pixels are counted.
    overlays
        Layer on the same grid whose bands are averaged over each patch.
    minimum_pixels
        Smaller patches are left out.
    strip_rows
        Rows labelled at a time; None: about 1 million pixels.

    Yields
    ------
    The patches at each threshold, in the order given; outlines are drawn when they are asked for.

    Raises
    ------
    GridError
        Another layer lies on another grid.
    """
    if not thresholds:
        return
    for name, other in (("overlays", overlays), ("within", within)):
        if other is not None and not other.grid.aligned_with(layer.grid):
            raise GridError(
                must(name, "on the grid of the map", str(other.grid.shape), "Use to_grid")
            )
    grid = layer.grid
    rows = strip_rows or max(64, 1_000_000 // grid.width)
    counted = np.asarray(levels, dtype=float)
    overlaid = len(overlays.bands) if overlays else 0
    trackers = [_Tracker(grid, minimum_pixels, len(levels), overlaid) for _ in thresholds]
    read = partial(_read_judged, layer, within, overlays, min(thresholds))
    for wide in _wide_strips(grid, read):
        for start in range(0, len(wide.values), rows):
            strip = wide.rows(start, start + rows)
            for threshold, tracker in zip(thresholds, trackers, strict=True):
                tracker.add(strip, strip.judged >= np.float64(threshold), counted)
    for tracker in trackers:
        yield tracker.finish()


@dataclass(frozen=True, eq=False)
class _Strip:
    """Rows of the map that begin at ``top``.

    ``judged`` is what is compared with thresholds, NaN where the map is empty; ``number`` says
    which column of ``overlaid`` (bands, n) belongs to a pixel, for those inside.
    """

    top: int
    values: NDArray[np.float32]
    judged: NDArray[np.float32]
    number: NDArray[np.int32]
    overlaid: NDArray[np.float32]

    def rows(self, start: int, stop: int) -> _Strip:
        part = slice(start, stop)
        return replace(
            self, top=self.top + start, values=self.values[part], judged=self.judged[part],
            number=self.number[part],
        )  # fmt: skip


_Judged = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_], NDArray[np.float32]]


def _read_judged(
    layer: Layer, within: Layer | None, overlays: Layer | None, lowest: float, window: Window
) -> _Judged:
    """Read a window: the map, what is compared, which pixels are inside, and their overlays."""
    values = layer.read(window)[0]
    judged = within.read(window)[0] if within else values
    judged = np.where(np.isfinite(values), judged, np.float32(np.nan))
    inside = judged >= np.float64(lowest)
    if overlays is None or not inside.any():
        bands = len(overlays.bands) if overlays else 0
        return values, judged, inside, np.empty((bands, int(inside.sum())), np.float32)
    return values, judged, inside, overlays.read(window)[:, inside]


def _wide_strips(grid: Grid, read: Callable[[Window], _Judged]) -> Iterator[_Strip]:
    """Read the map window by window, and put those of the same rows side by side."""
    across: list[_Judged] = []
    for window, found in Blocks(size=WINDOW).map(read, grid):
        across.append(found)
        if window.col + window.width == grid.width:
            yield _side_by_side(window.row, across)
            across = []


def _side_by_side(top: int, across: list[_Judged]) -> _Strip:
    values, judged, inside, overlaid = zip(*across, strict=True)
    counts = [part.shape[1] for part in overlaid]
    numbers = []
    for mask, first in zip(inside, np.cumsum([0, *counts]).tolist()):
        number = np.full(mask.shape, -1, np.int32)
        number[mask] = first + np.arange(int(mask.sum()), dtype=np.int32)
        numbers.append(number)
    rows = [np.concatenate(part, axis=1) for part in (values, judged, numbers)]
    return _Strip(top, rows[0], rows[1], rows[2], np.concatenate(overlaid, axis=1))


class _Tracker:
    """Follow patches down the map, one strip after the other."""

    def __init__(self, grid: Grid, minimum: int, levels: int, overlays: int) -> None:
        self.grid, self.minimum = grid, minimum
        self.last_row = np.zeros(grid.width, np.int64)
        self.open = _empty(levels, overlays)
        self.open_edges = np.empty((0, 6), np.int64)
        self.closed: list[_PatchSums] = []
        self.closed_edges: list[Edges] = []

    def add(self, strip: _Strip, mask: NDArray[np.bool_], levels: Array) -> None:
        """Add the next strip: label it, join it to what is open, close what has ended."""
        known, top = len(self.open.pixels), strip.top
        local, number = ndimage.label(mask, EIGHT_NEIGHBOURS)
        labels = np.where(mask, local.astype(np.int64) + known, 0)
        pairs = _touching(self.last_row, labels[0])
        total, group = _components(known + number, pairs)
        sums = _strip_sums(strip, mask, labels - known, number, levels)
        sums = _PatchSums.joined([self.open, sums]).merged(group, total)
        upper = np.concatenate([self.last_row[None], labels[:-1]])
        edges = np.concatenate(
            [self.open_edges, horizontal_edges(upper, labels, top), vertical_edges(labels, top)]
        )
        edges[:, 0] = group[edges[:, 0] - 1] + 1
        last = labels[-1]
        self.last_row = np.where(last > 0, group[last - 1] + 1, 0) if len(group) else last
        self._close(sums, edges)

    def _close(self, sums: _PatchSums, edges: Edges) -> None:
        alive = np.zeros(len(sums.pixels), bool)
        alive[self.last_row[self.last_row > 0] - 1] = True
        done = ~alive & (sums.pixels >= self.minimum)
        if done.any():
            before = sum(len(part.pixels) for part in self.closed)
            self.closed.append(sums.take(done))
            self.closed_edges.append(_relabelled(edges, done, before).astype(np.int32))
        self.open, self.open_edges = sums.take(alive), _relabelled(edges, alive, 0)
        number = np.cumsum(alive)
        if len(number):
            self.last_row = np.where(self.last_row > 0, number[self.last_row - 1], 0)

    def finish(self) -> Patches:
        """Close the last row and draw the outlines."""
        bottom = horizontal_edges(
            self.last_row[None], np.zeros_like(self.last_row)[None], self.grid.height
        )
        edges = np.concatenate([self.open_edges, bottom])
        self.last_row = np.zeros_like(self.last_row)
        self._close(self.open, edges)
        sums = _PatchSums.joined([*self.closed, self.open])
        _, geometry = polygons(
            np.concatenate([*self.closed_edges, np.empty((0, 6), np.int32)]), self.grid
        )
        order = np.argsort(sums.first_at)
        sums, width = sums.take(order), self.grid.width
        with np.errstate(invalid="ignore", divide="ignore"):
            overlays = sums.overlay_sum / sums.overlay_count
        return Patches(
            self.grid, sums.pixels, sums.total / sums.pixels, sums.peak,
            np.column_stack(np.divmod(sums.peak_at, width)),
            np.column_stack(np.divmod(sums.first_at, width)),
            sums.above, overlays, geometry[order] if len(order) else geometry,
        )  # fmt: skip


def _empty(levels: int, overlays: int) -> _PatchSums:
    whole, real = np.zeros(0, np.int64), np.zeros(0)
    none = np.zeros((0, overlays))
    return _PatchSums(
        whole, real, real, whole, whole, np.zeros((0, levels), np.int64), none, none.copy()
    )


def _touching(upper: Labels, lower: Labels) -> Labels:
    """Return pairs of labels that touch across a seam, sides or corners: (n, 2)."""
    found = []
    for shift in (-1, 0, 1):
        a = upper[max(0, -shift) : len(upper) - max(0, shift)]
        b = lower[max(0, shift) : len(lower) - max(0, -shift)]
        both = (a > 0) & (b > 0)
        found.append(np.column_stack([a[both], b[both]]))
    return np.unique(np.concatenate(found), axis=0)


def _components(number: int, pairs: Labels) -> tuple[int, Labels]:
    """Number the groups that pairs of labels (from 1) join: their count, the group of each."""
    if not number:
        return 0, np.zeros(0, np.int64)
    ones = np.ones(len(pairs))
    graph = sparse.coo_array((ones, (pairs[:, 0] - 1, pairs[:, 1] - 1)), shape=(number, number))
    total, group = sparse.csgraph.connected_components(graph, directed=False)
    return int(total), group.astype(np.int64)


def _relabelled(edges: Edges, keep: NDArray[np.bool_], before: int) -> Edges:
    """Keep the edges of some labels and number these from ``before + 1``."""
    if not len(keep):
        return edges[:0]
    kept = edges[keep[edges[:, 0] - 1]].copy()
    kept[:, 0] = np.cumsum(keep)[kept[:, 0] - 1] + before
    return kept


def _strip_sums(
    strip: _Strip, mask: NDArray[np.bool_], labels: Labels, number: int, levels: Array
) -> _PatchSums:
    """Sum one strip by its labels 1 to ``number``."""
    label, inside = labels[mask] - 1, strip.values[mask].astype(np.float64)
    at = np.flatnonzero(mask) + strip.top * mask.shape[1]
    order = np.lexsort((-at, inside, label))
    last = order[np.append(np.diff(label[order]) > 0, True)] if len(order) else order
    first = np.full(number, np.iinfo(np.int64).max)
    np.minimum.at(first, label, at)
    bands = strip.overlaid[:, strip.number[mask]]
    full = np.isfinite(bands)

    def count(weights: NDArray[Any]) -> Array:
        return np.asarray(np.bincount(label, weights, number), np.float64)

    columns = [(count(np.where(f, b, 0.0)), count(f)) for b, f in zip(bands, full, strict=True)]
    shape = (number, len(bands))
    return _PatchSums(
        np.bincount(label, minlength=number).astype(np.int64),
        count(inside),
        inside[last],
        at[last],
        first,
        np.array([count(inside >= v) for v in levels], np.int64).reshape(len(levels), number).T,
        np.array([c[0] for c in columns]).T.reshape(shape),
        np.array([c[1] for c in columns]).T.reshape(shape),
    )
