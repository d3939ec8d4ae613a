"""Kernels of nearest-neighbour fields: whitening by predecessors, conditioning of targets."""

from __future__ import annotations

import numpy as np
from numba import njit

from gossan.arrays.small_systems import factor, solve
from gossan.fusion.geostatistical.covariance import mean_correlation, mean_slopes

__all__ = ["condition", "earlier", "whiten", "whitening_rows"]

_TOO_CLOSE = 1e-10


@njit(cache=True, nogil=True)
def earlier(nearest, start, found):  # type: ignore[no-untyped-def]
    """Keep the nearest places that come earlier in the order."""
    for i in range(nearest.shape[0]):
        count = 0
        for j in nearest[i]:
            if j < start + i and count < found.shape[1]:
                found[start + i, count] = j
                count += 1


@njit(cache=True, nogil=True)
def whiten(  # type: ignore[no-untyped-def]
    places, neighbours, family, metric, smoothness, slopes, shapes, near, far, cutoff, sill,
    noise, noise_slopes, columns, start, stop, white, turned, logs, log_slopes,
):  # fmt: skip
    """Whiten rows start .. stop - 1 of the columns, with the derivatives."""
    most, count = neighbours.shape[1] + 1, turned.shape[0]
    matrix, change = np.empty((most, most)), np.zeros((count, most, most))
    part, b, db = np.empty(shapes), np.empty(most), np.empty(most)
    index = np.empty(most, np.int64)
    for row in range(start, stop):
        size = 0
        for j in neighbours[row]:
            if j >= 0:
                index[size] = j
                size += 1
        index[size] = row
        for i in range(size + 1):
            for j in range(i + 1):
                x = places[index[j], 0] - places[index[i], 0]
                y = places[index[j], 1] - places[index[i], 1]
                c = sill * mean_slopes(
                    x, y, family, metric, smoothness, slopes, near, far, cutoff, part
                )
                matrix[i, j] = c
                change[0, i, j] = c
                for p in range(shapes):
                    change[1 + p, i, j] = sill * part[p]
                for p in range(1 + shapes, count):
                    change[p, i, j] = 0.0
                if i == j:
                    matrix[i, i] += noise[index[i]]
                    for p in range(noise_slopes.shape[0]):
                        change[1 + shapes + p, i, i] = noise_slopes[p, index[i]]
        own = matrix[size, size]
        for k in range(size):
            b[k] = matrix[size, k]
        factor(matrix, size)
        left = own
        for k in range(size):
            db[k] = b[k]
        solve(matrix, size, b)
        for k in range(size):
            left -= db[k] * b[k]
        left = max(left, _TOO_CLOSE * own)
        root = np.sqrt(left)
        logs[row] = np.log(left)
        for c in range(columns.shape[1]):
            s = columns[row, c]
            for k in range(size):
                s -= b[k] * columns[index[k], c]
            white[row, c] = s / root
        for p in range(count):
            slope = change[p, size, size]
            for i in range(size):
                s = change[p, size, i]
                slope -= 2.0 * b[i] * s
                for j in range(size):
                    low = change[p, i, j] if j <= i else change[p, j, i]
                    s -= low * b[j]
                    slope += b[i] * b[j] * low
                db[i] = s
            solve(matrix, size, db)
            log_slopes[p, row] = slope / left
            for c in range(columns.shape[1]):
                s = -0.5 * white[row, c] * slope / left
                for k in range(size):
                    s -= db[k] * columns[index[k], c] / root
                turned[p, row, c] = s


@njit(cache=True, nogil=True)
def condition(  # type: ignore[no-untyped-def]
    targets, places, nearest, family, metric, smoothness, near, far, cutoff, near_t, far_t,
    cutoff_t, sill, noise, columns, sums, explained, weights,
):  # fmt: skip
    """Condition each target on its nearest samples."""
    size = nearest.shape[1]
    matrix, c = np.empty((size, size)), np.empty(size)
    for t in range(targets.shape[0]):
        for i in range(size):
            a = nearest[t, i]
            for j in range(i + 1):
                x, y = (
                    places[nearest[t, j], 0] - places[a, 0],
                    places[nearest[t, j], 1] - places[a, 1],
                )
                matrix[i, j] = sill * mean_correlation(
                    x, y, family, metric, smoothness, near, far, cutoff
                )
            matrix[i, i] += noise[a]
            x, y = places[a, 0] - targets[t, 0], places[a, 1] - targets[t, 1]
            c[i] = sill * mean_correlation(
                x, y, family, metric, smoothness, near_t, far_t, cutoff_t
            )
            weights[t, i] = c[i]
        factor(matrix, size)
        solve(matrix, size, weights[t])
        explained[t] = 0.0
        sums[t, :] = 0.0
        for i in range(size):
            explained[t] += c[i] * weights[t, i]
            for k in range(columns.shape[1]):
                sums[t, k] += weights[t, i] * columns[nearest[t, i], k]


@njit(cache=True, nogil=True)
def whitening_rows(  # type: ignore[no-untyped-def]
    places, neighbours, family, metric, smoothness, near, far, cutoff, sill, noise, values
):
    """Fill row i with ``-b / sqrt(f)`` at its neighbours and ``1 / sqrt(f)`` last."""
    most = neighbours.shape[1]
    matrix, b = np.empty((most + 1, most + 1)), np.empty(most + 1)
    index, slot = np.empty(most + 1, np.int64), np.empty(most + 1, np.int64)
    for row in range(places.shape[0]):
        size = 0
        for k in range(most):
            if neighbours[row, k] >= 0:
                index[size], slot[size] = neighbours[row, k], k
                size += 1
        index[size] = row
        for i in range(size + 1):
            for j in range(i + 1):
                x = places[index[j], 0] - places[index[i], 0]
                y = places[index[j], 1] - places[index[i], 1]
                matrix[i, j] = sill * mean_correlation(
                    x, y, family, metric, smoothness, near, far, cutoff
                )
            matrix[i, i] += noise[index[i]]
        own = matrix[size, size]
        left = own
        factor(matrix, size)
        for k in range(size):
            b[k] = matrix[size, k]
        solve(matrix, size, b)
        for k in range(size):
            left -= b[k] * matrix[size, k]
        root = np.sqrt(max(left, _TOO_CLOSE * own))
        for k in range(size):
            values[row, slot[k]] = -b[k] / root
        values[row, most] = 1.0 / root
