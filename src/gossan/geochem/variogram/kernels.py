"""Compute correlations of distance and sums over pairs of samples: arrays in, arrays out.

Distances are in metres along the direction of greatest continuity (the caller turns and
stretches coordinates where a model is anisotropic). Kinds of structure are coded as in
``KIND_CODES``; a Matern structure of any smoothness is read from a table of Hermite nodes.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import gammaln, kv

FAST = {"reassoc", "contract", "arcp", "nsz"}
KIND_CODES = {"spherical": 0, "exponential": 1, "gaussian": 2, "matern": 5}
MATERN_3_2, MATERN_5_2 = 3, 4
TABLE_NODES = 4097
TABLE_LAST = 8.0  # in units of sqrt(h / range): correlations beyond 64 ranges are below 1e-25

Array = NDArray[np.float64]


class Packed(NamedTuple):
    """The structures of a model as arrays, one entry a structure."""

    kinds: NDArray[np.int64]
    sills: Array
    ranges: Array
    tables: NDArray[np.float64]
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


@njit(cache=True, nogil=True, fastmath=FAST)
def _fast_exp(x: float) -> float:
    # exp(x) for x <= 0 as (Taylor of x / 1024) squared ten times: vectorises; error 2e-13
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


@njit(cache=True, nogil=True, fastmath=FAST)
def _add_structure(kind, sill, scale, table, h, count, out):  # type: ignore[no-untyped-def]
    inverse = 1.0 / scale
    if kind == 0:
        for i in range(count):
            u = min(h[i] * inverse, 1.0)
            out[i] += sill * (1.0 - u * (1.5 - 0.5 * u * u))
    elif kind == 1:
        for i in range(count):
            out[i] += sill * _fast_exp(-h[i] * inverse)
    elif kind == 2:
        for i in range(count):
            u = h[i] * inverse
            out[i] += sill * _fast_exp(-u * u)
    elif kind == 3:
        for i in range(count):
            u = h[i] * inverse
            out[i] += sill * (1.0 + u) * _fast_exp(-u)
    elif kind == 4:
        for i in range(count):
            u = h[i] * inverse
            out[i] += sill * (1.0 + u + u * u * (1.0 / 3.0)) * _fast_exp(-u)
    else:
        last = table.shape[0] - 1
        step = last / TABLE_LAST
        for i in range(count):
            s = math.sqrt(h[i] * inverse) * step
            if s < last:
                j = int(s)
                t = s - j
                r = 1.0 - t
                value = r * r * ((1.0 + 2.0 * t) * table[j, 0] + t * table[j, 1])
                value += t * t * ((3.0 - 2.0 * t) * table[j + 1, 0] - r * table[j + 1, 1])
                out[i] += sill * value


@njit(cache=True, nogil=True, fastmath=FAST)
def add_covariances(packed, h, count, out):  # type: ignore[no-untyped-def]
    """Add the covariance of the structures (no nugget) at distances ``h[:count]`` to ``out``."""
    for s in range(packed.kinds.shape[0]):
        _add_structure(
            packed.kinds[s], packed.sills[s], packed.ranges[s], packed.tables[s], h, count, out
        )


@njit(cache=True, nogil=True, fastmath=FAST)
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


@njit(cache=True, nogil=True, inline="always")
def _group(dx, dy, h, width, bins, sectors):  # type: ignore[no-untyped-def]
    """Find sector and bin of a pair at distance h."""
    s = 0
    if sectors > 1 and h > 0.0:
        half = math.pi / (2.0 * sectors)
        s = int((math.atan2(dx, dy) % math.pi + half) / (2.0 * half)) % sectors
    return s, min(max(math.ceil(h / width) - 1, 0), bins - 1)


@njit(cache=True, nogil=True)
def pair_sums(xy, z, order, firsts, width, bins, sectors, power):  # type: ignore[no-untyped-def]
    """Sum pairs into bins of distance and direction.

    For samples sorted by easting (``order``) and pairs whose member further west has a rank in
    ``firsts``: number of pairs, sum of distances and sum of |difference|^power, each
    (sectors, bins). A pair at distance h falls in bin ceil(h / width) - 1; a pair at h = 0 in
    the first. Sector s is centred on azimuth 180 s / sectors.
    """
    count = np.zeros((sectors, bins))
    total_h = np.zeros((sectors, bins))
    total_d = np.zeros((sectors, bins))
    cutoff = width * bins
    for a in firsts:
        i = order[a]
        for b in range(a + 1, order.shape[0]):
            j = order[b]
            dx = xy[j, 0] - xy[i, 0]
            if dx > cutoff:
                break
            dy = xy[j, 1] - xy[i, 1]
            h = math.sqrt(dx * dx + dy * dy)
            if h > cutoff:
                continue
            s, k = _group(dx, dy, h, width, bins, sectors)
            d = abs(z[i] - z[j])
            count[s, k] += 1.0
            total_h[s, k] += h
            total_d[s, k] += d * d if power == 2.0 else d**power
    return count, total_h, total_d


@njit(cache=True, nogil=True)
def pair_differences(xy, z, order, width, bins, sectors, counts):  # type: ignore[no-untyped-def]
    """List |difference| of every pair, grouped by bin: for estimators that need the median.

    ``counts`` (sectors, bins) from ``pair_sums``; result (pairs,), groups in C order.
    """
    start = np.zeros(counts.size + 1, np.int64)
    flat = counts.ravel()
    for g in range(counts.size):
        start[g + 1] = start[g] + int(flat[g])
    out = np.empty(start[-1])
    cutoff = width * bins
    for a in range(order.shape[0]):
        i = order[a]
        for b in range(a + 1, order.shape[0]):
            j = order[b]
            dx = xy[j, 0] - xy[i, 0]
            if dx > cutoff:
                break
            dy = xy[j, 1] - xy[i, 1]
            h = math.sqrt(dx * dx + dy * dy)
            if h > cutoff:
                continue
            s, k = _group(dx, dy, h, width, bins, sectors)
            g = s * bins + k
            out[start[g]] = abs(z[i] - z[j])
            start[g] += 1
    return out
