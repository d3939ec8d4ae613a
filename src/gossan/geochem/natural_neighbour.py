"""Sibson's natural neighbour weights from a Delaunay triangulation: arrays in, arrays out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.compiled import compiled


class Mesh(NamedTuple):
    """Points (n, 2), their values, triangles (m, 3) and the triangles beside each (m, 3)."""

    points: NDArray[np.float64]
    values: NDArray[np.float64]
    triangles: NDArray[np.int32]
    beside: NDArray[np.int32]


class Room(NamedTuple):
    """Triangles to visit, when each was last seen, and the centres of four circles (4, 2)."""

    queue: NDArray[np.int64]
    seen: NDArray[np.int64]
    centres: NDArray[np.float64]


@compiled()
def _centre(ax, ay, bx, by, cx, cy, out):  # type: ignore[no-untyped-def]
    # circumcentre of a triangle; False where its corners lie on a line
    bx, by, cx, cy = bx - ax, by - ay, cx - ax, cy - ay
    d = 2.0 * (bx * cy - by * cx)
    b2, c2 = bx * bx + by * by, cx * cx + cy * cy
    if abs(d) <= 1e-14 * (b2 + c2):
        return False
    out[0] = ax + (cy * b2 - by * c2) / d
    out[1] = ay + (bx * c2 - cx * b2) / d
    return True


@compiled()
def _one(mesh, x, y, first, room, stamp):  # type: ignore[no-untyped-def]
    # sum over triangles whose circumcircle holds (x, y) of the areas taken from each corner
    points, values, triangles, beside = mesh
    queue, seen, centres = room
    queue[0] = first
    seen[first] = stamp
    head, tail = 0, 1
    total = 0.0
    weighted = 0.0
    while head < tail:
        t = queue[head]
        head += 1
        if not _centre(
            points[triangles[t, 0], 0], points[triangles[t, 0], 1],
            points[triangles[t, 1], 0], points[triangles[t, 1], 1],
            points[triangles[t, 2], 0], points[triangles[t, 2], 1], centres[3],
        ):  # fmt: skip
            return np.nan
        for i in range(3):
            a, b = triangles[t, (i + 1) % 3], triangles[t, (i + 2) % 3]
            if not _centre(
                x, y, points[a, 0], points[a, 1], points[b, 0], points[b, 1], centres[i]
            ):
                return np.nan
        vx, vy = centres[3, 0], centres[3, 1]
        for i in range(3):
            j, k = (i + 1) % 3, (i + 2) % 3
            area = (centres[j, 0] - vx) * (centres[k, 1] - vy)
            area -= (centres[j, 1] - vy) * (centres[k, 0] - vx)
            total += area
            weighted += area * values[triangles[t, i]]
        for i in range(3):
            n = beside[t, i]
            if n < 0 or seen[n] == stamp or tail == queue.shape[0]:
                continue
            if not _centre(
                points[triangles[n, 0], 0], points[triangles[n, 0], 1],
                points[triangles[n, 1], 0], points[triangles[n, 1], 1],
                points[triangles[n, 2], 0], points[triangles[n, 2], 1], centres[3],
            ):  # fmt: skip
                continue
            c = centres[3]
            rx, ry = points[triangles[n, 0], 0] - c[0], points[triangles[n, 0], 1] - c[1]
            if (x - c[0]) ** 2 + (y - c[1]) ** 2 < rx * rx + ry * ry:
                seen[n] = stamp
                queue[tail] = n
                tail += 1
    return weighted / total if total != 0.0 else np.nan


@compiled()
def sibson(points, values, triangles, beside, targets, found, step, out):  # type: ignore[no-untyped-def]
    """Fill ``out`` (t,) with natural neighbour estimates; NaN where ``found`` is -1.

    ``triangles`` (m, 3) corners and ``beside`` (m, 3) neighbours as scipy's Delaunay gives
    them; ``found`` (t,) the triangle that holds each target; ``step`` a tiny length by which
    a target on an edge is moved.
    """
    queue = np.empty(min(triangles.shape[0], 4096), np.int64)
    seen = np.full(triangles.shape[0], -1, np.int64)
    mesh, room = Mesh(points, values, triangles, beside), Room(queue, seen, np.empty((4, 2)))
    stamp = 0
    for t in range(targets.shape[0]):
        out[t] = np.nan
        if found[t] < 0:
            continue
        x, y = targets[t, 0], targets[t, 1]
        for i in range(3):
            j = triangles[found[t], i]
            if abs(points[j, 0] - x) <= step and abs(points[j, 1] - y) <= step:
                out[t] = values[j]
        trial = 0
        while np.isnan(out[t]) and trial < 4:
            mx = points[triangles[found[t], :], 0].mean() - x
            my = points[triangles[found[t], :], 1].mean() - y
            pull = 1e-6 * trial
            out[t] = _one(mesh, x + pull * mx, y + pull * my, found[t], room, stamp)
            stamp += 1
            trial += 1
