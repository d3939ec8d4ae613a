"""Correct a scene for the atmosphere, by any method, for any sensor that sees sunlight.

The paper uses FLAASH, which is commercial. ``6s`` stands for it: a radiative transfer model with
the same physics (gases, molecules, aerosol). The other methods need nothing but the image.

All methods start from reflectance at the top of the atmosphere, so none depends on the sensor;
radiance differs from reflectance by a factor per band (``calibration``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gossan.catalogue.sensors import Band
from gossan.errors import ImageryError, must
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Window
from gossan.geo.layer import Layer, LikeSource
from gossan.geo.sampling import SampledBlocks
from gossan.imagery.atmosphere.adjacency import without_adjacency
from gossan.imagery.atmosphere.by_pixel import surface_by_pixel
from gossan.imagery.atmosphere.coefficients import (
    AtmosphereCorrection,
    SurfaceReflectance,
    sixs_correction,
)
from gossan.imagery.atmosphere.field_targets import empirical_line, flat_field
from gossan.imagery.atmosphere.geometry import SceneGeometry
from gossan.imagery.atmosphere.scene_statistics import SceneStatistics, scene_statistics
from gossan.imagery.atmosphere.settings import AtmosphereSettings

SHORT_WAVE_UM = 1.3


@dataclass(frozen=True)
class LogResidual(LikeSource):
    """Layer of log residuals: free of albedo and of the shading of slopes.

    ``R = rho G / (G_band g_pixel)``, with G the geometric mean of all pixels and bands, G_band that
    of a band and g_pixel that of a pixel over its bands (Green & Craig 1985).
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
        The method and its numbers.
    blocks
        How to stream, for the methods that look at the whole scene. Under ``SampledBlocks`` the
        adjacency effect stays in.

    Returns
    -------
    Layer of surface reflectance (``none``: the same layer; ``iarr``, ``log_residual`` and
    ``flat_field``: relative reflectance).

    Raises
    ------
    ImageryError, SettingsError, MissingDependencyError
        The method cannot be applied; the message says what to change.
    """
    if settings.method == "none":
        return layer
    if settings.method == "6s":
        surface, air = surface_by_pixel(layer, bands, geometry, settings)
        sampled = isinstance(blocks, SampledBlocks)  # surroundings are the whole scene
        plain = not settings.adjacency or sampled
        return surface if plain else without_adjacency(surface, air, blocks)
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
    """Find the coefficients of a method that corrects every band by itself.

    Parameters and errors are those of :func:`correct`. ``log_residual`` has no coefficients; those
    of ``6s`` are for the mean angles and one altitude.

    Raises
    ------
    ImageryError
        An atmosphere method with coefficients must be 6s, dos, cost, iarr, flat_field or
        empirical_line.
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
            "an atmosphere method with coefficients",
            "6s, dos, cost, iarr, flat_field or empirical_line",
            settings.method,
            "Use correct() for the others",
        )
    )


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
    """Estimate haze from the darkest pixels.

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
