"""Local ridge regression held to the global slopes: coefficients at any place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gossan.arrays.array_type import Array

__all__ = ["LocalRegression"]


_CHUNK = 512


class LocalRegression:
    """Fit ``y = b0(u) + z . b(u)`` at any place u from the nearest samples.

    With Z = [1, z] (standardised features), bisquare weights W(u) over the ``count`` nearest
    samples, penalty P = penalty * diag(0, 1, .., 1) and global ridge coefficients g::

        b(u) = g + (Z'WZ + P)^-1 Z'W (y - Zg)

    Parameters
    ----------
    coordinates : (n, 2) samples, metres.
    features : (n, d) at the samples' support.
    values : (n,).
    count : samples within the bandwidth.
    penalty : in samples.
    weights : (n,) of each sample, which multiply W; None: all 1.

    Attributes
    ----------
    trace : effective number of parameters, trace of the hat matrix S.
    leave_one_out : (n,) residuals ``(y - Sy) / (1 - S_ii)``: what a fit without the sample leaves
        (exact for a fixed g).
    aicc : ``2 n ln(sigma) + n ln(2 pi) + n (n + tr S) / (n - 2 - tr S)``.
    sigma2 : residual variance.
    """

    def __init__(
        self, coordinates: Array, features: Array, values: Array, count: int, penalty: float,
        weights: Array | None = None,
    ) -> None:  # fmt: skip
        self._weights = np.ones(len(values)) if weights is None else weights
        self.count, self.penalty = min(count, len(values)), penalty
        self.centre = features.mean(axis=0)
        spread = features.std(axis=0)
        self.scale = np.where(spread > 0, 1.0 / np.where(spread > 0, spread, 1.0), 0.0)
        self._xy, self._z, self._tree = coordinates, self.design(features), cKDTree(coordinates)
        self._ridge = penalty * np.diag([0.0] + [1.0] * features.shape[1])
        turned = self._z.T * self._weights
        self._global = np.linalg.solve(
            turned @ self._z + self._ridge + 1e-9 * np.eye(len(self._ridge)), turned
        )
        self._slopes = self._global @ values
        self._left = values - self._z @ self._slopes
        self.sigma2 = 1.0
        self._judge(values)

    def design(self, features: Array) -> Array:
        """Return [1, z] (n, d + 1) of raw features (n, d)."""
        z = (features - self.centre) * self.scale
        return np.column_stack([np.ones(len(z)), z])

    def at(self, targets: Array) -> tuple[Array, Array]:
        """Return coefficients (t, d + 1), covariances (t, d + 1, d + 1) at places (t, 2)."""
        size = self._z.shape[1]
        coefficients = np.empty((len(targets), size))
        covariance = np.empty((len(targets), size, size))
        for start in range(0, len(targets), _CHUNK):
            part = slice(start, start + _CHUNK)
            rows, smoother = self._smoother(targets[part])
            coefficients[part] = self._slopes + np.einsum("tik,tk->ti", smoother, self._left[rows])
            # rows of b(u) as a map of y: G + N - (N Z) G, N having columns at the neighbours
            through = np.einsum("tik,tkj->tij", smoother, self._z[rows])
            rest = np.eye(size) - through
            noisy = self._global / self._weights  # a sample's variance is sigma2 / weight
            gram = noisy @ self._global.T
            cross = np.einsum("tij,tjk->tik", rest, noisy[:, rows].transpose(1, 0, 2))
            own = np.einsum("tik,tjk->tij", smoother / self._weights[rows][:, None], smoother)
            mixed = np.einsum("tik,tjk->tij", cross, smoother)
            whole = np.einsum("tij,jk,tlk->til", rest, gram, rest)
            covariance[part] = self.sigma2 * (whole + mixed + mixed.transpose(0, 2, 1) + own)
        return coefficients, covariance

    def _smoother(self, targets: Array) -> tuple[NDArray[np.int_], Array]:
        """Return neighbours (t, k) and ``(Z'WZ + P)^-1 Z'W`` (t, d + 1, k)."""
        distance, rows = self._tree.query(targets, k=self.count)
        distance = distance.reshape(len(targets), self.count)
        rows = rows.reshape(len(targets), self.count)
        if self.count < len(self._xy):
            reach = distance[:, -1:] * (1.0 + 1e-9) + 1e-9
        else:
            reach = 2.0 * distance.max(axis=1, keepdims=True) + 1e-9
        weight = (1.0 - (distance / reach) ** 2) ** 2 + 1e-9
        z = self._z[rows]
        weighted = z * (weight * self._weights[rows])[..., None]
        normal = np.einsum("tki,tkj->tij", weighted, z) + self._ridge
        normal += 1e-9 * np.eye(z.shape[2])
        return rows, np.linalg.solve(normal, weighted.transpose(0, 2, 1))

    def _judge(self, values: Array) -> None:
        """Measure the fit at the samples themselves."""
        n = len(values)
        fitted, leverage = np.empty(n), np.empty(n)
        for start in range(0, n, _CHUNK):
            part = slice(start, min(start + _CHUNK, n))
            here = np.arange(part.start, part.stop)
            rows, smoother = self._smoother(self._xy[part])
            z = self._z[part]
            line = np.einsum("ti,tik->tk", z, smoother)
            fitted[part] = z @ self._slopes + (line * self._left[rows]).sum(axis=1)
            hat = z @ self._global
            through = np.einsum("tk,tkj->tj", line, self._z[rows])
            own = (line * (rows == here[:, None])).sum(axis=1)
            leverage[part] = hat[np.arange(len(z)), here] + own
            leverage[part] -= (through * self._global[:, here].T).sum(axis=1)
        residual = values - fitted
        self.trace = float(leverage.sum())
        self.leave_one_out = residual / np.maximum(1.0 - leverage, 0.05)
        self.leave_one_out_error = float(np.average(self.leave_one_out**2, weights=self._weights))
        squares = float(self._weights @ residual**2)
        self.sigma2 = squares / max(n - self.trace, 1.0)
        sigma = np.sqrt(squares / n)
        spare = n - 2.0 - self.trace
        self.aicc = float("inf")
        if spare > 0 and sigma > 0:
            self.aicc = float(
                2 * n * np.log(sigma) + n * np.log(2 * np.pi) + n * (n + self.trace) / spare
            )
