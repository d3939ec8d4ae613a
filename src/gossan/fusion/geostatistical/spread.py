"""How the standard error changes with the estimate: low contents may scatter more than high."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from gossan.arrays.array_type import Array

__all__ = ["Spread"]

_PRIOR = 0.1
_REACH = 2.5


@dataclass(frozen=True)
class Spread:
    """Factor of the standard error, ``exp(level + slope z)`` with z the standardised estimate.

    ``z = (estimate - mean) / deviation``, held within 2.5 deviations.
    """

    mean: float
    deviation: float
    level: float = 0.0
    slope: float = 0.0

    @classmethod
    def of(cls, residuals: Array, estimates: Array) -> Spread:
        """Learn from residuals (n,) of samples left out and their estimates (n,).

        Normal likelihood of residuals with deviation ``s exp(level + slope z)``, s their root mean
        square; the slope has a normal prior of deviation 0.1, so that few samples change little.

        >>> rng = np.random.default_rng(0)
        >>> z = rng.normal(size=2000)
        >>> found = Spread.of(np.exp(-0.3 * z) * rng.normal(size=2000), z)
        >>> bool(abs(found.slope + 0.3) < 0.05)
        True
        """
        found = cls(float(estimates.mean()), float(estimates.std()))
        size = float(np.sqrt(np.mean(residuals**2)))
        if not (found.deviation > 0 and size > 0):
            return found
        z, square = found._standard(estimates), (residuals / size) ** 2

        def value_and_slope(t: Array) -> tuple[float, Array]:
            log = t[0] + t[1] * z
            pull = 1.0 - square * np.exp(-2 * log)
            value = float((log + 0.5 * square * np.exp(-2 * log)).sum())
            value += 0.5 * (t[1] / _PRIOR) ** 2
            return value, np.array([pull.sum(), pull @ z + t[1] / _PRIOR**2])

        level, slope = minimize(value_and_slope, np.zeros(2), jac=True, method="BFGS").x
        return cls(found.mean, found.deviation, float(level), float(slope))

    def __call__(self, estimates: NDArray[Any]) -> NDArray[Any]:
        """Return the factor at estimates of any shape, in their precision."""
        factor = np.exp(self.level + self.slope * self._standard(estimates))
        return np.asarray(factor, estimates.dtype)

    def _standard(self, estimates: NDArray[Any]) -> NDArray[Any]:
        scale = self.deviation if self.deviation > 0 else 1.0
        return np.clip((estimates - self.mean) / scale, -_REACH, _REACH)
