"""The shape of the spatial term's covariance as a vector of parameters without constraints.

The vector holds ``ln r``, then ``a1, a2`` where the range may differ by direction, then the
logarithm of the smoothness of the stable family. The squared scaled lag is ``x' M x`` with the
metric ``M = exp(A) / r^2`` and the traceless symmetric matrix ``A = [[a1, a2], [a2, -a1]]``: r is
the geometric mean of the ranges over directions, ``a1 = a2 = 0`` is isotropy, and nothing is
singular there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from gossan.arrays.array_type import Array
from gossan.geochem.covariance.model import Anisotropy, CovarianceModel, Kind, Structure

__all__ = ["Family", "Shape"]

Family = Literal["exponential", "matern32", "spherical", "stable"]
_KINDS: dict[Family, tuple[Kind, float, float]] = {
    "exponential": ("exponential", 1.0, 1.0),
    "matern32": ("matern", 3.0**-0.5, 1.5),
    "spherical": ("spherical", 1.0, 1.0),
    "stable": ("stable", 1.0, 1.0),
}
"""Kind of structure of a family, its range parameter in units of r, and its smoothness."""
LARGEST_LN_EXPONENT = float(np.log(2.0))
"""Beyond an exponent of 2 the stable correlation is not positive definite."""
_ROUND = 1e-4


@dataclass(frozen=True)
class Shape:
    """What the covariance may be: its family, and whether it may differ by direction.

    Examples
    --------
    >>> print(Shape("exponential").covariance(0.1, 0.5, np.log([800.0])))
    nugget 0.1, exponential 0.5 range 800 m
    """

    family: Family = "exponential"
    anisotropic: bool = False

    @property
    def count(self) -> int:
        """Number of shape parameters."""
        return 1 + 2 * self.anisotropic + (self.family == "stable")

    @property
    def largest(self) -> float:
        """Largest last parameter that gives a covariance."""
        return LARGEST_LN_EXPONENT if self.family == "stable" else float("inf")

    def is_valid(self, parameters: Array) -> bool:
        """Whether the parameters (count,) give a covariance."""
        return bool(parameters[-1] <= self.largest)

    def covariance(self, nugget: float, sill: float, parameters: Array) -> CovarianceModel:
        """Return the covariance of the parameters (count,)."""
        kind, share, smoothness = _KINDS[self.family]
        if self.family == "stable":
            smoothness = float(np.exp(min(parameters[-1], LARGEST_LN_EXPONENT)))
        size, anisotropy = 0.0, None
        if self.anisotropic:
            size = float(np.hypot(*parameters[1:3]))
            # the short axis is that of the larger eigenvalue, at half the angle of (a1, a2)
            azimuth = -0.5 * float(np.degrees(np.arctan2(parameters[2], parameters[1])))
            anisotropy = Anisotropy(azimuth % 180.0, float(np.exp(-size)))
        longest = float(np.exp(parameters[0] + size / 2))
        structure = Structure(kind, sill, share * longest, smoothness)
        return CovarianceModel(nugget, (structure,), anisotropy)

    def metric_slopes(self, parameters: Array) -> Array:
        """Return the derivatives of the covariance's metric by ln r and, if asked for, a1, a2.

        (1 or 3, 3), in units of the range parameter: what changes the range is taken as a change
        of the metric.
        """
        if not self.anisotropic:
            return np.array([[-2.0, 0.0, -2.0]])
        a1, a2 = parameters[1:3]
        size = float(np.hypot(a1, a2))
        small = size < _ROUND
        ratio = 1 + size**2 / 6 if small else np.sinh(size) / size
        bend = 1 / 3 if small else (np.cosh(size) - ratio) / size**2
        whole = np.cosh(size) * np.array([1.0, 0.0, 1.0])
        turn = np.array([a1, a2, -a1])
        rows = [-2 * (whole + ratio * turn)]
        for part, axis in ((a1, (1.0, 0.0, -1.0)), (a2, (0.0, 1.0, 0.0))):
            own = ratio * part * np.array([1.0, 0.0, 1.0])
            rows.append(own + ratio * np.array(axis) + bend * part * turn)
        return np.exp(size) * np.array(rows)
