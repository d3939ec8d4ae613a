"""The shape of the ground around each pixel: slope, aspect, curvature, position, roughness."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer, read_padded

BANDS = (
    "height",
    "slope",
    "northness",
    "eastness",
    "profile_curvature",
    "plan_curvature",
    "roughness",
)
WIDTHS_PX = (3, 9, 27)
"""Widths of the squares that a pixel's height is compared with."""


@dataclass(frozen=True)
class TerrainShape:
    """See heights as features of the ground.

    ========================  ================================================================
    ``height``                as it is, metres
    ``slope``                 ``atan |grad h|``, degrees; gradients by Horn (1981)
    ``northness, eastness``   ``-dh/dy``, ``-dh/dx`` over ``sqrt(1 + |grad h|^2)``: the
                              horizontal part of the unit normal, 0 on flat ground
    ``profile_curvature``     change of slope down the slope, 1/m; positive where it steepens
    ``plan_curvature``        curvature of the contour, 1/m; positive on ridges
    ``roughness``             highest less lowest of the 3 x 3 pixels, metres
    ``position_<n>``          height less the mean of the n x n pixels around, metres
    ========================  ================================================================

    Curvatures by Zevenbergen and Thorne (1987). Pixels whose neighbours are not all known are
    empty, as are those on the border.

    Parameters
    ----------
    terrain
        Heights in metres on a projected grid (one band).

    Examples
    --------
    >>> from gossan.geo.layer import ArrayLayer
    >>> grid = Grid.from_bounds(32638, (0, 0, 300, 300), 30)
    >>> plane = ArrayLayer(grid, ("h",), np.tile(np.arange(10) * 30.0, (10, 1))[None])
    >>> shape = TerrainShape(plane)
    >>> values = dict(zip(shape.bands, shape.read(Window(4, 4, 1, 1))[:, 0, 0].tolist()))
    >>> round(values["slope"], 3), round(values["eastness"], 3), abs(values["plan_curvature"])
    (45.0, -0.707, 0.0)
    """

    terrain: Layer

    @property
    def grid(self) -> Grid:
        """Grid of the terrain model."""
        return self.terrain.grid

    @property
    def bands(self) -> tuple[str, ...]:
        """Features, in the order of the table."""
        return (*BANDS, *(f"position_{width}" for width in WIDTHS_PX))

    def read(self, window: Window) -> NDArray[np.float32]:
        """Compute a window from the heights around it."""
        pad = max(WIDTHS_PX) // 2
        heights = read_padded(self.terrain, window, pad)[0].astype(np.float64)
        near = heights[pad - 1 : -(pad - 1), pad - 1 : -(pad - 1)]
        shape = self._of_neighbours(near)
        inner = heights[pad:-pad, pad:-pad]
        position = [inner - _mean(heights, width)[pad:-pad, pad:-pad] for width in WIDTHS_PX]
        return np.stack([inner, *shape, *position]).astype(np.float32)

    def _of_neighbours(self, h: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """Features of the 3 x 3 pixels; ``h`` has one row and column more on each side."""
        width, height = self.grid.pixel_width, self.grid.pixel_height
        north, south = h[:-2], h[2:]
        west, east = h[1:-1, :-2], h[1:-1, 2:]
        column = h[:-2] + 2 * h[1:-1] + h[2:]
        row = h[:, :-2] + 2 * h[:, 1:-1] + h[:, 2:]
        dx = (column[:, 2:] - column[:, :-2]) / (8 * width)
        dy = (row[:-2] - row[2:]) / (8 * height)
        steep = np.hypot(dx, dy)
        normal = np.sqrt(1 + steep**2)
        profile, plan = _curvatures(
            (west + east - 2 * h[1:-1, 1:-1]) / width**2,
            (north[:, 1:-1] + south[:, 1:-1] - 2 * h[1:-1, 1:-1]) / height**2,
            (h[:-2, 2:] + h[2:, :-2] - h[:-2, :-2] - h[2:, 2:]) / (4 * width * height),
            (east - west) / (2 * width),
            (north[:, 1:-1] - south[:, 1:-1]) / (2 * height),
        )
        rough = (ndimage.maximum_filter(h, 3) - ndimage.minimum_filter(h, 3))[1:-1, 1:-1]
        slope = np.degrees(np.arctan(steep))
        known = ~ndimage.maximum_filter(np.isnan(h), 3)[1:-1, 1:-1]
        found = (slope, -dy / normal, -dx / normal, profile, plan, rough)
        return [np.where(known, values, math.nan) for values in found]


def _curvatures(
    xx: NDArray[np.float64],
    yy: NDArray[np.float64],
    xy: NDArray[np.float64],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Profile and plan curvature out of the derivatives; both 0 on flat ground."""
    squared = x**2 + y**2
    flat = squared < 1e-12  # false where unknown
    safe = np.where(flat, 1.0, squared)
    profile = -(xx * x**2 + 2 * xy * x * y + yy * y**2) / (safe * (1 + safe) ** 1.5)
    plan = -(xx * y**2 - 2 * xy * x * y + yy * x**2) / safe**1.5
    return np.where(flat, 0.0, profile), np.where(flat, 0.0, plan)


def _mean(heights: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Mean of the known pixels of the square around each; NaN where the pixel itself is unknown."""
    known = np.isfinite(heights)
    total = ndimage.uniform_filter(np.where(known, heights, 0.0), width, mode="constant")
    share = ndimage.uniform_filter(known.astype(np.float64), width, mode="constant")
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known, total / share, math.nan)
