"""6S at several altitudes: the interpolation against 6S itself."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from gossan.catalogue.sensors import sentinel2_band
from gossan.errors import SettingsError
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.geo.raster import write_array
from gossan.imagery.atmosphere.by_height import correct_by_height, correct_scene
from gossan.imagery.atmosphere.correction import SceneGeometry, sixs_correction
from gossan.imagery.atmosphere.settings import AtmosphereSettings

GRID = Grid.from_bounds(32645, (500_000, 4_000_000, 501_000, 4_000_800), 20)
GEOMETRY = SceneGeometry(58.0, 140.0, date(2023, 8, 19))
NAMES = ("b02", "b11")
BANDS = tuple(sentinel2_band(name) for name in NAMES)


def words(**more: object) -> AtmosphereSettings:
    return AtmosphereSettings(method="6s", aerosol="desert", water_g_cm2=1.5, **more)  # type: ignore[arg-type]


def test_every_height_is_corrected_as_6s_does_at_that_height(tmp_path: Path) -> None:
    steps = np.linspace(900.0, 2400.0, GRID.width)
    heights = np.broadcast_to(steps, (1, *GRID.shape)).astype(np.float32)
    write_array(tmp_path / "dem.tif", GRID, ("h",), heights)
    seen = ArrayLayer(GRID, NAMES, np.full((2, *GRID.shape), 0.25))
    settings = words(altitude_m="dem", dem=tmp_path / "dem.tif")
    found = correct_scene(seen, BANDS, GEOMETRY, settings).read(GRID.whole)
    for column in (0, 13, 31, GRID.width - 1):
        one = sixs_correction(BANDS, GEOMETRY, words(altitude_m=float(steps[column])))
        wanted = one.surface(np.full((2, 1, 1), 0.25))[:, 0, 0]
        np.testing.assert_allclose(found[:, 5, column], wanted, atol=2e-4)
    assert found[0, 5, 0] != pytest.approx(found[0, 5, -1], abs=5e-4)  # height matters


def test_without_a_terrain_model_the_cure_is_named() -> None:
    layer = ArrayLayer(GRID, NAMES, np.full((2, *GRID.shape), 0.25))
    with pytest.raises(SettingsError, match="Set dem"):
        correct_by_height(layer, BANDS, GEOMETRY, words(altitude_m="dem"))
