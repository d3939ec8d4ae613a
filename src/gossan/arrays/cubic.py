"""Cubic convolution of an image with empty pixels, between grids that share their axes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.compiled import compiled
from gossan.arrays.resample import keys


def convolve_cubic(
    values: NDArray[np.float32],
    rows: NDArray[np.float64],
    columns: NDArray[np.float64],
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Look up an image at every crossing of ``rows`` and ``columns``.

    Keys' kernel with a = -0.5 over 4 x 4 pixels. Where one of them is empty or lies outside, the
    bilinear mean of the filled ones among the nearest 2 x 2 takes its place. A position outside
    the image, or on an empty pixel, is empty. This is what GDAL's ``cubic`` does.

    Parameters
    ----------
    values
        (band, height, width); NaN is empty.
    rows, columns
        Positions in pixels; the centre of the first pixel is at 0.0.
    out
        Where the result goes, if it is to fill a part of a larger array.

    Returns
    -------
    (band, rows, columns) float32.

    Examples
    --------
    >>> ramp = np.arange(6.0, dtype=np.float32) + np.zeros((1, 6, 1), np.float32)
    >>> convolve_cubic(ramp, np.array([2.0]), np.array([2.25, 2.5, 9.0]))
    array([[[2.25, 2.5 ,  nan]]], dtype=float32)

    Source: Keys 1981, IEEE Trans. ASSP 29(6).
    """
    height, width = values.shape[1:]
    row_first, row_weights = _kernel(rows)
    column_first, column_weights = _kernel(columns)
    shape = (len(values), len(rows), len(columns))
    inside_rows = (rows >= -0.5) & (rows < height - 0.5)
    inside_columns = (columns >= -0.5) & (columns < width - 0.5)
    result = np.empty(shape, np.float32) if out is None else out
    if not inside_rows.any() or not inside_columns.any():
        result[:] = np.nan
        return result
    r, c = _span(inside_rows), _span(inside_columns)
    part = result[:, r, c]
    if part.shape != shape:
        result[:] = np.nan
    _convolve(
        np.ascontiguousarray(values, np.float32),
        rows[r], row_first[r], row_weights[r],
        columns[c], column_first[c], column_weights[c],
        part,
    )  # fmt: skip
    return result


def _kernel(positions: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the first of four pixels and their weights for each position."""
    first = np.floor(positions).astype(np.int64) - 1
    distance = positions[:, None] - (first[:, None] + np.arange(4))
    return first, keys(distance).astype(np.float32)


def _span(chosen: NDArray[np.bool_]) -> slice:
    index = np.flatnonzero(chosen)
    return slice(int(index[0]), int(index[-1]) + 1)


@compiled()
def _convolve(  # type: ignore[no-untyped-def]
    values, rows, row_first, row_weights, columns, col_first, col_weights, result
):
    """Widen each image row once (kept for four), then add four of them up for each result row."""
    height = values.shape[1]
    kept = np.full((4, result.shape[2]), np.nan, np.float32)
    twice = _is_twice(col_first, col_weights)
    for k in range(values.shape[0]):
        held = np.full(4, -9, np.int64)
        for y in range(result.shape[1]):
            for t in range(4):
                source = row_first[y] + t
                slot = source % 4
                if held[slot] == source:
                    continue
                held[slot] = source
                if source < 0 or source >= height:
                    kept[slot, :] = np.nan
                elif twice:
                    _widen_twice(values[k, source], col_first, col_weights, kept[slot])
                else:
                    _widen(values[k, source], 0, col_first, col_weights, kept[slot])
            a, b = kept[row_first[y] % 4], kept[(row_first[y] + 1) % 4]
            c, d = kept[(row_first[y] + 2) % 4], kept[(row_first[y] + 3) % 4]
            w0, w1, w2, w3 = row_weights[y]
            line = result[k, y]
            for x in range(line.size):
                line[x] = w0 * a[x] + w1 * b[x] + w2 * c[x] + w3 * d[x]
            for x in range(line.size):
                if np.isnan(line[x]):
                    line[x] = _bilinear(values[k], rows[y], columns[x])


@compiled()
def _is_twice(first, weights):  # type: ignore[no-untyped-def]
    """Return whether every second pixel looks one further with the same weights."""
    for x in range(first.size - 2):
        if first[x + 2] != first[x] + 1:
            return False
        for t in range(4):
            if weights[x + 2, t] != weights[x, t]:
                return False
    return first.size > 2


@compiled()
def _widen_twice(line, first, weights, result):  # type: ignore[no-untyped-def]
    """Widen to pixels of half the size: pairs of them, without a look at each one's weights."""
    start = max(-min(first[0], first[1]), 0)
    count = min(line.size - 3 - max(first[0], first[1]), first.size // 2)
    if count > start:
        even, odd = line[first[0] + start :], line[first[1] + start :]
        target = result[2 * start : 2 * count]
        a0, a1, a2, a3 = weights[0]
        b0, b1, b2, b3 = weights[1]
        for i in range(count - start):
            target[2 * i] = a0 * even[i] + a1 * even[i + 1] + a2 * even[i + 2] + a3 * even[i + 3]
            target[2 * i + 1] = b0 * odd[i] + b1 * odd[i + 1] + b2 * odd[i + 2] + b3 * odd[i + 3]
    stop = min(2 * start, first.size)
    _widen(line, 0, first[:stop], weights[:stop], result)
    begin = max(2 * count, stop)
    _widen(line, begin, first, weights, result)


@compiled()
def _widen(line, begin, first, weights, result):  # type: ignore[no-untyped-def]
    width = line.size
    for x in range(begin, first.size):
        f = first[x]
        if f < 0 or f + 3 >= width:
            result[x] = np.nan
        else:
            result[x] = (
                weights[x, 0] * line[f]
                + weights[x, 1] * line[f + 1]
                + weights[x, 2] * line[f + 2]
                + weights[x, 3] * line[f + 3]
            )


@compiled()
def _bilinear(image, row, column):  # type: ignore[no-untyped-def]
    """Average the filled ones of the nearest 2 x 2; empty where the pixel underneath is."""
    height, width = image.shape
    under_row, under_column = int(np.floor(row + 0.5)), int(np.floor(column + 0.5))
    if np.isnan(image[under_row, under_column]):
        return np.float32(np.nan)
    top, left = int(np.floor(row)), int(np.floor(column))
    total, weight = 0.0, 0.0
    for r in range(max(top, 0), min(top + 2, height)):
        for c in range(max(left, 0), min(left + 2, width)):
            value = image[r, c]
            if not np.isnan(value):
                share = (1 - abs(row - r)) * (1 - abs(column - c))
                total += share * value
                weight += share
    return np.float32(total / weight) if weight > 1e-5 else np.float32(np.nan)
