"""Work out where the sun stood, for scenes whose files do not say."""

from __future__ import annotations

import math
from datetime import UTC, datetime


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
