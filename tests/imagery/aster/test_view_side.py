"""From which side ASTER saw a scene: what is taken, what is said, and what the other side costs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from gossan.catalogue.sensors import aster_band
from gossan.demo.overpass import Overpass
from gossan.demo.write_aster import simulate_scene
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.imagery.atmosphere.coefficients import coefficients, sixs_conditions
from gossan.imagery.atmosphere.geometry import SceneGeometry
from gossan.imagery.atmosphere.settings import AtmosphereSettings
from gossan.imagery.atmosphere.sixs import run_sixs
from gossan.imagery.openers import WRONG_SIDE
from gossan.imagery.scenes import open_scenes
from gossan.imagery.settings import ImagerySettings

from .granules import write_aster_geotiffs

NINE = tuple(f"b{i}" for i in range(1, 10))
AIR = {"method": "6s", "aot550": 0.15, "water_g_cm2": 1.0, "altitude_m": 800, "aerosol": "desert"}


@pytest.fixture(scope="module")
def granule(tmp_path_factory: pytest.TempPathFactory) -> Path:
    grid = Grid.from_bounds(32638, (700_000, 2_700_000, 701_800, 2_701_800), 15)
    values = np.random.default_rng(1).uniform(0.2, 0.3, (9, *grid.shape)).astype(np.float32)
    scene = simulate_scene(ArrayLayer(grid, NINE, values), Overpass(air=None))
    return write_aster_geotiffs(tmp_path_factory.mktemp("aster"), scene)


def notes(granule: Path, tmp_path: Path, **aster: object) -> tuple[str, ...]:
    settings = ImagerySettings(
        name="aster", sensor="aster", paths=(granule,), atmosphere=AIR, aster=aster
    )
    return open_scenes(settings, tmp_path, tmp_path / "store").notes


def test_a_note_says_which_side_is_taken_and_what_the_other_would_change(
    granule: Path, tmp_path: Path
) -> None:
    (note,) = [n for n in notes(granule, tmp_path) if n.startswith("view: ")]
    view = np.degrees(np.arcsin((6371 + 705) / 6371 * np.sin(np.radians(4.5))))
    assert f"{view:.1f} degrees" in note and "taken to be from the west" in note
    assert "band 1 would differ by up to 0.004" in note and "seen_from" in note
    (note,) = [n for n in notes(granule, tmp_path, seen_from="east") if n.startswith("view: ")]
    assert note.endswith("from the east (stated)")


def test_6s_bears_out_what_the_note_says_of_the_wrong_side() -> None:
    bands = [aster_band(name) for name in NINE]
    air = AtmosphereSettings.model_validate(AIR)
    worst = np.zeros(9)
    for elevation, azimuth in ((35.0, 110.0), (60.0, 110.0), (60.0, 140.0)):
        west = SceneGeometry(elevation, azimuth, date(2004, 7, 5), 9.5, 280.0)
        east = replace(west, view_azimuth=100.0)
        right, wrong = (
            coefficients(bands, run_sixs(bands, sixs_conditions(side, air)))
            for side in (west, east)
        )
        seen = right.top_of_atmosphere(np.full((9, 1, 1), 0.25))
        worst = np.maximum(worst, np.abs(wrong.surface(seen)[:, 0, 0] - 0.25))
    assert WRONG_SIDE * 9.5 * 0.5 < worst[0] <= WRONG_SIDE * 9.5 * 1.1
    assert worst[3:].max() < 0.001


def test_a_stated_sun_is_that_of_slopes_and_shadows_too(granule: Path, tmp_path: Path) -> None:
    settings = ImagerySettings(
        name="aster", sensor="aster", paths=(granule,),
        aster={"sun_elevation": 33.0, "sun_azimuth": 101.0},
    )  # fmt: skip
    (one,) = open_scenes(settings, tmp_path, tmp_path / "store").scenes
    assert one.scene.sun == (33.0, 101.0)
