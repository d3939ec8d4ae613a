"""Means of pixels over the coarser pixels that they lie under, weighted by the shared area."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.compiled import compiled

__all__ = ["area_means", "under"]

_NEAR = 1e-6
"""Edges nearer than this to one between fine pixels lie on it, in fine pixels."""


def under(edges: NDArray[np.float64], length: int) -> tuple[int, int]:
    """Return the first fine pixel under coarse pixels, and the one after the last.

    Parameters
    ----------
    edges
        (n + 1,) edges of the coarse pixels along one axis, in fine pixels; increasing.
    length
        Number of fine pixels.

    >>> under(np.array([-0.5, 2.25, 5.0]), 100), under(np.array([-9.0, -6.0]), 100)
    ((0, 5), (0, 0))
    """
    first, last = np.floor(edges[0] + _NEAR), np.ceil(edges[-1] - _NEAR)
    start = int(np.clip(first, 0, length))
    return start, max(start, int(np.clip(last, 0, length)))


def area_means(
    fine: NDArray[np.float32], down: NDArray[np.float64], across: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Average fine pixels over coarse ones; empty ones (NaN) do not count.

    Parameters
    ----------
    fine
        (row, column) values.
    down, across
        (h + 1,) and (w + 1,) edges of the coarse pixels, counted in rows and columns of ``fine``;
        increasing. What lies beyond ``fine`` is empty.

    Returns
    -------
    float32 (h, w): sum of the values times the areas that they share with the coarse pixel, over
    the sum of these areas; NaN where all are empty.

    Examples
    --------
    >>> fine = np.array([[1, 3, np.nan, np.nan], [1, np.nan, np.nan, np.nan]], np.float32)
    >>> area_means(fine, np.array([0.0, 2.0]), np.array([0.0, 2.0, 4.0]))
    array([[1.6666666,       nan]], dtype=float32)
    """
    result = np.empty((len(down) - 1, len(across) - 1), np.float32)
    if _doubled(down, fine.shape[0]) and _doubled(across, fine.shape[1]):
        _halve(fine, result)
    else:
        _average(fine, _snapped(down), _snapped(across), result)
    return result


def _doubled(edges: NDArray[np.float64], length: int) -> bool:
    return bool((edges == 2 * np.arange(len(edges))).all()) and edges[-1] <= length


def _snapped(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    whole = np.rint(edges)
    return np.where(np.abs(edges - whole) < _NEAR, whole, edges)


@compiled()
def _halve(fine, result):  # type: ignore[no-untyped-def]
    for row in range(result.shape[0]):
        above, below = fine[2 * row], fine[2 * row + 1]
        for column in range(result.shape[1]):
            a, b = above[2 * column], above[2 * column + 1]
            c, d = below[2 * column], below[2 * column + 1]
            total = (a + b) + (c + d)
            if np.isfinite(total):
                result[row, column] = total * np.float32(0.25)
                continue
            count, filled = 0, 0.0
            for value in (a, b, c, d):
                if np.isfinite(value):
                    filled += value
                    count += 1
            result[row, column] = filled / count if count else np.nan


@compiled()
def _average(fine, down, across, result):  # type: ignore[no-untyped-def]
    height, width = fine.shape
    for row in range(result.shape[0]):
        upper, lower = down[row], down[row + 1]
        for column in range(result.shape[1]):
            left, right = across[column], across[column + 1]
            total, weights = 0.0, 0.0
            for y in range(max(int(np.floor(upper)), 0), min(int(np.ceil(lower)), height)):
                high = min(y + 1.0, lower) - max(float(y), upper)
                for x in range(max(int(np.floor(left)), 0), min(int(np.ceil(right)), width)):
                    value = fine[y, x]
                    if np.isfinite(value):
                        share = high * (min(x + 1.0, right) - max(float(x), left))
                        total += share * value
                        weights += share
            result[row, column] = total / weights if weights > 0.0 else np.nan
