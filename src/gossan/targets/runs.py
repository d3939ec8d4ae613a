"""Patches by runs of pixels along rows: labelled, added up and outlined in compiled loops.

A strip of the map is cut into runs: pixels of one row, side by side, at or above a threshold. All
that follows goes over runs, or over the pixels inside, of which there are far fewer than pixels.
Row 0 of a strip holds the runs of the last row before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.compiled import compiled

__all__ = ["Runs", "add_pixels", "draw_edges", "merge_rows"]

Whole = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Runs:
    """Runs of a strip behind those of the row before it.

    Attributes
    ----------
    places
        (n, 3) row of each run, counted from the row before the strip; its first column; the column
        after its last one. Row by row.
    starts
        (rows + 2,) number of the first run of every row, and n.
    before
        How many of them lie in the row before the strip.

    Examples
    --------
    >>> judged = np.array([[0, 9, 9, 0, 9], [9, 0, 0, 0, 9]], np.float32)
    >>> runs = Runs.of(judged, 5.0, Runs.none())
    >>> runs.places.tolist(), runs.starts.tolist()
    ([[1, 1, 3], [1, 4, 5], [2, 0, 1], [2, 4, 5]], [0, 0, 2, 4])
    >>> total, groups = runs.joined(np.zeros(0, np.int64), 0)
    >>> total, groups.tolist()
    (2, [0, 1, 0, 1])
    """

    places: NDArray[np.int32] = field(repr=False)
    starts: Whole = field(repr=False)
    before: int

    @classmethod
    def none(cls) -> Runs:
        """Return the runs before the first row."""
        return cls(np.zeros((0, 3), np.int32), np.zeros(2, np.int64), 0)

    @classmethod
    def of(cls, judged: NDArray[np.float32], threshold: float, last: Runs) -> Runs:
        """Find the runs of a strip (rows, columns); those of its ``last`` row go before them."""
        upper = last.bottom
        places, starts = _find(judged, np.float64(threshold), upper)
        return cls(places, starts, len(upper))

    @property
    def bottom(self) -> NDArray[np.int32]:
        """Runs of the last row, (n, 3), as row 0 of the strip that follows."""
        found = self.places[self.starts[-2] :].copy()
        found[:, 0] = 0
        return found

    def joined(self, owners: Whole, known: int) -> tuple[int, Whole]:
        """Join what touches at sides or corners.

        Parameters
        ----------
        owners
            Patch (from 0) of each run before the strip.
        known
            Number of patches that are open.

        Returns
        -------
        Number of groups, and the group (from 0) of each open patch and then of each run.
        """
        total, groups = _join(self.places, self.starts, owners, known)
        return int(total), groups


@compiled()
def _find(judged, threshold, upper):  # type: ignore[no-untyped-def]
    height, width = judged.shape
    starts = np.zeros(height + 2, np.int64)
    count = upper.shape[0]
    for row in range(height):
        starts[row + 1] = count
        inside = False
        for col in range(width):
            now = np.float64(judged[row, col]) >= threshold
            count += now and not inside
            inside = now
    starts[height + 1] = count
    places = np.empty((count, 3), np.int32)
    places[: upper.shape[0]] = upper
    for row in range(height):
        at = starts[row + 1]
        if at == starts[row + 2]:
            continue
        inside = False
        for col in range(width):
            now = np.float64(judged[row, col]) >= threshold
            if now and not inside:
                places[at, 0], places[at, 1] = row + 1, col
            if inside and not now:
                places[at, 2] = col
                at += 1
            inside = now
        if inside:
            places[at, 2] = width
    return places, starts


@compiled()
def _root(parent, node):  # type: ignore[no-untyped-def]
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@compiled()
def _join(places, starts, owners, known):  # type: ignore[no-untyped-def]
    parent = np.arange(known + places.shape[0])
    for run in range(owners.size):
        parent[known + run] = owners[run]
    for row in range(1, starts.size - 1):
        upper, end = starts[row - 1], starts[row]
        for run in range(starts[row], starts[row + 1]):
            while upper < end and places[upper, 2] < places[run, 1]:
                upper += 1
            other = upper
            while other < end and places[other, 1] <= places[run, 2]:
                one, two = _root(parent, known + other), _root(parent, known + run)
                parent[max(one, two)] = min(one, two)
                other += 1
    groups = np.empty(parent.size, np.int64)
    total = 0
    for node in range(parent.size):
        root = _root(parent, node)
        if root == node:
            groups[node] = total
            total += 1
        else:
            groups[node] = groups[root]
    return total, groups


@compiled()
def merge_rows(groups, whole, real, total_whole, total_real):  # type: ignore[no-untyped-def]
    """Add rows to those of their groups: see ``add_pixels`` for the columns."""
    for row in range(groups.size):
        into = groups[row]
        total_whole[into, 0] += whole[row, 0]
        higher = real[row, 1] > total_real[into, 1]
        level = real[row, 1] == total_real[into, 1]
        if higher or (level and whole[row, 1] < total_whole[into, 1]):
            total_real[into, 1], total_whole[into, 1] = real[row, 1], whole[row, 1]
        total_whole[into, 2] = min(total_whole[into, 2], whole[row, 2])
        total_whole[into, 3:] += whole[row, 3:]
        total_real[into, 0] += real[row, 0]
        total_real[into, 2:] += real[row, 2:]


@compiled()
def add_pixels(places, groups, values, first_row, levels, overlays, whole, real):  # type: ignore[no-untyped-def]
    """Add the pixels of runs to the rows of their groups, pixel after pixel.

    ``values`` (rows, columns) begin at row ``first_row`` of the map and row 1 of the places.
    ``overlays``: the number of each pixel (rows, columns), and the values (bands, n) by number.
    Columns of ``whole``: pixels, place of the peak (the first of equals), place of the first pixel,
    pixels at or above each level, filled pixels of each overlay. Of ``real``: sum, peak, sums of
    the overlays.
    """
    number, bands = overlays
    width, tail = values.shape[1], 3 + levels.size
    for run in range(places.shape[0]):
        row, into = places[run, 0] - 1, groups[run]
        for col in range(places[run, 1], places[run, 2]):
            value, at = np.float64(values[row, col]), np.int64(first_row + row) * width + col
            whole[into, 0] += 1
            real[into, 0] += value
            if value > real[into, 1]:
                real[into, 1], whole[into, 1] = value, at
            whole[into, 2] = min(whole[into, 2], at)
            for k in range(levels.size):
                whole[into, 3 + k] += value >= levels[k]
            for k in range(bands.shape[0]):
                over = np.float64(bands[k, number[row, col]])
                if np.isfinite(over):
                    whole[into, tail + k] += 1
                    real[into, 2 + k] += over


@compiled()
def draw_edges(places, starts, labels, first_row, width):  # type: ignore[no-untyped-def]
    """Return the edges (``outlines.Edges``) of the runs of a strip and of the row before it.

    The lower edges of the last row are those of the strip that follows. ``labels``: of each run;
    ``first_row``: of the strip in the map.
    """
    edges = np.empty((6 * places.shape[0] + 2, 6), np.int32)
    upright = np.full((2, width + 1), -1, np.int64)  # the last upright edge of each side and column
    count = 0
    for row in range(1, starts.size - 1):
        y = first_row + row - 1
        for side in range(2):  # 0: runs above the line, 1: runs below it
            own, other = (row - 1, row) if side == 0 else (row, row - 1)
            at = starts[other]
            for run in range(starts[own], starts[own + 1]):
                col, stop = places[run, 1], places[run, 2]
                while at < starts[other + 1] and places[at, 2] <= col:
                    at += 1
                beyond = at
                while col < stop:
                    covered = beyond < starts[other + 1] and places[beyond, 1] < stop
                    end = places[beyond, 1] if covered else stop
                    if end > col:
                        _put(edges[count], labels[run], col, y, end, y)
                        edges[count, 5] = side
                        count += 1
                    col = places[beyond, 2] if covered else stop
                    beyond += 1
        for run in range(starts[row], starts[row + 1]):
            for side in range(2):  # 1: inside lies to the right
                col = places[run, 2 - side]
                last = upright[side, col]
                if last >= 0 and edges[last, 4] == y:
                    edges[last, 4] = y + 1
                    continue
                _put(edges[count], labels[run], col, y, col, y + 1)
                edges[count, 5] = side
                upright[side, col] = count
                count += 1
    return edges[:count].copy()


@compiled()
def _put(edge, label, x0, y0, x1, y1):  # type: ignore[no-untyped-def]
    edge[0], edge[1], edge[2], edge[3], edge[4] = label, x0, y0, x1, y1
