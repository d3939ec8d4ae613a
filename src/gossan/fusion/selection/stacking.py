"""Weights of a mean of models, from held-out predictions: non-negative, shrunk to equal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from gossan.arrays.array_type import Array

__all__ = ["blend_weights", "cross_blend", "simplex_weights"]


SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Shares of equal weights that are tried."""


def simplex_weights(predictions: Array, observed: Array) -> Array:
    """Find the non-negative weights of sum 1 with the least squared error.

    ``min |y - P w|^2, w >= 0, sum w = 1``, solved as non-negative least squares of the
    differences with a heavy row for the sum.

    Parameters
    ----------
    predictions : (n, m) held-out predictions of m models.
    observed : (n,) values.

    Returns
    -------
    (m,) weights.

    >>> y = np.array([1.0, 2.0, 3.0])
    >>> simplex_weights(np.column_stack([y + 1, y - 1]), y).round(6)
    array([0.5, 0.5])
    """
    error = predictions - observed[:, None]
    scale = float(np.abs(error).max()) or 1.0
    heavy = 1e4 * np.sqrt(len(error))
    rows = np.vstack([error / scale, np.full((1, error.shape[1]), heavy)])
    weights, _ = nnls(rows, np.append(np.zeros(len(error)), heavy))
    total = weights.sum()
    return weights / total if total > 0 else np.full(error.shape[1], 1.0 / error.shape[1])


def blend_weights(
    predictions: Array, observed: Array, folds: NDArray[np.int_]
) -> tuple[Array, float]:
    """Choose weights by spatial folds: the most equal ones that are not worse beyond noise.

    ``w = share / m + (1 - share) w_best``; each share is judged on folds that its w_best has not
    seen; the largest share whose error exceeds the least one by no more than one standard
    error (over folds) is taken.

    Parameters
    ----------
    predictions : (n, m) held-out predictions.
    observed : (n,) values.
    folds : (n,) fold of each sample.

    Returns
    -------
    (m,) weights, and the share of equal weights.
    """
    best = simplex_weights(predictions, observed)
    share = _share(predictions, observed, folds)
    return _mix(best, share), share


def cross_blend(predictions: Array, observed: Array, folds: NDArray[np.int_]) -> Array:
    """Blend held-out predictions by weights that never saw the fold they are used on (n,)."""
    result = np.empty(len(observed))
    for fold in np.unique(folds):
        held = folds == fold
        weights, _ = blend_weights(predictions[~held], observed[~held], folds[~held])
        result[held] = predictions[held] @ weights
    return result


def _mix(best: Array, share: float) -> Array:
    return share / best.size + (1.0 - share) * best


def _share(predictions: Array, observed: Array, folds: NDArray[np.int_]) -> float:
    names = np.unique(folds)
    if predictions.shape[1] < 2 or names.size < 3:
        return 1.0
    sums = np.empty((names.size, len(SHARES)))
    for row, fold in enumerate(names):
        held = folds == fold
        best = simplex_weights(predictions[~held], observed[~held])
        for column, share in enumerate(SHARES):
            error = predictions[held] @ _mix(best, share) - observed[held]
            sums[row, column] = error @ error
    total = sums.sum(axis=0)
    least = int(np.argmin(total))
    apart = sums - sums[:, [least]]
    noise = apart.std(axis=0, ddof=1) * np.sqrt(names.size)
    fair = np.flatnonzero(total - total[least] <= noise)
    return SHARES[int(max(fair.max(), least))]
