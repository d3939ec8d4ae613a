"""Covariances by nearest neighbours: for surveys too large to factorise whole.

The samples are put into a random order and each is conditioned on its nearest predecessors:
``p(v) = prod p(v_i | v_N(i))`` (Vecchia). A sparse matrix W with ``W' W = V^-1`` whitens any
column: sums of whitened columns are ``X' V^-1 X``, and ``ln|V| = -2 sum ln W_ii``. With all
predecessors as neighbours this is the exact factorisation. Targets are conditioned on their
nearest samples.

Source: Vecchia 1988, J. Royal Stat. Soc. B 50; Guinness 2018, Technometrics 60, and 2021,
Statistics and Computing 31, for the order and the derivatives; Katzfuss and Guinness 2021,
Statistical Science 36.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from gossan.arrays.array_type import Array, Indices
from gossan.geo.grounds import Grounds, Support
from gossan.geochem.covariance.conditioning import (
    Conditioning,
    condition,
    earlier,
    weighted_sums,
    whitening_rows,
)
from gossan.geochem.covariance.dense import FieldAt
from gossan.geochem.covariance.model import CovarianceModel
from gossan.geochem.covariance.restricted_likelihood import FieldSums
from gossan.geochem.covariance.supports import lag_rule
from gossan.geochem.threads import run_chunks

__all__ = ["NearestField", "NearestSamples"]


@dataclass(frozen=True, eq=False)
class NearestSamples:
    """Samples of one support in random order, each with its nearest predecessors.

    Parameters
    ----------
    coordinates
        (n, 2) of the samples in the random order.
    support_m
        Side of the squares that they are means over; 0: points.
    order
        (n,) maps places in the order to samples.
    terms
        (t,) places in the order whose conditional densities count: all of them, or a part for the
        composite likelihood of a very large survey.
    neighbours
        (t, m) places in the order of the predecessors, -1 where there is none.
    """

    coordinates: Array = field(repr=False)
    support_m: float
    order: Indices = field(repr=False)
    terms: Indices = field(repr=False)
    neighbours: Indices = field(repr=False)

    @classmethod
    def of(
        cls, coordinates: Array, support_m: float = 0.0, neighbours: int = 30,
        most_terms: int | None = None,
    ) -> NearestSamples:  # fmt: skip
        """Order the samples and find each one's nearest predecessors.

        With ``most_terms`` only so many conditional densities count: the first half in the order,
        whose predecessors are far, and as many of the others, whose predecessors are near. That is
        a composite likelihood: unbiased, in time and memory that hardly grow with the survey.

        >>> found = NearestSamples.of(np.array([[0.0, 0.0], [1.0, 0.0], [3.0, 0.0]]), 0.0, 2)
        >>> found.neighbours.shape, int((found.neighbours >= 0).sum())
        ((3, 2), 3)

        Source: Varin et al. 2011, Statistica Sinica 21.
        """
        rng = np.random.default_rng(0)
        order = rng.permutation(len(coordinates))
        places = np.ascontiguousarray(coordinates[order], np.float64)
        terms = np.arange(len(places))
        if most_terms is not None and len(places) > most_terms:
            half = most_terms // 2
            later = rng.choice(len(places) - half, half, replace=False) + half
            terms = np.concatenate([terms[:half], np.sort(later)])
        return cls(places, support_m, order, terms, _predecessors(places, terms, neighbours))

    def sums(
        self, covariance: CovarianceModel, noise: Array, columns: Array, metric_slopes: Array,
        noise_slopes: Array,
    ) -> FieldSums:  # fmt: skip
        """Return the sums of V and their derivatives; arguments as those of ``ExactSamples``."""
        shapes = 1 + len(metric_slopes) + covariance.has_exponent
        count, width = shapes + len(noise_slopes), columns.shape[1]
        white = np.empty((len(self.terms), width))
        turned, diagonal = np.empty((count, *white.shape)), np.empty((count, len(white)))
        logs = np.empty(len(white))
        ordered = np.ascontiguousarray(columns[self.order])
        index = self._index
        given, bends = (
            self._given(covariance, noise),
            np.ascontiguousarray(noise_slopes[:, self.order]),
        )

        def part(start: int, stop: int) -> None:
            own = slice(start, stop)
            rows = np.empty((stop - start, index.shape[1]))
            slopes = np.empty((count, *rows.shape))
            chunk = given._replace(neighbours=self.neighbours[own])
            whitening_rows(chunk, self.terms[own], metric_slopes, bends, rows, slopes)
            weighted_sums(index[own], rows, ordered, white[own])
            for slope, out in zip(slopes, turned):
                weighted_sums(index[own], slope, ordered, out[own])
            logs[own] = np.log(rows[:, -1])
            diagonal[:, own] = slopes[:, :, -1] / rows[:, -1]

        run_chunks(part, len(white), None, 1024)
        half = np.array([one.T @ white for one in turned])
        slopes_of_gram = half + half.transpose(0, 2, 1)
        return FieldSums(
            white.T @ white, -2.0 * float(logs.sum()), slopes_of_gram, -2.0 * diagonal.sum(axis=1)
        )

    def plain_sums(
        self, covariance: CovarianceModel, noise: Array, columns: Array
    ) -> tuple[Array, float]:
        """Return the gram matrix and ``ln|V|`` alone."""
        rows = self._rows(covariance, noise)
        white = np.empty((len(rows), columns.shape[1]))
        weighted_sums(self._index, rows, np.ascontiguousarray(columns[self.order]), white)
        return white.T @ white, -2.0 * float(np.log(rows[:, -1]).sum())

    def fix(
        self, covariance: CovarianceModel, noise: Array, columns: Array, neighbours: int = 48
    ) -> NearestField:
        """Prepare prediction from the ``neighbours`` nearest samples of each target."""
        ordered = np.ascontiguousarray(columns[self.order])
        local = np.ascontiguousarray(noise[self.order])
        gram, _ = self.plain_sums(covariance, noise, columns)
        return NearestField(self, covariance, local, ordered, gram, neighbours)

    def whitening(self, covariance: CovarianceModel, noise: Array) -> sparse.csr_matrix:
        """Return W with ``W' W = V^-1``, of the samples in the random order."""
        rows, index = self._rows(covariance, noise), np.maximum(self._index, 0)
        starts = np.arange(0, index.size + 1, index.shape[1])
        n = len(self.coordinates)
        return sparse.csr_matrix((rows.ravel(), index.ravel(), starts), shape=(len(rows), n))

    @property
    def places(self) -> Array:
        """(n, 2) of the samples in their own order."""
        return self.coordinates[np.argsort(self.order)]

    @property
    def count(self) -> int:
        """Number of conditional densities in the likelihood."""
        return len(self.terms)

    @property
    def _index(self) -> Indices:
        return np.column_stack([self.neighbours, self.terms])

    def _given(self, covariance: CovarianceModel, noise: Array) -> Conditioning:
        between = covariance.supported(lag_rule(self.support_m, self.support_m))
        local = np.ascontiguousarray(noise[self.order])
        return Conditioning(between, self.coordinates, local, self.neighbours)

    def _rows(self, covariance: CovarianceModel, noise: Array) -> Array:
        given, none = self._given(covariance, noise), np.empty((0, 3))
        rows = np.empty((len(self.terms), self.neighbours.shape[1] + 1))

        def part(start: int, stop: int) -> None:
            chunk = given._replace(neighbours=self.neighbours[start:stop])
            empty = np.empty((0, *rows[start:stop].shape))
            whitening_rows(chunk, self.terms[start:stop], none, none, rows[start:stop], empty)

        run_chunks(part, len(rows), None, 1024)
        return rows


@dataclass(frozen=True, eq=False)
class NearestField:
    """A covariance with samples: gives what the nearest ones say at any place."""

    samples: NearestSamples
    covariance: CovarianceModel
    noise: Array = field(repr=False)
    columns: Array = field(repr=False)
    gram: Array = field(repr=False)
    neighbours: int = 48

    def at(self, targets: Array, support: Support = 0.0) -> FieldAt:
        """Say what the nearest samples tell of u at targets (t, 2) of a support.

        Targets with ground of their own are squares as those of the samples.
        """
        return self._solve(targets, self._side(support))[0]

    def within(self, support: Support) -> Array | float:
        """Return the mean covariance within the support of targets."""
        side = self._side(support)
        return self.covariance.within(lag_rule(side, side))

    def _side(self, support: Support) -> float:
        return self.samples.support_m if isinstance(support, Grounds) else support

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
        noise = self.noise[np.argsort(self.samples.order)]
        return self.samples.whitening(self.covariance, noise)

    def at_nodes(
        self, targets: Array, rows: NDArray[np.int_], samples: NDArray[np.int_]
    ) -> tuple[FieldAt, Array]:
        """Say the same at points, and give the weight of sample ``samples[k]`` at ``rows[k]``."""
        found, nearest, weights = self._solve(targets, 0.0)
        place = np.argsort(self.samples.order)[samples]
        own = np.empty(len(rows))

        def part(start: int, stop: int) -> None:
            some = rows[start:stop]
            hit = nearest[some] == place[start:stop, None]
            own[start:stop] = np.where(hit, weights[some], 0.0).sum(axis=1)

        run_chunks(part, len(rows), None, 8192)
        return found, own

    def _solve(self, targets: Array, support_m: float) -> tuple[FieldAt, Indices, Array]:
        places = np.ascontiguousarray(targets, np.float64)
        count = min(self.neighbours, len(self.samples.coordinates))
        tree = cKDTree(self.samples.coordinates)
        side = self.samples.support_m
        between = self.covariance.supported(lag_rule(side, side))
        across = self.covariance.supported(lag_rule(support_m, side))
        sums = np.empty((len(places), self.columns.shape[1]))
        explained, weights = np.empty(len(places)), np.empty((len(places), count))
        nearest = np.empty((len(places), count), np.int64)

        def part(start: int, stop: int) -> None:
            own = slice(start, stop)
            nearest[own] = tree.query(places[own], k=count)[1].reshape(-1, count)
            given = Conditioning(between, self.samples.coordinates, self.noise, nearest[own])
            condition(given, across, places[own], explained[own], weights[own])
            weighted_sums(nearest[own], weights[own], self.columns, sums[own])

        run_chunks(part, len(places), None, 2048)
        return FieldAt(sums, explained), nearest, weights


def _predecessors(places: Array, terms: Indices, neighbours: int) -> Indices:
    """Find for each term its nearest places earlier in the order: (t, neighbours), -1 for none."""
    total = len(places)
    found = np.full((len(terms), neighbours), -1, np.int64)
    start = 0
    while start < total:
        stop = min(max(2 * start, 2 * neighbours), total)
        own = slice(*np.searchsorted(terms, [start, stop]))
        if own.start < own.stop:
            tree = cKDTree(places[:stop])
            nearest = tree.query(places[terms[own]], k=min(stop, 4 * neighbours))[1]
            earlier(nearest.reshape(len(terms[own]), -1), terms[own], found[own])
        start = stop
    return found
