"""Correct bands one by one with coefficients, among them those of 6S."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gossan.catalogue.sensors import Band
from gossan.errors import ImageryError, must
from gossan.geo.grid import Window
from gossan.geo.layer import Layer, LikeSource
from gossan.imagery.atmosphere.geometry import SceneGeometry
from gossan.imagery.atmosphere.settings import AtmosphereSettings
from gossan.imagery.atmosphere.sixs import SixsConditions, SixsResult, run_sixs


@dataclass(frozen=True)
class AtmosphereCorrection:
    """Conversion of top-of-atmosphere to surface reflectance, and back, band by band.

    ``y = a rho - b; surface = y / (1 + c y)``

    Attributes
    ----------
    bands
        Names of the bands.
    a, b, c
        One of each per band.
    quantity
        ``reflectance``, or ``relative reflectance`` (1 is the mean of the scene or the field).

    Examples
    --------
    >>> air = AtmosphereCorrection(("b1",), (1.2207,), (0.0508,), (0.1106,))
    >>> surface = air.surface(np.array([[[0.2521]]]))
    >>> float(surface.round(3)[0, 0, 0])
    0.25
    >>> float(air.top_of_atmosphere(surface).round(4)[0, 0, 0])
    0.2521
    """

    bands: tuple[str, ...]
    a: tuple[float, ...]
    b: tuple[float, ...]
    c: tuple[float, ...]
    quantity: Literal["reflectance", "relative reflectance"] = "reflectance"

    def surface(self, rho: NDArray[np.floating]) -> NDArray[np.floating]:
        """Correct (band, row, column) values."""
        a, b, c = self._columns(rho.dtype)
        y = rho * a
        y -= b
        if any(self.c):
            y /= 1 + c * y
        return y

    def top_of_atmosphere(self, surface: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return what a sensor sees of a surface (band, row, column)."""
        a, b, c = self._columns(surface.dtype)
        result: NDArray[np.floating] = (surface / (1 - c * surface) + b) / a
        return result

    def _columns(self, dtype: np.dtype) -> list[NDArray[np.floating]]:
        return [np.asarray(v, dtype)[:, None, None] for v in (self.a, self.b, self.c)]


@dataclass(frozen=True)
class SurfaceReflectance(LikeSource):
    """Layer of surface reflectance, from reflectance at the top of the atmosphere."""

    source: Layer
    correction: AtmosphereCorrection

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read and correct."""
        return np.asarray(self.correction.surface(self.source.read(window)), np.float32)


def sixs_conditions(geometry: SceneGeometry, settings: AtmosphereSettings) -> SixsConditions:
    """Describe a scene to 6S, with the means of its angles.

    Raises
    ------
    ImageryError
        A setting is a word ("auto", "dem") where a number is needed.
    """
    return SixsConditions(
        sun_zenith=90.0 - geometry.sun_elevation,
        sun_azimuth=geometry.sun_azimuth,
        view_zenith=geometry.view_zenith,
        view_azimuth=geometry.view_azimuth,
        month=geometry.date.month,
        day=geometry.date.day,
        aerosol=settings.aerosol,
        aot550=_number("aot550", settings.aot550),
        water_g_cm2=_number("water_g_cm2", settings.water_g_cm2),
        ozone_cm_atm=settings.ozone_cm_atm,
        altitude_km=_number("altitude_m", settings.altitude_m) / 1000.0,
    )


def sixs_correction(
    bands: Sequence[Band], geometry: SceneGeometry, settings: AtmosphereSettings
) -> AtmosphereCorrection:
    """Ask 6S for the coefficients of every band, for the mean angles of a scene.

    Raises
    ------
    ImageryError
        A band or condition that 6S refuses, or a setting that is no number.
    MissingDependencyError
        6S is not installed.
    """
    return coefficients(bands, run_sixs(bands, sixs_conditions(geometry, settings)))


def coefficients(bands: Sequence[Band], results: Sequence[SixsResult]) -> AtmosphereCorrection:
    """Turn the results of 6S into a correction.

    Where the reflectance of a sensor is computed with its own solar irradiance (ASTER), the
    coefficient includes the ratio of that to the irradiance in 6S: both then agree on radiance.
    """
    own = [getattr(band, "solar_irradiance", None) for band in bands]
    return AtmosphereCorrection(
        tuple(band.name for band in bands),
        tuple(r.xa * (e / r.irradiance if e else 1.0) for r, e in zip(results, own)),
        tuple(r.xb for r in results),
        tuple(r.xc for r in results),
    )


def _number(key: str, value: float | str) -> float:
    if isinstance(value, str):
        cure = "Use correct(), which estimates it and runs 6S at several altitudes"
        raise ImageryError(must(key, "a number for one set of coefficients", repr(value), cure))
    return value
