"""Covariances as functions of distance: arrays in, arrays out.

A model reaches a kernel as one ``Packed``. ``add_covariances`` takes many distances at once,
``correlations`` many squared distances. Distances are in metres along the
direction of greatest continuity: the caller turns and stretches coordinates, or applies the
model's metric, where a model is anisotropic.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, kv

from gossan.arrays.array_type import Array
from gossan.arrays.compiled import compiled

FAST = {"reassoc", "contract", "arcp", "nsz"}
SPHERICAL, EXPONENTIAL, GAUSSIAN, MATERN_3_2, MATERN_5_2, MATERN, STABLE = range(7)
KIND_CODES = {
    "spherical": SPHERICAL, "exponential": EXPONENTIAL, "gaussian": GAUSSIAN, "matern": MATERN,
    "stable": STABLE,
}  # fmt: skip
TABLE_NODES = 4097
TABLE_LAST = 8.0  # in units of sqrt(h / range): correlations beyond 64 ranges are below 1e-25

_ONE, _ROOT_HALF = (np.float64(x).view(np.uint64) for x in (1.0, math.sqrt(0.5)))
_TWO_52, _FRACTION = np.float64(2.0**52).view(np.uint64), np.uint64(2**52 - 1)
_FRACTION_BITS = np.uint64(52)
_EXPONENT_ZERO, _HUGE, _LN_2 = 2.0**52 + 1023.0, 1e9, math.log(2.0)


class Packed(NamedTuple):
    """The structures of a model as arrays, one entry for each.

    Parameters
    ----------
    kinds
        Codes as in ``KIND_CODES``; Matern of smoothness 3/2 and 5/2 have their own.
    parameters
        (structures, 3): sill, range and smoothness of each.
    tables
        (structures, nodes, 2) value and slope of Matern correlations of any other smoothness.
    sill
        Sum of the sills of the structures.
    reach
        Distance from which every covariance is 0; infinite for most models.
    """

    kinds: NDArray[np.int64]
    parameters: Array
    tables: Array
    sill: float
    reach: float


@lru_cache(maxsize=64)
def matern_table(smoothness: float) -> Array:
    """Tabulate the Matern correlation and its slope at nodes even in sqrt(h / range).

    ``rho(u) = u^nu K_nu(u) / (2^(nu - 1) gamma(nu))``; result (nodes, 2).
    """
    node = np.linspace(0.0, TABLE_LAST, TABLE_NODES)
    u = node**2
    log_scale = (1.0 - smoothness) * math.log(2.0) - gammaln(smoothness)
    table = np.empty((TABLE_NODES, 2))
    table[0] = 1.0, 0.0
    inner = u[1:]
    power = np.exp(log_scale + smoothness * np.log(inner))
    table[1:, 0] = power * kv(smoothness, inner)
    table[1:, 1] = -power * kv(smoothness - 1.0, inner) * 2.0 * node[1:]
    table[:, 1] *= node[1]
    table.setflags(write=False)
    return table


@compiled(fastmath=FAST)
def _fast_exp(x: float) -> float:
    # exp(x) for x <= 5 as (Taylor of x / 1024) squared ten times: vectorises; error 2e-13
    y = max(x, -90.0) * (1.0 / 1024.0)
    p = 1.0 + y * (1.0 / 7.0)
    p = 1.0 + y * (1.0 / 6.0) * p
    p = 1.0 + y * 0.2 * p
    p = 1.0 + y * 0.25 * p
    p = 1.0 + y * (1.0 / 3.0) * p
    p = 1.0 + y * 0.5 * p
    p = 1.0 + y * p
    for _ in range(10):
        p = p * p
    return p


@compiled(fastmath=FAST, inline="always")
def _spherical(u):  # type: ignore[no-untyped-def]
    return 1.0 - u * (1.5 - 0.5 * u * u)


@compiled(fastmath=FAST, inline="always")
def _matern_3_2(u, e):  # type: ignore[no-untyped-def]
    return (1.0 + u) * e


@compiled(fastmath=FAST, inline="always")
def _matern_5_2(u, e):  # type: ignore[no-untyped-def]
    return (1.0 + u + u * u * (1.0 / 3.0)) * e


@compiled(fastmath=FAST, inline="always")
def _tabled(u, tables, s):  # type: ignore[no-untyped-def]
    # Hermite interpolation between nodes even in sqrt(u)
    last = tables.shape[1] - 1
    place = math.sqrt(u) * (last / TABLE_LAST)
    if not place < last:
        return 0.0
    j = int(place)
    t = place - j
    r = 1.0 - t
    value = r * r * ((1.0 + 2.0 * t) * tables[s, j, 0] + t * tables[s, j, 1])
    return value + t * t * ((3.0 - 2.0 * t) * tables[s, j + 1, 0] - r * tables[s, j + 1, 1])


@compiled(inline="always")
def _tabled_slope(u, tables, s):  # type: ignore[no-untyped-def]
    # the same, and -u times its derivative
    last = tables.shape[1] - 1
    place = math.sqrt(u) * (last / TABLE_LAST)
    if not place < last:
        return 0.0, 0.0
    j = int(place)
    t = place - j
    r = 1.0 - t
    slope = 6.0 * t * r * (tables[s, j + 1, 0] - tables[s, j, 0])
    slope += r * (1.0 - 3.0 * t) * tables[s, j, 1] - t * (2.0 - 3.0 * t) * tables[s, j + 1, 1]
    return _tabled(u, tables, s), -0.5 * place * slope


@compiled(fastmath=FAST)
def _add_structure(kind, sill, scale, h, count, out):  # type: ignore[no-untyped-def]
    inverse = 1.0 / scale
    if kind == SPHERICAL:
        for i in range(count):
            out[i] += sill * _spherical(min(h[i] * inverse, 1.0))
    elif kind == EXPONENTIAL:
        for i in range(count):
            out[i] += sill * _fast_exp(-h[i] * inverse)
    elif kind == GAUSSIAN:
        for i in range(count):
            u = h[i] * inverse
            out[i] += sill * _fast_exp(-u * u)
    elif kind == MATERN_3_2:
        for i in range(count):
            u = h[i] * inverse
            out[i] += sill * _matern_3_2(u, _fast_exp(-u))
    else:
        for i in range(count):
            u = h[i] * inverse
            out[i] += sill * _matern_5_2(u, _fast_exp(-u))


@compiled(fastmath=FAST)
def _add_stable(sill, scale, smoothness, h, count, out):  # type: ignore[no-untyped-def]
    shift = math.log(scale)
    mantissa, exponent = _split_floats(h, count)
    for i in range(count):
        mantissa[i] = smoothness * (_log_of(mantissa[i], exponent[i]) - shift)
    for i in range(count):
        out[i] += sill * _fast_exp(-_fast_exp(mantissa[i]))


@compiled()
def _split_floats(x, count):  # type: ignore[no-untyped-def]
    # x = m 2^e with m from sqrt(1/2) to sqrt(2), by its bits (e beside 2^52 first); 0 = 2^-huge
    mantissa, exponent = np.empty(count), np.empty(count)
    bits, m, e = x.view(np.uint64), mantissa.view(np.uint64), exponent.view(np.uint64)
    for i in range(count):
        moved = bits[i] + (_ONE - _ROOT_HALF)
        m[i] = (moved & _FRACTION) + _ROOT_HALF
        e[i] = (moved >> _FRACTION_BITS) | _TWO_52
    for i in range(count):
        exponent[i] = exponent[i] - _EXPONENT_ZERO if x[i] > 0.0 else -_HUGE
    return mantissa, exponent


@compiled(fastmath=FAST, inline="always")
def _log_of(mantissa, exponent):  # type: ignore[no-untyped-def]
    # ln m = 2 artanh(t), t = (m - 1) / (m + 1) within 0.172: nine terms; error 1e-15
    t = (mantissa - 1.0) / (mantissa + 1.0)
    q = t * t
    p = 1.0 / 15.0 + q * (1.0 / 17.0)
    p = 1.0 / 11.0 + q * (1.0 / 13.0 + q * p)
    p = 1.0 / 7.0 + q * (1.0 / 9.0 + q * p)
    p = 1.0 / 3.0 + q * (1.0 / 5.0 + q * p)
    return 2.0 * t * (1.0 + q * p) + exponent * _LN_2


@compiled(fastmath=FAST)
def _add_tabled(tables, s, sill, scale, h, count, out):  # type: ignore[no-untyped-def]
    inverse = 1.0 / scale
    for i in range(count):
        out[i] += sill * _tabled(h[i] * inverse, tables, s)


@compiled(fastmath=FAST)
def add_covariances(packed, h, count, out):  # type: ignore[no-untyped-def]
    """Add the covariance of the structures (no nugget) at distances ``h[:count]`` to ``out``."""
    for s in range(packed.kinds.shape[0]):
        kind, sill, scale = packed.kinds[s], packed.parameters[s, 0], packed.parameters[s, 1]
        if kind == MATERN:
            _add_tabled(packed.tables, s, sill, scale, h, count, out)
        elif kind == STABLE:
            _add_stable(sill, scale, packed.parameters[s, 2], h, count, out)
        else:
            _add_structure(kind, sill, scale, h, count, out)


@compiled(fastmath=FAST)
def covariance_rows(first, second, packed, out):  # type: ignore[no-untyped-def]
    """Fill ``out`` (n, m) with covariances between two sets of turned coordinates, no nugget."""
    m = second.shape[0]
    h = np.empty(m)
    for i in range(first.shape[0]):
        for j in range(m):
            dx = first[i, 0] - second[j, 0]
            dy = first[i, 1] - second[j, 1]
            h[j] = math.sqrt(dx * dx + dy * dy)
        row = out[i]
        row[:] = 0.0
        add_covariances(packed, h, m, row)


@compiled(fastmath=FAST)
def correlations(packed, s, square, count, c, fall, bend):  # type: ignore[no-untyped-def]
    """Fill correlations of structure s at squared distances in metres, and how they change.

    ``c``, ``fall`` (``-u`` times the derivative by the distance u in ranges) and ``bend`` (the
    derivative by the logarithm of the smoothness; stable structures only, 0 for others).
    """
    kind, inverse = packed.kinds[s], 1.0 / packed.parameters[s, 1]
    bend[:count] = 0.0
    if kind == STABLE:
        _stable(packed.parameters[s, 2], inverse, square, count, c, fall, bend)
        return
    if kind == MATERN:
        for i in range(count):
            c[i], fall[i] = _tabled_slope(math.sqrt(square[i]) * inverse, packed.tables, s)
        return
    for i in range(count):
        c[i] = math.sqrt(square[i]) * inverse
    if kind == SPHERICAL:
        for i in range(count):
            u = min(c[i], 1.0)
            c[i], fall[i] = _spherical(u), 1.5 * u * (1.0 - u * u)
    elif kind == GAUSSIAN:
        for i in range(count):
            u = c[i] * c[i]
            c[i] = _fast_exp(-u)
            fall[i] = 2.0 * u * c[i]
    elif kind == EXPONENTIAL:
        for i in range(count):
            u = c[i]
            c[i] = _fast_exp(-u)
            fall[i] = u * c[i]
    elif kind == MATERN_3_2:
        for i in range(count):
            u = c[i]
            e = _fast_exp(-u)
            c[i], fall[i] = _matern_3_2(u, e), u * u * e
    else:
        for i in range(count):
            u = c[i]
            e = _fast_exp(-u)
            c[i], fall[i] = _matern_5_2(u, e), u * u * (1.0 + u) * (1.0 / 3.0) * e


@compiled(fastmath=FAST)
def _stable(smoothness, inverse, square, count, c, fall, bend):  # type: ignore[no-untyped-def]
    # with h = ln u: c = exp(-u^s), and its derivatives s u^s c and -s u^s h c
    shift = math.log(inverse)
    mantissa, exponent = _split_floats(square, count)
    for i in range(count):
        mantissa[i] = 0.5 * _log_of(mantissa[i], exponent[i]) + shift
    for i in range(count):
        raised = _fast_exp(smoothness * mantissa[i])
        c[i] = _fast_exp(-raised)
        fall[i] = smoothness * raised * c[i]
        bend[i] = -fall[i] * max(mantissa[i], -1e3)  # ln 0 counts for nothing
