"""Bring estimates from the working scale back; medians, intervals and means never mixed.

``inverse`` of a transform is monotone, so it carries quantiles: applied to the estimate on the
working scale it gives the *median*, applied to its bounds an *interval*. The arithmetic *mean* is
another function, ``mean_of``, which must be asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.array_type import Floats
from gossan.arrays.compiled import compiled
from gossan.arrays.conformal import normal_quantile
from gossan.geochem.transforms import Identity, Log, Transform

Statistic = Literal["median", "mean", "standard_error", "working_error", "lower90", "upper90"]


def median_of(transform: Transform, estimate: Floats) -> Floats:
    """Bring an estimate back by quantile: the median of the distribution in the unit.

    No content is negative: below zero becomes zero, here and in the bounds of an interval.
    """
    return np.maximum(transform.inverse(estimate), 0.0)


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
    reach = normal_quantile(level) * standard_error
    return median_of(transform, estimate - reach), median_of(transform, estimate + reach)


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


def exceedance_of(estimate: Floats, standard_error: Floats, threshold: float | Floats) -> Floats:
    """Return the probability that the truth lies at or above a threshold, on the working scale.

    ``P = Phi((estimate - threshold) / standard_error)``. Where the standard error is 0, P is 0 or
    1; NaN where the estimate is empty.

    >>> exceedance_of(np.array([0.0, 1.0]), np.array([1.0, 0.0]), 0.0).tolist()
    [0.5, 1.0]
    """
    parts = (np.asarray(one, np.float64) for one in (estimate, standard_error, threshold))
    middle, error, limit = np.broadcast_arrays(*parts)
    result = np.empty(middle.shape)
    _exceedance(middle.ravel(), error.ravel(), limit.ravel(), result.reshape(-1))
    return result


@compiled()
def _exceedance(estimate, error, limit, result):  # type: ignore[no-untyped-def]
    """Fill Phi(z) = erfc(-z / sqrt 2) / 2."""
    for i in range(result.size):
        above = estimate[i] - limit[i]
        if math.isnan(above):
            result[i] = np.nan
        elif error[i] != 0.0:
            result[i] = 0.5 * math.erfc(-above / error[i] / math.sqrt(2.0))
        else:
            result[i] = 1.0 if above >= 0.0 else 0.0


@dataclass(frozen=True)
class InUnit:
    """Compute statistics of the distribution at each pixel or point.

    Parameters
    ----------
    transform
        From the unit to the working scale; None: statistics of the working scale itself.
    names
        Statistics, in the order of the result; "working_error" stays on the working scale.
    factor
        Calibration of the interval: multiplies the standard error.
    """

    transform: Transform | None
    names: tuple[Statistic, ...]
    factor: float = 1.0

    def __call__(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Map (2, row, column), or (1, row, column) for the median alone, to (names, ...).

        A third band is the mean in the unit, where it is known (that of a block).
        """
        estimate, *more = values.astype(np.float64)
        error = more[0] * self.factor if more else None
        found = [self._one(name, estimate, error, *more[1:]) for name in self.names]
        return np.stack(found).astype(values.dtype)

    def _one(
        self, name: Statistic, estimate: Floats, error: Floats | None, mean: Floats | None = None
    ) -> Floats:
        if name == "median":
            return estimate if self.transform is None else median_of(self.transform, estimate)
        assert error is not None
        if name == "working_error":
            return error
        if self.transform is None:
            reach = normal_quantile(0.9) * error
            return {
                "mean": estimate, "standard_error": error,
                "lower90": estimate - reach, "upper90": estimate + reach,
            }[name]  # fmt: skip
        if name == "mean":
            found = mean_of(self.transform, estimate, error) if mean is None else mean
            return np.maximum(found, 0.0)
        if name == "standard_error":
            return deviation_of(self.transform, estimate, error)
        return interval_of(self.transform, estimate, error)[name == "upper90"]
