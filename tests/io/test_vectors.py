"""Points, areas and lines of vector files come to the maps' system, or are refused in a line."""

from __future__ import annotations

import shutil
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
from pyproj import CRS

from gossan.errors import InputError
from gossan.io.vectors import read_area, read_lines, read_points

UTM = CRS.from_epsg(32638)


def written(
    path: Path, shapes: list[shapely.Geometry], crs: int | None = 32638, **columns: list
) -> Path:
    frame = geopandas.GeoDataFrame(columns, geometry=shapes, crs=crs)
    frame.to_file(path)
    return path


def test_points_come_with_names_and_commodities_from_degrees(tmp_path: Path) -> None:
    places = geopandas.GeoSeries([shapely.Point(500_000, 2.7e6), shapely.Point(501_000, 2.71e6)],
                                 crs=UTM)  # fmt: skip
    path = written(
        tmp_path / "a.geojson", list(places.to_crs(4326)), 4326,
        Site_Name=["Jabal", "Wadi"], major_commod=["Cu", None], minor_commod=["Au", "Zn"],
    )  # fmt: skip
    found = read_points(path, UTM)
    np.testing.assert_allclose(found["easting"], [500_000, 501_000], atol=0.01)
    np.testing.assert_allclose(found["northing"], [2.7e6, 2.71e6], atol=0.01)
    assert found["name"].tolist() == ["Jabal", "Wadi"]
    assert found["commodity"].tolist() == ["Cu; Au", "Zn"]


def test_areas_stand_for_their_centres_and_features_without_a_name_are_numbered(
    tmp_path: Path,
) -> None:
    path = written(
        tmp_path / "a.gpkg", [shapely.box(0, 0, 10, 20), shapely.Point()], kind=["a", "b"]
    )
    found = read_points(path, UTM)
    assert found[["name", "easting", "northing", "commodity"]].values.tolist() == [["1", 5, 10, ""]]


def test_areas_are_joined(tmp_path: Path) -> None:
    squares = [shapely.box(0, 0, 10, 10), shapely.box(5, 0, 15, 10)]
    assert read_area(written(tmp_path / "a.gpkg", squares), UTM).area == pytest.approx(150)


def test_lines_may_be_outlines_of_areas(tmp_path: Path) -> None:
    line = shapely.LineString([(0, 0), (30, 40)])
    assert read_lines(written(tmp_path / "a.gpkg", [line]), UTM).length == pytest.approx(50)
    square = written(tmp_path / "b.gpkg", [shapely.box(0, 0, 10, 10)])
    assert read_lines(square, UTM).length == pytest.approx(40)


@pytest.mark.parametrize(
    ("reader", "shape", "printed"),
    [
        (read_area, shapely.LineString([(0, 0), (1, 1)]), "a file of polygons"),
        (read_lines, shapely.Point(0, 0), "a file of lines"),
    ],
)
def test_shapes_of_another_kind_are_one_line(reader, shape, printed: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=printed):
        reader(written(tmp_path / "a.gpkg", [shape]), UTM)


def test_a_file_that_is_missing_broken_or_of_no_system_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="existing file"):
        read_points(tmp_path / "a.gpkg", UTM)
    (tmp_path / "b.geojson").write_text("{")
    with pytest.raises(InputError):
        read_points(tmp_path / "b.geojson", UTM)
    shutil.copy(written(tmp_path / "c.shp", [shapely.Point(0, 0)]), tmp_path / "d.shp")
    for ending in ("shx", "dbf"):
        shutil.copy(tmp_path / f"c.{ending}", tmp_path / f"d.{ending}")
    with pytest.raises(InputError, match="with a CRS"):
        read_points(tmp_path / "d.shp", UTM)
