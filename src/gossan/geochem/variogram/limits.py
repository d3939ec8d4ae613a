"""Bounds on a fitted variogram: no survey shows a range or a sill beyond its own extent.

Within a survey much smaller than the range only the ratio of sill to range can be estimated: the
likelihood is flat along it, and a fit may run off to a range of ten extents. Estimates among the
samples hardly change, but beyond them such a model extrapolates trends without restraint.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gossan.geochem.covariance.model import CovarianceModel

SILL_SHARE = 2.0
"""Largest sill in variances of the samples."""
NEAR = 0.99


@dataclass(frozen=True)
class Limits:
    """Largest practical range in metres and largest total sill of a fitted variogram."""

    practical_range_m: float = math.inf
    sill: float = math.inf

    @classmethod
    def of_survey(
        cls, coordinates: NDArray[np.float64], values: NDArray[np.float64],
        longest_m: float | None = None,
    ) -> Limits:  # fmt: skip
        """Limits that samples (n, 2) and their values (n,) set.

        The practical range is at most ``longest_m``, by default the diagonal of the samples'
        extent: no two samples lie farther apart. The sill is at most twice the variance
        of the values.

        >>> Limits.of_survey(np.array([[0.0, 0.0], [300.0, 400.0]]), np.array([1.0, 3.0]))
        Limits(practical_range_m=500.0, sill=2.0)
        """
        if longest_m is None:
            longest_m = float(np.hypot(*np.ptp(coordinates, axis=0)))
        return cls(longest_m, SILL_SHARE * float(np.var(values)))

    def reached(self, model: CovarianceModel) -> str:
        """Name the limit that a model has reached: "range", "sill", or "" for none."""
        if model.practical_range_m >= NEAR * self.practical_range_m:
            return "range"
        return "sill" if model.sill >= NEAR * self.sill else ""


UNLIMITED = Limits()
