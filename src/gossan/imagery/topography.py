"""Correct reflectance for the slope of the ground: cosine, C, Minnaert and SCS+C.

A slope that faces the sun receives more light per area than flat ground, one turned away less.
With i the angle of the sun on the slope, z its zenith angle and s the slope:

=========  ==========================================  ===========================================
cosine     rho cos z / cos i                           Teillet et al. 1982
c          rho (cos z + c) / (cos i + c)               Teillet et al. 1982: c = intercept / slope
                                                       of rho over cos i, for diffuse light
minnaert   rho (cos z / cos i)^k                       Minnaert 1941; k from logarithms
scs_c      rho (cos s cos z + c) / (cos i + c)         Soenen et al. 2005
=========  ==========================================  ===========================================

c and k are fitted band by band to the scene itself. ``auto`` takes the method that leaves the least
multiple correlation of reflectance with illumination and slope, doing nothing among them. Flat
ground stays as it is in all of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.array_type import Array
from gossan.errors import ImageryError, must
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer, LikeSource, StackedLayer, read_padded
from gossan.geo.sampling import sample_pixels
from gossan.imagery.sun_position import sun_on_slope
from gossan.imagery.topography_settings import TopographySettings

METHODS = ("none", "cosine", "c", "minnaert", "scs_c")
FEWEST_SLOPES = 200
"""Pixels on slopes below which nothing can be fitted."""
SAMPLE = 200_000


@dataclass(frozen=True)
class Illumination:
    """Layer of the cosines of the sun's angle on the slope and of the slope, from a terrain model.

    Parameters
    ----------
    terrain
        Heights in metres on a projected grid (one band).
    sun_elevation, sun_azimuth
        Degrees; azimuth clockwise from grid north.
    """

    terrain: Layer
    sun_elevation: float
    sun_azimuth: float
    bands: tuple[str, ...] = ("cos_i", "cos_slope")

    @property
    def grid(self) -> Grid:
        """Grid of the terrain."""
        return self.terrain.grid

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read heights one pixel further and take their gradient; NaN where it is unknown."""
        heights = read_padded(self.terrain, window, 1)[0]
        south = (heights[2:, 1:-1] - heights[:-2, 1:-1]) / np.float32(2 * self.grid.pixel_height)
        east = (heights[1:-1, 2:] - heights[1:-1, :-2]) / np.float32(2 * self.grid.pixel_width)
        lit, flat = sun_on_slope(south, east, self.sun_elevation, self.sun_azimuth)
        return np.stack([lit, flat]).astype(np.float32)


@dataclass(frozen=True)
class TopographicCorrection:
    """How reflectance is divided by illumination: a method and its number for each band.

    Attributes
    ----------
    method
        One of ``METHODS``.
    numbers
        c or k of each band; unused by ``cosine`` and ``none``. NaN leaves a band as it is.
    cos_zenith
        Cosine of the sun's zenith angle.
    least_illumination, greatest_factor
        Illumination below the first counts as the first; no factor exceeds the second. Grazing
        light would otherwise be divided by next to nothing.
    before, after
        Mean multiple correlation of the bands with illumination and slope.
    """

    method: str
    numbers: tuple[float, ...]
    cos_zenith: float
    least_illumination: float = 0.1
    greatest_factor: float = 3.0
    before: float = float("nan")
    after: float = float("nan")

    def factor(
        self, cos_i: NDArray[np.floating], cos_slope: NDArray[np.floating], number: float
    ) -> NDArray[np.floating]:
        """Compute what reflectance is multiplied by."""
        lit = np.maximum(cos_i, np.float32(self.least_illumination))
        zenith = np.float32(self.cos_zenith)
        if self.method == "minnaert":
            found = (zenith / lit) ** number
        elif self.method == "cosine":
            found = zenith / lit
        else:
            level = zenith * cos_slope if self.method == "scs_c" else zenith
            found = (level + number) / (lit + number)
        result: NDArray[np.floating] = np.minimum(found, np.float32(self.greatest_factor))
        return result

    def apply(
        self,
        values: NDArray[np.floating],
        cos_i: NDArray[np.floating],
        cos_slope: NDArray[np.floating],
    ) -> NDArray[np.floating]:
        """Correct (band, ...) values in place; unknown terrain leaves them as they are."""
        if self.method == "none":
            return values
        known = np.isfinite(cos_i)
        factors: dict[float, NDArray[np.floating]] = {}
        for band, number in zip(values, self.numbers):
            if math.isnan(number):
                continue
            if number not in factors:
                found = self.factor(cos_i, cos_slope, number)
                factors = {number: found if known.all() else np.where(known, found, 1)}
            band *= factors[number]
        return values

    @property
    def note(self) -> str:
        """What was chosen and what it did."""
        return (
            f"topography: {self.method}; mean correlation of bands with illumination and slope "
            f"{self.before:.2f} before, {self.after:.2f} after"
        )


@dataclass(frozen=True)
class Levelled(LikeSource):
    """Layer of reflectance as it would be on flat ground."""

    source: Layer
    illumination: Layer
    correction: TopographicCorrection

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read both and correct."""
        values = self.source.read(window)
        cos_i, cos_slope = self.illumination.read(window)
        return np.asarray(self.correction.apply(values, cos_i, cos_slope), np.float32)


def fit_topography(
    layer: Layer,
    illumination: Layer,
    sun_elevation: float,
    settings: TopographySettings,
    blocks: Blocks | None = None,
    untouched: Sequence[str] = (),
) -> TopographicCorrection:
    """Fit a method to a scene, or all of them and choose.

    Parameters
    ----------
    layer
        Reflectance.
    illumination
        ``Illumination`` on the layer's grid.
    sun_elevation
        Degrees.
    settings
        Method and limits.
    blocks
        The engine; one pass over the scene, of which a sample of pixels is kept.
    untouched
        Bands that are not reflected sunlight.

    Raises
    ------
    ImageryError
        A method that must be fitted finds too few pixels on slopes.
    """
    both = StackedLayer((layer, illumination))
    pixels = sample_pixels(both, SAMPLE, blocks=blocks).astype(np.float64)
    cos_i, cos_slope = pixels[-2], pixels[-1]
    steep = cos_slope < math.cos(math.radians(settings.flattest_deg))
    lit = steep & (cos_i > settings.least_illumination)
    limits = (settings.least_illumination, settings.greatest_factor)
    zenith = math.sin(math.radians(sun_elevation))
    if lit.sum() < FEWEST_SLOPES:
        if settings.method == "auto":
            return TopographicCorrection("none", (0.0,) * len(layer.bands), zenith, *limits)
        allowed = f"fitted to at least {FEWEST_SLOPES} pixels on slopes"
        cure = 'The ground is flat here: set topography = "none"'
        raise ImageryError(must("topography", allowed, int(lit.sum()), cure))
    values = pixels[: len(layer.bands), lit]
    wanted = METHODS if settings.method == "auto" else ("none", settings.method)
    tried = {
        method: _fitted(method, values, cos_i[lit], cos_slope[lit], zenith, limits)
        for method in wanted
    }
    chosen = min(tried, key=lambda m: tried[m].after) if settings.method == "auto" else wanted[1]
    found = tried[chosen]
    kept = tuple(
        math.nan if band in untouched else number
        for band, number in zip(layer.bands, found.numbers)
    )
    return TopographicCorrection(chosen, kept, zenith, *limits, tried["none"].after, found.after)


def _fitted(
    method: str,
    values: Array,
    cos_i: Array,
    cos_slope: Array,
    zenith: float,
    limits: tuple[float, float],
) -> TopographicCorrection:
    """Fit a method's number to every band and measure what correlation it leaves."""
    numbers = tuple(_number(method, band, cos_i, zenith) for band in values)
    correction = TopographicCorrection(method, numbers, zenith, *limits)
    after = correction.apply(values.copy(), cos_i, cos_slope)
    left = float(np.mean([_correlation(band, cos_i, cos_slope) for band in after]))
    return TopographicCorrection(method, numbers, zenith, *limits, after=left)


def _number(method: str, band: Array, cos_i: Array, zenith: float) -> float:
    """Fit c (not negative) or k (0 to 1) of one band."""
    if method == "minnaert":
        positive = band > 0
        if positive.sum() < 2:
            return 0.0
        slope, _ = np.polyfit(np.log(cos_i[positive] / zenith), np.log(band[positive]), 1)
        return float(np.clip(slope, 0.0, 1.0))
    if method not in ("c", "scs_c"):
        return 0.0
    slope, intercept = np.polyfit(cos_i, band, 1)
    return float(max(intercept / slope, 0.0)) if slope > 1e-9 else 1e6


def _correlation(band: Array, cos_i: Array, cos_slope: Array) -> float:
    """Multiple correlation of a band with illumination and slope, 0 to 1.

    The slope belongs to it: a method may trade dependence on one for dependence on the other.
    """
    if band.std() == 0:
        return 0.0
    design = np.stack([np.ones_like(cos_i), cos_i, cos_slope], axis=1)
    solution, *_ = np.linalg.lstsq(design, band, rcond=None)
    return float(np.clip((design @ solution).std() / band.std(), 0.0, 1.0))
