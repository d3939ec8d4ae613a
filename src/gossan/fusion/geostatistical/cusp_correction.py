"""Exact covariances near samples, where a lattice would blur the cusp of the spatial term.

A field that the samples make, ``F(x) = sum_i f_i c_i(x)``, is smooth but for the cusp of ``c_i`` at
sample i. With ``I`` the interpolation from the lattice, what interpolation misses is, near sample
i, ``f_i (c_i - I c_i)``; and for a square like ``c' B c = b c_i^2 + 2 c_i G + ...``, with ``G``
smooth there, ``b (c_i^2 - I c_i^2) + 2 (c_i I G - I (c_i G))``. Both are added to the pixels within
two lattice steps of the sample. Two samples close to each other add, with m = c - I c,
``2 B_ij (m_i m_j + I (c_i c_j) - I c_i I c_j)``. So the map is as good there as the full sums.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gossan.arrays.array_type import Array
from gossan.arrays.compiled import compiled
from gossan.arrays.resample import Taps, cubic_taps, interpolate_at
from gossan.fusion.geostatistical.map_strip import Strip
from gossan.fusion.geostatistical.posterior import Member
from gossan.geo.grid import Grid
from gossan.geochem.covariance.supports import BetweenSupports, LagRule, mean_covariances

__all__ = ["REACH", "CuspCorrection", "CuspSamples"]

NODES = 8
REACH = 2.0
_PAIRED = 1.25
_LITTLE, _LITTLE_MEAN = 1e-3, 5e-3


class Patch(NamedTuple):
    """Pixels near a sample: coordinates of their columns and rows, and their taps."""

    easting: Array
    northing: Array
    row_first: NDArray[np.int64]
    row_weights: Array
    col_first: NDArray[np.int64]
    col_weights: Array


class Frame(NamedTuple):
    """First node of a lattice and the steps to the next: eastward, northward (negative)."""

    easting: float
    northing: float
    step_x: float
    step_y: float


class Cusp(NamedTuple):
    """One sample: its place, first node, fields at the nodes and weights (``CuspCorrection``)."""

    place: Array
    first: NDArray[np.int64]
    covariance: Array
    smooth: Array
    mean_weight: float
    square_weight: float


class CuspPair(NamedTuple):
    """Two samples close to each other: places (2, 2), fields at the nodes of the first."""

    places: Array
    first: NDArray[np.int64]
    one: Array
    two: Array
    weight: float


@dataclass(frozen=True, eq=False)
class CuspSamples:
    """Samples whose cusps a lattice may blur, and the 8 x 8 nodes about each.

    Parameters
    ----------
    chosen
        (n,) numbers of the samples.
    places
        (n, 2) easting and northing.
    first
        (n, 2) row and column of the first node about each.
    node
        (n, 8, 8) numbers of the nodes.
    rule
        Lags between a point and a sample.
    """

    chosen: NDArray[np.int_]
    places: Array = field(repr=False)
    first: NDArray[np.int64] = field(repr=False)
    node: NDArray[np.int64] = field(repr=False)
    rule: LagRule

    @classmethod
    def of(
        cls, lattice: Grid, chosen: NDArray[np.int_], places: Array, rule: LagRule
    ) -> CuspSamples:
        """Find the nodes about samples at ``places`` (n, 2)."""
        row, col = lattice.index_of(places[:, 0], places[:, 1])
        first = np.floor(np.column_stack([row, col])).astype(np.int64) - NODES // 2 + 1
        first = np.clip(first, 0, np.array(lattice.shape) - NODES)
        step = np.arange(NODES)
        node = (first[:, :1, None] + step[:, None]) * lattice.width + first[:, 1:, None] + step
        return cls(chosen, np.ascontiguousarray(places), first, node, rule)

    @property
    def wanted(self) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
        """Pairs of a node and a sample whose weights are needed, in the order of the nodes."""
        which = np.repeat(self.chosen, NODES * NODES)
        return self.node.ravel()[self._order], which[self._order]

    def at_nodes(self, wanted: Array) -> Array:
        """Return weights of the ``wanted`` pairs as (n, 8, 8)."""
        weights = np.empty(self.node.size)
        weights[self._order] = wanted
        return weights.reshape(self.node.shape)

    @cached_property
    def _order(self) -> NDArray[np.int_]:
        return np.argsort(self.node.ravel(), kind="stable")


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
    worthwhile
        (n,) samples whose correction is not negligible; a smooth spatial term needs none.
    pairs, pair_weight, pair_covariance
        (k, 2) samples close to each other, the factor B of each pair, and (k, 8, 8) the
        covariance of the second at the nodes of the first.
    between
        Covariance of a pixel and a sample.
    reach_m
        Distance along each axis within which pixels are corrected.
    """

    places: Array = field(repr=False)
    first: NDArray[np.int64] = field(repr=False)
    covariance: Array = field(repr=False)
    smooth: Array = field(repr=False)
    mean_weight: Array = field(repr=False)
    square_weight: Array = field(repr=False)
    feature_weight: NDArray[np.float32] = field(repr=False)
    worthwhile: NDArray[np.bool_] = field(repr=False)
    pairs: NDArray[np.int64] = field(repr=False)
    pair_weight: Array = field(repr=False)
    pair_covariance: Array = field(repr=False)
    between: BetweenSupports = field(repr=False)
    reach_m: float = 0.0

    @classmethod
    def of(
        cls, member: Member, lattice: Grid, samples: CuspSamples, weights: Array, off: Array
    ) -> CuspCorrection:  # fmt: skip
        """Prepare the samples near a grid.

        ``weights`` (n, 8, 8) of each sample at its nodes; ``off`` (n, 8, 8, d + 1) is [0, 1] - w
        there.
        """
        h, spots, first = member.hyperparameters, samples.places, samples.first
        between = h.covariance.supported(samples.rule)
        own = member.field_.solved[samples.chosen]
        turned = own[:, :-1] @ member.covariance
        reach = REACH * min(lattice.pixel_width, lattice.pixel_height)
        pairs = cKDTree(spots).query_pairs(_PAIRED * reach, output_type="ndarray").astype(np.int64)
        one = np.concatenate([np.arange(len(spots)), pairs[:, 0]])
        two = np.concatenate([np.arange(len(spots)), pairs[:, 1]])
        plain = member.field_.precision(samples.chosen[one], samples.chosen[two])
        full_precision = plain - np.einsum("ni,ni->n", own[one, :-1], turned[two])
        square = full_precision[: len(spots)]
        covariance = np.empty((len(one), NODES, NODES))
        _fill_nodes(between, spots[two], first[one], _frame(lattice), covariance)
        covariance, pair_covariance = covariance[: len(spots)], covariance[len(spots) :]
        full = weights + np.einsum("nabi,ni->nab", off, turned)
        smooth = full - square[:, None, None] * covariance
        mean = own[:, -1] - own[:, :-1] @ member.all_coefficients
        miss, nugget = _largest_miss(lattice, between), h.covariance.nugget
        worthwhile = square * miss**2 > _LITTLE * nugget
        worthwhile |= np.abs(mean) * miss > _LITTLE_MEAN * np.sqrt(nugget)
        weight = full_precision[len(spots) :]
        kept = np.abs(weight) * miss**2 > _LITTLE * nugget
        return cls(
            spots, first, covariance, smooth, mean, square,
            np.ascontiguousarray(turned[:, :-1], np.float32), worthwhile, pairs[kept],
            weight[kept], pair_covariance[kept], between, reach,
        )  # fmt: skip

    def correct(
        self, strip: Strip, rows: Taps, columns: Taps, weight: float,
        mean: NDArray[np.float32], variance: NDArray[np.float32],
    ) -> None:  # fmt: skip
        """Add what interpolation missed to a strip's mean and variance (height, width).

        ``rows`` and ``columns`` are the strip's taps on the lattice.
        """
        pixels = _Pixels(strip, rows, columns)
        for k, down, across in pixels.about(self.places[self.pairs], self.reach_m):
            i = self.pairs[k, 0]
            pair = CuspPair(
                self.places[self.pairs[k]], self.first[i], self.covariance[i],
                self.pair_covariance[k], 2.0 * weight * self.pair_weight[k],
            )  # fmt: skip
            _correct_pair(pair, self.between, pixels.patch(down, across), variance[down, across])
        chosen = np.flatnonzero(self.worthwhile)
        for k, down, across in pixels.about(self.places[chosen][:, None], self.reach_m):
            i = chosen[k]
            cusp = Cusp(
                self.places[i], self.first[i], self.covariance[i], self.smooth[i],
                self.mean_weight[i], self.square_weight[i],
            )  # fmt: skip
            _correct(
                cusp, self.between, pixels.patch(down, across), np.float32(weight),
                strip.weigh(self.feature_weight[i], down, across), mean[down, across],
                variance[down, across],
            )  # fmt: skip


class _Pixels(NamedTuple):
    """A strip and its taps on the lattice."""

    strip: Strip
    rows: Taps
    columns: Taps

    def about(self, places: Array, reach: float) -> Iterator[tuple[int, slice, slice]]:
        """Yield number, rows and columns of the pixels within reach of all of (n, k, 2) places."""
        if not len(places):
            return
        easting, northing = self.strip.easting, self.strip.northing
        high, low = places.max(axis=1) - reach, places.min(axis=1) + reach
        inside = (low[:, 0] > easting[0]) & (high[:, 0] < easting[-1])
        inside &= (low[:, 1] > northing[-1]) & (high[:, 1] < northing[0])
        for k in np.flatnonzero(inside & (high < low).all(axis=1)):
            x0, x1 = np.searchsorted(easting, [high[k, 0], low[k, 0]])
            y0, y1 = np.searchsorted(-northing, [-low[k, 1], -high[k, 1]])
            if x0 < x1 and y0 < y1:
                yield int(k), slice(y0, y1), slice(x0, x1)

    def patch(self, down: slice, across: slice) -> Patch:
        """Return the pixels of some rows and columns."""
        return Patch(
            self.strip.easting[across], self.strip.northing[down], self.rows.first[down],
            self.rows.weights[down], self.columns.first[across], self.columns.weights[across],
        )  # fmt: skip


def _frame(lattice: Grid) -> Frame:
    easting, northing = lattice.coordinates()
    return Frame(float(easting[0]), float(northing[0]), lattice.pixel_width, -lattice.pixel_height)


def _largest_miss(lattice: Grid, between: BetweenSupports) -> float:
    """Largest part of the sill that interpolation misses at a sample."""
    spots = np.stack(np.meshgrid([0.0, 0.25, 0.5], [0.0, 0.25, 0.5]), axis=-1).reshape(-1, 2)
    spots = (spots + 3.0) * [lattice.pixel_width, lattice.pixel_height]
    first = np.zeros((len(spots), 2), np.int64)
    nodes, own = np.empty((len(spots), NODES, NODES)), np.empty((1, 1, 1))
    frame = Frame(0.0, 0.0, lattice.pixel_width, lattice.pixel_height)
    _fill_nodes(between, spots, first, frame, nodes)
    _fill_nodes(between, np.zeros((1, 2)), first[:1], frame, own)
    x, y = (spots / [lattice.pixel_width, lattice.pixel_height]).T
    rows, cols = cubic_taps(y, NODES), cubic_taps(x, NODES)
    near = [
        interpolate_at(rows.part(k, k + 1), cols.part(k, k + 1), nodes[k])[0] for k in range(len(x))
    ]
    return float(np.abs(own[0, 0, 0] - np.array(near)).max())


@compiled()
def _fill_nodes(between, places, first, frame, out):  # type: ignore[no-untyped-def]
    """Fill (n, k, k) with the covariances of places at the nodes from ``first`` (n, 2) on."""
    count = out.shape[2]
    x, y = np.empty(count), np.empty(count)
    for i in range(places.shape[0]):
        for a in range(out.shape[1]):
            for b in range(count):
                x[b] = frame.easting + (first[i, 1] + b) * frame.step_x - places[i, 0]
            y[:] = frame.northing + (first[i, 0] + a) * frame.step_y - places[i, 1]
            mean_covariances(between, x, y, count, out[i, a])


@compiled()
def _covariances(between, place, patch, y, out):  # type: ignore[no-untyped-def]
    """Fill (width,) with the covariances of a sample and the pixels of row y."""
    lags = np.empty((2, patch.easting.size))
    for x in range(out.size):
        lags[0, x] = patch.easting[x] - place[0]
        lags[1, x] = patch.northing[y] - place[1]
    mean_covariances(between, lags[0], lags[1], out.size, out)


@compiled()
def _interpolate(nodes, first, patch, y, line, out):  # type: ignore[no-untyped-def]
    """Bring fields (f, rows, columns) at the nodes to the pixels of row y: (f, width).

    ``line`` (f, columns + 2 taps) is where the row between the nodes is kept, zeros on both sides
    so that no tap asks whether it lies on a node.
    """
    taps, last = patch.col_weights.shape[1], nodes.shape[2]
    line[:] = 0.0
    for t in range(patch.row_weights.shape[1]):
        a, w = patch.row_first[y] + t - first[0], patch.row_weights[y, t]
        if w != 0.0 and 0 <= a < nodes.shape[1]:
            for k in range(nodes.shape[0]):
                for b in range(last):
                    line[k, taps + b] += w * nodes[k, a, b]
    for x in range(out.shape[1]):
        start = min(max(patch.col_first[x] - first[1] + taps, 0), last + taps)
        for k in range(nodes.shape[0]):
            total = 0.0
            for t in range(taps):
                total += patch.col_weights[x, t] * line[k, start + t]
            out[k, x] = total


@compiled()
def _lines(nodes, patch):  # type: ignore[no-untyped-def]
    """Room for a row of fields (f, ...) between nodes and at pixels, as ``_interpolate`` takes."""
    fields, between = nodes.shape[0], nodes.shape[2] + 2 * patch.col_weights.shape[1]
    return np.empty((fields, between)), np.empty((fields, patch.easting.size))


@compiled()
def _correct(cusp, between, patch, weight, featured, mean, variance):  # type: ignore[no-untyped-def]
    """Correct mean and variance (height, width) near one sample; see the module."""
    c, g = cusp.covariance, cusp.smooth
    nodes = np.stack((c, c * c, g, c * g))
    line, near = _lines(nodes, patch)
    exact = np.empty(patch.easting.size)
    for y in range(patch.northing.size):
        _interpolate(nodes, cusp.first, patch, y, line, near)
        _covariances(between, cusp.place, patch, y, exact)
        for x in range(exact.size):
            miss = exact[x] - near[0, x]
            explained = cusp.square_weight * (exact[x] * exact[x] - near[1, x])
            explained += 2.0 * (exact[x] * near[2, x] - near[3, x])
            mean[y, x] += weight * np.float32(cusp.mean_weight * miss)
            variance[y, x] -= weight * np.float32(explained + 2.0 * miss * featured[y, x])


@compiled()
def _correct_pair(pair, between, patch, variance):  # type: ignore[no-untyped-def]
    """Correct the variance (height, width) near two samples; see the module."""
    nodes = np.stack((pair.one, pair.two, pair.one * pair.two))
    line, near = _lines(nodes, patch)
    exact = np.empty((2, patch.easting.size))
    for y in range(patch.northing.size):
        _interpolate(nodes, pair.first, patch, y, line, near)
        for k in range(2):
            _covariances(between, pair.places[k], patch, y, exact[k])
        for x in range(patch.easting.size):
            miss = (exact[0, x] - near[0, x]) * (exact[1, x] - near[1, x])
            miss += near[2, x] - near[0, x] * near[1, x]
            variance[y, x] -= np.float32(pair.weight * miss)
