"""Means of pixels over the coarser pixels that they lie under, weighted by the shared area."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.compiled import compiled

__all__ = ["area_means", "rows_under"]


def rows_under(first: int, last: int, ratio: float, height: int) -> tuple[int, int]:
    """Return the fine rows, from and to, that coarse rows from ``first`` to ``last`` lie over.

    >>> rows_under(2, 4, 2.0, 100), rows_under(0, 1, 2.5, 100)
    ((4, 8), (0, 3))
    """
    return int(first * ratio), min(math.ceil(last * ratio - 1e-6), height)


def area_means(
    fine: NDArray[np.float32], top: int, rows: tuple[int, int], ratio: tuple[float, float],
    width: int,
) -> NDArray[np.float32]:  # fmt: skip
    """Average fine pixels over coarse ones; empty ones (NaN) do not count.

    Parameters
    ----------
    fine
        (row, column) values; the rows that ``rows_under`` names, whole.
    top
        Number of their first row in the whole fine raster.
    rows
        Coarse rows wanted, from and to.
    ratio
        Fine pixels per coarse pixel, down and across; at least 1.
    width
        Coarse pixels across.

    Returns
    -------
    float32 (rows, width): sum of a value times its share of the coarse pixel, over the sum of the
    shares; NaN where all are empty.

    Examples
    --------
    >>> fine = np.array([[1, 3, np.nan, np.nan], [1, np.nan, np.nan, np.nan]], np.float32)
    >>> area_means(fine, 0, (0, 1), (2.0, 2.0), 2)
    array([[1.6666666,       nan]], dtype=float32)
    """
    result = np.empty((rows[1] - rows[0], width), np.float32)
    if ratio == (2.0, 2.0):
        _halve(fine, 2 * rows[0] - top, result)
    else:
        _average(fine, top, rows[0], *ratio, result)
    return result


@compiled()
def _halve(fine, first, result):  # type: ignore[no-untyped-def]
    for row in range(result.shape[0]):
        above, below = fine[first + 2 * row], fine[first + 2 * row + 1]
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
def _average(fine, top, first, down, across, result):  # type: ignore[no-untyped-def]
    height, width = top + fine.shape[0], fine.shape[1]
    for row in range(result.shape[0]):
        upper, lower = (first + row) * down, (first + row + 1) * down
        for column in range(result.shape[1]):
            left, right = column * across, (column + 1) * across
            total, weights = 0.0, 0.0
            for y in range(int(upper), min(int(np.ceil(lower - 1e-6)), height)):
                high = min(y + 1.0, lower) - max(float(y), upper)
                for x in range(int(left), min(int(np.ceil(right - 1e-6)), width)):
                    value = fine[y - top, x]
                    if np.isfinite(value):
                        share = high * (min(x + 1.0, right) - max(float(x), left))
                        total += share * value
                        weights += share
            result[row, column] = total / weights if weights > 0.0 else np.nan
