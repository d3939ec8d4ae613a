"""Fill the depressions of a terrain model by flooding it from its edge."""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.compiled import compiled

__all__ = ["EMPTY", "filled_depressions"]

EMPTY = 247
"""Direction of cells without a height."""

_UNSEEN, _EDGE = 200, 201
_BUCKETS = 1 << 20
_BACK = np.array([2, 4, 8, 1, 16, 128, 64, 32], np.uint8)
"""Direction from each of eight neighbours, row by row, back to the cell in their middle."""
_PLACE = np.uint64(0x7FFFFFFF)


def filled_depressions(
    heights: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Raise every cell to the lowest level from which water gets to the edge.

    The ground is flooded from its edge, lowest cell first; each cell drains back to the cell from
    which it was flooded. Of cells on one level the edge comes last, otherwise they go row by row.

    Parameters
    ----------
    heights
        (rows, columns) metres, NaN where unknown. Cells on the border and beside unknown ones are
        the edge.

    Returns
    -------
    Filled heights, NaN where unknown, and D8 directions: 1 east, 2 south-east ... 128 north-east,
    0 a sink, ``EMPTY`` where unknown; two of (rows, columns).

    Source: Barnes, Lehman and Mulla 2014 (priority-flood). The queue is one of buckets of equal
    steps of height (Dial 1969): only the lowest bucket has to be in order.

    Examples
    --------
    A hollow of 1 m fills to 3 m, the lowest of its rim, and drains north over it.

    >>> rim = np.full((3, 3), 5.0, np.float32)
    >>> rim[1, 1], rim[0, 1] = 1, 3
    >>> filled, directions = filled_depressions(rim)
    >>> float(filled[1, 1]), int(directions[1, 1])
    (3.0, 64)
    """
    level = np.pad(np.asarray(heights, np.float32), 1, constant_values=np.nan)
    level += 0.0  # of -0.0 and 0.0 neither is the lower
    known = np.isfinite(level)
    directions = np.where(known, _UNSEEN, EMPTY).astype(np.uint8)
    if known.any():
        low, high = float(level[known].min()), float(level[known].max())
        _flood(level.reshape(-1), directions.reshape(-1), level.shape[1], low, high)
    return level[1:-1, 1:-1], directions[1:-1, 1:-1]


@compiled()
def _flood(level, directions, columns, low, high):  # type: ignore[no-untyped-def]
    """Flood cells that lie row by row within a rim of empty ones: heights and directions.

    Cells wait in buckets, of which ``first`` and ``after`` are the chains, and in ``ordered`` those
    of the lowest bucket.
    """
    steps = (_BUCKETS - 1) / max(high - low, 1e-30)
    around = np.array(
        [-columns - 1, -columns, 1 - columns, -1, 1, columns - 1, columns, columns + 1]
    )
    first, after = np.full(_BUCKETS, -1, np.int32), np.empty(level.size, np.int32)
    edge = _edge(level, directions, around)
    entered = 0
    ordered = [np.uint64(0) for _ in range(0)]
    for now in range(_BUCKETS):
        while entered < edge.size and int((level[edge[entered] & _PLACE] - low) * steps) == now:
            heapq.heappush(ordered, edge[entered])
            entered += 1
        cell = first[now]
        while cell >= 0:
            heapq.heappush(ordered, _rank(level[cell], False, cell))
            cell = after[cell]
        while len(ordered) > 0:
            cell = np.int64(heapq.heappop(ordered) & _PLACE)
            if directions[cell] == _EDGE:
                directions[cell] = 0
            for k in range(8):
                to = cell + around[k]
                if directions[to] == _EDGE:
                    directions[to] = _BACK[k]
                elif directions[to] == _UNSEEN:
                    directions[to] = _BACK[k]
                    level[to] = max(level[to], level[cell])
                    bucket = int((level[to] - low) * steps)
                    if bucket == now:
                        heapq.heappush(ordered, _rank(level[to], False, to))
                    else:
                        after[to], first[bucket] = first[bucket], to


@compiled()
def _edge(level, directions, around):  # type: ignore[no-untyped-def]
    """Mark the cells beside empty ones, and rank them."""
    ranks = [np.uint64(0) for _ in range(0)]
    for cell in range(level.size):
        if directions[cell] == _UNSEEN:
            for k in range(8):
                if directions[cell + around[k]] == EMPTY:
                    directions[cell] = _EDGE
            if directions[cell] == _EDGE:
                ranks.append(_rank(level[cell], True, cell))
    return np.sort(np.array(ranks))


@compiled()
def _rank(level, edge, cell):  # type: ignore[no-untyped-def]
    """Order cells by level, edge and place, as one number; bits of a float order its size."""
    bits = np.float32(level).view(np.uint32)
    bits = ~bits if bits >> 31 else bits | np.uint32(0x80000000)
    return np.uint64(bits) << np.uint64(32) | np.uint64(edge) << np.uint64(31) | np.uint64(cell)
