"""Connected patches of a map at or above a threshold, found strip by strip."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields, replace
from functools import partial
from operator import methodcaller
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.array_type import Array
from gossan.errors import GridError, must
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer
from gossan.targets.outlines import Edges, Labels, polygons
from gossan.targets.runs import Runs, add_pixels, draw_edges, merge_rows

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


@dataclass(frozen=True, eq=False)
class _PatchSums:
    """Sums over patches that may still grow; rows are patches, columns those of ``add_pixels``."""

    whole: Labels
    real: Array

    @classmethod
    def blank(cls, number: int, levels: int, overlays: int) -> _PatchSums:
        """Return the sums of nothing."""
        whole = np.zeros((number, 3 + levels + overlays), np.int64)
        whole[:, 1:3] = np.iinfo(np.int64).max
        real = np.zeros((number, 2 + overlays))
        real[:, 1] = -np.inf
        return cls(whole, real)

    def __len__(self) -> int:
        return len(self.whole)

    @property
    def pixels(self) -> Labels:
        """Number of pixels of each."""
        return self.whole[:, 0]

    def take(self, rows: NDArray[Any]) -> _PatchSums:
        """Return some of the rows."""
        return _PatchSums(self.whole[rows], self.real[rows])

    @staticmethod
    def joined(parts: Sequence[_PatchSums]) -> _PatchSums:
        """Put rows below each other."""
        return _PatchSums(
            np.concatenate([part.whole for part in parts]),
            np.concatenate([part.real for part in parts]),
        )

    def patches(self, grid: Grid, geometry: NDArray[np.object_]) -> Patches:
        """Return the finished patches, in order of their first pixel."""
        order = np.argsort(self.whole[:, 2])
        whole, real = self.whole[order], self.real[order]
        overlays = real.shape[1] - 2
        levels = whole.shape[1] - 3 - overlays
        peak, first = (np.column_stack(np.divmod(whole[:, k], grid.width)) for k in (1, 2))
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = real[:, 2:] / whole[:, 3 + levels :]
        return Patches(
            grid, whole[:, 0], real[:, 0] / whole[:, 0], real[:, 1], peak, first,
            whole[:, 3 : 3 + levels], shares, geometry[order] if len(order) else geometry,
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
    found, _ = patches_and_zones(
        layer, thresholds, (), within=within, levels=levels, overlays=overlays,
        minimum_pixels=minimum_pixels, strip_rows=strip_rows,
    )  # fmt: skip
    for draw in found:
        yield draw()


Drawn = Callable[[], Patches]
"""Draws the outlines of the patches at one threshold."""


def patches_and_zones(
    layer: Layer,
    thresholds: Sequence[float],
    zones: Sequence[float],
    *,
    within: Layer | None = None,
    levels: Sequence[float] = (),
    overlays: Layer | None = None,
    minimum_pixels: int = 1,
    strip_rows: int | None = None,
) -> tuple[list[Drawn], list[Drawn]]:
    """Find patches as :func:`patches_at`, and in the same reading those of the map itself.

    Parameters
    ----------
    layer, thresholds, within, levels, overlays, minimum_pixels, strip_rows
        As of :func:`patches_at`; at least one threshold.
    zones
        Thresholds that the map is compared with, whatever ``within`` is; patches of any size,
        without overlays.

    Returns
    -------
    What draws the patches at each threshold, and those of each zone.

    Raises
    ------
    GridError
        Another layer lies on another grid.
    """
    for name, other in (("overlays", overlays), ("within", within)):
        if other is not None and not other.grid.aligned_with(layer.grid):
            raise GridError(
                must(name, "on the grid of the map", str(other.grid.shape), "Use to_grid")
            )
    grid = layer.grid
    rows = strip_rows or max(64, 1_000_000 // grid.width)
    counted = np.asarray(levels, dtype=float)
    overlaid = len(overlays.bands) if overlays else 0
    trackers = [_Tracker(grid, one, minimum_pixels, counted, overlaid) for one in thresholds]
    of_map = [_Tracker(grid, one, 1, counted[:0], 0, of_map=True) for one in zones]
    read = partial(_read_judged, layer, within, overlays, min(thresholds))
    with ThreadPoolExecutor(Blocks().threads) as pool:
        for wide in _wide_strips(grid, read):
            for start in range(0, len(wide.values), rows):
                strip = wide.rows(start, start + rows)
                list(pool.map(methodcaller("add", strip), [*trackers, *of_map]))
    return [tracker.finish for tracker in trackers], [tracker.finish for tracker in of_map]


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
    """Follow the patches of one threshold down the map, one strip after the other.

    ``owners`` are the open patches of the runs of the last row; ``of_map``: the map itself is
    compared with the threshold, whatever else is judged.
    """

    def __init__(
        self,
        grid: Grid,
        threshold: float,
        minimum: int,
        levels: Array,
        overlays: int,
        of_map: bool = False,
    ) -> None:
        self.grid, self.threshold, self.minimum, self.levels = grid, threshold, minimum, levels
        self.shape, self.of_map = (len(levels), overlays), of_map
        self.runs, self.owners = Runs.none(), np.zeros(0, np.int64)
        self.open = _PatchSums.blank(0, *self.shape)
        self.open_edges: Edges = np.empty((0, 6), np.int32)
        self.closed: list[_PatchSums] = []
        self.closed_edges: list[Edges] = []

    def add(self, strip: _Strip) -> None:
        """Add the next strip: join it to what is open, add it up, close what has ended."""
        judged = strip.values if self.of_map else strip.judged
        self.runs = runs = Runs.of(judged, self.threshold, self.runs)
        if not len(runs.places):
            return
        total, groups = runs.joined(self.owners, len(self.open))
        sums = _PatchSums.blank(total, *self.shape)
        before, groups = np.split(groups, [len(self.open)])
        merge_rows(before, self.open.whole, self.open.real, sums.whole, sums.real)
        add_pixels(
            runs.places[runs.before :], groups[runs.before :], strip.values, strip.top,
            self.levels, (strip.number, strip.overlaid[: self.shape[1]]), sums.whole, sums.real,
        )  # fmt: skip
        drawn = draw_edges(runs.places, runs.starts, groups + 1, strip.top, self.grid.width)
        self.open_edges[:, 0] = before[self.open_edges[:, 0] - 1] + 1
        self.owners = groups[runs.starts[-2] :]
        self._close(sums, np.concatenate([self.open_edges, drawn]))

    def _close(self, sums: _PatchSums, edges: Edges) -> None:
        alive = np.zeros(len(sums), bool)
        alive[self.owners] = True
        done = ~alive & (sums.pixels >= self.minimum)
        if done.any():
            before = sum(map(len, self.closed))
            self.closed.append(sums.take(done))
            self.closed_edges.append(_relabelled(edges, done, before))
        self.open, self.open_edges = sums.take(alive), _relabelled(edges, alive, 0)
        self.owners = (np.cumsum(alive) - 1)[self.owners]

    def finish(self) -> Patches:
        """Close the last row and draw the outlines."""
        bottom = np.zeros((len(self.owners), 6), np.int32)
        bottom[:, 0], bottom[:, [1, 3]] = self.owners + 1, self.runs.bottom[:, 1:]
        bottom[:, [2, 4]] = self.grid.height
        self.owners = self.owners[:0]
        self._close(self.open, np.concatenate([self.open_edges, bottom]))
        _, geometry = polygons(
            np.concatenate([*self.closed_edges, np.empty((0, 6), np.int32)]), self.grid
        )
        return _PatchSums.joined([*self.closed, self.open]).patches(self.grid, geometry)


def _relabelled(edges: Edges, keep: NDArray[np.bool_], before: int) -> Edges:
    """Keep the edges of some labels and number these from ``before + 1``."""
    if not len(keep):
        return edges[:0]
    kept = edges[keep[edges[:, 0] - 1]]
    kept[:, 0] = np.cumsum(keep)[kept[:, 0] - 1] + before
    return kept
