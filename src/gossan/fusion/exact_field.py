"""The spatial term from all samples at once: one factorisation of their covariance."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_solve, cholesky
from scipy.linalg.lapack import dpotri

from gossan.errors import FitError, must
from gossan.fusion.covariance import Correlation, correlate, lag_rule
from gossan.fusion.restricted_likelihood import FieldSums
from gossan.geochem.threads import run_chunks

__all__ = ["ExactField", "ExactSamples", "FieldAt"]

Array = NDArray[np.float64]
_CHUNK = 1_000_000


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
        self, correlation: Correlation, sill: float, noise: Array, noise_slopes: Array,
        columns: Array, anisotropic: bool = False,
    ) -> FieldSums:  # fmt: skip
        """Give the sums of ``V = sill C + diag(noise)`` and their derivatives.

        Parameters
        ----------
        correlation, sill : of the spatial term at points.
        noise : (n,) variances on the diagonal.
        noise_slopes : (k, n) derivatives of the diagonal by k parameters.
        columns : (n, c) X = [Phi, 1, y].

        Returns
        -------
        Sums; the parameters are ln sill, those of the correlation, then the k.
        """
        rule = lag_rule(self.support_m, self.support_m)
        value, change = correlation.with_slopes(self.coordinates, rule, anisotropic)
        value *= sill
        change *= sill
        lower = factorise(value, noise)
        solved = cho_solve((lower, True), columns, check_finite=False)
        logdet = 2 * float(np.log(np.diag(lower)).sum())
        inverse = dpotri(lower, lower=True, overwrite_c=True)[0]
        own = np.diag(inverse).copy()
        traces = [float(_trace(inverse.T, part)) for part in (value, *change)]
        traces += list(noise_slopes @ own)
        slopes = [-solved.T @ (part @ solved) for part in (value, *change)]
        slopes += [-solved.T @ (part[:, None] * solved) for part in noise_slopes]
        return FieldSums(columns.T @ solved, logdet, np.array(slopes), np.array(traces))

    def plain_sums(
        self, correlation: Correlation, sill: float, noise: Array, columns: Array
    ) -> tuple[Array, float]:
        """Give the gram matrix and ``ln|V|`` alone."""
        found = self.fix(correlation, sill, noise, columns)
        return found.gram, found.logdet

    def fix(
        self, correlation: Correlation, sill: float, noise: Array, columns: Array
    ) -> ExactField:
        """Factorise for prediction."""
        rule = lag_rule(self.support_m, self.support_m)
        value = sill * correlation.between(self.coordinates, self.coordinates, rule)
        lower = factorise(value, noise)
        solved = cho_solve((lower, True), columns, check_finite=False)
        return ExactField(self, correlation, sill, lower, solved, columns.T @ solved)


@dataclass(frozen=True, eq=False)
class ExactField:
    """A factorised covariance: gives what the samples say at any place."""

    samples: ExactSamples
    correlation: Correlation
    sill: float
    lower: Array = field(repr=False)
    solved: Array = field(repr=False)
    gram: Array = field(repr=False)

    @property
    def logdet(self) -> float:
        """``ln|V|``."""
        return 2 * float(np.log(np.diag(self.lower)).sum())

    def precision(self, one: NDArray[np.int_], two: NDArray[np.int_]) -> Array:
        """Elements (one[k], two[k]) of ``V^-1``."""
        inverse = dpotri(self.lower, lower=True)[0]
        return inverse[np.maximum(one, two), np.minimum(one, two)]

    def at(self, targets: Array, support_m: float = 0.0) -> FieldAt:
        """Say what the samples tell of u at targets (t, 2) of a support."""
        nothing = np.empty(0, np.int64)
        return self._solve(targets, support_m, nothing, nothing)[0]

    def at_nodes(
        self, targets: Array, rows: NDArray[np.int_], samples: NDArray[np.int_]
    ) -> tuple[FieldAt, Array]:
        """Say the same at points, and give the weight of sample ``samples[k]`` at ``rows[k]``.

        ``rows`` must be sorted.
        """
        return self._solve(targets, 0.0, rows, samples)

    def _solve(
        self, targets: Array, support_m: float, rows: NDArray[np.int_], samples: NDArray[np.int_]
    ) -> tuple[FieldAt, Array]:
        rule = lag_rule(support_m, self.samples.support_m)
        places = np.ascontiguousarray(targets, np.float64)
        sums = np.empty((len(places), self.solved.shape[1]))
        explained, wanted = np.empty(len(places)), np.empty(len(rows))
        known = self.samples.coordinates

        def part(start: int, stop: int) -> None:
            covariance = np.empty((stop - start, len(known)))
            correlate(
                places[start:stop], known, *self.correlation.packed,
                rule.near, rule.far, rule.cutoff_m, covariance,
            )  # fmt: skip
            covariance *= self.sill
            weights = cho_solve((self.lower, True), covariance.T, check_finite=False)
            sums[start:stop] = covariance @ self.solved
            explained[start:stop] = np.einsum("ti,it->t", covariance, weights)
            some = slice(*np.searchsorted(rows, (start, stop)))
            wanted[some] = weights[samples[some], rows[some] - start]

        run_chunks(part, len(places), None, max(64, _CHUNK // max(len(known), 1)))
        return FieldAt(sums, explained), wanted


def factorise(covariance: Array, noise: Array) -> Array:
    """Factorise ``covariance + diag(noise)`` (n, n) into a lower triangle, Fortran order."""
    matrix = np.array(covariance, order="F")
    step = len(matrix) + 1
    matrix.ravel(order="K")[::step] += noise
    try:
        return cholesky(matrix, lower=True, overwrite_a=True, check_finite=False)
    except LinAlgError:
        raise FitError(
            must(
                "samples",
                "different enough for a covariance",
                f"{len(matrix)} samples whose covariance is singular",
                "Drop near-duplicate samples",
            )
        ) from None


@njit(cache=True, nogil=True)
def _trace(upper, part):  # type: ignore[no-untyped-def]
    """Trace of the product of symmetric matrices, of whose first the upper triangle is filled."""
    total = 0.0
    for i in range(part.shape[0]):
        own = 0.0
        for j in range(i + 1, part.shape[0]):
            own += upper[i, j] * part[i, j]
        total += 2.0 * own + upper[i, i] * part[i, i]
    return total
