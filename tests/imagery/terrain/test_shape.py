"""Terrain features against GDAL's gdaldem, and against surfaces whose derivatives are known."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
import rasterio

from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.geo.raster import open_raster, write_array
from gossan.imagery.terrain.shape import TerrainShape


def shape_of(heights: np.ndarray, pixel_m: float = 25.0) -> dict[str, np.ndarray]:
    rows, columns = heights.shape
    grid = Grid.from_bounds(32638, (0, 0, columns * pixel_m, rows * pixel_m), pixel_m)
    shape = TerrainShape(ArrayLayer(grid, ("h",), heights[None]))
    return dict(zip(shape.bands, shape.read(grid.whole).astype(float)))


def hills(rows: int = 60, columns: int = 70) -> np.ndarray:
    y, x = np.mgrid[:rows, :columns] / 10.0
    return 20 + 120 * np.sin(x) * np.cos(0.7 * y) + 40 * y + 15 * np.sin(3 * x + y)


@pytest.fixture(scope="module")
def dem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dem") / "dem.tif"
    grid = Grid.from_bounds(32638, (500_000, 4_000_000, 502_100, 4_001_800), 30)
    write_array(path, grid, ("h",), hills()[None].astype(np.float32))
    return path


def gdaldem(dem: Path, mode: str, *options: str) -> np.ndarray:
    out = dem.with_name(f"{mode}.tif")
    subprocess.run(["gdaldem", mode, *options, str(dem), str(out)], check=True, capture_output=True)
    with rasterio.open(out) as found:
        return found.read(1, masked=True).astype(float).filled(np.nan)


@pytest.mark.parametrize(("band", "mode"), [("slope", "slope"), ("roughness", "roughness")])
def test_slope_and_roughness_are_those_of_gdaldem(dem: Path, band: str, mode: str) -> None:
    layer = TerrainShape(open_raster(dem))
    own = layer.read(layer.grid.whole)[layer.bands.index(band)]
    theirs = gdaldem(dem, mode)
    np.testing.assert_array_equal(np.isfinite(own), np.isfinite(theirs))
    np.testing.assert_allclose(own, theirs, atol=1e-4)


def test_the_normal_points_where_gdaldem_says_that_the_slope_looks(dem: Path) -> None:
    layer = TerrainShape(open_raster(dem))
    values = dict(zip(layer.bands, layer.read(layer.grid.whole).astype(float)))
    aspect = np.degrees(np.arctan2(values["eastness"], values["northness"])) % 360
    theirs = gdaldem(dem, "aspect")
    apart = (aspect - theirs + 180) % 360 - 180
    assert np.nanmax(np.abs(apart[values["slope"] > 0.1])) < 1e-2
    steepness = np.hypot(values["eastness"], values["northness"])
    np.testing.assert_allclose(steepness, np.sin(np.radians(values["slope"])), atol=1e-5)


def test_three_pixels_of_position_are_the_index_of_gdaldem(dem: Path) -> None:
    """gdaldem's TPI leaves the middle pixel out of the mean: 8/9 of it is ours."""
    layer = TerrainShape(open_raster(dem))
    own = layer.read(layer.grid.whole)[layer.bands.index("position_3")]
    theirs = gdaldem(dem, "TPI") * 8 / 9
    inside = np.isfinite(theirs)
    np.testing.assert_allclose(own[inside], theirs[inside], atol=1e-3)


def test_contours_of_a_cone_have_the_curvature_of_circles() -> None:
    y, x = (np.mgrid[-40:41, -40:41]) * 5.0
    radius = np.hypot(x, y)
    found = shape_of(-0.3 * radius, pixel_m=5.0)
    far = radius > 100
    known = far & np.isfinite(found["plan_curvature"])
    np.testing.assert_allclose(found["plan_curvature"][known], 1 / radius[known], rtol=0.01)
    np.testing.assert_allclose(found["profile_curvature"][known], 0, atol=1e-4)


def test_a_slope_that_steepens_has_the_profile_curvature_of_a_parabola() -> None:
    x = np.arange(80) * 10.0
    bend, at = 1e-4, x[40]
    found = shape_of(np.tile(-bend * x**2, (40, 1)), pixel_m=10.0)
    steep = 2 * bend * at
    expected = 2 * bend / (1 + steep**2) ** 1.5
    assert found["profile_curvature"][20, 40] == pytest.approx(expected, rel=1e-4)
    assert found["plan_curvature"][20, 40] == pytest.approx(0, abs=1e-9)


def test_unknown_heights_empty_their_neighbours_and_nothing_else() -> None:
    heights = hills()
    heights[30, 30] = np.nan
    found = shape_of(heights)
    for band in ("slope", "profile_curvature", "roughness"):
        empty = np.isnan(found[band])[2:-2, 2:-2]
        assert empty.sum() == 9 and empty[27:30, 27:30].all(), band
    assert np.isnan(found["position_27"]).sum() == 1
