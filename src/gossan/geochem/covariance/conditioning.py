"""Condition places on their nearest samples: kernels, arrays in, arrays out."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.array_type import Array
from gossan.arrays.compiled import compiled
from gossan.geochem.covariance.kernels import FAST
from gossan.geochem.covariance.supports import BetweenSupports, mean_covariances
from gossan.geochem.covariance.systems import back, forward, whiten

__all__ = [
    "Conditioning",
    "PairValues",
    "condition",
    "earlier",
    "pair_keys",
    "weighted_sums",
    "whitening_rows",
]

_TOO_CLOSE = 1e-10


class Conditioning(NamedTuple):
    """Samples, and which of them each place is conditioned on.

    Parameters
    ----------
    between
        Covariance of two samples.
    places, noise
        (n, 2) and (n,) of the samples.
    neighbours
        (t, m) numbers of samples, -1 where there is none.
    """

    between: BetweenSupports
    places: Array
    noise: Array
    neighbours: NDArray[np.int64]


@compiled()
def earlier(nearest, places, found):  # type: ignore[no-untyped-def]
    """Keep for each of ``places`` (t,) the nearest ones that come earlier in the order."""
    for i in range(nearest.shape[0]):
        count = 0
        for j in nearest[i]:
            if j < places[i] and count < found.shape[1]:
                found[i, count] = j
                count += 1


class Triangle(NamedTuple):
    """Room for a few samples (k, 2) and their pairs, the upper triangle row by row."""

    places: Array
    x: Array
    y: Array
    value: Array


@compiled()
def _triangle(most):  # type: ignore[no-untyped-def]
    size = most * (most + 1) // 2
    return Triangle(np.empty((2, most)), np.empty(size), np.empty(size), np.empty(size))


@compiled()
def _lags(places, index, size, pairs):  # type: ignore[no-untyped-def]
    # lags of the pairs of samples index[:size]; how many they are
    east, north = pairs.places[0], pairs.places[1]
    for i in range(size):
        east[i], north[i] = places[index[i], 0], places[index[i], 1]
    first = 0
    for i in range(size):
        x, y = pairs.x[first : first + size - i], pairs.y[first : first + size - i]
        for j in range(size - i):
            x[j] = east[i + j] - east[i]
            y[j] = north[i + j] - north[i]
        first += size - i
    return first


@compiled()
def _spread(pairs, size, system):  # type: ignore[no-untyped-def]
    # bring the pairs' values to the upper triangle
    first = 0
    for i in range(size):
        system[i, i:size] = pairs[first : first + size - i]
        first += size - i


@compiled()
def _fill(given, index, size, pairs, system):  # type: ignore[no-untyped-def]
    # covariances of samples index[:size] into the upper triangle
    count = _lags(given.places, index, size, pairs)
    mean_covariances(given.between, pairs.x, pairs.y, count, pairs.value)
    _spread(pairs.value, size, system)
    for i in range(size):
        system[i, i] += given.noise[index[i]]


@compiled()
def _gather(neighbours, index):  # type: ignore[no-untyped-def]
    # numbers of a place's neighbours; how many there are
    size = 0
    for j in neighbours:
        if j < 0:
            break
        index[size] = j
        size += 1
    return size


@compiled(fastmath=FAST)
def _turn(change, b, k, out):  # type: ignore[no-untyped-def]
    # fill out = dV_No - dV_NN b, give dV_oo - 2 b' dV_No + b' dV_NN b, of the upper triangle of dV
    for i in range(k):
        out[i] = change[i, k]
    total = change[k, k]
    for i in range(k):
        row, own, s = change[i], b[i], 0.0
        for j in range(i + 1, k):
            s += row[j] * b[j]
            out[j] -= row[j] * own
        out[i] -= s + row[i] * own
        total += own * (2.0 * (s - row[k]) + row[i] * own)
    return total


@compiled()
def pair_keys(index, total, keys):  # type: ignore[no-untyped-def]
    """Fill ``keys`` (t, p) with ``lower * total + higher`` of the pairs of samples in each row.

    The pairs are those of the upper triangle, row by row; a sample beside itself, and room that is
    left, have key 0. ``index`` (t, m + 1) holds neighbours, -1 where there is none, and the sample.
    """
    keys[:] = 0
    members = np.empty(index.shape[1], np.int64)
    for t in range(index.shape[0]):
        size = _gather(index[t, : index.shape[1] - 1], members)
        members[size] = index[t, index.shape[1] - 1]
        place = 0
        for i in range(size + 1):
            for j in range(i, size + 1):
                low, high = min(members[i], members[j]), max(members[i], members[j])
                if low < high:
                    keys[t, place] = low * total + high
                place += 1


class PairValues(NamedTuple):
    """Covariances of the pairs of samples that some rows need.

    Parameters
    ----------
    which
        (t, p) number of each pair of the upper triangle of a row, row by row.
    value
        (pairs,) covariances.
    change
        (q, pairs) their derivatives, by the metric and ln smoothness; q is 0 if they are not
        wanted.
    """

    which: NDArray[np.int32]
    value: Array
    change: Array


@compiled()
def _take(values, which, size, system):  # type: ignore[no-untyped-def]
    # bring the values of numbered pairs to the upper triangle
    place = 0
    for i in range(size):
        for j in range(i, size):
            system[i, j] = values[which[place]]
            place += 1


@compiled()
def whitening_rows(pairs, neighbours, noise, terms, noise_slopes, rows, slopes):  # type: ignore[no-untyped-def]
    """Fill the rows (t, m + 1) of a matrix that whitens samples, and their derivatives.

    Row i holds ``-b / sqrt(f)`` for the neighbours of sample ``terms[i]`` and ``1 / sqrt(f)``
    last, with ``b = V_NN^-1 V_Ni`` and ``f = V_ii - V_iN b``. ``slopes`` (q, t, m + 1) are by ln
    sill, the derivatives of ``pairs``, and the ``noise_slopes`` (k, n); of length 0 if they are not
    wanted.
    """
    most = neighbours.shape[1]
    shapes = slopes.shape[0] - noise_slopes.shape[0]
    index, db = np.empty(most + 1, np.int64), np.empty(most + 1)
    system, rhs = np.empty((most + 1, most + 1)), np.empty((1, most + 1))
    change = np.empty((max(shapes, 1), most + 1, most + 1))
    b = rhs[0]
    for t in range(terms.size):
        k, own = _gather(neighbours[t], index), terms[t]
        index[k] = own
        which = pairs.which[t]
        _take(pairs.value, which, k + 1, system)
        if shapes > 0:
            _take(pairs.value, which, k + 1, change[0])
        for p in range(1, shapes):
            _take(pairs.change[p - 1], which, k + 1, change[p])
        for i in range(k + 1):
            system[i, i] += noise[index[i]]
        b[:k] = system[:k, k]
        variance = system[k, k]
        whiten(system, rhs, k, 1)
        left = variance
        for i in range(k):
            left -= b[i] * b[i]
        left = max(left, _TOO_CLOSE * variance)
        back(system, b, k)
        root = math.sqrt(left)
        row = rows[t]
        row[:] = 0.0
        for i in range(k):
            row[i] = -b[i] / root
        row[most] = 1.0 / root
        for p in range(slopes.shape[0]):
            if p < shapes:
                bend = _turn(change[p], b, k, db)
            else:
                bent = noise_slopes[p - shapes]
                bend = bent[own]
                for i in range(k):
                    db[i] = -bent[index[i]] * b[i]
                    bend += bent[index[i]] * b[i] * b[i]
            forward(system, db, k)
            back(system, db, k)
            slope, share = slopes[p, t], -0.5 * bend / left
            slope[:] = share * row
            for i in range(k):
                slope[i] -= db[i] / root


@compiled()
def condition(given, across, targets, explained, weights):  # type: ignore[no-untyped-def]
    """Condition each target (t, 2) on its neighbours, all of which must be there.

    ``across`` is the covariance of a target and a sample. Fills ``weights`` (t, m) and the
    variance that they explain (t,).
    """
    most = given.neighbours.shape[1]
    index = np.empty(most, np.int64)
    x, y, c = np.empty(most), np.empty(most), np.empty(most)
    system, rhs, pairs = np.empty((most, most + 1)), np.empty((1, most)), _triangle(most)
    for t in range(targets.shape[0]):
        k = _gather(given.neighbours[t], index)
        _fill(given, index, k, pairs, system)
        for i in range(k):
            x[i] = given.places[index[i], 0] - targets[t, 0]
            y[i] = given.places[index[i], 1] - targets[t, 1]
        mean_covariances(across, x, y, k, c)
        rhs[0, :k] = c[:k]
        whiten(system, rhs, k, 1)
        back(system, rhs[0], k)
        explained[t] = 0.0
        for i in range(k):
            weights[t, i] = rhs[0, i]
            explained[t] += c[i] * weights[t, i]


@compiled()
def weighted_sums(index, weights, columns, out):  # type: ignore[no-untyped-def]
    """Fill ``out`` (t, c) with sums of the rows ``index`` (t, m) of columns; -1 is left out."""
    out[:] = 0.0
    for t in range(index.shape[0]):
        for k in range(index.shape[1]):
            j, w = index[t, k], weights[t, k]
            if j < 0:
                continue
            for c in range(columns.shape[1]):
                out[t, c] += w * columns[j, c]
