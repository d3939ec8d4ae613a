"""Tiles hold the very pixels of the map, whatever its extent, and a stopped map goes on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.warp

from gossan.errors import InterruptedRunError
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import ArrayLayer, Layer, LikeSource, MappedLayer, StackedLayer
from gossan.geo.raster import close_files, open_raster
from gossan.geo.tiles import TiledMap, tiles_of, write_tiles
from gossan.geo.warp import to_grid
from gossan.testing import seam_score

GRID = Grid.from_bounds(32638, (410_000, 2_690_000, 410_000 + 20 * 230, 2_690_000 + 20 * 170), 20)
FIELD = np.random.default_rng(4).normal(size=(1, *GRID.shape)).cumsum(axis=2).astype(np.float32)
LAYER = ArrayLayer(GRID, ("estimate",), FIELD)


def hashed(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def written(folder: Path, layer: Layer = LAYER, key: str = "a", blocks: int = 32) -> TiledMap:
    one = TiledMap(folder / "map.vrt", layer.bands, key, {"gossan_element": "Cu"}, "ppm")
    engine = Blocks(size=blocks, workers=1)
    statistics = write_tiles(layer, [one], 64, engine, hashed, ("Cu estimate",))
    whole = layer.read(layer.grid.whole)
    assert statistics[0]["estimate"]["mean"] == pytest.approx(whole.mean(), rel=1e-5)
    assert statistics[0]["estimate"]["stddev"] == pytest.approx(whole.std(), rel=1e-5)
    return one


def test_the_virtual_raster_shows_the_map(tmp_path: Path) -> None:
    one = written(tmp_path)
    layer = open_raster(one.path)
    assert layer.grid.aligned_with(GRID)
    np.testing.assert_array_equal(layer.read(GRID.whole), FIELD)
    other = written(tmp_path / "other", blocks=64)
    np.testing.assert_array_equal(open_raster(other.path).read(GRID.whole), FIELD)
    with rasterio.open(one.path) as file:
        assert file.units == ("ppm",) and file.descriptions == ("Cu estimate",)
        assert file.tags()["gossan_element"] == "Cu" and np.isnan(file.nodata)
        thin = file.read(1, out_shape=(17, 23))
    assert np.isfinite(thin).all()


def test_bytes_of_a_tile_do_not_depend_on_the_extent_of_the_map(tmp_path: Path) -> None:
    whole = written(tmp_path / "whole")
    inner = Window(21, 35, 140, 180)
    part = ArrayLayer(GRID.crop(inner), LAYER.bands, FIELD[(slice(None), *inner.slices)])
    cut = written(tmp_path / "cut", part)
    entire = {tile.name for tile in tiles_of(GRID, 64) if tile.window.shape == (64, 64)}
    shared = [t for t in tiles_of(part.grid, 64) if t.window.shape == (64, 64)]
    assert shared and {tile.name for tile in shared} <= entire
    for tile in shared:
        assert cut.tile(tile).read_bytes() == whole.tile(tile).read_bytes()


def first_filled(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values[0]), values[0], values[1])[None]


def test_tiles_of_scenes_in_two_zones_have_no_seams(tmp_path: Path) -> None:
    """25 tiles of a mosaic across the border of two UTM zones; the score's own noise is 0.006."""
    rng = np.random.default_rng(0)
    west = Grid.from_bounds(32638, (790_000, 2_650_000, 800_000, 2_666_000), 20)
    middle = rasterio.warp.transform("EPSG:32638", "EPSG:32639", [804_000], [2_658_000])
    left, bottom = (20 * round(value[0] / 20) for value in middle)
    east = Grid.from_bounds(32639, (left - 8000, bottom - 9000, left + 8000, bottom + 9000), 20)
    grid = Grid.from_bounds(32638, (792_000, 2_651_000, 808_000, 2_667_000), 20)
    scenes = [
        to_grid(ArrayLayer(one, (name,), rng.normal(size=(1, *one.shape)).astype(np.float32)), grid)
        for name, one in (("west", west), ("east", east))
    ]
    layer = MappedLayer(StackedLayer(tuple(scenes)), first_filled, ("a",))
    one = TiledMap(tmp_path / "map.vrt", layer.bands, "a")
    write_tiles(layer, [one], 160, Blocks(160, 1), hashed)
    values = open_raster(one.path).read(grid.whole)[0]
    assert np.isfinite(values).mean() > 0.8
    tiles = tiles_of(grid, 160)
    assert len(tiles) >= 25
    for turned, axis in ((values, 1), (values.T, 0)):
        edges = sorted({tile.window[axis] for tile in tiles} - {0})
        assert abs(seam_score(turned, edges) - 1.0) < 0.02


@dataclass(frozen=True, eq=False)
class Failing(LikeSource):
    """Fails in one window."""

    source: Layer
    at: tuple[int, int]

    def read(self, window: Window) -> np.ndarray:
        if window[:2] == self.at:
            raise OSError("no space left")
        return self.source.read(window)


def test_a_stopped_map_keeps_its_finished_tiles_and_nothing_half(tmp_path: Path) -> None:
    tiles = tiles_of(GRID, 64)
    third = tiles[2]
    with pytest.raises(InterruptedRunError, match="no space"):
        written(tmp_path, Failing(LAYER, third.window[:2]))
    names = sorted(path.name for path in (tmp_path / "map").iterdir())
    assert names == sorted(f"{t.name}.{end}" for t in tiles[:2] for end in ("json", "tif"))
    before = {tile.name: (tmp_path / "map" / f"{tile.name}.tif").stat().st_mtime_ns
              for tile in tiles[:2]}  # fmt: skip
    one = written(tmp_path)
    assert {t.name: one.tile(t).stat().st_mtime_ns for t in tiles[:2]} == before
    assert all(one.item(tile).exists() for tile in tiles)


def test_missing_damaged_and_outdated_tiles_are_made_again_and_no_others(tmp_path: Path) -> None:
    one, tiles = written(tmp_path), tiles_of(GRID, 64)
    whole = {tile.name: one.tile(tile).read_bytes() for tile in tiles}
    stamps = {tile.name: one.tile(tile).stat().st_mtime_ns for tile in tiles}
    close_files()
    one.item(tiles[0]).unlink()
    one.tile(tiles[1]).write_bytes(whole[tiles[1].name][:-9] + b"something")
    item = json.loads(one.item(tiles[2]).read_text())
    item["properties"]["gossan:key"] = "older"
    one.item(tiles[2]).write_text(json.dumps(item))
    written(tmp_path)
    changed = {t.name for t in tiles if one.tile(t).stat().st_mtime_ns != stamps[t.name]}
    assert changed == {tile.name for tile in tiles[:3]}
    assert {tile.name: one.tile(tile).read_bytes() for tile in tiles} == whole


def test_an_item_says_where_its_tile_lies(tmp_path: Path) -> None:
    one = written(tmp_path)
    tile = tiles_of(GRID, 64)[1]
    item = json.loads(one.item(tile).read_text())
    assert item["type"] == "Feature" and item["stac_version"] == "1.0.0"
    assert item["properties"]["proj:code"] == "EPSG:32638"
    with rasterio.open(one.tile(tile)) as file:
        assert item["properties"]["proj:shape"] == [file.height, file.width]
        assert item["properties"]["proj:transform"] == pytest.approx(list(file.transform[:6]))
        bounds = rasterio.warp.transform_bounds(file.crs, 4326, *file.bounds)
    assert item["bbox"] == pytest.approx(bounds, abs=1e-6)
