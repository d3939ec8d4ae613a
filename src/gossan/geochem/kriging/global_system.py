"""Krige from all samples at once: one factorisation, then a weighted sum a target."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_solve, cholesky, solve_triangular

from gossan.errors import FitError, must
from gossan.geochem.kriging.drift import drift_functions, drift_scale
from gossan.geochem.kriging.kernels import dual_sum
from gossan.geochem.kriging.support import Support
from gossan.geochem.threads import run_chunks
from gossan.geochem.variogram.kernels import covariance_rows
from gossan.geochem.variogram.model import VariogramModel

MOST_SAMPLES = 15_000  # 1.8 GiB of covariances
JITTER = (0.0, 1e-10, 1e-8)
Array = NDArray[np.float64]


class GlobalSystem:
    """Hold the factorised system of all samples (turned coordinates, centred values).

    ``estimate = f' beta + sum_i b_i C(s_i, x)`` with ``b = K^-1 (z - F beta)``: the dual
    form, n covariances a target. Source: Cressie (1993), section 3.4.5.
    """

    def __init__(
        self, model: VariogramModel, xy: Array, z: Array, noise: Array, terms: int
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
        self.model, self.xy, self.terms = model, xy, terms
        self.centre = xy.mean(axis=0)
        self.scale = drift_scale(xy, self.centre)
        self.factor = _factorise(model, xy, noise)
        drift = self._drift(xy)
        solved = cho_solve((self.factor, True), np.column_stack([z, drift]), check_finite=False)
        self.gram = drift.T @ solved[:, 1:]
        self.beta = np.linalg.solve(self.gram, drift.T @ solved[:, 0]) if terms else np.zeros(0)
        self.dual = np.ascontiguousarray(solved[:, 0] - solved[:, 1:] @ self.beta)
        self.solved_drift = solved[:, 1:]

    def predict(
        self, targets: Array, support: Support, jump: float, out: Array, workers: int | None
    ) -> None:
        """Fill ``out`` (1, t) with estimates, or (2, t) with estimates and variances."""

        def part(start: int, stop: int) -> None:
            chunk = targets[start:stop]
            f = self._mean_drift(chunk, support)
            estimate = f @ self.beta
            dual_sum(self.xy, self.dual, chunk, self.model.packed, jump, *support[:2], estimate)
            out[0, start:stop] = estimate
            if len(out) > 1:
                out[1, start:stop] = self._variance(chunk, f, support, jump)
            out[:, start:stop][:, ~np.isfinite(chunk).all(axis=1)] = np.nan

        size = 4096 if len(out) == 1 else max(64, min(4096, 4_000_000 // len(self.xy)))
        run_chunks(part, len(targets), workers, size)

    def _variance(self, targets: Array, f: Array, support: Support, jump: float) -> Array:
        k = np.zeros((len(targets), len(self.xy)))
        part = np.empty_like(k)
        for offset, weight in zip(support.offsets, support.weights):
            places = targets + offset
            covariance_rows(places, self.xy, self.model.packed, part)
            if jump > 0:
                part[np.all(places[:, None] == self.xy[None], axis=2)] += jump
            k += weight * part
        white = solve_triangular(self.factor, k.T, lower=True, check_finite=False)
        variance = support.variance - np.einsum("ij,ij->j", white, white)
        if self.terms:
            d = f - k @ self.solved_drift
            variance += np.einsum("ij,ij->i", d, np.linalg.solve(self.gram, d.T).T)
        return np.maximum(variance, 0.0)

    def _drift(self, places: Array) -> Array:
        return drift_functions(places, self.terms, self.centre, self.scale)

    def _mean_drift(self, targets: Array, support: Support) -> Array:
        if self.terms <= 1 or len(support.weights) == 1:
            return self._drift(targets)
        parts = (w * self._drift(targets + o) for o, w in zip(support.offsets, support.weights))
        return np.sum(list(parts), axis=0)


def _factorise(model: VariogramModel, xy: Array, noise: Array) -> Array:
    for jitter in JITTER:
        # the matrix is symmetric, so its transpose is the Fortran order that LAPACK wants
        matrix = np.empty((len(xy), len(xy)))
        covariance_rows(xy, xy, model.packed, matrix)
        matrix.flat[:: len(xy) + 1] += noise + jitter * model.sill
        try:
            return cholesky(matrix.T, lower=True, overwrite_a=True, check_finite=False)
        except LinAlgError:
            continue
    raise FitError(
        must(
            "the variogram",
            "such that samples differ",
            str(model),
            "Add a nugget or drop near-duplicate samples",
        )
    )
