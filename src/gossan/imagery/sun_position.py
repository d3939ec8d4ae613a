"""Where the sun stood, and how steeply its light falls on a slope."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray


def sun_position(time: datetime, latitude: float, longitude: float) -> tuple[float, float]:
    """Return azimuth and elevation of the sun.

    Low-precision ephemeris of the Astronomical Almanac: good to 0.01 degree between 1950 and
    2050, without refraction.

    Parameters
    ----------
    time
        With its time zone.
    latitude, longitude
        Degrees, north and east positive.

    Returns
    -------
    Azimuth clockwise from north and elevation above the horizon, degrees.

    Examples
    --------
    >>> azimuth, elevation = sun_position(datetime(2003, 10, 17, 19, 30, 30, tzinfo=UTC),
    ...                                   39.742476, -105.1786)
    >>> round(azimuth, 1), round(elevation, 1)
    (194.3, 39.9)
    """
    days = (time.astimezone(UTC) - datetime(2000, 1, 1, 12, tzinfo=UTC)).total_seconds() / 86400.0
    mean_longitude = math.radians((280.460 + 0.9856474 * days) % 360)
    anomaly = math.radians((357.528 + 0.9856003 * days) % 360)
    longitude_of_sun = mean_longitude + math.radians(
        1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly)
    )
    tilt = math.radians(23.439 - 4e-7 * days)
    ascension = math.atan2(math.cos(tilt) * math.sin(longitude_of_sun), math.cos(longitude_of_sun))
    declination = math.asin(math.sin(tilt) * math.sin(longitude_of_sun))
    sidereal = math.radians((280.46062 + 360.98564737 * days + longitude) % 360)
    hour = sidereal - ascension
    north = math.radians(latitude)
    elevation = math.asin(
        math.sin(north) * math.sin(declination)
        + math.cos(north) * math.cos(declination) * math.cos(hour)
    )
    azimuth = math.atan2(
        -math.cos(declination) * math.sin(hour),
        math.sin(declination) * math.cos(north)
        - math.cos(declination) * math.sin(north) * math.cos(hour),
    )
    return math.degrees(azimuth) % 360.0, math.degrees(elevation)


def sun_on_slope(
    south: NDArray[np.floating],
    east: NDArray[np.floating],
    sun_elevation: float,
    sun_azimuth: float,
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return the cosines of the sun's angle on a slope, and of the slope itself.

    ``cos i = cos z cos s + sin z sin s cos(a - aspect)``, as the product of the ground's normal
    and the direction of the sun.

    Parameters
    ----------
    south, east
        Rise of the ground towards south and east, metres per metre.
    sun_elevation, sun_azimuth
        Degrees; azimuth clockwise from grid north.

    Examples
    --------
    >>> lit, slope = sun_on_slope(np.zeros(1), np.zeros(1), 30.0, 120.0)
    >>> float(lit[0].round(3)), float(slope[0])
    (0.5, 1.0)
    """
    elevation, azimuth = math.radians(sun_elevation), math.radians(sun_azimuth)
    level = math.cos(elevation)
    to_east, to_north = level * math.sin(azimuth), level * math.cos(azimuth)
    flat = 1 / np.sqrt(1 + south**2 + east**2)
    # the normal of the ground is (-dh/deast, -dh/dnorth, 1), and dh/dnorth = -south
    return (-east * to_east + south * to_north + math.sin(elevation)) * flat, flat
