"""Turn digital numbers into radiance, top-of-atmosphere reflectance and temperature.

Every step is a computed layer: it holds its source and a few numbers per band, and works when it
is read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gossan.errors import ImageryError, must
from gossan.geo.grid import Window
from gossan.geo.layer import Layer, LikeSource


def earth_sun_distance(day: date) -> float:
    """Return the distance of the sun in astronomical units.

    ``d = 1 - 0.01672 cos(0.9856 deg (doy - 4))``

    >>> round(earth_sun_distance(date(2004, 7, 4)), 4)
    1.0167
    """
    return 1.0 - 0.01672 * math.cos(math.radians(0.9856 * (day.timetuple().tm_yday - 4)))


def reflectance_per_radiance(irradiance: float, sun_elevation: float, day: date) -> float:
    """Return the factor from radiance to top-of-atmosphere reflectance.

    ``rho = pi L d^2 / (ESUN sin(elevation))``

    Parameters
    ----------
    irradiance
        Solar irradiance of the band at 1 AU, ESUN (W m-2 um-1).
    sun_elevation
        Degrees above the horizon.
    day
        Date of the scene.

    Returns
    -------
    Factor in W-1 m2 sr um.

    Raises
    ------
    ImageryError
        The sun is below the horizon.

    Examples
    --------
    >>> round(reflectance_per_radiance(1848.0, 60.0, date(2004, 7, 1)) * 124.0, 3)
    0.252
    """
    if not 0 < sun_elevation <= 90:
        raise ImageryError(
            must(
                "the sun's elevation",
                "above 0 and at most 90 degrees",
                sun_elevation,
                "Use a daytime scene",
            )
        )
    distance = earth_sun_distance(day)
    return math.pi * distance**2 / (irradiance * math.sin(math.radians(sun_elevation)))


def _column(values: tuple[float, ...]) -> NDArray[np.float32]:
    return np.asarray(values, np.float32)[:, None, None]


@dataclass(frozen=True)
class _Derived(LikeSource):
    """Share grid and bands with the source."""

    source: Layer


@dataclass(frozen=True)
class Radiance(_Derived):
    """Layer of radiance at the sensor, from digital numbers (W m-2 sr-1 um-1).

    ``L = per_dn * DN + offset``; for ASTER that is ``(DN - 1) * per_dn``. Saturated pixels are
    empty, because their radiance is unknown, unless they are to be kept.

    Parameters
    ----------
    source
        Layer of digital numbers, NaN where empty.
    per_dn, offset
        One of each per band.
    saturated
        Digital number of a saturated pixel, one per band.
    saturated_pixels
        ``empty`` or ``keep``.

    Examples
    --------
    >>> from gossan.geo.grid import Grid
    >>> from gossan.geo.layer import ArrayLayer
    >>> grid = Grid.from_bounds(32638, (0, 0, 60, 20), 20)
    >>> numbers = ArrayLayer(grid, ("b1",), np.array([[[1.0, 101.0, 255.0]]]))
    >>> Radiance(numbers, (0.676,), (-0.676,), (255,)).read(grid.whole)
    array([[[ 0. , 67.6,  nan]]], dtype=float32)
    """

    per_dn: tuple[float, ...]
    offset: tuple[float, ...]
    saturated: tuple[int, ...]
    saturated_pixels: Literal["empty", "keep"] = "empty"

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read and convert."""
        numbers = self.source.read(window)
        full = numbers >= _column(self.saturated) if self.saturated_pixels == "empty" else None
        numbers *= _column(self.per_dn)
        numbers += _column(self.offset)
        if full is not None:
            numbers[full] = np.nan
        return numbers


@dataclass(frozen=True)
class Scaled(_Derived):
    """Multiply every band by a factor of its own: radiance to top-of-atmosphere reflectance.

    >>> from gossan.geo.grid import Grid
    >>> from gossan.geo.layer import ArrayLayer
    >>> grid = Grid.from_bounds(32638, (0, 0, 40, 20), 20)
    >>> Scaled(ArrayLayer(grid, ("b1",), np.array([[[2.0, 4.0]]])), (0.5,)).read(grid.whole)
    array([[[1., 2.]]], dtype=float32)
    """

    factors: tuple[float, ...]

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read and multiply."""
        values = self.source.read(window)
        values *= _column(self.factors)
        return values


@dataclass(frozen=True)
class BrightnessTemperature(_Derived):
    """Layer of brightness temperature (K), from thermal radiance.

    ``T = k2 / ln(k1 / L + 1)``; radiance of zero or less is empty.

    Parameters
    ----------
    source
        Radiance (W m-2 sr-1 um-1).
    k1, k2
        Constants of each band (same unit; K).

    Examples
    --------
    >>> from gossan.geo.grid import Grid
    >>> from gossan.geo.layer import ArrayLayer
    >>> grid = Grid.from_bounds(32638, (0, 0, 40, 20), 20)
    >>> radiance = ArrayLayer(grid, ("b10",), np.array([[[9.38, 0.0]]]))
    >>> BrightnessTemperature(radiance, (3040.136,), (1735.338,)).read(grid.whole).round(1)
    array([[[300.,  nan]]], dtype=float32)
    """

    k1: tuple[float, ...]
    k2: tuple[float, ...]

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read and convert."""
        radiance = self.source.read(window)
        radiance[radiance <= 0] = np.nan
        result: NDArray[np.float32] = _column(self.k2) / np.log(_column(self.k1) / radiance + 1.0)
        return result


@dataclass(frozen=True)
class Saturation(_Derived):
    """Mark saturated pixels: 1 saturated, 0 not, NaN empty.

    >>> from gossan.geo.grid import Grid
    >>> from gossan.geo.layer import ArrayLayer
    >>> grid = Grid.from_bounds(32638, (0, 0, 60, 20), 20)
    >>> numbers = ArrayLayer(grid, ("b4",), np.array([[[3.0, 255.0, np.nan]]]))
    >>> Saturation(numbers, (255,)).read(grid.whole)
    array([[[ 0.,  1., nan]]], dtype=float32)
    """

    saturated: tuple[int, ...]

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read and compare."""
        numbers = self.source.read(window)
        marked = (numbers >= _column(self.saturated)).astype(np.float32)
        marked[np.isnan(numbers)] = np.nan
        return marked
