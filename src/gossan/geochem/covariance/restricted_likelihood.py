"""Restricted likelihood of a mixed model from its sums in the space of the features.

The model is ``y = A g + v`` with ``A = [Phi S, F]``, ridge coefficients ``g_j ~ N(0, 1)`` scaled
by ``S = diag(s)``, drift functions F (at least a constant) with a flat prior, and ``v ~ N(0, V)``.
With ``J`` = 1 on the ridge coefficients and 0 on the drift,

    ``H = A' V^-1 A + J``,  ``h = A' V^-1 y``,  ``g = H^-1 h``
    ``-ln L = (ln|V| + ln|H| + y' V^-1 y - h' g) / 2``

which is the restricted likelihood of ``y`` with covariance ``Phi S^2 Phi' + V`` and an unknown
drift. Everything is a function of ``ln|V|`` and of the sums ``X' V^-1 X``, X = [Phi, F, y]; who
makes those sums (an exact factorisation, or nearest neighbours) does not matter here.

Source: Harville 1977, J. Amer. Stat. Assoc. 72; MacKay 1992, Neural Computation 4, for the
derivative by the scale of a group of coefficients.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from gossan.arrays.array_type import Array

__all__ = [
    "Coefficients",
    "FieldSums",
    "coefficients",
    "likelihood",
    "one_left_out",
    "plain_likelihood",
]


@dataclass(frozen=True, eq=False)
class FieldSums:
    """What the likelihood needs of a covariance V.

    Parameters
    ----------
    gram
        (c, c) ``X' V^-1 X`` with X = [Phi, F, y], so c = d + p + 1.
    logdet
        ``ln|V|``.
    gram_slopes, logdet_slopes
        Their derivatives by the q parameters of V: (q, c, c) and (q,).
    """

    gram: Array = field(repr=False)
    logdet: float
    gram_slopes: Array = field(repr=False)
    logdet_slopes: Array = field(repr=False)


@dataclass(frozen=True, eq=False)
class Coefficients:
    """Posterior of the scaled coefficients and the drift's: mean (d + p,) and covariance."""

    mean: Array
    factor: tuple[Array, bool] = field(repr=False)
    logdet: float
    """``ln|H|``."""
    misfit: float
    """``y' V^-1 y - h' g``: the squared residuals, and the coefficients' own share."""

    @cached_property
    def covariance(self) -> Array:
        """(d + p, d + p) of the scaled coefficients."""
        return np.asarray(cho_solve(self.factor, np.eye(len(self.mean))))


def coefficients(gram: Array, scales: Array) -> Coefficients:
    """Solve for the coefficients.

    Parameters
    ----------
    gram
        (d + p + 1, d + p + 1) sums, see ``FieldSums``.
    scales
        (d,) prior standard deviation of each feature's coefficient.

    Examples
    --------
    >>> x, y = np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0])
    >>> X = np.column_stack([x, np.ones(3), y])
    >>> [abs(round(float(v), 3)) for v in coefficients(X.T @ X, np.array([1e6])).mean * [1e6, 1]]
    [2.0, 0.0]
    """
    s, d = _with_drift(gram, scales), len(scales)
    H = gram[:-1, :-1] * s[:, None] * s
    H[np.arange(d), np.arange(d)] += 1.0
    factor, h = cho_factor(H, lower=True), gram[:-1, -1] * s
    mean = cho_solve(factor, h)
    logdet = 2.0 * float(np.log(np.diag(factor[0])).sum())
    return Coefficients(mean, factor, logdet, float(gram[-1, -1] - h @ mean))


class SolvedField(Protocol):
    """Columns X = [Phi, F, y] solved by a covariance: ``V^-1 X``, and elements of ``V^-1``."""

    @property
    def solved(self) -> Array:
        """``V^-1 X`` (n, c)."""
        ...

    def precision(self, one: NDArray[np.int_], two: NDArray[np.int_]) -> Array:
        """Elements (one[k], two[k]) of ``V^-1``."""
        ...


def one_left_out(
    field: SolvedField, found: Coefficients, scales: Array, rows: NDArray[np.int_]
) -> tuple[Array, Array]:
    """Return what samples (k,) differ from their estimate by all others, and its variance.

    With ``Q = V^-1 - V^-1 A H^-1 A' V^-1``: ``(Q y)_i / Q_ii`` and ``1 / Q_ii``; the variance holds
    the noise of the sample itself. Source: Dubrule 1983, Mathematical Geology 15.

    Parameters
    ----------
    field
        The columns, solved.
    found
        The coefficients of the same columns.
    scales
        (d + p,) scale of each coefficient, 1 for the drift's.
    rows
        (k,) numbers of the samples.
    """
    solved = field.solved[rows]
    scaled = solved[:, :-1] * scales
    by_coefficients = np.einsum("ki,ij,kj->k", scaled, found.covariance, scaled)
    own = field.precision(rows, rows) - by_coefficients
    return (solved[:, -1] - scaled @ found.mean) / own, 1.0 / own


def plain_likelihood(gram: Array, logdet: float, scales: Array) -> float:
    """Return minus the log restricted likelihood alone, of the same sums."""
    found = coefficients(gram, scales)
    return 0.5 * (logdet + found.logdet + found.misfit)


def _with_drift(gram: Array, scales: Array) -> Array:
    """Return the scales (d + p,) of all coefficients: 1 for the drift's."""
    return np.append(scales, np.ones(len(gram) - 1 - len(scales)))


def likelihood(
    sums: FieldSums, scales: Array, group: NDArray[np.int_]
) -> tuple[float, Array, Array]:
    """Return minus the log restricted likelihood and its derivatives.

    Parameters
    ----------
    sums
        Of the covariance V.
    scales
        (d,) prior standard deviation of each coefficient.
    group
        (d,) number of the group whose variance each scale belongs to.

    Returns
    -------
    value
        Without the terms that depend on nothing.
    by_group
        (groups,) derivatives by ln variance of each group.
    by_field
        (q,) derivatives by the parameters of V.
    """
    found = coefficients(sums.gram, scales)
    s, d = _with_drift(sums.gram, scales), len(scales)
    g, value = found.mean, 0.5 * (sums.logdet + found.logdet + found.misfit)
    per_feature = 0.5 * (1.0 - np.diag(found.covariance)[:d] - g[:d] ** 2)
    groups = int(group.max()) + 1 if d else 0
    by_group = np.bincount(group, per_feature, minlength=groups).astype(np.float64)
    residual = np.append(-g * s, 1.0)
    scaled = sums.gram_slopes[:, :-1, :-1] * (s[:, None] * s)
    traces = np.einsum("qij,ij->q", scaled, found.covariance)
    squares = np.einsum("i,qij,j->q", residual, sums.gram_slopes, residual)
    return value, by_group, 0.5 * (sums.logdet_slopes + traces + squares)
