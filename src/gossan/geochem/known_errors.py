"""What is known of each sample's error, on the scale that models work on."""

from __future__ import annotations

import numpy as np

from gossan.arrays.array_type import Array
from gossan.geochem.transforms import Transform

__all__ = ["error_variance"]


def error_variance(transform: Transform, values: Array, errors: Array) -> Array | None:
    """Bring standard errors of contents to variances on the working scale.

    A relative error r is taken for that of a lognormal law, whose logarithm has the variance
    ``ln(1 + r^2)``: unlike ``r^2`` it does not explode near the detection limit. Other transforms
    stretch it by their slope; the identity leaves the error as it is.

    Parameters
    ----------
    transform
        To the working scale.
    values, errors
        (n,) contents and their standard errors, in the element's unit; NaN: error not known.

    Returns
    -------
    (n,) variances; samples without a known error get the median of the others. None where no
    error is known.

    Examples
    --------
    >>> from gossan.geochem.transforms import Identity, Log
    >>> error_variance(Log(), np.array([20.0, 40.0]), np.array([1.0, 2.0])).round(5).tolist()
    [0.0025, 0.0025]
    >>> error_variance(Identity(), np.array([20.0, 40.0]), np.array([1.0, np.nan])).tolist()
    [1.0, 1.0]
    """
    known = np.isfinite(errors)
    if not known.any():
        return None
    variance = np.empty(len(values))
    variance[known] = _deviations(transform, values[known], np.abs(errors[known])) ** 2
    variance[~known] = np.median(variance[known])
    return variance


def _deviations(transform: Transform, values: Array, errors: Array) -> Array:
    if transform.word == "identity":
        return errors
    spread = np.sqrt(np.log1p((errors / values) ** 2))
    up, down = (transform.forward(values * np.exp(sign * spread)) for sign in (1, -1))
    return np.asarray(up - down, np.float64) / 2
