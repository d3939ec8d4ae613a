"""Close edges of pixels to rings, so that each ring is simple, in compiled loops.

Edges are walked with the inside to the right (rows grow downwards). Where two pixels touch at a
corner the walk stays with its own pixel, so the inside of a ring hangs together by sides; and a
walk that comes back to a corner is cut there, so that no ring touches itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.compiled import compiled

__all__ = ["Rings", "rings_of"]

Whole = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Rings:
    """Rings of edges.

    Attributes
    ----------
    corners
        (n, 2) column and row of the corners, ring by ring, without the first one again.
    starts
        (rings + 1,) first corner of each ring.
    labels
        (rings,) label that each belongs to.
    areas
        (rings,) pixels inside; below 0 for holes.
    beside
        (rings, 2) column and row of the centre of a pixel of the label that the ring borders on.
    """

    corners: Whole = field(repr=False)
    starts: Whole = field(repr=False)
    labels: Whole
    areas: NDArray[np.float64]
    beside: NDArray[np.float64] = field(repr=False)

    @property
    def numbers(self) -> Whole:
        """(n + rings,) ring of each corner, the first one of each ring once more."""
        return np.repeat(np.arange(len(self.labels)), np.diff(self.starts) + 1)

    @property
    def closed(self) -> NDArray[np.float64]:
        """(n + rings, 2) corners, the first one of each ring once more at its end."""
        return np.insert(
            self.corners, self.starts[1:], self.corners[self.starts[:-1]], axis=0
        ).astype(float)


def rings_of(edges: NDArray[np.int64] | NDArray[np.int32]) -> Rings:
    """Close the edges (``outlines.Edges``) of every label to rings.

    >>> square = [[1, 0, 0, 1, 0, 1], [1, 0, 1, 1, 1, 0], [1, 0, 0, 0, 1, 1], [1, 1, 0, 1, 1, 0]]
    >>> rings = rings_of(np.array(square))
    >>> rings.corners.tolist(), rings.areas.tolist(), rings.beside.tolist()
    ([[0, 0], [1, 0], [1, 1], [0, 1]], [1.0], [[0.5, 0.5]])
    """
    walks, labels = _directed(edges)
    width = int(walks[:, [0, 2]].max(initial=0)) + 1
    keys = walks[:, 1] * width + walks[:, 0]
    order = np.argsort(keys, kind="stable")
    walks, labels, keys = walks[order], labels[order], keys[order]
    corner = np.searchsorted(keys, keys)
    following = np.searchsorted(keys, walks[:, 3] * width + walks[:, 2])
    _turn_right(walks, keys, following)
    path, starts = _cut(corner, following)
    ends = walks[path]
    cross = (ends[:, 0] * ends[:, 3] - ends[:, 2] * ends[:, 1]) / 2.0
    first = ends[starts[:-1]]
    step = np.sign(first[:, 2:] - first[:, :2])
    beside = first[:, :2] + 0.5 * step + 0.5 * np.column_stack([-step[:, 1], step[:, 0]])
    areas = np.add.reduceat(cross, starts[:-1]) if len(cross) else cross
    return Rings(ends[:, :2], starts, labels[path[starts[:-1]]], areas, beside)


def _directed(edges: NDArray[np.int64] | NDArray[np.int32]) -> tuple[Whole, Whole]:
    """Return (n, 4) from x, y to x, y with the inside to the right, and the labels."""
    walks = edges[:, 1:5].astype(np.int64)
    level = walks[:, 1] == walks[:, 3]
    back = level != (edges[:, 5] == 1)
    walks[back] = walks[back][:, [2, 3, 0, 1]]
    return walks, edges[:, 0].astype(np.int64)


@compiled()
def _turn_right(walks, keys, following):  # type: ignore[no-untyped-def]
    """Choose the edge that turns right where two go on; they are sorted by their first corner."""
    for edge in range(following.size):
        one = following[edge]
        if one + 1 < keys.size and keys[one + 1] == keys[one]:
            dx, dy = walks[edge, 2] - walks[edge, 0], walks[edge, 3] - walks[edge, 1]
            right = (walks[one, 3] - walks[one, 1]) * dx - (walks[one, 2] - walks[one, 0]) * dy
            if right < 0:
                following[edge] = one + 1


@compiled()
def _cut(corner, following):  # type: ignore[no-untyped-def]
    """Walk all edges; return them ring by ring, and where each ring starts."""
    count = corner.size
    path, stack = np.empty(count, np.int64), np.empty(count + 1, np.int64)
    starts, place = np.empty(count + 1, np.int64), np.full(count, -1, np.int64)
    used = np.zeros(count, np.bool_)
    done, rings = 0, 0
    for first in range(count):
        edge, depth = first, 0
        while not used[edge] or depth:
            held = place[corner[edge]]
            if held >= 0:  # the walk was here before: what lies between is a ring
                starts[rings] = done
                rings += 1
                for k in range(held, depth):
                    path[done] = stack[k]
                    place[corner[stack[k]]] = -1
                    done += 1
                depth = held
                if used[edge]:
                    continue
            if used[edge]:
                break
            place[corner[edge]] = depth
            stack[depth] = edge
            used[edge] = True
            depth += 1
            edge = following[edge]
    starts[rings] = done
    return path, starts[: rings + 1].copy()
