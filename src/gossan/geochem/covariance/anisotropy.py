"""Geometric anisotropy: continuity reaches farther in one direction than across it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gossan.arrays.array_type import Array
from gossan.errors import InputError, must

__all__ = ["Anisotropy"]


@dataclass(frozen=True)
class Anisotropy:
    """Stretch distances so that continuity is the same in every direction.

    ``h = sqrt(major^2 + (minor / ratio)^2)`` with the parts of the separation along and
    across the direction of greatest continuity.

    Parameters
    ----------
    azimuth_deg
        Direction of greatest continuity, degrees clockwise from north.
    ratio
        Range across divided by range along; in (0, 1].

    Examples
    --------
    >>> Anisotropy(azimuth_deg=90.0, ratio=0.5).turn([[100.0, 0.0], [0.0, 100.0]]).round(6)
    array([[ 100.,    0.],
           [   0., -200.]])
    """

    azimuth_deg: float = 0.0
    ratio: float = 1.0

    def __post_init__(self) -> None:
        if not (0 < self.ratio <= 1):
            raise InputError(
                must("ratio", "in (0, 1]", self.ratio, "Turn azimuth_deg by 90 and invert it")
            )
        if not np.isfinite(self.azimuth_deg):
            raise InputError(must("azimuth_deg", "finite", self.azimuth_deg, "Use degrees"))

    @property
    def matrix(self) -> Array:
        """(2, 2): rows give the parts along and (stretched) across from (easting, northing)."""
        angle = np.deg2rad(self.azimuth_deg)
        along = [np.sin(angle), np.cos(angle)]
        across = [np.cos(angle) / self.ratio, -np.sin(angle) / self.ratio]
        return np.array([along, across])

    def turn(self, coordinates: ArrayLike) -> Array:
        """Return (n, 2) coordinates in which distance is isotropic, from easting and northing."""
        xy = np.asarray(coordinates, dtype=np.float64)
        if self.ratio == 1.0:
            return np.ascontiguousarray(xy)
        return np.ascontiguousarray(xy @ self.matrix.T)

    @property
    def metric(self) -> Array:
        """(m11, m12, m22): ``h^2 = m11 x^2 + 2 m12 x y + m22 y^2`` of a lag (x, y)."""
        if self.ratio == 1.0:
            return np.array([1.0, 0.0, 1.0])
        form = self.matrix.T @ self.matrix
        return np.array([form[0, 0], form[0, 1], form[1, 1]])
