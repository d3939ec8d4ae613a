"""Aerosol and water vapour found in scenes that 6S has simulated with known air."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from gossan.catalogue.sensors import sentinel2_band
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.imagery.atmosphere.coefficients import sixs_correction
from gossan.imagery.atmosphere.geometry import SceneGeometry
from gossan.imagery.atmosphere.scene_air import VISIBILITY_40_KM, Look, look_at, scene_air
from gossan.imagery.atmosphere.settings import AtmosphereSettings
from gossan.imagery.sentinel2.scene import SPECTRAL

GRID = Grid.from_bounds(32645, (500_000, 4_000_000, 503_000, 4_003_000), 60)
GEOMETRY = SceneGeometry(55.0, 140.0, date(2023, 7, 19))
AUTO = AtmosphereSettings(method="6s")


def no_look() -> Look:
    raise AssertionError("nothing is to be estimated")


def simulated(names: dict[str, str], ground: dict[str, np.ndarray], **air: float) -> ArrayLayer:
    """Look at ground through air; ``ground`` has reflectance (row, column) by role."""
    bands = [sentinel2_band(name) for name in names.values()]
    correction = sixs_correction(bands, GEOMETRY, AUTO.model_copy(update=air))
    surface = np.stack([ground[role] for role in names])
    return ArrayLayer(GRID, tuple(names.values()), correction.top_of_atmosphere(surface))


def test_the_haze_over_dark_vegetation_is_found_within_a_tenth() -> None:
    names = {"blue": "b02", "red": "b04", "nir": "b8a", "swir2": "b12"}
    rng = np.random.default_rng(1)
    swir2 = rng.uniform(0.3, 0.5, GRID.shape)
    ground = {"blue": 0.4 * swir2, "red": 0.8 * swir2, "nir": 1.0 * swir2, "swir2": swir2}
    plants = rng.uniform(0.05, 0.1, (20, GRID.width))
    for role, share in (("blue", 0.25), ("red", 0.5), ("nir", 4.0), ("swir2", 1.0)):
        ground[role][:20] = share * plants
    seen = simulated(names, ground, aot550=0.28, water_g_cm2=1.2)
    roles = {role: sentinel2_band(name) for role, name in names.items()}
    settings = AUTO.model_copy(update={"water_g_cm2": 1.2})
    found = scene_air(lambda: look_at(seen, roles), seen, GEOMETRY, settings, 36.0)
    assert found.settings.aot550 == pytest.approx(0.28, abs=0.028)
    assert "pixels of dark dense vegetation" in found.note


def test_the_haze_over_a_lake_is_found_where_nothing_grows() -> None:
    names = {"red": "b04", "nir": "b8a", "swir1": "b11"}
    ground = {role: np.full(GRID.shape, 0.3) for role in names}
    for role, water in (("red", 0.01), ("nir", 0.005), ("swir1", 0.002)):
        ground[role][10:30, 5:30] = water
    seen = simulated(names, ground, aot550=0.15, water_g_cm2=1.2)
    roles = {role: sentinel2_band(name) for role, name in names.items()}
    settings = AUTO.model_copy(update={"water_g_cm2": 1.2})
    found = scene_air(lambda: look_at(seen, roles), seen, GEOMETRY, settings, 36.0)
    assert found.settings.aot550 == pytest.approx(0.15, abs=0.02)
    assert "pixels of dark targets" in found.note


def test_without_dark_ground_and_vapour_bands_the_tables_serve() -> None:
    names = {"red": "b04", "nir": "b8a"}
    layer = ArrayLayer(GRID, ("b04", "b8a"), np.full((2, *GRID.shape), 0.3))
    roles = {role: sentinel2_band(name) for role, name in names.items()}
    settings = AUTO.model_copy(update={"altitude_m": 2000.0})
    found = scene_air(lambda: look_at(layer, roles), layer, GEOMETRY, settings, 41.0)
    assert found.settings.aot550 == VISIBILITY_40_KM
    assert found.settings.water_g_cm2 == pytest.approx(2.93 / np.e)  # one scale height up
    assert "mid-latitude summer atmosphere, reduced to 2000 m" in found.note
    assert "adjacency off" in found.note


def test_stated_air_is_taken_without_a_look_at_the_scene() -> None:
    layer = ArrayLayer(GRID, ("b04",), np.full((1, *GRID.shape), 0.3))
    settings = AUTO.model_copy(update={"aot550": 0.1, "water_g_cm2": 0.5})
    found = scene_air(no_look, layer, GEOMETRY, settings, 41.0)
    assert found.settings == settings and found.note.count("(stated)") == 4
    assert "ground at 0 m (stated), mean sun and view of the scene" in found.note


def test_a_fifth_more_water_vapour_hardly_changes_the_bands_of_10_and_20_m() -> None:
    bands = [sentinel2_band(name) for name in SPECTRAL]
    air = {"aot550": 0.1, "altitude_m": 500.0}
    wet, dry = (
        sixs_correction(bands, GEOMETRY, AUTO.model_copy(update={**air, "water_g_cm2": column}))
        for column in (1.2, 1.0)
    )
    seen = wet.top_of_atmosphere(np.full((len(bands), 1, 1), 0.3))
    assert 0 < np.abs(dry.surface(seen) - 0.3).max() < 0.002
