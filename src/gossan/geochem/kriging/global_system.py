"""Krige from all samples at once: one factorisation, then a weighted sum a target."""

from __future__ import annotations

import numpy as np
from scipy.linalg import LinAlgError, cho_solve, cholesky, solve_triangular
from scipy.linalg.lapack import dpocon, dpotri

from gossan.arrays.array_type import Array
from gossan.errors import FitError, must
from gossan.geochem.covariance.kernels import covariance_rows
from gossan.geochem.covariance.model import CovarianceModel
from gossan.geochem.kriging.drift import drift_functions, drift_scale
from gossan.geochem.kriging.kernels import dual_sum
from gossan.geochem.kriging.support import Support
from gossan.geochem.threads import run_chunks

MOST_SAMPLES = 15_000  # 1.8 GiB of covariances
JITTER = (0.0, 1e-10, 1e-8)
"""Shares of the sill added to the diagonal, one after the other, until the matrix is regular."""
LEAST_RECIPROCAL = 1e-13
"""Reciprocal condition number below which solutions have lost all but a few digits."""
MOST_MISFIT = 1e-3
"""Share of the values' deviation by which the added jitter may move the map at a sample."""


class GlobalSystem:
    """The factorised system of all samples (turned coordinates, centred values).

    ``estimate = f' beta + sum_i b_i C(s_i, x)`` with ``b = K^-1 (z - F beta)``: the dual
    form, n covariances a target. Source: Cressie (1993), section 3.4.5.

    Raises
    ------
    FitError
        There are more than 15,000 samples, or the matrix is so near to singular that the
        samples cannot be honoured.
    """

    def __init__(
        self, model: CovarianceModel, xy: Array, z: Array, noise: Array, terms: int
    ) -> None:
        if len(xy) > MOST_SAMPLES:
            raise FitError(
                must(
                    "samples of a global system",
                    f"at most {MOST_SAMPLES}",
                    len(xy),
                    "Set neighbours, for example 32",
                )
            )
        self.model, self.xy, self.z, self.noise, self.terms = model, xy, z, noise, terms
        self.centre = xy.mean(axis=0)
        self.scale = drift_scale(xy, self.centre)
        self.factor, jitter, condition = _factorise(model, xy, noise)
        drift = self._drift(xy)
        solved = cho_solve((self.factor, True), np.column_stack([z, drift]), check_finite=False)
        self.gram = drift.T @ solved[:, 1:]
        self.beta = np.linalg.solve(self.gram, drift.T @ solved[:, 0]) if terms else np.zeros(0)
        self.dual = np.ascontiguousarray(solved[:, 0] - solved[:, 1:] @ self.beta)
        self.solved_drift = solved[:, 1:]
        # K b = z - F beta holds with the jitter in K: without it the map misses z by jitter b
        misfit = jitter * model.sill * np.abs(self.dual).max()
        if misfit > MOST_MISFIT * max(float(np.std(z)), 1e-300):
            raise _singular(model, condition)

    def leave_one_out(self, own: Array) -> tuple[Array, Array]:
        """Estimate every sample from all others, without its own error of variance ``own`` (n,).

        With ``Q = K^-1 - K^-1 F (F' K^-1 F)^-1 F' K^-1`` the error of sample i is
        ``(Q z)_i / Q_ii`` and its variance ``1 / Q_ii``. Source: Dubrule (1983), Math. Geol. 15.
        """
        inverse = np.diag(dpotri(self.factor, lower=True)[0]).copy()
        if self.terms:
            projected = np.linalg.solve(self.gram, self.solved_drift.T).T
            inverse -= np.einsum("ij,ij->i", projected, self.solved_drift)
        variance = 1.0 / np.maximum(inverse, 1e-300)
        return self.z - self.dual * variance, np.maximum(variance - own, 0.0)

    def predict(
        self, targets: Array, support: Support, jump: float, out: Array, workers: int | None
    ) -> None:
        """Fill ``out`` (1, t) with estimates; (2, t): and variances; (3, t): and numbers.

        The third row is the effective number of samples, ``1 / sum(w^2)``.
        """

        def part(start: int, stop: int) -> None:
            chunk = targets[start:stop]
            f = self._mean_drift(chunk, support)
            estimate = f @ self.beta
            dual_sum(self.xy, self.dual, chunk, self.model.packed, jump, *support[:2], estimate)
            out[0, start:stop] = estimate
            if len(out) > 1:
                variance, numbers = self._spread(chunk, f, support, jump, len(out) > 2)
                out[1, start:stop] = variance
                out[2:, start:stop] = numbers
            out[:, start:stop][:, ~np.isfinite(chunk).all(axis=1)] = np.nan

        size = 4096 if len(out) == 1 else max(64, min(4096, 4_000_000 // len(self.xy)))
        run_chunks(part, len(targets), workers, size)

    def _spread(
        self, targets: Array, f: Array, support: Support, jump: float, numbers: bool
    ) -> tuple[Array, Array]:
        """Variances (t,) and, where asked for, effective numbers (1, t), else (0, t)."""
        k = self._covariances(targets, support, jump)
        white = solve_triangular(self.factor, k.T, lower=True, check_finite=False)
        variance = support.variance - np.einsum("ij,ij->j", white, white)
        d = f - k @ self.solved_drift
        turned = np.linalg.solve(self.gram, d.T).T if self.terms else d
        variance = np.maximum(variance + np.einsum("ij,ij->i", d, turned), 0.0)
        if not numbers:
            return variance, np.empty((0, len(targets)))
        weights = solve_triangular(self.factor, white, lower=True, trans=1, check_finite=False)
        weights += self.solved_drift @ turned.T
        return variance, 1.0 / np.maximum((weights**2).sum(axis=0), 1e-300)[None]

    def _covariances(self, targets: Array, support: Support, jump: float) -> Array:
        """Mean covariances (t, n) of the samples with the points of each target's support."""
        k = np.zeros((len(targets), len(self.xy)))
        part = np.empty_like(k)
        for offset, weight in zip(support.offsets, support.weights):
            places = targets + offset
            covariance_rows(places, self.xy, self.model.packed, part)
            if jump > 0:
                part[np.all(places[:, None] == self.xy[None], axis=2)] += jump
            k += weight * part
        return k

    def _drift(self, places: Array) -> Array:
        return drift_functions(places, self.terms, self.centre, self.scale)

    def _mean_drift(self, targets: Array, support: Support) -> Array:
        if self.terms <= 1 or len(support.weights) == 1:
            return self._drift(targets)
        parts = (w * self._drift(targets + o) for o, w in zip(support.offsets, support.weights))
        return np.sum(list(parts), axis=0)


def _factorise(model: CovarianceModel, xy: Array, noise: Array) -> tuple[Array, float, float]:
    """The Cholesky factor, the jitter that it took, and the condition number without any."""
    condition = np.inf
    for jitter in JITTER:
        # the matrix is symmetric, so its transpose is the Fortran order that LAPACK wants
        matrix = np.empty((len(xy), len(xy)))
        covariance_rows(xy, xy, model.packed, matrix)
        matrix.flat[:: len(xy) + 1] += noise + jitter * model.sill
        norm = float(np.abs(matrix).sum(axis=0).max())
        try:
            factor = cholesky(matrix.T, lower=True, overwrite_a=True, check_finite=False)
        except LinAlgError:
            continue
        reciprocal = float(dpocon(factor, norm, uplo="L")[0])
        if jitter == 0.0:
            condition = 1.0 / max(reciprocal, 1e-300)
        if reciprocal >= LEAST_RECIPROCAL or jitter == JITTER[-1]:
            return factor, jitter, condition
    raise _singular(model, condition)


def _singular(model: CovarianceModel, condition: float) -> FitError:
    nugget = 0.001 * model.sill
    number = "above 1e+16" if condition > 1e16 else f"{condition:.0e}"
    return FitError(
        must(
            "the covariances of the samples",
            "well conditioned",
            f"a nearly singular matrix (condition number {number}) from {model}",
            f'Add a nugget, for example {nugget:.1g}, or use kind "matern" with smoothness 1.5',
        )
    )
