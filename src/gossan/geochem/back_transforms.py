"""Bring estimates from the working scale back; medians, intervals and means never mixed.

``inverse`` of a transform is monotone, so it carries quantiles: applied to the estimate on the
working scale it gives the *median*, applied to its bounds an *interval*. The arithmetic *mean* is
another function, ``mean_of``, which must be asked for.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import stats

from gossan.arrays.array_type import Floats
from gossan.geochem.transforms import Identity, Log, Transform


def median_of(transform: Transform, estimate: Floats) -> Floats:
    """Bring an estimate back by quantile: the median of the distribution in the unit."""
    return transform.inverse(estimate)


def interval_of(
    transform: Transform, estimate: Floats, standard_error: Floats, level: float = 0.9
) -> tuple[Floats, Floats]:
    """Bring a central interval back by quantile.

    Parameters
    ----------
    transform
        The transform.
    estimate, standard_error
        On the working scale, of one shape.
    level
        Share of the distribution inside, between 0 and 1.

    Examples
    --------
    >>> low, high = interval_of(Log(), np.array([0.0]), np.array([1.0]), 0.95)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.141], [7.099])
    """
    reach = float(stats.norm.ppf(0.5 + level / 2)) * standard_error
    return transform.inverse(estimate - reach), transform.inverse(estimate + reach)


def mean_of(transform: Transform, estimate: Floats, standard_error: Floats) -> Floats:
    """Bring an estimate back to the arithmetic mean of the distribution in the unit.

    The expectation of ``inverse(y)`` under a normal y: ``exp(m + s^2 / 2)`` for the logarithm,
    the trapezoidal rule over 8 standard errors to both sides else. It depends on the standard
    error wholly; use it where tonnages or block averages are wanted, else the median.

    Examples
    --------
    >>> mean_of(Log(), np.array([0.0]), np.array([1.0])).round(4).tolist()
    [1.6487]
    """
    if isinstance(transform, Identity):
        return estimate
    if isinstance(transform, Log):
        return np.exp(estimate + standard_error**2 / 2)
    return _expected(transform.inverse, estimate, standard_error)


def _expected(
    function: Callable[[Floats], Floats], estimate: Floats, standard_error: Floats
) -> Floats:
    """Integrate a function over a normal distribution, 8 standard errors to both sides."""
    nodes = np.linspace(-8.0, 8.0, 107)
    weights = np.exp(-(nodes**2) / 2)
    total = np.zeros_like(estimate, dtype=float)
    for node, weight in zip(nodes, weights / weights.sum()):
        total += weight * function(estimate + node * standard_error)
    return total


def deviation_of(transform: Transform, estimate: Floats, standard_error: Floats) -> Floats:
    """Return the standard deviation of the distribution in the unit.

    ``sqrt(exp(s^2) - 1) exp(m + s^2 / 2)`` for the logarithm, by quadrature else.

    Examples
    --------
    >>> deviation_of(Log(), np.array([0.0]), np.array([1.0])).round(4).tolist()
    [2.1612]
    """
    if isinstance(transform, Identity):
        return standard_error
    mean = mean_of(transform, estimate, standard_error)
    if isinstance(transform, Log):
        return mean * np.sqrt(np.expm1(standard_error**2))
    squares = _expected(lambda y: transform.inverse(y) ** 2, estimate, standard_error)
    return np.sqrt(np.maximum(squares - mean**2, 0.0))


def exceedance_of(
    transform: Transform, estimate: Floats, standard_error: Floats, threshold: float
) -> Floats:
    """Return the probability that the value exceeds a threshold in the unit.

    >>> exceedance_of(Log(), np.array([0.0]), np.array([1.0]), 1.0).tolist()
    [0.5]
    """
    limit = float(transform.forward(np.array([threshold]))[0])
    return stats.norm.sf((limit - estimate) / standard_error)
