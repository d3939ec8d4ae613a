"""Exact covariances near samples, where a lattice would blur the cusp of the spatial term.

A field that the samples make, ``F(x) = sum_i f_i c_i(x)``, is smooth but for the cusp of ``c_i`` at
sample i. With ``I`` the interpolation from the lattice, what interpolation misses is, near sample
i, ``f_i (c_i - I c_i)``; and for a square like ``c' B c = b c_i^2 + 2 c_i G + ...``, with ``G``
smooth there, ``b (c_i^2 - I c_i^2) + 2 (c_i I G - I (c_i G))``. Both are added to the pixels within
two lattice steps of the sample. Two samples close to each other add, with m = c - I c,
``2 B_ij (m_i m_j + I (c_i c_j) - I c_i I c_j)``. So the map is as good there as the full sums.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gossan.arrays.resample import Taps, cubic_taps, interpolate_at
from gossan.fusion.geostatistical.covariance import mean_correlation
from gossan.fusion.geostatistical.map_strip import Strip
from gossan.fusion.geostatistical.posterior import Member
from gossan.geo.grid import Grid

__all__ = ["NODES", "CuspCorrection", "near_nodes"]

NODES = 8
REACH = 2.0
_PAIRED = 1.25
_LITTLE, _LITTLE_MEAN = 1e-3, 5e-3
Array = NDArray[np.float64]


def near_nodes(lattice: Grid, places: Array) -> NDArray[np.int64]:
    """Return (n, 2) first row and column of the 8 x 8 nodes about each place (n, 2)."""
    row, col = lattice.index_of(places[:, 0], places[:, 1])
    first = np.floor(np.column_stack([row, col])).astype(np.int64) - NODES // 2 + 1
    return np.clip(first, 0, np.array(lattice.shape) - NODES)


@dataclass(frozen=True, eq=False)
class CuspCorrection:
    """What one member needs to correct its fields near samples.

    Parameters
    ----------
    places
        (n, 2) samples that lie near the grid.
    first
        (n, 2) first node row and column about each.
    covariance, smooth
        (n, 8, 8) c_i and G_i at those nodes.
    mean_weight
        (n,) factor of ``c_i - I c_i`` in the estimate.
    square_weight
        (n,) factor b of ``c_i^2`` in the explained variance.
    feature_weight
        (n, d) factor of ``phi (c_i - I c_i)`` in half of the explained variance.
    loud
        (n,) samples whose mending is worth it; a smooth spatial term needs none.
    pairs, pair_weight, pair_covariance
        (k, 2) samples close to each other, the factor B of each pair, and (k, 8, 8) the
        covariance of the second at the nodes of the first.
    """

    places: Array = field(repr=False)
    first: NDArray[np.int64] = field(repr=False)
    covariance: Array = field(repr=False)
    smooth: Array = field(repr=False)
    mean_weight: Array = field(repr=False)
    square_weight: Array = field(repr=False)
    feature_weight: NDArray[np.float32] = field(repr=False)
    loud: NDArray[np.bool_] = field(repr=False)
    pairs: NDArray[np.int64] = field(repr=False)
    pair_weight: Array = field(repr=False)
    pair_covariance: Array = field(repr=False)
    sill: float
    packed: tuple[int, Array, float]
    rule: tuple[Array, Array, float] = field(repr=False)
    reach_m: float = 0.0

    @classmethod
    def of(
        cls, member: Member, lattice: Grid, places: Array, chosen: NDArray[np.int_],
        first: NDArray[np.int64], weights: Array, off: Array, rule: tuple[Array, Array, float],
    ) -> CuspCorrection:  # fmt: skip
        """Prepare the samples ``chosen`` of ``places`` (n, 2).

        ``weights`` (n, 8, 8) of each sample at its nodes; ``off`` (n, 8, 8, d + 1) is [0, 1] - w
        there.
        """
        h = member.hyperparameters
        spots = np.ascontiguousarray(places[chosen])
        own = member.field_.solved[chosen]
        turned = own[:, :-1] @ member.covariance
        reach = REACH * min(lattice.pixel_width, lattice.pixel_height)
        pairs = cKDTree(spots).query_pairs(_PAIRED * reach, output_type="ndarray").astype(np.int64)
        one = np.concatenate([np.arange(len(spots)), pairs[:, 0]])
        two = np.concatenate([np.arange(len(spots)), pairs[:, 1]])
        plain = member.field_.precision(chosen[one], chosen[two])
        full_precision = plain - np.einsum("ni,ni->n", own[one, :-1], turned[two])
        square = full_precision[: len(spots)]
        covariance = np.empty((len(one), NODES, NODES))
        _covariances(
            spots[two], first[one], *_frame(lattice), h.sill, *h.correlation.packed, *rule,
            covariance,
        )  # fmt: skip
        covariance, pair_covariance = covariance[: len(spots)], covariance[len(spots) :]
        full = weights + np.einsum("nabi,ni->nab", off, turned)
        smooth = full - square[:, None, None] * covariance
        mean = own[:, -1] - own[:, :-1] @ member.all_coefficients
        miss = h.sill * _largest_miss(lattice, h.correlation.packed, rule)
        little = _LITTLE * h.noise
        loud = square * miss**2 > little
        loud |= np.abs(mean) * miss > _LITTLE_MEAN * np.sqrt(h.noise)
        weight = full_precision[len(spots) :]
        heard = np.abs(weight) * miss**2 > little
        return cls(
            spots, first, covariance, smooth, mean, square,
            np.ascontiguousarray(turned[:, :-1], np.float32), loud, pairs[heard], weight[heard],
            pair_covariance[heard], h.sill, h.correlation.packed, rule, reach,
        )  # fmt: skip

    def correct(
        self, strip: Strip, rows: Taps, columns: Taps, weight: float,
        mean: NDArray[np.float32], variance: NDArray[np.float32],
    ) -> None:  # fmt: skip
        """Add what interpolation missed to a strip's mean and variance (height, width).

        ``rows`` and ``columns`` are the strip's taps on the lattice.
        """
        reach, easting, northing = self.reach_m, strip.easting, strip.northing
        self._correct_pairs(easting, northing, rows, columns, weight, variance)
        inside = self.loud & (
            (self.places[:, 0] > easting[0] - reach) & (self.places[:, 0] < easting[-1] + reach)
            & (self.places[:, 1] < northing[0] + reach) & (self.places[:, 1] > northing[-1] - reach)
        )  # fmt: skip
        for i in np.flatnonzero(inside):
            x0, x1 = np.searchsorted(easting, self.places[i, 0] + np.array([-reach, reach]))
            y0, y1 = np.searchsorted(-northing, -self.places[i, 1] + np.array([-reach, reach]))
            if x0 == x1 or y0 == y1:
                continue
            down, across = slice(y0, y1), slice(x0, x1)
            _correct(
                self.places[i], self.first[i], self.covariance[i], self.smooth[i],
                self.mean_weight[i], self.square_weight[i],
                strip.weigh(self.feature_weight[i], down, across), self.sill,
                *self.packed, *self.rule, easting[across], northing[down],
                rows.first[down], rows.weights[down], columns.first[across],
                columns.weights[across], np.float32(weight), mean[down, across],
                variance[down, across],
            )  # fmt: skip

    def _correct_pairs(
        self, easting: Array, northing: Array, rows: Taps, columns: Taps, weight: float,
        variance: NDArray[np.float32],
    ) -> None:  # fmt: skip
        """Add what pairs of close samples do to the variance."""
        reach = self.reach_m
        places = self.places[self.pairs]
        high, low = places.max(axis=1) - reach, places.min(axis=1) + reach
        inside = (low[:, 0] > easting[0]) & (high[:, 0] < easting[-1])
        inside &= (low[:, 1] > northing[-1]) & (high[:, 1] < northing[0])
        for k in np.flatnonzero(inside & (high < low).all(axis=1)):
            x0, x1 = np.searchsorted(easting, [high[k, 0], low[k, 0]])
            y0, y1 = np.searchsorted(-northing, [-low[k, 1], -high[k, 1]])
            if x0 == x1 or y0 == y1:
                continue
            i = self.pairs[k, 0]
            _correct_pair(
                places[k], self.first[i], self.covariance[i], self.pair_covariance[k],
                2.0 * weight * self.pair_weight[k], self.sill, *self.packed, *self.rule,
                easting[x0:x1], northing[y0:y1], rows.first[y0:y1], rows.weights[y0:y1],
                columns.first[x0:x1], columns.weights[x0:x1], variance[y0:y1, x0:x1],
            )  # fmt: skip


def _frame(lattice: Grid) -> tuple[float, float, float, float]:
    """First node and steps: easting, northing, eastward, northward (negative)."""
    easting, northing = lattice.coordinates()
    return float(easting[0]), float(northing[0]), lattice.pixel_width, -lattice.pixel_height


def _largest_miss(
    lattice: Grid, packed: tuple[int, Array, float], rule: tuple[Array, Array, float]
) -> float:
    """Largest share of the sill that interpolation misses at a sample."""
    spots = np.stack(np.meshgrid([0.0, 0.25, 0.5], [0.0, 0.25, 0.5]), axis=-1).reshape(-1, 2)
    spots = (spots + 3.0) * [lattice.pixel_width, lattice.pixel_height]
    first = np.zeros((len(spots), 2), np.int64)
    nodes = np.empty((len(spots), NODES, NODES))
    frame = (0.0, 0.0, lattice.pixel_width, lattice.pixel_height)
    _covariances(spots, first, *frame, 1.0, *packed, *rule, nodes)
    own = np.empty((1, 1, 1))
    zero = np.zeros((1, 2))
    _covariances(zero, first[:1], *frame, 1.0, *packed, *rule, own)
    x, y = (spots / [lattice.pixel_width, lattice.pixel_height]).T
    rows, cols = cubic_taps(y, NODES), cubic_taps(x, NODES)
    near = [
        interpolate_at(rows.part(k, k + 1), cols.part(k, k + 1), nodes[k])[0] for k in range(len(x))
    ]
    return float(np.abs(own[0, 0, 0] - np.array(near)).max())


@njit(cache=True, nogil=True)
def _covariances(  # type: ignore[no-untyped-def]
    places, first, east, north, step_x, step_y, sill, family, metric, smoothness, near, far,
    cutoff, out,
):  # fmt: skip
    for i in range(places.shape[0]):
        for a in range(out.shape[1]):
            y = north + (first[i, 0] + a) * step_y - places[i, 1]
            for b in range(out.shape[2]):
                x = east + (first[i, 1] + b) * step_x - places[i, 0]
                out[i, a, b] = sill * mean_correlation(
                    x, y, family, metric, smoothness, near, far, cutoff
                )


@njit(cache=True, nogil=True)
def _correct(  # type: ignore[no-untyped-def]
    place, first, covariance, smooth, mean_weight, square_weight, featured, sill, family,
    metric, smoothness, near, far, cutoff, easting, northing, row_first, row_weights, col_first,
    col_weights, weight, mean, variance,
):  # fmt: skip
    width, size = easting.size, covariance.shape[0]
    down = np.zeros((4, size))
    for y in range(northing.size):
        down[:] = 0.0
        for t in range(row_weights.shape[1]):
            a, w = row_first[y] + t - first[0], row_weights[y, t]
            if w == 0.0 or a < 0 or a >= size:
                continue
            for b in range(size):
                c, g = covariance[a, b], smooth[a, b]
                down[0, b] += w * c
                down[1, b] += w * c * c
                down[2, b] += w * g
                down[3, b] += w * c * g
        for x in range(width):
            i_c, i_cc, i_g, i_cg = 0.0, 0.0, 0.0, 0.0
            for t in range(col_weights.shape[1]):
                b, w = col_first[x] + t - first[1], col_weights[x, t]
                if w == 0.0 or b < 0 or b >= size:
                    continue
                i_c += w * down[0, b]
                i_cc += w * down[1, b]
                i_g += w * down[2, b]
                i_cg += w * down[3, b]
            c = sill * mean_correlation(
                easting[x] - place[0], northing[y] - place[1], family, metric, smoothness,
                near, far, cutoff,
            )  # fmt: skip
            miss = c - i_c
            said = square_weight * (c * c - i_cc) + 2.0 * (c * i_g - i_cg)
            mean[y, x] += weight * np.float32(mean_weight * miss)
            variance[y, x] -= weight * np.float32(said + 2.0 * miss * featured[y, x])


@njit(cache=True, nogil=True)
def _correct_pair(  # type: ignore[no-untyped-def]
    places, first, one, two, weight, sill, family, metric, smoothness, near, far, cutoff,
    easting, northing, row_first, row_weights, col_first, col_weights, variance,
):  # fmt: skip
    size = one.shape[0]
    down = np.zeros((3, size))
    for y in range(northing.size):
        down[:] = 0.0
        for t in range(row_weights.shape[1]):
            a, w = row_first[y] + t - first[0], row_weights[y, t]
            if w == 0.0 or a < 0 or a >= size:
                continue
            for b in range(size):
                down[0, b] += w * one[a, b]
                down[1, b] += w * two[a, b]
                down[2, b] += w * one[a, b] * two[a, b]
        for x in range(easting.size):
            i_one, i_two, i_both = 0.0, 0.0, 0.0
            for t in range(col_weights.shape[1]):
                b, w = col_first[x] + t - first[1], col_weights[x, t]
                if w == 0.0 or b < 0 or b >= size:
                    continue
                i_one += w * down[0, b]
                i_two += w * down[1, b]
                i_both += w * down[2, b]
            c = sill * mean_correlation(
                easting[x] - places[0, 0], northing[y] - places[0, 1], family, metric, smoothness,
                near, far, cutoff,
            )  # fmt: skip
            e = sill * mean_correlation(
                easting[x] - places[1, 0], northing[y] - places[1, 1], family, metric, smoothness,
                near, far, cutoff,
            )  # fmt: skip
            miss = (c - i_one) * (e - i_two) + i_both - i_one * i_two
            variance[y, x] -= np.float32(weight * miss)
