"""How sun and view angles change over an ASTER scene of 60 km."""

from __future__ import annotations

import math
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.imagery.atmosphere.geometry import SceneGeometry, angle_layer
from gossan.imagery.sun_position import sun_position

ORBIT_HEIGHT_M = 705_000.0


def scene_angles(grid: Grid, time: datetime, mean: SceneGeometry) -> ArrayLayer:
    """Compute the angles of a scene every 5 km.

    The sun's zenith angle is that of its position at each place, shifted so that the middle of the
    scene has the angle that the metadata state. The view angle in the middle comes from the
    pointing angle, of which the side is not stated: the sensor is taken to stand in direction
    ``mean.view_azimuth``, across the track, and sees ground further that way more steeply.

    Parameters
    ----------
    grid
        Pixels of the scene, in metres.
    time
        Of the scene.
    mean
        Angles in the middle.
    """
    left, bottom, right, top = grid.bounds
    middle = ((left + right) / 2, (bottom + top) / 2)
    to_degrees = Transformer.from_crs(grid.crs, CRS.from_epsg(4326), always_xy=True)
    azimuth = math.radians(mean.view_azimuth)
    across = math.sin(azimuth), math.cos(azimuth)

    def elevations(
        easting: NDArray[np.float64], northing: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        longitude, latitude = to_degrees.transform(easting, northing)
        return np.array([sun_position(time, y, x)[1] for x, y in zip(longitude, latitude)])

    shift = mean.sun_elevation - elevations(*(np.array([v]) for v in middle))[0]

    def angles_at(
        easting: NDArray[np.float64], northing: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        zenith = 90.0 - elevations(easting, northing) - shift
        offset = (easting - middle[0]) * across[0] + (northing - middle[1]) * across[1]
        view = math.sin(math.radians(mean.view_zenith)) - offset / ORBIT_HEIGHT_M
        return np.stack([zenith, view * across[0], view * across[1]])

    return angle_layer(grid, angles_at)
