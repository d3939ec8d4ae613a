"""Calibration against arithmetic done by hand and Planck's law."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime

import numpy as np
import pytest

from gossan.catalogue.sensors import aster_bands
from gossan.errors import ImageryError
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.imagery.calibration import (
    BrightnessTemperature,
    Radiance,
    Saturation,
    Scaled,
    earth_sun_distance,
    reflectance_per_radiance,
)
from gossan.imagery.sun_position import sun_position

GRID = Grid.from_bounds(32638, (500_000, 2_400_000, 500_090, 2_400_040), (15, 20))


def numbers(values: list[float], bands: tuple[str, ...] = ("b1",)) -> ArrayLayer:
    array = np.resize(np.array(values, np.float32), (len(bands), *GRID.shape))
    return ArrayLayer(GRID, bands, array)


def test_number_1_is_zero_radiance_and_0_and_saturation_are_empty() -> None:
    layer = numbers([np.nan, 1, 2, 128, 254, 255])
    found = Radiance(layer, (0.676,), (-0.676,), (255,)).read(GRID.whole)[0, 0]
    assert np.isnan(found[[0, 5]]).all()
    assert found[1:5] == pytest.approx([0, 0.676, 127 * 0.676, 253 * 0.676])
    kept = Radiance(layer, (0.676,), (-0.676,), (255,), "keep").read(GRID.whole)[0, 0]
    assert kept[5] == pytest.approx(254 * 0.676)
    marked = Saturation(layer, (255,)).read(GRID.whole)[0, 0]
    assert marked[1:].tolist() == [0, 0, 0, 0, 1] and np.isnan(marked[0])


def test_a_white_surface_under_the_sun_has_reflectance_one() -> None:
    day, elevation, irradiance = date(2004, 3, 9), 47.0, 1549.0
    on_ground = irradiance * math.sin(math.radians(elevation)) / earth_sun_distance(day) ** 2
    factor = reflectance_per_radiance(irradiance, elevation, day)
    assert factor * on_ground / math.pi == pytest.approx(1.0)
    assert Scaled(numbers([on_ground / math.pi]), (factor,)).read(GRID.whole).max() == (
        pytest.approx(1.0, rel=1e-6)
    )


@pytest.mark.parametrize(
    ("day", "distance"),  # Astronomical Almanac: perihelion, equinox, aphelion
    [(date(2004, 1, 4), 0.98326), (date(2004, 3, 20), 0.99600), (date(2004, 7, 5), 1.01669)],
)
def test_the_suns_distance_is_that_of_the_almanac(day: date, distance: float) -> None:
    assert earth_sun_distance(day) == pytest.approx(distance, abs=5e-4)


def test_night_is_refused() -> None:
    with pytest.raises(ImageryError, match="the sun's elevation must be above 0"):
        reflectance_per_radiance(1848.0, -3.0, date(2004, 7, 1))


@pytest.mark.parametrize("kelvin", [270.0, 300.0, 330.0])
def test_a_black_body_gets_its_own_temperature(kelvin: float) -> None:
    bands = [b for b in aster_bands() if b.group == "TIR"]
    wavelength = np.array([b.effective_um for b in bands], float)
    planck = 1.1910429724e8 / wavelength**5 / np.expm1(14387.76877 / (wavelength * kelvin))
    array = np.broadcast_to(planck[:, None, None], (5, *GRID.shape))
    layer = ArrayLayer(GRID, tuple(b.name for b in bands), array)
    found = BrightnessTemperature(
        layer, tuple(b.k1 or 0 for b in bands), tuple(b.k2 or 0 for b in bands)
    ).read(GRID.whole)
    assert np.abs(found - kelvin).max() < 0.02


@pytest.mark.parametrize(
    ("time", "latitude", "longitude", "azimuth", "elevation"),
    [  # NREL, Solar Position Algorithm (Reda & Andreas 2004), appendix A.5
        (datetime(2003, 10, 17, 19, 30, 30, tzinfo=UTC), 39.742476, -105.1786, 194.340, 39.888),
    ],
)
def test_the_sun_stands_where_nrels_algorithm_puts_it(
    time: datetime, latitude: float, longitude: float, azimuth: float, elevation: float
) -> None:
    found = sun_position(time, latitude, longitude)
    assert found == pytest.approx((azimuth, elevation), abs=0.03)


def test_the_sun_stands_in_the_north_at_noon_south_of_the_tropics() -> None:
    azimuth, elevation = sun_position(datetime(2004, 6, 21, 12, 0, tzinfo=UTC), -40.0, 0.0)
    assert min(azimuth, 360 - azimuth) < 2
    assert elevation == pytest.approx(90 - 40 - 23.44, abs=0.1)
