"""The spatial term from all samples at once: one factorisation of their covariance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve
from scipy.linalg.lapack import dpotrf, dpotri, dtrtri, dtrtrs

from gossan.arrays.array_type import Array
from gossan.arrays.compiled import compiled
from gossan.errors import FitError, must
from gossan.geo.grounds import Grounds, Support, part_of
from gossan.geochem.covariance.model import CovarianceModel
from gossan.geochem.covariance.restricted_likelihood import FieldSums
from gossan.geochem.covariance.supports import lag_rule
from gossan.geochem.threads import run_chunks

__all__ = ["ExactField", "ExactSamples", "FieldAt"]

_CHUNK = 1_000_000
_CUTS = 6


@dataclass(frozen=True, eq=False)
class FieldAt:
    """What the samples say of the spatial term u at t targets, before the coefficients.

    With the weights ``l = V^-1 c`` of the covariances c between samples and target: ``sums``
    (t, c) is ``X' l`` for the columns X, ``explained`` (t,) is ``c' l``.
    """

    sums: Array
    explained: Array


@dataclass(frozen=True, eq=False)
class ExactSamples:
    """Samples (n, 2) of one support, ready to be factorised: cost n^3, memory a few n^2."""

    coordinates: Array = field(repr=False)
    support_m: float = 0.0

    def sums(
        self, covariance: CovarianceModel, noise: Array, columns: Array, metric_slopes: Array,
        noise_slopes: Array,
    ) -> FieldSums:  # fmt: skip
        """Return the sums of ``V = C + diag(noise)`` and their derivatives.

        Parameters
        ----------
        covariance
            Of points; its nugget is not looked at.
        noise
            (n,) variances on the diagonal, the nugget among them.
        columns
            (n, c) X = [Phi, F, y].
        metric_slopes
            (p, 3) derivatives of the metric by p parameters.
        noise_slopes
            (k, n) derivatives of the diagonal by k parameters.

        Returns
        -------
        FieldSums
            By ln sill, the p, ln smoothness of a stable structure, then the k.
        """
        value, change = self.with_slopes(covariance, metric_slopes)
        lower = factorise(np.array(value, order="F"), noise)
        solved = cho_solve((lower, True), columns, check_finite=False)
        logdet = 2 * float(np.log(np.diag(lower)).sum())
        inverse = dpotri(lower, lower=True, overwrite_c=True)[0]
        own = np.diag(inverse).copy()
        traces = [float(_trace(inverse.T, part)) for part in (value, *change)]
        traces += list(noise_slopes @ own)
        slopes = [-solved.T @ (part @ solved) for part in (value, *change)]
        slopes += [-solved.T @ (part[:, None] * solved) for part in noise_slopes]
        return FieldSums(columns.T @ solved, logdet, np.array(slopes), np.array(traces))

    @property
    def places(self) -> Array:
        """(n, 2) of the samples in their own order."""
        return self.coordinates

    @property
    def count(self) -> int:
        """Number of conditional densities in the likelihood: all samples."""
        return len(self.coordinates)

    @property
    def finest(self) -> NDArray[np.bool_]:
        """Which samples have the finest support."""
        return np.ones(len(self.coordinates), bool)

    def with_slopes(self, covariance: CovarianceModel, metric_slopes: Array) -> tuple[Array, Array]:
        """Return the covariances (n, n) of the samples and their derivatives (q, n, n)."""
        rule = lag_rule(self.support_m, self.support_m)
        return covariance.with_slopes(self.coordinates, rule, metric_slopes)

    def covariances(self, covariance: CovarianceModel) -> Array:
        """Return the covariances (n, n) of the samples, without noise."""
        rule = lag_rule(self.support_m, self.support_m)
        return covariance.among(self.coordinates, rule)

    def across(self, covariance: CovarianceModel, targets: Array, support: Support) -> Array:
        """Return the covariances (t, n) of targets of a support with the samples.

        Targets with ground of their own are squares as those of the samples.
        """
        rule = lag_rule(self.side_of(support), self.support_m)
        return covariance.between(targets, self.coordinates, rule)

    def side_of(self, support: Support) -> float:
        """Return the side of the squares that targets of a support are taken for."""
        return self.support_m if isinstance(support, Grounds) else support

    def within(self, covariance: CovarianceModel, support: Support) -> Array | float:
        """Return the mean covariance within the support of targets: (t,) or one number."""
        side = self.side_of(support)
        return covariance.within(lag_rule(side, side))

    def plain_sums(
        self, covariance: CovarianceModel, noise: Array, columns: Array
    ) -> tuple[Array, float]:
        """Return the gram matrix and ``ln|V|`` alone."""
        lower = factorise(self.covariances(covariance).T, noise)
        white = dtrtrs(lower, columns, lower=1)[0]
        return white.T @ white, 2 * float(np.log(np.diag(lower)).sum())

    def fix(self, covariance: CovarianceModel, noise: Array, columns: Array) -> ExactField:
        """Factorise for prediction."""
        lower = factorise(self.covariances(covariance).T, noise)
        solved = cho_solve((lower, True), columns, check_finite=False)
        return ExactField(self, covariance, lower, solved, columns.T @ solved)


@dataclass(frozen=True, eq=False)
class ExactField:
    """A factorised covariance: gives what the samples say at any place."""

    samples: ExactSamples
    covariance: CovarianceModel
    lower: Array = field(repr=False)
    solved: Array = field(repr=False)
    gram: Array = field(repr=False)

    def precision(self, one: NDArray[np.int_], two: NDArray[np.int_]) -> Array:
        """Elements (one[k], two[k]) of ``V^-1``."""
        inverse = dpotri(self.lower, lower=True)[0]
        return inverse[np.maximum(one, two), np.minimum(one, two)]

    def precision_blocks(self, groups: Sequence[NDArray[np.int_]]) -> Iterator[Array]:
        """Yield the block of ``V^-1`` of each group of samples."""
        inverse = dpotri(self.lower, lower=True)[0]
        for group in groups:
            one, two = np.meshgrid(group, group, indexing="ij")
            yield inverse[np.maximum(one, two), np.minimum(one, two)]

    def at(self, targets: Array, support: Support = 0.0) -> FieldAt:
        """Say what the samples tell of u at targets (t, 2) of a support."""
        sums, explained = np.empty((len(targets), self.solved.shape[1])), np.empty(len(targets))

        def part(start: int, stop: int) -> None:
            own = part_of(support, start, stop)
            covariance = self.samples.across(self.covariance, targets[start:stop], own)
            whitened = dtrtrs(self.lower, covariance.T, lower=1)[0]
            sums[start:stop] = covariance @ self.solved
            explained[start:stop] = np.einsum("it,it->t", whitened, whitened)

        run_chunks(part, len(targets), None, self._chunk)
        return FieldAt(sums, explained)

    def at_nodes(
        self, targets: Array, rows: NDArray[np.int_], samples: NDArray[np.int_]
    ) -> tuple[FieldAt, Array]:
        """Say the same at many points, and give the weight of ``samples[k]`` at ``rows[k]``.

        ``rows`` must be sorted. With W = L^-1 whatever is asked for is a matrix product:
        ``explained = |W c|^2``, ``weights = W' W c``.
        """
        sums, explained = np.empty((len(targets), self.solved.shape[1])), np.empty(len(targets))
        wanted = np.empty(len(rows))
        white = np.ascontiguousarray(np.tril(dtrtri(self.lower, lower=True)[0]))
        turned = np.ascontiguousarray(white.T)
        cuts = np.linspace(0, len(white), _CUTS + 1).astype(int)

        def part(start: int, stop: int) -> None:
            covariance = self.samples.across(self.covariance, targets[start:stop], 0.0)
            whitened = np.empty_like(covariance)
            for one, two in pairwise(cuts):  # beyond column two the rows of W are 0
                whitened[:, one:two] = covariance[:, :two] @ white[one:two, :two].T
            sums[start:stop] = covariance @ self.solved
            explained[start:stop] = np.einsum("ti,ti->t", whitened, whitened)
            some = slice(*np.searchsorted(rows, (start, stop)))
            _dots(whitened, rows[some] - start, turned, samples[some], wanted[some])

        run_chunks(part, len(targets), None, self._chunk)
        return FieldAt(sums, explained), wanted

    @property
    def _chunk(self) -> int:
        return max(64, _CHUNK // max(len(self.lower), 1))

    def within(self, support: Support) -> Array | float:
        """Return the mean covariance within the support of targets: (t,) or one number."""
        return self.samples.within(self.covariance, support)


def factorise(covariance: Array, noise: Array) -> Array:
    """Factorise ``covariance + diag(noise)`` (n, n) into a lower triangle.

    The covariance must be in Fortran order, as the transpose of a symmetric matrix is, and is
    overwritten.

    Raises
    ------
    FitError
        Samples must be different enough for a covariance.
    """
    covariance.ravel(order="K")[:: len(covariance) + 1] += noise
    lower, failed = dpotrf(covariance, lower=1, clean=0, overwrite_a=1)
    if failed:
        raise FitError(
            must(
                "samples",
                "different enough for a covariance",
                f"{len(covariance)} samples whose covariance is singular",
                "Drop near-duplicate samples",
            )
        )
    return np.asarray(lower)


@compiled()
def _dots(one, rows, two, others, out):  # type: ignore[no-untyped-def]
    """Fill ``out[k] = one[rows[k]] . two[others[k]]``."""
    for k in range(rows.size):
        total = 0.0
        first, second = one[rows[k]], two[others[k]]
        for i in range(others[k], first.size):
            total += first[i] * second[i]
        out[k] = total


@compiled()
def _trace(upper, part):  # type: ignore[no-untyped-def]
    """Trace of the product of symmetric matrices, of whose first the upper triangle is filled."""
    total = 0.0
    for i in range(part.shape[0]):
        own = 0.0
        for j in range(i + 1, part.shape[0]):
            own += upper[i, j] * part[i, j]
        total += 2.0 * own + upper[i, i] * part[i, i]
    return total
