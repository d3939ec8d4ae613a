"""`gossan check` looks at a sample of a scene whose corrections are fitted to all of its pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gossan.demo.overpass import Overpass
from gossan.demo.write_aster import simulate_scene
from gossan.demo.write_sentinel2 import SimulatedSentinel2, write_sentinel2
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.geo.raster import write_array
from gossan.imagery.sentinel2 import jp2_store

from ..imagery.aster.granules import write_aster_geotiffs
from .conftest import Command

SIDE_M = 12_000
LEFT, TOP = 563040.0, 4392240.0
GRIDS = {
    p: Grid.from_bounds(32645, (LEFT, TOP - SIDE_M, LEFT + SIDE_M, TOP), p) for p in (10, 20, 60)
}
NOTE = "check fitted its corrections to at most 16 windows of 64 x 64 pixels"

PROJECT = """
[project]
name = "scene"
elements = ["Cu"]

[[survey]]
name = "reg"
path = "s.csv"
x = "easting"
y = "northing"
crs = "EPSG:32645"
columns = {{ Cu = "Cu_ppm" }}
unit = "ppm"

[[imagery]]
name = "im"
{imagery}

[[product]]
name = "fine"
model = "pyramid"
features = "im.b04 + im.b11"
"""


def project(folder: Path, imagery: str, side: float = SIDE_M) -> Path:
    rng = np.random.default_rng(4)
    places = rng.uniform(0.05, 0.95, (40, 2)) * side
    table = pd.DataFrame({"easting": LEFT + places[:, 0], "northing": TOP - places[:, 1]})
    table["Cu_ppm"] = np.exp(3 + 0.3 * rng.normal(size=40)).round(2)
    table.to_csv(folder / "s.csv", index=False)
    (folder / "project.toml").write_text(PROJECT.format(imagery=imagery), encoding="utf-8")
    return folder


def texture(grid: Grid, level: float) -> np.ndarray:
    easting, northing = grid.coordinates()
    waves = np.sin((easting[None] - LEFT) / 900) * np.cos((northing[:, None] - TOP) / 700)
    return np.round(level + 0.05 * waves + level * 1e-6 * (easting[None] - LEFT), 4)


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Level-1C product of 12 km with two bands."""
    bands = {"b04": texture(GRIDS[10], 0.2), "b11": texture(GRIDS[20], 0.3)}
    scene = SimulatedSentinel2(GRIDS, bands, level="L1C")
    return write_sentinel2(scene, tmp_path_factory.mktemp("scene"))


@pytest.mark.parametrize(
    "atmosphere",
    [
        '"dos"',
        '{ method = "6s", aot550 = 0.1, water_g_cm2 = 1.0, altitude_m = 900, adjacency = true }',
    ],
)
def test_corrections_of_whole_scenes_are_checked_on_a_sample(
    atmosphere: str,
    product: Path,
    tmp_path: Path,
    gossan: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[int] = []
    whole = jp2_store._read_tile

    def counted(handles, count, window):  # type: ignore[no-untyped-def]
        read.append(window.height * window.width)
        return whole(handles, count, window)

    monkeypatch.setattr(jp2_store, "_read_tile", counted)
    where = f'sensor = "sentinel2"\npaths = ["{product.as_posix()}"]\natmosphere = {atmosphere}'
    found = gossan("check", project(tmp_path, where))
    assert found.code == 0 and NOTE in found.out
    pixels = sum(GRIDS[p].height * GRIDS[p].width for p in (10, 20))
    assert 0 < sum(read) < pixels / 4


def test_where_a_sample_does_not_suffice_the_whole_scene_decides(
    tmp_path: Path, gossan: Command
) -> None:
    grid = GRIDS[10]
    bands = np.stack([texture(grid, 0.2), texture(grid, 0.3)]).astype(np.float32)
    write_array(tmp_path / "bands.tif", grid, ("b04", "b11"), bands)
    rows = np.arange(grid.height)
    hills = np.where((rows > 100) & (rows < 340), 60 * np.sin(rows / 12), 0.0)
    heights = np.broadcast_to(hills[:, None], grid.shape).astype(np.float32)
    write_array(tmp_path / "dem.tif", grid, ("height",), np.ascontiguousarray(heights)[None])
    where = (
        'paths = ["bands.tif"]\ndem = "dem.tif"\n'
        'topography = { method = "c", sun_elevation = 40, sun_azimuth = 140 }'
    )
    found = gossan("check", project(tmp_path, where))
    assert found.code == 0, found.out
    assert NOTE not in found.out and "topography: c" in found.out


def aster_project(folder: Path, more: str) -> Path:
    """A project on a small ASTER granule of normal gain, with textured bands."""
    grid = Grid.from_bounds(32645, (LEFT, TOP - 1800, LEFT + 1800, TOP), 15)
    names = tuple(f"b{i}" for i in range(1, 10))
    bands = np.stack([texture(grid, 0.2 + 0.02 * i) for i in range(9)]).astype(np.float32)
    scene = simulate_scene(ArrayLayer(grid, names, bands), Overpass(air=None))
    granule = write_aster_geotiffs(folder, scene)
    project(folder, f'sensor = "aster"\npaths = ["{granule.name}"]\n{more}', 1800)
    text = (folder / "project.toml").read_text("utf-8")
    (folder / "project.toml").write_text(text.replace("im.b04 + im.b11", "im.b4 + im.b7"), "utf-8")
    return folder


@pytest.mark.parametrize(
    ("more", "reported"),
    [
        ("", False),
        ('atmosphere = "iarr"', False),  # relative reflectance is about 1
        ("aster = { gains = { b1 = 'LO1', b2 = 'LO1', b3 = 'LO1' }, sun_elevation = 12 }", True),
    ],
)
def test_impossible_reflectance_of_aster_scenes_is_reported(
    more: str, reported: bool, tmp_path: Path, gossan: Command
) -> None:
    found = gossan("check", aster_project(tmp_path, more))
    assert ("reflectance lies outside 0 to 1.5" in found.out) == reported, found.out
