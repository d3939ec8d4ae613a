"""Correct a scene for the atmosphere, by word, for any sensor that sees sunlight.

The paper uses FLAASH, which is commercial. ``6s`` stands for it: a radiative transfer model with
the same physics (gases, molecules, aerosols) that takes the air as given instead of estimating
water vapour and haze from the image. The other words need nothing but the image.

Everything starts from reflectance at the top of the atmosphere, so the words do not depend on the
sensor; radiance differs from it by a factor per band (``calibration``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gossan.catalogue.sensors import Band
from gossan.errors import ImageryError, must
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Window
from gossan.geo.layer import Layer, LikeSource
from gossan.imagery.atmosphere.field_targets import empirical_line, flat_field
from gossan.imagery.atmosphere.scene_statistics import SceneStatistics, scene_statistics
from gossan.imagery.atmosphere.settings import AtmosphereSettings
from gossan.imagery.atmosphere.sixs import SixsConditions, run_sixs

SHORT_WAVE_UM = 1.3


@dataclass(frozen=True)
class SceneGeometry:
    """The angles of a scene (degrees) and its date; azimuths run clockwise from north."""

    sun_elevation: float
    sun_azimuth: float
    date: date
    view_zenith: float = 0.0
    view_azimuth: float = 0.0


@dataclass(frozen=True)
class AtmosphereCorrection:
    """Turn top-of-atmosphere reflectance rho into surface reflectance, and back, band by band.

    ``y = a rho - b; surface = y / (1 + c y)``

    Attributes
    ----------
    bands
        Names of the bands.
    a, b, c
        One of each per band.
    quantity
        ``reflectance``, or ``relative reflectance`` (1 is the scene's or the field's mean).

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
        """Look at a surface (band, row, column) through the atmosphere."""
        a, b, c = self._columns(surface.dtype)
        result: NDArray[np.floating] = (surface / (1 - c * surface) + b) / a
        return result

    def _columns(self, dtype: np.dtype) -> list[NDArray[np.floating]]:
        return [np.asarray(v, dtype)[:, None, None] for v in (self.a, self.b, self.c)]


@dataclass(frozen=True)
class SurfaceReflectance(LikeSource):
    """See top-of-atmosphere reflectance as that of the surface."""

    source: Layer
    correction: AtmosphereCorrection

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read and correct."""
        return np.asarray(self.correction.surface(self.source.read(window)), np.float32)


@dataclass(frozen=True)
class LogResidual(LikeSource):
    """Divide by the scene's geometric mean of the band and by the pixel's over the bands.

    ``R = rho G / (G_band g_pixel)`` with G the geometric mean of all (Green & Craig 1985).
    Topographic shading and albedo fall out with ``g_pixel``.
    """

    source: Layer
    geometric_mean: tuple[float, ...]

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read and divide; pixels that are empty or not positive in any band are empty."""
        values = self.source.read(window)
        values[values <= 0] = np.nan
        logs = np.log(values, out=values)
        logs -= logs.mean(axis=0)
        levels = np.log(np.asarray(self.geometric_mean))
        logs -= (levels - levels.mean()).astype(np.float32)[:, None, None]
        return np.exp(logs, out=logs)


def correct(
    layer: Layer,
    bands: Sequence[Band],
    geometry: SceneGeometry,
    settings: AtmosphereSettings,
    blocks: Blocks | None = None,
) -> Layer:
    """Correct a layer of top-of-atmosphere reflectance for the atmosphere.

    Parameters
    ----------
    layer
        Reflectance at the top of the atmosphere.
    bands
        The sensor's description of each band of the layer, in its order.
    geometry
        Sun, view and date.
    settings
        The word and its numbers.
    blocks
        How to stream, for the words that look at the whole scene.

    Returns
    -------
    Layer of surface reflectance (``none``: the same layer; ``iarr``, ``log_residual`` and
    ``flat_field``: relative reflectance).

    Errors: ImageryError or MissingDependencyError, each with its cure.
    """
    if settings.method == "none":
        return layer
    if settings.method == "log_residual":
        found = scene_statistics(layer, blocks or Blocks(), logs=True)
        if not found.log_count[0]:
            raise ImageryError(
                must(
                    "log_residual",
                    "given pixels that are positive in all bands",
                    "none",
                    "Leave out an empty band",
                )
            )
        return LogResidual(layer, tuple(found.geometric_mean.tolist()))
    return SurfaceReflectance(layer, fit_correction(layer, bands, geometry, settings, blocks))


def fit_correction(
    layer: Layer,
    bands: Sequence[Band],
    geometry: SceneGeometry,
    settings: AtmosphereSettings,
    blocks: Blocks | None = None,
) -> AtmosphereCorrection:
    """Find the coefficients of a word that corrects every band by itself.

    Parameters and errors as :func:`correct`; ``log_residual`` has no such coefficients.
    """
    names = tuple(layer.bands)
    if settings.method == "6s":
        return sixs_correction(bands, geometry, settings)
    if settings.method == "flat_field":
        return _gain_only(names, flat_field(layer, settings.flat_field))
    if settings.method == "empirical_line":
        gain, offset = empirical_line(layer, settings.targets)
        return AtmosphereCorrection(
            names, tuple(gain.tolist()), tuple((-offset).tolist()), (0.0,) * len(names)
        )
    if settings.method in ("iarr", "dos", "cost"):
        found = scene_statistics(layer, blocks or Blocks())
        if settings.method == "iarr":
            return _gain_only(names, found.mean)
        return _dark_object(names, bands, geometry, settings, found)
    raise ImageryError(
        must(
            "an atmosphere word with coefficients",
            "6s, dos, cost, iarr, flat_field or empirical_line",
            settings.method,
            "Use correct() for the others",
        )
    )


def sixs_correction(
    bands: Sequence[Band], geometry: SceneGeometry, settings: AtmosphereSettings
) -> AtmosphereCorrection:
    """Ask 6S for the coefficients of every band.

    Where the sensor's reflectance was made with its own solar irradiance (ASTER), the factor
    between that and 6S's is included, so that radiance is what both agree on.
    """
    conditions = SixsConditions(
        sun_zenith=90.0 - geometry.sun_elevation,
        sun_azimuth=geometry.sun_azimuth,
        view_zenith=geometry.view_zenith,
        view_azimuth=geometry.view_azimuth,
        month=geometry.date.month,
        day=geometry.date.day,
        aerosol=settings.aerosol,
        aot550=settings.aot550,
        water_g_cm2=settings.water_g_cm2,
        ozone_cm_atm=settings.ozone_cm_atm,
        altitude_km=_altitude_m(settings) / 1000.0,
    )
    results = run_sixs(bands, conditions)
    own = [getattr(band, "solar_irradiance", None) for band in bands]
    return AtmosphereCorrection(
        tuple(band.name for band in bands),
        tuple(r.xa * (e / r.irradiance if e else 1.0) for r, e in zip(results, own)),
        tuple(r.xb for r in results),
        tuple(r.xc for r in results),
    )


def _altitude_m(settings: AtmosphereSettings) -> float:
    if settings.altitude_m == "dem":
        cure = "Use correct(), which runs 6S at several altitudes"
        raise ImageryError(must("altitude_m", "a number for one set of coefficients", "dem", cure))
    return settings.altitude_m


def _gain_only(names: tuple[str, ...], mean: NDArray[np.float64]) -> AtmosphereCorrection:
    if not (mean > 0).all():
        worst = names[int(np.argmin(mean))]
        raise ImageryError(
            must(
                f"the mean of band {worst}",
                "positive",
                round(float(mean.min()), 6),
                "Choose another area or scene",
            )
        )
    zero = (0.0,) * len(names)
    return AtmosphereCorrection(
        names, tuple((1.0 / mean).tolist()), zero, zero, "relative reflectance"
    )


def _dark_object(
    names: tuple[str, ...],
    bands: Sequence[Band],
    geometry: SceneGeometry,
    settings: AtmosphereSettings,
    found: SceneStatistics,
) -> AtmosphereCorrection:
    """Take the haze from the darkest pixels.

    ``surface = (rho - rho_p) / T`` with ``rho_p = rho_dark - 0.01 T``; ``dos`` takes T = 1,
    ``cost`` (Chavez 1996) the cosine of the sun's zenith angle in the visible and near infrared
    and 1 in the short-wave infrared.
    """
    cosine = math.sin(math.radians(geometry.sun_elevation))
    through = np.array(
        [
            cosine if settings.method == "cost" and b.centre_um < SHORT_WAVE_UM else 1.0
            for b in bands
        ]
    )
    haze = np.maximum(found.quantile(settings.dark_share) - settings.dark_reflectance * through, 0)
    return AtmosphereCorrection(
        names,
        tuple((1.0 / through).tolist()),
        tuple((haze / through).tolist()),
        (0.0,) * len(names),
    )
