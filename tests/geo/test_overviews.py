"""Overviews of float maps are those that GDAL makes with its averages."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.shutil import copy as gdal_copy

from gossan.geo.grid import Grid
from gossan.geo.overviews import overview_shapes
from gossan.geo.raster import open_raster, read_overview, write_array


def levels(path: Path, band: int) -> list[np.ndarray]:
    with rasterio.open(path) as whole:
        count = len(whole.overviews(band))
    found = []
    for number in range(count):
        with rasterio.open(path, OVERVIEW_LEVEL=number) as source:
            found.append(source.read(band))
    return found


def noisy(shape: tuple[int, int], bands: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    values = rng.normal(10, 3, (bands, *shape)).astype(np.float32)
    values[rng.random(values.shape) < 0.02] = np.nan
    values[:, :300, :300] = np.nan
    return values


@pytest.mark.parametrize("shape", [(1024, 2048), (1373, 2745), (513, 700), (60, 1500)])
def test_overviews_are_those_of_gdal(tmp_path: Path, shape: tuple[int, int]) -> None:
    values = noisy(shape, 2)
    grid = Grid.from_bounds(32638, (0, 0, 10 * shape[1], 10 * shape[0]), 10)
    write_array(tmp_path / "own.tif", grid, ["a", "b"], values)
    with rasterio.open(tmp_path / "own.tif") as source:
        profile = source.profile | {"driver": "GTiff"}
    with rasterio.open(tmp_path / "plain.tif", "w", **profile) as target:
        target.write(values)
    gdal_copy(
        tmp_path / "plain.tif", tmp_path / "gdal.tif", driver="COG", OVERVIEW_RESAMPLING="AVERAGE"
    )
    for band in (1, 2):
        own, theirs = levels(tmp_path / "own.tif", band), levels(tmp_path / "gdal.tif", band)
        assert [one.shape for one in own] == [one.shape for one in theirs]
        assert [one.shape for one in own] == overview_shapes(*shape)
        for one, other in zip(own, theirs):
            np.testing.assert_allclose(one, other, rtol=2e-6)


def test_a_map_with_overviews_keeps_its_pixels_tags_and_layout(tmp_path: Path) -> None:
    values = noisy((700, 900), 1)
    grid = Grid.from_bounds(32638, (0, 0, 9000, 7000), 10)
    write_array(tmp_path / "map.tif", grid, ["Cu estimate"], values, unit="ppm")
    np.testing.assert_array_equal(open_raster(tmp_path / "map.tif").read(grid.whole), values)
    with rasterio.open(tmp_path / "map.tif") as source:
        assert source.units == ("ppm",)
        assert source.descriptions == ("Cu estimate",)
        assert source.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert np.isnan(source.nodata)
    assert [path.name for path in tmp_path.iterdir()] == ["map.tif"]


def test_an_overview_of_an_empty_map_is_empty(tmp_path: Path) -> None:
    grid = Grid.from_bounds(32638, (0, 0, 12000, 12000), 10)
    empty = np.full((1, 1200, 1200), np.nan, np.float32)
    write_array(tmp_path / "map.tif", grid, ["a"], empty)
    found, _ = read_overview(tmp_path / "map.tif", 100_000)
    assert np.isnan(found).all()
