"""Files of polygons and lines that cannot serve are one line each, whoever reads them."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import LineString, Point, box

from gossan.errors import ImageryError
from gossan.geo.grid import Grid
from gossan.imagery.categories.fault_distance import open_faults
from gossan.imagery.categories.open_classes import open_classes
from gossan.imagery.masks.cover import read_polygons
from gossan.imagery.settings import ImagerySettings

GRID = Grid.from_bounds(32638, (0, 0, 100, 100), 10)


def read_cover(path: Path) -> object:
    return read_polygons(path, GRID)


def read_faults(path: Path) -> object:
    return open_faults(path, GRID, "geology")


def read_classes(path: Path) -> object:
    row = {"name": "geology", "sensor": "classes", "paths": [path], "column": "rock"}
    return open_classes(ImagerySettings.model_validate(row), path.parent)


@pytest.mark.parametrize("read", [read_cover, read_faults, read_classes])
def test_a_file_that_cannot_serve_is_one_line(read, tmp_path: Path) -> None:
    (tmp_path / "damaged.gpkg").write_text("none")
    with pytest.raises(ImageryError, match=r"damaged\.gpkg must be readable"):
        read(tmp_path / "damaged.gpkg")
    pd.DataFrame({"rock": ["a"]}).to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(ImageryError, match=r"table without geometry in table\.csv"):
        read(tmp_path / "table.csv")
    rock = {"rock": ["a"]}
    point = gpd.GeoDataFrame(rock, geometry=[Point(1, 1)], crs=32638)
    point.to_file(tmp_path / "points.gpkg")
    with pytest.raises(ImageryError, match=r"got none in points\.gpkg"):
        read(tmp_path / "points.gpkg")
    shape = LineString([(0, 0), (9, 9)]) if read is read_faults else box(0, 0, 50, 50)
    gpd.GeoDataFrame(rock, geometry=[shape], crs=32638).to_file(tmp_path / "nowhere.shp")
    (tmp_path / "nowhere.prj").unlink()
    with pytest.raises(ImageryError, match=r"with a coordinate system; got nowhere\.shp"):
        read(tmp_path / "nowhere.shp")


def test_features_of_another_kind_are_left_out(tmp_path: Path) -> None:
    shapes = [box(0, 0, 50, 100), LineString([(75, 0), (75, 100)])]
    gpd.GeoDataFrame(geometry=shapes, crs=32638).to_file(tmp_path / "both.geojson")
    assert read_polygons(tmp_path / "both.geojson", GRID).inside(GRID)[:, :5].all()
    away = open_faults(tmp_path / "both.geojson", GRID, "geology").read(GRID.whole)[0]
    np.testing.assert_array_equal(away[0], np.abs(np.arange(10) - 7) * 10.0)
