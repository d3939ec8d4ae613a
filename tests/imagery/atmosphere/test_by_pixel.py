"""6S on a lattice of heights and angles: what is interpolated, against 6S itself at that pixel."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from gossan.catalogue.sensors import aster_band, sentinel2_band
from gossan.errors import SettingsError
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.geo.raster import write_array
from gossan.imagery.atmosphere.by_pixel import WATER_SCALE_M, surface_by_pixel
from gossan.imagery.atmosphere.coefficients import sixs_conditions, sixs_correction
from gossan.imagery.atmosphere.geometry import ANGLES, SceneGeometry
from gossan.imagery.atmosphere.settings import AtmosphereSettings
from gossan.imagery.atmosphere.sixs import run_sixs

GRID = Grid.from_bounds(32645, (500_000, 4_000_000, 501_000, 4_000_800), 20)
GEOMETRY = SceneGeometry(58.0, 140.0, date(2023, 8, 19))
NAMES = ("b02", "b11")
BANDS = tuple(sentinel2_band(name) for name in NAMES)
SEEN = ArrayLayer(GRID, NAMES, np.full((2, *GRID.shape), 0.25))


def stated(**more: object) -> AtmosphereSettings:
    return AtmosphereSettings(
        method="6s", aerosol="desert", aot550=0.15, **{"water_g_cm2": 1.5, **more}
    )  # type: ignore[arg-type]


def test_every_height_is_corrected_as_6s_does_at_that_height(tmp_path: Path) -> None:
    steps = np.linspace(900.0, 2400.0, GRID.width)
    heights = np.broadcast_to(steps, (1, *GRID.shape)).astype(np.float32)
    write_array(tmp_path / "dem.tif", GRID, ("h",), heights)
    settings = stated(altitude_m="dem", dem=tmp_path / "dem.tif")
    found = surface_by_pixel(SEEN, BANDS, GEOMETRY, settings)[0].read(GRID.whole)
    for column in (0, 13, GRID.width - 1):
        water = 1.5 * math.exp((1650.0 - steps[column]) / WATER_SCALE_M)
        one = stated(altitude_m=float(steps[column]), water_g_cm2=water)
        wanted = sixs_correction(BANDS, GEOMETRY, one).surface(np.full((2, 1, 1), 0.25))[:, 0, 0]
        np.testing.assert_allclose(found[:, 5, column], wanted, atol=2e-4)
    assert found[0, 5, 0] != pytest.approx(found[0, 5, -1], abs=5e-4)  # height matters


def test_without_a_terrain_model_the_cure_is_named() -> None:
    with pytest.raises(SettingsError, match="Set dem"):
        surface_by_pixel(SEEN, BANDS, GEOMETRY, stated(altitude_m="dem"))


def across(sun_zenith: tuple[float, float], view: tuple[float, float]) -> ArrayLayer:
    """Angles that change from west to east; views lie in the plane of azimuth 100 degrees."""
    zenith = np.linspace(*sun_zenith, GRID.width)
    level = np.sin(np.radians(np.linspace(*view, GRID.width)))
    azimuth = math.radians(100.0)
    rows = (zenith, level * math.sin(azimuth), level * math.cos(azimuth))
    values = np.stack([np.broadcast_to(row, GRID.shape) for row in rows])
    return ArrayLayer(GRID, ANGLES, values)


def at_column(geometry: SceneGeometry, column: int) -> SceneGeometry:
    """Exact angles of a column, as means of a scene without a layer of angles."""
    assert geometry.angles is not None
    zenith, east, north = geometry.angles.read(GRID.whole)[:, 0, column]
    return replace(
        geometry,
        sun_elevation=90.0 - float(zenith),
        view_zenith=math.degrees(math.asin(math.hypot(east, north))),
        view_azimuth=math.degrees(math.atan2(east, north)) % 360.0,
        angles=None,
    )


def test_sun_and_view_of_each_pixel_are_corrected_as_6s_does() -> None:
    """From 10 degrees on one side of nadir to 10 on the other, blue light, as over a tile."""
    blue = (sentinel2_band("b02"),)
    seen = ArrayLayer(GRID, ("b02",), np.full((1, *GRID.shape), 0.15))
    geometry = replace(
        GEOMETRY, angles=across((31.0, 33.0), (-10.0, 10.0)), sun_of_reflectance="pixel"
    )
    found = surface_by_pixel(seen, blue, geometry, stated())[0].read(GRID.whole)
    for column in (0, 17, 36, GRID.width - 1):
        one = sixs_correction(blue, at_column(geometry, column), stated())
        wanted = one.surface(np.full((1, 1, 1), 0.15))[0, 0, 0]
        assert found[0, 7, column] == pytest.approx(wanted, abs=3e-4)
    assert abs(found[0, 7, 0] - found[0, 7, -1]) > 3e-3  # the view matters
    mean = surface_by_pixel(seen, blue, geometry, stated(angles="scene"))[0].read(GRID.whole)
    assert np.ptp(mean) == 0.0


def test_reflectance_of_the_mean_sun_is_brought_to_the_sun_of_each_pixel() -> None:
    """ASTER: radiance simulated with each pixel's sun, reflectance with that of the scene."""
    band = aster_band("b1")
    assert band.solar_irradiance is not None
    geometry = replace(GEOMETRY, angles=across((31.0, 33.0), (0.0, 0.0)))
    seen = np.zeros((1, *GRID.shape), np.float32)
    columns = (0, GRID.width - 1)
    for column in columns:
        conditions = sixs_conditions(at_column(geometry, column), stated())
        (result,) = run_sixs([band], conditions, target=0.3)
        own = math.cos(math.radians(conditions.sun_zenith))
        mean = math.sin(math.radians(geometry.sun_elevation))
        irradiance = result.irradiance / band.solar_irradiance
        seen[0, :, column] = result.reflectance * own / mean * irradiance
    layer = ArrayLayer(GRID, ("b1",), seen)
    found = surface_by_pixel(layer, (band,), geometry, stated())[0].read(GRID.whole)
    assert found[0, 0, list(columns)] == pytest.approx([0.3, 0.3], abs=3e-4)
