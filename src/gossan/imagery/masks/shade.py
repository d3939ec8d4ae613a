"""Where the sun does not reach, from a terrain model: slopes turned away and cast shadows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer, read_padded
from gossan.imagery.sun_position import sun_on_slope


@dataclass(frozen=True)
class Shade:
    """Mark shaded pixels of a terrain model: band ``shade``, 1 in shadow, else 0.

    A pixel is shaded where the cosine of the sun's angle on its slope,
    ``cos z cos s + sin z sin s cos(a - aspect)``, is below ``illumination``, or where the
    terrain towards the sun rises above the sun within ``reach_m``.

    Parameters
    ----------
    terrain
        Heights in metres on a projected grid (one band).
    sun_elevation, sun_azimuth
        Degrees; azimuth clockwise from grid north.
    illumination
        Least cosine that counts as lit.
    reach_m
        How far to look for terrain that casts a shadow.
    """

    terrain: Layer
    sun_elevation: float
    sun_azimuth: float
    illumination: float = 0.2
    reach_m: float = 3000.0

    @property
    def grid(self) -> Grid:
        """Grid of the terrain."""
        return self.terrain.grid

    @property
    def bands(self) -> tuple[str, ...]:
        """One band."""
        return ("shade",)

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read the terrain as far as shadows reach; unknown heights cast and take none."""
        finest = min(self.grid.pixel_width, self.grid.pixel_height)
        pad = math.ceil(self.reach_m / finest) + 2
        heights = read_padded(self.terrain, window, pad)[0].astype(np.float64)
        dark = self._turned_away(heights) | self._behind(heights)
        inner = (slice(pad, pad + window.height), slice(pad, pad + window.width))
        return dark[inner][None].astype(np.float32)

    def _turned_away(self, heights: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Compare the slope with the sun."""
        slopes = np.gradient(heights, self.grid.pixel_height, self.grid.pixel_width)
        south, east = (np.asarray(slope) for slope in slopes)
        lit, _ = sun_on_slope(south, east, self.sun_elevation, self.sun_azimuth)
        with np.errstate(invalid="ignore"):
            return lit < self.illumination

    def _behind(self, heights: NDArray[np.float64]) -> NDArray[np.bool_]:
        """March towards the sun and compare the terrain with the ray."""
        finest = min(self.grid.pixel_width, self.grid.pixel_height)
        azimuth = math.radians(self.sun_azimuth)
        rise = finest * math.tan(math.radians(self.sun_elevation))
        dark = np.zeros(heights.shape, bool)
        highest, lowest = np.nanmax(heights, initial=-np.inf), np.nanmin(heights, initial=np.inf)
        for step in range(1, math.ceil(self.reach_m / finest) + 1):
            if step * rise > highest - lowest:
                break
            rows = round(-step * finest * math.cos(azimuth) / self.grid.pixel_height)
            columns = round(step * finest * math.sin(azimuth) / self.grid.pixel_width)
            with np.errstate(invalid="ignore"):
                dark |= _shifted(heights, rows, columns) > heights + step * rise
        return dark


def _shifted(values: NDArray[np.float64], rows: int, columns: int) -> NDArray[np.float64]:
    """Return the value ``rows`` further down and ``columns`` further right; NaN beyond the edge."""
    result = np.full(values.shape, np.nan)
    height, width = values.shape
    top, left = max(-rows, 0), max(-columns, 0)
    bottom, right = min(height - rows, height), min(width - columns, width)
    if bottom > top and right > left:
        result[top:bottom, left:right] = values[
            top + rows : bottom + rows, left + columns : right + columns
        ]
    return result
