"""Maps of classes: shares of polygons against exact areas, contacts, rare classes, refusals."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely import LineString, box

from gossan.errors import ImageryError
from gossan.geo.grid import Grid, Window
from gossan.geo.raster import write_array
from gossan.imagery.categories.open_classes import open_classes
from gossan.imagery.settings import ImagerySettings
from gossan.testing import check_layer


def settings(path: Path, **more: object) -> ImagerySettings:
    row = {"name": "geology", "sensor": "classes", "paths": [path], **more}
    return ImagerySettings.model_validate(row)


@pytest.fixture
def geology(tmp_path: Path) -> Path:
    """Granite left of x = 3000, gneiss right of it, a thin dyke between 3000 and 3020."""
    west = 500_000
    rows = {
        "Granite": box(west, 4_000_000, west + 3000, 4_004_000),
        "Dyke": box(west + 3000, 4_000_000, west + 3020, 4_004_000),
        "Gneiss": box(west + 3020, 4_000_000, west + 6000, 4_004_000),
    }
    frame = gpd.GeoDataFrame({"unit": list(rows)}, geometry=list(rows.values()), crs="EPSG:32638")
    frame.to_file(tmp_path / "geology.gpkg")
    return tmp_path / "geology.gpkg"


def test_a_mean_over_a_square_is_the_share_of_the_class(geology: Path) -> None:
    found = open_classes(settings(geology, column="unit", pixel_size_m=20), geology.parent)
    assert found.layer.bands == ("gneiss", "granite", "other", "contact_m")
    assert found.notes == ("rare classes pooled as 'other': Dyke",)
    square = found.layer.read(Window(50, 100, 100, 100))  # 2000 m wide, from x = 2000
    shares = square[:3].mean(axis=(1, 2))
    np.testing.assert_allclose(shares, [980 / 2000, 1000 / 2000, 20 / 2000], atol=1e-6)


def test_distances_to_a_contact_grow_from_it_and_stop_at_their_reach(geology: Path) -> None:
    layer = open_classes(settings(geology, column="unit", pixel_size_m=20), geology.parent).layer
    row = layer.read(Window(100, 0, 1, 300))[-1, 0]
    np.testing.assert_allclose(row[140:150], np.arange(10, 0, -1) * 20.0)
    assert row[0] == 2000.0


def test_windows_do_not_change_what_is_read(geology: Path) -> None:
    check_layer(
        lambda: (
            open_classes(settings(geology, column="unit", pixel_size_m=50), geology.parent).layer
        )
    )


def test_a_raster_of_classes_has_a_band_for_each_number(tmp_path: Path) -> None:
    grid = Grid.from_bounds(32638, (0, 0, 1000, 1000), 100)
    values = np.full((1, 10, 10), 3.0, np.float32)
    values[:, :, 5:], values[:, 0, 0] = 7.0, np.nan
    write_array(tmp_path / "soil.tif", grid, ("soil",), values)
    layer = open_classes(settings(tmp_path / "soil.tif", rare=0.0), tmp_path).layer
    assert layer.bands == ("class_3", "class_7", "contact_m")
    found = layer.read(grid.whole)
    assert np.isnan(found[:, 0, 0]).all() and np.isfinite(found[:, 1:, :]).all()
    np.testing.assert_array_equal(found[1, 1:], values[0, 1:] == 7)


@pytest.mark.parametrize(
    ("more", "printed"),
    [({}, "column = "), ({"column": "age"}, "Columns of geology.gpkg: unit")],
)
def test_a_missing_column_is_reported_with_those_present(
    geology: Path, more: dict[str, str], printed: str
) -> None:
    with pytest.raises(ImageryError, match=printed):
        open_classes(settings(geology, **more), geology.parent)


def test_distances_to_faults_are_those_to_the_lines(geology: Path) -> None:
    """Within a pixel of the exact distance by shapely, up to 2000 m; lines in degrees."""
    line = LineString([(500_500, 4_000_300), (502_000, 4_001_500), (502_600, 4_003_900)])
    faults = gpd.GeoDataFrame({"name": ["F1"]}, geometry=[line], crs="EPSG:32638")
    faults.to_crs(4326).to_file(geology.parent / "faults.geojson")
    wanted = settings(geology, column="unit", pixel_size_m=20, faults="faults.geojson")
    layer = open_classes(wanted, geology.parent).layer
    assert layer.bands[-2:] == ("contact_m", "fault_m")
    easting, northing = np.meshgrid(*layer.grid.coordinates())
    exact = np.minimum(shapely.distance(shapely.points(easting, northing), line), 2000.0)
    found = layer.read(layer.grid.whole)[-1]
    assert np.abs(found - exact).max() < 20 and found.max() == 2000.0
    check_layer(lambda: open_classes(wanted, geology.parent).layer)


def test_faults_that_are_no_lines_are_refused(geology: Path) -> None:
    wanted = settings(geology, column="unit", faults="geology.gpkg")
    with pytest.raises(ImageryError, match=r"faults must be lines; got none in geology\.gpkg"):
        open_classes(wanted, geology.parent)


def test_keys_of_the_other_kind_of_map_are_refused(geology: Path) -> None:
    with pytest.raises(ImageryError, match="a raster of numbers for legend"):
        open_classes(settings(geology, column="unit", legend="names.csv"), geology.parent)
    grid = Grid.from_bounds(32638, (0, 0, 100, 100), 10)
    write_array(geology.parent / "rocks.tif", grid, ["rock"], np.eye(10)[None])
    with pytest.raises(ImageryError, match="polygons for pixel_size_m"):
        open_classes(settings(geology.parent / "rocks.tif", pixel_size_m=30), geology.parent)
