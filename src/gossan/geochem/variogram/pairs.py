"""Sums over pairs of samples, by class of distance and direction: arrays in, arrays out."""

from __future__ import annotations

import math

import numpy as np

from gossan.arrays.compiled import compiled

__all__ = ["pair_differences", "pair_sums"]


@compiled(inline="always")
def _group(xy, i, j, width, bins, sectors):  # type: ignore[no-untyped-def]
    """Find distance, sector and bin of a pair of samples; bin -1 beyond the last."""
    dx, dy = xy[j, 0] - xy[i, 0], xy[j, 1] - xy[i, 1]
    h = math.sqrt(dx * dx + dy * dy)
    s, k = 0, -1
    if h <= width * bins:
        k = min(max(math.ceil(h / width) - 1, 0), bins - 1)
        if sectors > 1 and h > 0.0:
            half = math.pi / (2.0 * sectors)
            s = int((math.atan2(dx, dy) % math.pi + half) / (2.0 * half)) % sectors
    return h, s, k


@compiled()
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
            if xy[j, 0] - xy[i, 0] > cutoff:
                break
            h, s, k = _group(xy, i, j, width, bins, sectors)
            if k < 0:
                continue
            d = abs(z[i] - z[j])
            count[s, k] += 1.0
            total_h[s, k] += h
            total_d[s, k] += d * d if power == 2.0 else d**power
    return count, total_h, total_d


@compiled()
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
            if xy[j, 0] - xy[i, 0] > cutoff:
                break
            _, s, k = _group(xy, i, j, width, bins, sectors)
            if k < 0:
                continue
            g = s * bins + k
            out[start[g]] = abs(z[i] - z[j])
            start[g] += 1
    return out
