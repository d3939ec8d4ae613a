"""The spatial term from nearest neighbours: for surveys too large to factorise whole.

The samples are put into a random order and each is conditioned on its nearest predecessors:
``p(v) = prod p(v_i | v_N(i))`` (Vecchia). Row i whitens any column x to
``(x_i - b' x_N) / sqrt(f)`` with ``b = V_NN^-1 V_Ni`` and ``f = V_ii - V_iN b``; sums of
whitened columns are ``X' V^-1 X``, and ``ln|V| = sum ln f``. With all predecessors as
neighbours this is the exact factorisation. Targets are conditioned on their nearest samples.

Source: Vecchia 1988, J. Royal Stat. Soc. B 50; Guinness 2021, Statistics and Computing 31, for
the derivatives; Katzfuss and Guinness 2021, Statistical Science 36.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from gossan.fusion.geostatistical.covariance import Correlation, lag_rule
from gossan.fusion.geostatistical.dense import FieldAt
from gossan.fusion.geostatistical.likelihood import FieldSums
from gossan.fusion.geostatistical.vecchia_kernels import condition, earlier, whiten, whitening_rows
from gossan.geochem.threads import run_chunks

__all__ = ["NearestField", "NearestSamples"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NearestSamples:
    """Samples of one support in random order, each with its nearest predecessors.

    ``order`` (n,) maps places in the order to samples; ``neighbours`` (n, m) holds places in the
    order, -1 where there is none.
    """

    coordinates: Array = field(repr=False)
    support_m: float
    order: NDArray[np.int64] = field(repr=False)
    neighbours: NDArray[np.int64] = field(repr=False)

    @classmethod
    def of(cls, coordinates: Array, support_m: float = 0.0, neighbours: int = 30) -> NearestSamples:
        """Order the samples and find each one's nearest predecessors.

        >>> found = NearestSamples.of(np.array([[0.0, 0.0], [1.0, 0.0], [3.0, 0.0]]), 0.0, 2)
        >>> found.neighbours.shape, int((found.neighbours >= 0).sum())
        ((3, 2), 3)
        """
        order = np.random.default_rng(0).permutation(len(coordinates))
        places = np.ascontiguousarray(coordinates[order], np.float64)
        return cls(places, support_m, order, _predecessors(places, neighbours))

    def sums(
        self, correlation: Correlation, sill: float, noise: Array, noise_slopes: Array,
        columns: Array, anisotropic: bool = False,
    ) -> FieldSums:  # fmt: skip
        """Return the sums of V and their derivatives; arguments as those of ``ExactSamples``."""
        rule = lag_rule(self.support_m, self.support_m)
        slopes = correlation.metric_slopes(anisotropic)
        shapes = len(slopes) + (correlation.family == "stable")
        count, width = 1 + shapes + len(noise_slopes), columns.shape[1]
        ordered = np.ascontiguousarray(columns[self.order])
        white = np.empty((len(ordered), width))
        turned = np.empty((count, len(ordered), width))
        logs, log_slopes = np.empty(len(ordered)), np.empty((count, len(ordered)))

        def part(start: int, stop: int) -> None:
            whiten(
                self.coordinates, self.neighbours, *correlation.packed, slopes, shapes,
                rule.near, rule.far, rule.cutoff_m, sill, noise[self.order],
                np.ascontiguousarray(noise_slopes[:, self.order]), ordered,
                start, stop, white, turned, logs, log_slopes,
            )  # fmt: skip

        run_chunks(part, len(ordered), None, 1024)
        half = np.array([part_.T @ white for part_ in turned])
        gram_slopes = half + half.transpose(0, 2, 1)
        return FieldSums(white.T @ white, float(logs.sum()), gram_slopes, log_slopes.sum(axis=1))

    def plain_sums(
        self, correlation: Correlation, sill: float, noise: Array, columns: Array
    ) -> tuple[Array, float]:
        """Return the gram matrix and ``ln|V|`` alone."""
        found = self.sums(correlation, sill, noise, np.empty((0, len(noise))), columns)
        return found.gram, found.logdet

    def fix(
        self, correlation: Correlation, sill: float, noise: Array, columns: Array,
        neighbours: int = 48,
    ) -> NearestField:  # fmt: skip
        """Prepare prediction from the ``neighbours`` nearest samples of each target."""
        ordered = np.ascontiguousarray(columns[self.order])
        local = np.ascontiguousarray(noise[self.order])
        gram, _ = self.plain_sums(correlation, sill, noise, columns)
        return NearestField(self, correlation, sill, local, ordered, gram, neighbours)


@dataclass(frozen=True, eq=False)
class NearestField:
    """A covariance with samples: gives what the nearest ones say at any place."""

    samples: NearestSamples
    correlation: Correlation
    sill: float
    noise: Array = field(repr=False)
    columns: Array = field(repr=False)
    gram: Array = field(repr=False)
    neighbours: int = 48

    def at(self, targets: Array, support_m: float = 0.0) -> FieldAt:
        """Say what the nearest samples tell of u at targets (t, 2) of a support."""
        return self._solve(targets, support_m)[0]

    @property
    def solved(self) -> Array:
        """``V^-1 X`` (n, c) by the nearest predecessors, in the samples' own order."""
        white = self._whitening()
        return (white.T @ (white @ self.columns))[np.argsort(self.samples.order)]

    def precision(self, one: NDArray[np.int_], two: NDArray[np.int_]) -> Array:
        """Elements (one[k], two[k]) of ``V^-1``, of the samples in their own order."""
        white = self._whitening().tocsc()
        place = np.argsort(self.samples.order)
        product = white[:, place[one]].multiply(white[:, place[two]])
        return np.asarray(product.sum(axis=0)).ravel()

    def precision_blocks(self, groups: Sequence[NDArray[np.int_]]) -> Iterator[Array]:
        """Yield the block of ``V^-1`` of each group of samples."""
        white = self._whitening().tocsc()
        place = np.argsort(self.samples.order)
        for group in groups:
            own = white[:, place[group]]
            yield (own.T @ own).toarray()

    def _whitening(self) -> sparse.csr_matrix:
        """W with ``W' W = V^-1``: row i takes its neighbours off sample i."""
        rule = lag_rule(self.samples.support_m, self.samples.support_m)
        near = self.samples.neighbours
        n, m = near.shape
        values = np.zeros((n, m + 1))
        whitening_rows(
            self.samples.coordinates, near, *self.correlation.packed, rule.near, rule.far,
            rule.cutoff_m, self.sill, self.noise, values,
        )  # fmt: skip
        columns = np.column_stack([np.where(near >= 0, near, 0), np.arange(n)])
        rows = np.repeat(np.arange(n), m + 1)
        return sparse.csr_matrix((values.ravel(), (rows, columns.ravel())), shape=(n, n))

    def at_nodes(
        self, targets: Array, rows: NDArray[np.int_], samples: NDArray[np.int_]
    ) -> tuple[FieldAt, Array]:
        """Say the same at points, and give the weight of sample ``samples[k]`` at ``rows[k]``."""
        said, nearest, weights = self._solve(targets, 0.0)
        place = np.argsort(self.samples.order)[samples]
        hit = nearest[rows] == place[:, None]
        return said, np.where(hit, weights[rows], 0.0).sum(axis=1)

    def _solve(self, targets: Array, support_m: float) -> tuple[FieldAt, NDArray[np.int64], Array]:
        places = np.ascontiguousarray(targets, np.float64)
        count = min(self.neighbours, len(self.samples.coordinates))
        tree = cKDTree(self.samples.coordinates)
        own = lag_rule(self.samples.support_m, self.samples.support_m)
        across = lag_rule(support_m, self.samples.support_m)
        sums = np.empty((len(places), self.columns.shape[1]))
        explained, weights = np.empty(len(places)), np.empty((len(places), count))
        nearest = np.empty((len(places), count), np.int64)

        def part(start: int, stop: int) -> None:
            found = tree.query(places[start:stop], k=count)[1].reshape(-1, count)
            nearest[start:stop] = found
            condition(
                places[start:stop], self.samples.coordinates, nearest[start:stop],
                *self.correlation.packed, own.near, own.far, own.cutoff_m,
                across.near, across.far, across.cutoff_m, self.sill, self.noise, self.columns,
                sums[start:stop], explained[start:stop], weights[start:stop],
            )  # fmt: skip

        run_chunks(part, len(places), None, 2048)
        return FieldAt(sums, explained), nearest, weights


def _predecessors(places: Array, neighbours: int) -> NDArray[np.int64]:
    """Find for each place its nearest ones earlier in the order: (n, neighbours), -1 for none."""
    total = len(places)
    found = np.full((total, neighbours), -1, np.int64)
    start = 0
    while start < total:
        stop = min(max(2 * start, 2 * neighbours), total)
        tree = cKDTree(places[:stop])
        nearest = tree.query(places[start:stop], k=min(stop, 4 * neighbours))[1]
        earlier(nearest.reshape(stop - start, -1), start, found)
        start = stop
    return found
