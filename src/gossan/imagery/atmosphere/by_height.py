"""Atmospheric correction that follows the ground's height: 6S at several altitudes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gossan.catalogue.sensors import Band
from gossan.errors import ImageryError, SettingsError, must
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Window
from gossan.geo.layer import Layer, LikeSource
from gossan.geo.raster import open_raster
from gossan.geo.sampling import spread_windows
from gossan.geo.warp import to_grid
from gossan.imagery.atmosphere.correction import (
    AtmosphereCorrection,
    SceneGeometry,
    correct,
    sixs_correction,
)
from gossan.imagery.atmosphere.settings import AtmosphereSettings

STEP_M = 500.0
"""Largest difference between altitudes at which 6S is run; between them it is interpolated."""
EVEN_M = 50.0
"""Relief below which one altitude serves the whole scene."""


@dataclass(frozen=True)
class SurfaceByHeight(LikeSource):
    """See top-of-atmosphere reflectance as that of the surface, through the air above each pixel.

    Coefficients are interpolated linearly between altitudes. Pixels of unknown height are taken at
    the middle altitude.
    """

    source: Layer
    heights: Layer
    altitudes_m: tuple[float, ...]
    corrections: tuple[AtmosphereCorrection, ...]

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read both, and correct band by band."""
        values = self.source.read(window)
        lower, weight = self._place(self.heights.read(window)[0])
        for k, band in enumerate(values):
            a, b, c = (
                _between(
                    np.array([getattr(one, name)[k] for one in self.corrections]), lower, weight
                )
                for name in ("a", "b", "c")
            )
            y = a * band - b
            band[...] = y / (1 + c * y)
        return values

    def _place(self, heights: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Find the altitude below each pixel and the share of the next one."""
        levels = np.asarray(self.altitudes_m)
        known = np.where(np.isfinite(heights), heights, levels.mean())
        place = np.clip((known - levels[0]) / (levels[1] - levels[0]), 0, len(levels) - 1)
        lower = np.minimum(place.astype(np.intp), len(levels) - 2)
        return lower, (place - lower).astype(np.float32)


def _between(
    numbers: NDArray[np.float64], lower: NDArray[np.intp], weight: NDArray[np.float32]
) -> NDArray[np.float32]:
    found = numbers.astype(np.float32)
    below: NDArray[np.float32] = found[lower]
    return below + weight * (found[lower + 1] - below)


def correct_by_height(
    layer: Layer, bands: Sequence[Band], geometry: SceneGeometry, settings: AtmosphereSettings
) -> Layer:
    """Correct a scene with 6S at the altitudes that its terrain model spans.

    Raises
    ------
    SettingsError
        There is no terrain model.
    ImageryError
        It is empty over the scene.
    """
    if settings.dem is None:
        cure = 'Set dem = "heights.tif" in the [[imagery]]'
        raise SettingsError(must('altitude_m = "dem"', "used with a DEM", "none", cure))
    heights = to_grid(open_raster(settings.dem), layer.grid)
    altitudes = altitudes_of(heights)
    corrections = tuple(
        sixs_correction(bands, geometry, settings.model_copy(update={"altitude_m": altitude}))
        for altitude in altitudes
    )
    return SurfaceByHeight(layer, heights, altitudes, corrections)


def altitudes_of(heights: Layer) -> tuple[float, ...]:
    """Spread altitudes evenly over the heights of a few windows, at most 500 m apart."""
    seen = [heights.read(window) for window in spread_windows(heights.grid, 64, 8)]
    values = np.concatenate([part[np.isfinite(part)] for part in seen])
    if not values.size:
        raise ImageryError(must("the DEM", "filled over the scene", "no height", "Choose another"))
    low, high = float(values.min()), float(values.max())
    low, high = min(low, (low + high - EVEN_M) / 2), max(high, (low + high + EVEN_M) / 2)
    count = max(math.ceil((high - low) / STEP_M), 1) + 1
    return tuple(np.linspace(low, high, count).tolist())


def correct_scene(
    layer: Layer,
    bands: Sequence[Band],
    geometry: SceneGeometry,
    settings: AtmosphereSettings,
    blocks: Blocks | None = None,
) -> Layer:
    """Correct a scene for the atmosphere: by height where asked, else as :func:`correct` does."""
    if settings.method == "6s" and settings.altitude_m == "dem":
        return correct_by_height(layer, bands, geometry, settings)
    return correct(layer, bands, geometry, settings, blocks)
