"""Vector files as other programs read them: versions, names, dates, places."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import CRS, Transformer

from gossan.io.geometry_tables import (
    GeoTable,
    degrees_at,
    geometry_table,
    in_degrees,
    write_csv,
    write_geojson,
    write_geopackage,
)


@pytest.fixture
def squares() -> GeoTable:
    shapes = [shapely.box(500e3, 4.4e6, 501e3, 4.401e6), shapely.box(503e3, 4.4e6, 504e3, 4.401e6)]
    return geometry_table({"anomaly": ["Cu-1", "Cu-2"]}, shapes, CRS.from_epsg(32645))


@pytest.fixture
def fiji() -> GeoTable:
    """110 km by 100 km across 180 degrees, in UTM zone 60 south."""
    return geometry_table({"a": [1]}, [shapely.box(790e3, 8.0e6, 900e3, 8.1e6)], CRS(32760))


def test_a_geopackage_is_of_a_version_that_old_gdal_reads_without_a_warning(
    squares: GeoTable, tmp_path: Path
) -> None:
    path = write_geopackage(
        tmp_path / "a.gpkg", {"one": squares, "two": squares}, {"one": "<qgis/>"}
    )
    with sqlite3.connect(path) as database:
        version = database.execute("pragma user_version").fetchone()[0]
        when = database.execute("select update_time from layer_styles").fetchone()[0]
    assert version in (10200, 10300)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", when)
    assert len(gpd.read_file(path, layer="two")) == 2


def test_a_geojson_is_called_after_its_file_and_the_same_every_time(
    squares: GeoTable, tmp_path: Path
) -> None:
    first = write_geojson(tmp_path / "kriging_Cu.geojson", squares).read_bytes()
    assert json.loads(first)["name"] == "kriging_Cu"
    assert write_geojson(tmp_path / "kriging_Cu.geojson", squares).read_bytes() == first


def test_csv_places_are_in_the_crs_and_in_degrees(squares: GeoTable, tmp_path: Path) -> None:
    table = pd.read_csv(write_csv(tmp_path / "a.csv", squares))
    back = Transformer.from_crs(4326, 32645, always_xy=True)
    easting, northing = back.transform(table["longitude"], table["latitude"])
    np.testing.assert_allclose(easting, table["easting"], atol=0.02)
    np.testing.assert_allclose(northing, table["northing"], atol=0.02)
    inside = shapely.intersects(
        shapely.points(table["easting"], table["northing"]), squares.geometry.to_numpy()
    )
    assert inside.all()


def test_shapes_across_the_antimeridian_keep_their_area_and_span_no_globe(
    fiji: GeoTable, tmp_path: Path
) -> None:
    cut = in_degrees(fiji).geometry[0]
    assert cut.geom_type == "MultiPolygon" and len(cut.geoms) == 2
    assert all(part.bounds[2] - part.bounds[0] < 2 for part in cut.geoms)
    areas = gpd.GeoSeries(cut.geoms, crs=4326).to_crs(32760).area
    assert areas.sum() == pytest.approx(fiji.area[0], rel=1e-3)
    written = gpd.read_file(write_geojson(tmp_path / "fiji.geojson", fiji)).geometry[0]
    assert written.symmetric_difference(cut).area < 1e-6


def test_degrees_are_those_of_the_national_survey() -> None:
    # Greenwich, Ordnance Survey: E 538890, N 177320 is 51.4779 N, 0.0015 W (OSGB36 to WGS 84).
    longitude, latitude = degrees_at(np.array([538890.0]), np.array([177320.0]), CRS(27700))
    assert (longitude[0], latitude[0]) == pytest.approx((-0.0015, 51.4779), abs=2e-4)
