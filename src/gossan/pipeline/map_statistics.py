"""Turn an estimate and its standard error on the working scale into statistics in the unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gossan.geochem.back_transforms import deviation_of, interval_of, mean_of, median_of
from gossan.geochem.transforms import Identity, Transform

__all__ = ["InUnit", "Statistic"]

Statistic = Literal["median", "mean", "standard_error", "lower90", "upper90"]


@dataclass(frozen=True)
class InUnit:
    """Compute statistics of the distribution at each pixel or point.

    Parameters
    ----------
    transform
        From the unit to the working scale; None: statistics of the working scale itself.
    names
        Statistics, in the order of the result. No element is negative: below zero becomes zero.
    factor
        Calibration of the interval: multiplies the standard error.
    """

    transform: Transform | None
    names: tuple[Statistic, ...]
    factor: float = 1.0

    def __call__(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Map (2, row, column), or (1, row, column) for the median alone, to (names, ...)."""
        estimate = values[0].astype(np.float64)
        error = values[1].astype(np.float64) * self.factor if len(values) > 1 else None
        found = [self._one(name, estimate, error) for name in self.names]
        return np.stack(found)

    def _one(
        self, name: Statistic, estimate: NDArray[np.float64], error: NDArray[np.float64] | None
    ) -> NDArray[np.floating]:
        transform = self.transform or Identity()
        if name == "median":
            found = median_of(transform, estimate)
        else:
            assert error is not None
            low, high = interval_of(transform, estimate, error)
            found = {
                "lower90": low,
                "upper90": high,
                "mean": mean_of(transform, estimate, error),
                "standard_error": deviation_of(transform, estimate, error),
            }[name]
        return found if self.transform is None else np.maximum(found, 0.0)
