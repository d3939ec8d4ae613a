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

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from gossan.arrays.array_type import Array, Indices
from gossan.geo.grounds import Grounds, Support
from gossan.geochem.covariance.conditioning import (
    Conditioning,
    PairValues,
    condition,
    earlier,
    pair_keys,
    weighted_sums,
    whitening_rows,
)
from gossan.geochem.covariance.dense import FieldAt
from gossan.geochem.covariance.model import CovarianceModel
from gossan.geochem.covariance.restricted_likelihood import FieldSums
from gossan.geochem.covariance.supports import (
    BetweenSupports,
    lag_rule,
    mean_covariances,
    mean_slopes,
)
from gossan.geochem.threads import run_chunks

__all__ = ["NearestField", "NearestSamples", "SharedPairs"]

_BLOCK = 4096
"""Terms whose pairs are numbered together."""
_KEPT = 10_000
"""Terms whose pairs are kept from one likelihood to the next, at most: 2 kB each."""
_PAIRS = 4096
"""Pairs whose covariances a thread computes at a time."""


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
        index, local = self._index, np.ascontiguousarray(noise[self.order])
        bends = np.ascontiguousarray(noise_slopes[:, self.order])

        def fill(own: slice, pairs: PairValues) -> None:
            rows = np.empty((own.stop - own.start, index.shape[1]))
            slopes = np.empty((count, *rows.shape))
            near = self.neighbours[own]
            whitening_rows(pairs, near, local, self.terms[own], bends, rows, slopes)
            weighted_sums(index[own], rows, ordered, white[own])
            for slope, out in zip(slopes, turned):
                weighted_sums(index[own], slope, ordered, out[own])
            logs[own] = np.log(rows[:, -1])
            diagonal[:, own] = slopes[:, :, -1] / rows[:, -1]

        self._by_pairs(fill, covariance, metric_slopes)
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

    @property
    def _shared(self) -> Iterable[SharedPairs]:
        """The pairs of each ``_BLOCK`` terms; those of more than ``_KEPT`` terms are not kept."""
        return self._held if len(self.terms) <= _KEPT else self._numbered()

    @cached_property
    def _held(self) -> list[SharedPairs]:
        return list(self._numbered())

    def _numbered(self) -> Iterator[SharedPairs]:
        for start in range(0, len(self.terms), _BLOCK):
            yield SharedPairs.of(self.coordinates, self._index[start : start + _BLOCK])

    def __getstate__(self) -> dict[str, object]:
        """Travel without the pairs, which are numbered anew where they are needed."""
        return {name: value for name, value in vars(self).items() if name != "_held"}

    def _by_pairs(
        self, fill: Callable[[slice, PairValues], None], covariance: CovarianceModel,
        metric_slopes: Array | None = None,
    ) -> None:  # fmt: skip
        """Call ``fill`` for parts of the terms with the covariances of their pairs."""
        between = covariance.supported(lag_rule(self.support_m, self.support_m))
        for number, shared in enumerate(self._shared):
            if metric_slopes is None:
                value, change = shared.covariances(between), np.empty((0, 0))
            else:
                value, change = shared.with_slopes(between, metric_slopes, covariance.has_exponent)
            pairs = PairValues(shared.which, value, change)
            part = partial(_fill_part, fill, pairs, number * _BLOCK)
            run_chunks(part, len(shared.which), None, 1024)

    def _rows(self, covariance: CovarianceModel, noise: Array) -> Array:
        local, none = np.ascontiguousarray(noise[self.order]), np.empty((0, 0))
        rows = np.empty((len(self.terms), self.neighbours.shape[1] + 1))

        def fill(own: slice, pairs: PairValues) -> None:
            empty = np.empty((0, *rows[own].shape))
            near = self.neighbours[own]
            whitening_rows(pairs, near, local, self.terms[own], none, rows[own], empty)

        self._by_pairs(fill, covariance)
        return rows


def _fill_part(
    fill: Callable[[slice, PairValues], None], pairs: PairValues, first: int, start: int, stop: int
) -> None:
    own = pairs._replace(which=pairs.which[start:stop])
    fill(slice(first + start, first + stop), own)


@dataclass(frozen=True, eq=False)
class SharedPairs:
    """The pairs of samples among the neighbours of some terms, each once.

    Neighbourhoods overlap: a pair is in many of them, and the mean over two supports costs more
    than all else of a row.

    Parameters
    ----------
    x, y
        (pairs,) lags, metres.
    which
        (t, p) number of each pair of the upper triangle of a term, row by row.
    """

    x: Array = field(repr=False)
    y: Array = field(repr=False)
    which: NDArray[np.int32] = field(repr=False)

    @classmethod
    def of(cls, places: Array, index: Indices) -> SharedPairs:
        """Number the pairs of places (n, 2) of each row of an index (t, m + 1)."""
        members = index.shape[1]
        keys = np.empty((len(index), members * (members + 1) // 2), np.int64)
        pair_keys(np.ascontiguousarray(index), len(places), keys)
        found, which = np.unique(keys, return_inverse=True)
        one, two = np.divmod(found, len(places))
        x, y = (places[two] - places[one]).T
        numbers = which.reshape(keys.shape).astype(np.int32)
        return cls(np.ascontiguousarray(x), np.ascontiguousarray(y), numbers)

    def covariances(self, between: BetweenSupports) -> Array:
        """Return the covariance (pairs,) of each pair."""
        value = np.empty(len(self.x))

        def part(start: int, stop: int) -> None:
            own = slice(start, stop)
            mean_covariances(between, self.x[own].copy(), self.y[own], stop - start, value[own])

        run_chunks(part, len(value), None, _PAIRS)
        return value

    def with_slopes(
        self, between: BetweenSupports, metric_slopes: Array, bent: bool
    ) -> tuple[Array, Array]:
        """Return covariances (pairs,) and their derivatives (q, pairs), as ``mean_slopes`` does."""
        value = np.empty(len(self.x))
        change = np.empty((len(metric_slopes) + bent, len(value)))

        def part(start: int, stop: int) -> None:
            own, count = slice(start, stop), stop - start
            slopes = np.empty((len(change), count))
            x, y = self.x[own], self.y[own]
            mean_slopes(between, metric_slopes, x, y, count, value[own], slopes)
            change[:, own] = slopes

        run_chunks(part, len(value), None, _PAIRS)
        return value, change


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
