"""Covariances between supports: samples that are means over squares, targets that are pixels.

The covariance of two squares is the mean over all lags between them, by Gauss quadrature. Lags are
on the ground; the metric of the model turns them into distances.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from gossan.arrays.array_type import Array
from gossan.arrays.compiled import compiled
from gossan.geochem.covariance.kernels import FAST, Packed, add_covariances, correlations

__all__ = [
    "BetweenSupports",
    "LagRule",
    "fill_between",
    "fill_slopes",
    "fill_within",
    "lag_rule",
    "mean_covariances",
    "mean_slopes",
]

_FAR = 2.0


@dataclass(frozen=True, eq=False)
class LagRule:
    """Quadrature over the lags between two squares: rows of (x, y, weight), metres.

    ``near`` serves pairs closer than ``cutoff_m``, ``far`` (three points an axis, exact for
    polynomials of degree five) the rest.
    """

    near: Array = field(repr=False)
    far: Array = field(repr=False)
    cutoff_m: float = 0.0


def lag_rule(first_m: float, second_m: float) -> LagRule:
    """Make the rule for squares of sides ``first_m`` and ``second_m`` (0: points).

    >>> lag_rule(0.0, 0.0).near.tolist()
    [[0.0, 0.0, 1.0]]
    >>> rule = lag_rule(100.0, 100.0)
    >>> bool(np.isclose(rule.near[:, 2] @ rule.near[:, 0] ** 2, 100.0**2 / 6))
    True
    """
    short, long = sorted((first_m, second_m))
    if long < 1e-3:
        point = np.array([[0.0, 0.0, 1.0]])
        return LagRule(point, point, 0.0)
    return LagRule(_square(*_near_axis(short, long)), _square(*_far_axis(short, long)), _FAR * long)


def _near_axis(short: float, long: float) -> tuple[Array, Array]:
    """Points and weights of the lag along one axis, split at 0 where the cusp lies."""
    node, weight = np.polynomial.legendre.leggauss(4)
    half, share = (node + 1) / 2, weight / 4
    if short < 1e-3 * long:
        lag, w = half * long / 2, share
    elif short == long:
        lag, w = half * long, 2 * share * (1 - half)
    else:
        fine, fine_weight = np.polynomial.legendre.leggauss(3)
        lag = (half[:, None] * long / 2 + fine * short / 2).ravel()
        w = (share[:, None] * fine_weight / 2).ravel()
    return np.concatenate([-lag, lag]), np.concatenate([w, w]) / (2 * w.sum())


def _far_axis(short: float, long: float) -> tuple[Array, Array]:
    """Three points that share the first five moments of the lag."""
    second = (short**2 + long**2) / 12
    fourth = (short**4 + long**4) / 80 + 6 * short**2 * long**2 / 144
    reach = np.sqrt(fourth / second)
    side = second / (2 * reach**2)
    return np.array([-reach, 0.0, reach]), np.array([side, 1 - 2 * side, side])


def _square(lag: Array, weight: Array) -> Array:
    x, y = np.meshgrid(lag, lag)
    return np.ascontiguousarray(
        np.column_stack([x.ravel(), y.ravel(), np.outer(weight, weight).ravel()])
    )


class BetweenSupports(NamedTuple):
    """A model and a pair of supports, as kernels take them.

    Parameters
    ----------
    packed
        The structures.
    metric
        (m11, m12, m22): the squared distance of a lag (x, y) is
        ``m11 x^2 + 2 m12 x y + m22 y^2``.
    lags
        (g, 3) both rules of a ``LagRule``, the first ``near`` rows for centres that are at most
        ``cutoff`` apart.
    """

    packed: Packed
    metric: Array
    lags: Array
    near: int
    cutoff: float


@compiled(fastmath=FAST)
def mean_covariances(between, x, y, count, out):  # type: ignore[no-untyped-def]
    """Fill ``out[:count]`` with the covariances of supports whose centres are (x, y) apart.

    The mean over the lags between the supports: three points an axis for all pairs, then the fine
    rule for the close ones; distances are gathered, so that correlations are evaluated in vectors.
    ``x`` is overwritten.
    """
    lags, near = between.lags, between.near
    out[:count] = 0.0
    if lags.shape[0] == 2:  # points
        for i in range(count):
            x[i] = _length(between.metric, x[i], y[i])
        add_covariances(between.packed, x, count, out)
        return
    h, part = np.empty(max(count, near)), np.empty(max(count, near))
    reach = between.cutoff * between.cutoff
    for g in range(near, lags.shape[0]):
        part[:count] = 0.0
        for i in range(count):
            h[i] = _length(between.metric, x[i] + lags[g, 0], y[i] + lags[g, 1])
        add_covariances(between.packed, h, count, part)
        for i in range(count):
            out[i] += lags[g, 2] * part[i]
    for i in range(count):
        if x[i] * x[i] + y[i] * y[i] <= reach:
            part[:near] = 0.0
            for g in range(near):
                h[g] = _length(between.metric, x[i] + lags[g, 0], y[i] + lags[g, 1])
            add_covariances(between.packed, h, near, part)
            out[i] = 0.0
            for g in range(near):
                out[i] += lags[g, 2] * part[g]


@compiled(fastmath=FAST, inline="always")
def _length(metric, u, v):  # type: ignore[no-untyped-def]
    """Distance of a lag (u, v) in the metric."""
    square = metric[0] * u * u + 2.0 * metric[1] * u * v + metric[2] * v * v
    return math.sqrt(max(square, 0.0))


@compiled(fastmath=FAST)
def mean_slopes(between, metric_slopes, x, y, count, value, change):  # type: ignore[no-untyped-def]
    """Fill covariances ``value[:count]`` as above and their derivatives ``change[:, :count]``.

    ``metric_slopes`` (p, 3) are derivatives of the metric; the last derivative, where ``change``
    has room for it, is by the logarithm of the smoothness.
    """
    packed, lags, near = between.packed, between.lags, between.near
    params, bent = metric_slopes.shape[0], change.shape[0] > metric_slopes.shape[0]
    reach, most = between.cutoff * between.cutoff, max(count, near)
    u, v, square = np.empty(most), np.empty(most), np.empty(most)
    c, fall, bend = np.empty(most), np.empty(most), np.empty(most)
    value[:count] = 0.0
    change[:, :count] = 0.0
    for s in range(packed.kinds.shape[0]):
        sill = packed.parameters[s, 0]
        for g in range(near, lags.shape[0]):
            for i in range(count):
                u[i], v[i] = x[i] + lags[g, 0], y[i] + lags[g, 1]
            _fill_squares(between.metric, u, v, count, square)
            correlations(packed, s, square, count, c, fall, bend)
            weight = sill * lags[g, 2]
            for i in range(count):
                value[i] += weight * c[i]
                fall[i] *= -0.5 * weight / square[i] if square[i] > 0.0 else 0.0
            for p in range(params):
                one, two, both = metric_slopes[p, 0], metric_slopes[p, 2], metric_slopes[p, 1]
                for i in range(count):
                    turn = one * u[i] * u[i] + two * v[i] * v[i] + 2.0 * both * u[i] * v[i]
                    change[p, i] += fall[i] * turn
            if bent:
                for i in range(count):
                    change[params, i] += weight * bend[i]
    if lags.shape[0] == 2:  # points
        return
    for i in range(count):
        if x[i] * x[i] + y[i] * y[i] <= reach:
            value[i] = 0.0
            change[:, i] = 0.0
            for g in range(near):
                u[g], v[g] = x[i] + lags[g, 0], y[i] + lags[g, 1]
            _fill_squares(between.metric, u, v, near, square)
            for s in range(packed.kinds.shape[0]):
                correlations(packed, s, square, near, c, fall, bend)
                sill = packed.parameters[s, 0]
                for g in range(near):
                    weight = sill * lags[g, 2]
                    value[i] += weight * c[g]
                    fall[g] *= -0.5 * weight / square[g] if square[g] > 0.0 else 0.0
                    bend[g] *= weight
                for p in range(params):
                    one, two, both = metric_slopes[p, 0], metric_slopes[p, 2], metric_slopes[p, 1]
                    total = 0.0
                    for g in range(near):
                        turn = one * u[g] * u[g] + two * v[g] * v[g] + 2.0 * both * u[g] * v[g]
                        total += fall[g] * turn
                    change[p, i] += total
                if bent:
                    change[params, i] += bend[:near].sum()


@compiled(fastmath=FAST)
def _fill_squares(metric, u, v, count, square):  # type: ignore[no-untyped-def]
    """Fill the squared distances of lags (u, v) in the metric."""
    m11, m12, m22 = metric[0], metric[1], metric[2]
    for i in range(count):
        found = m11 * u[i] * u[i] + 2.0 * m12 * u[i] * v[i] + m22 * v[i] * v[i]
        square[i] = max(found, 0.0)


@compiled()
def fill_between(between, one, two, out):  # type: ignore[no-untyped-def]
    """Fill ``out`` (n, m) with the covariances of places (n, 2) and (m, 2)."""
    count = two.shape[0]
    x, y = np.empty(count), np.empty(count)
    for i in range(one.shape[0]):
        for j in range(count):
            x[j], y[j] = two[j, 0] - one[i, 0], two[j, 1] - one[i, 1]
        mean_covariances(between, x, y, count, out[i])


@compiled()
def fill_within(between, places, out):  # type: ignore[no-untyped-def]
    """Fill the symmetric covariances ``out`` (n, n) of places (n, 2): half are computed."""
    n = places.shape[0]
    x, y = np.empty(n), np.empty(n)
    for i in range(n):
        for j in range(i + 1):
            x[j], y[j] = places[j, 0] - places[i, 0], places[j, 1] - places[i, 1]
        mean_covariances(between, x, y, i + 1, out[i])
        out[:i, i] = out[i, :i]


@compiled()
def fill_slopes(between, metric_slopes, places, value, change):  # type: ignore[no-untyped-def]
    """Fill the symmetric covariances (n, n) of places and their derivatives (p, n, n)."""
    n = places.shape[0]
    x, y = np.empty(n), np.empty(n)
    for i in range(n):
        for j in range(i + 1):
            x[j], y[j] = places[j, 0] - places[i, 0], places[j, 1] - places[i, 1]
        mean_slopes(between, metric_slopes, x, y, i + 1, value[i], change[:, i])
        for j in range(i):
            value[j, i] = value[i, j]
            for p in range(change.shape[0]):
                change[p, j, i] = change[p, i, j]
