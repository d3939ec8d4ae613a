"""Where sun and sensor stand: scene means, and how they change over the scene."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer, Layer

ANGLES = ("sun_zenith", "view_east", "view_north")
"""Bands of a layer of angles: sun zenith angle in degrees, and the horizontal components (east and
north) of the unit vector from the ground to the sensor."""
STEP_M = 5000.0
"""Distance between the nodes of a layer of angles, as in Sentinel-2's metadata."""


@dataclass(frozen=True)
class SceneGeometry:
    """Sun and view of a scene, in degrees; azimuths clockwise from north.

    Attributes
    ----------
    sun_elevation, sun_azimuth, date, view_zenith, view_azimuth
        Scene means.
    angles
        Layer of ``ANGLES`` that covers the scene, on a grid of its own; None when unknown.
    sun_of_reflectance
        Whether top-of-atmosphere reflectance was computed with the mean elevation of the scene
        (ASTER, here) or with that of each pixel (Sentinel-2 L1C).
    """

    sun_elevation: float
    sun_azimuth: float
    date: date
    view_zenith: float = 0.0
    view_azimuth: float = 0.0
    angles: Layer | None = field(default=None, repr=False)
    sun_of_reflectance: Literal["scene", "pixel"] = "scene"

    @property
    def view(self) -> tuple[float, float]:
        """East and north components of the mean direction to the sensor."""
        return view_vector(self.view_zenith, self.view_azimuth)


def view_vector(zenith: float, azimuth: float) -> tuple[float, float]:
    """Return the east and north components of a direction given in degrees.

    Examples
    --------
    >>> east, north = view_vector(30.0, 90.0)
    >>> round(east, 3), round(north, 3)
    (0.5, 0.0)
    """
    level = math.sin(math.radians(zenith))
    return level * math.sin(math.radians(azimuth)), level * math.cos(math.radians(azimuth))


def angle_layer(
    grid: Grid,
    angles_at: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]],
) -> ArrayLayer:
    """Tabulate angles on nodes 5 km apart that reach beyond a grid on every side.

    Parameters
    ----------
    grid
        Pixels of the scene, in metres.
    angles_at
        Returns ``ANGLES`` (3, n) at eastings and northings (n,).
    """
    left, bottom, right, top = grid.bounds
    columns = math.ceil((right - left) / STEP_M) + 3
    rows = math.ceil((top - bottom) / STEP_M) + 3
    place = Affine(STEP_M, 0, left - STEP_M, 0, -STEP_M, top + STEP_M)
    nodes = Grid(grid.crs, place, rows, columns)
    easting, northing = np.meshgrid(*nodes.coordinates())
    values = angles_at(easting.ravel(), northing.ravel())
    return ArrayLayer(nodes, ANGLES, values.reshape(len(ANGLES), rows, columns))
