"""Drainage of a project: tiles of heights, another CRS, directions, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pyproj import CRS

from gossan.errors import ImageryError
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.geo.raster import write_array
from gossan.geo.warp import WarpedLayer, transformed_bounds
from gossan.imagery.terrain.settings import TerrainSettings
from gossan.pipeline.drainage import open_drainage, terrain_paths

GRID = Grid.from_bounds(32638, (500_000, 4_000_000, 504_000, 4_003_000), 50)


def heights() -> np.ndarray:
    y, x = np.mgrid[:60, :80]
    rough = np.random.default_rng(0).normal(0, 1.0, (60, 80))
    return (300.0 - 2 * y + 3 * abs(x - 40) + rough).astype(np.float32)


def written(path: Path, rows: slice, columns: slice) -> None:
    left, top = GRID.bounds[0] + 50 * (columns.start or 0), GRID.bounds[3] - 50 * (rows.start or 0)
    part = heights()[rows, columns]
    bounds = (left, top - 50 * len(part), left + 50 * part.shape[1], top)
    write_array(path, Grid.from_bounds(32638, bounds, 50), ("h",), part[None])


def test_tiles_are_one_terrain(tmp_path: Path) -> None:
    written(tmp_path / "whole.tif", slice(None), slice(None))
    written(tmp_path / "west.tif", slice(None), slice(0, 35))
    written(tmp_path / "east.tif", slice(None), slice(35, 80))
    tiles = TerrainSettings(dem=(Path("west.tif"), Path("east.tif")))
    whole = open_drainage(TerrainSettings(dem=Path("whole.tif")), tmp_path)
    found = open_drainage(tiles, tmp_path)
    np.testing.assert_array_equal(found.area_km2, whole.area_km2)
    assert terrain_paths(tiles, tmp_path) == [tmp_path / "west.tif", tmp_path / "east.tif"]


def test_heights_in_degrees_are_brought_to_the_maps(tmp_path: Path) -> None:
    """The streams lie where those of the heights in metres do."""
    geographic = CRS.from_epsg(4326)
    bounds = transformed_bounds(GRID, geographic)
    target = Grid.from_bounds(geographic, bounds, 0.0005)
    layer = WarpedLayer(ArrayLayer(GRID, ("h",), heights()[None]), target)
    write_array(tmp_path / "dem.tif", target, ("h",), layer.read(target.whole))
    settings = TerrainSettings(dem=Path("dem.tif"))
    found = open_drainage(settings, tmp_path, CRS.from_epsg(32638))
    assert found.grid.crs == CRS.from_epsg(32638)
    row, column = np.unravel_index(np.nanargmax(found.area_km2), found.grid.shape)
    easting, _ = found.grid.coordinates(found.grid.whole)
    assert abs(easting[column] - 502_000) < 150 and row > 40
    with pytest.raises(ImageryError, match=r"\[terrain\] dem must be in metres; got WGS 84"):
        open_drainage(settings, tmp_path)


def test_directions_stay_in_their_crs(tmp_path: Path) -> None:
    write_array(tmp_path / "d8.tif", GRID, ("d8",), np.full((1, *GRID.shape), 4, np.int16))
    settings = TerrainSettings(flow=Path("d8.tif"))
    found = open_drainage(settings, tmp_path, CRS.from_epsg(32638))
    np.testing.assert_allclose(found.area_km2[-1], 60 * 0.0025)
    with pytest.raises(ImageryError, match="flow and the maps must be in one CRS"):
        open_drainage(settings, tmp_path, CRS.from_epsg(32637))
