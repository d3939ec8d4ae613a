"""Labelled arrays come and go with values, names, places and coordinate systems unharmed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import rioxarray
import xarray
from pyproj import CRS

from gossan.errors import GridError
from gossan.geo.grid import Grid
from gossan.geo.labelled import from_xarray, to_xarray
from gossan.geo.layer import ArrayLayer
from gossan.geo.raster import write_array

GRID = Grid.from_bounds(32638, (500_000, 2_699_900, 500_180, 2_700_000), (30, 20))


@pytest.fixture
def layer() -> ArrayLayer:
    values = np.random.default_rng(1).normal(size=(2, *GRID.shape)).astype(np.float32)
    values[0, 1, 2] = np.nan
    return ArrayLayer(GRID, ("clay", "iron"), values)


def test_a_layer_comes_back_whole(layer: ArrayLayer) -> None:
    back = from_xarray(to_xarray(layer))
    assert back.grid.aligned_with(GRID) and back.bands == layer.bands
    np.testing.assert_array_equal(back.array, layer.array)


@pytest.mark.parametrize("turn", [{"y": slice(None, None, -1)}, {"x": slice(None, None, -1)}])
def test_rows_and_columns_may_run_either_way(layer: ArrayLayer, turn: dict) -> None:
    np.testing.assert_array_equal(from_xarray(to_xarray(layer).isel(turn)).array, layer.array)


def test_the_dimensions_may_stand_in_any_order_and_bear_other_names(layer: ArrayLayer) -> None:
    other = to_xarray(layer).transpose("x", "y", "band").rename(band="wavelength")
    back = from_xarray(other)
    np.testing.assert_array_equal(back.array, layer.array)
    assert back.bands == layer.bands


def test_the_coordinate_system_survives_netcdf(layer: ArrayLayer, tmp_path: Path) -> None:
    whole = to_xarray(layer).to_dataset("band")
    whole.to_netcdf(tmp_path / "map.nc", engine="scipy")
    with xarray.open_dataset(tmp_path / "map.nc", engine="scipy", decode_coords="all") as read:
        back = from_xarray(read)
    assert back.grid.aligned_with(GRID) and back.bands == layer.bands
    np.testing.assert_array_equal(back.array, layer.array)


def test_a_file_read_by_rioxarray_keeps_names_and_empty_pixels(
    layer: ArrayLayer, tmp_path: Path
) -> None:
    write_array(tmp_path / "a.tif", GRID, layer.bands, layer.array)
    with rioxarray.open_rasterio(tmp_path / "a.tif") as read:
        back = from_xarray(read)
    assert back.bands == layer.bands and back.grid.aligned_with(GRID)
    np.testing.assert_array_equal(back.array, layer.array)


def test_declared_nodata_is_empty(tmp_path: Path) -> None:
    profile = {"driver": "GTiff", "height": 1, "width": 3, "count": 1, "dtype": "int16"}
    place = {"crs": "EPSG:32638", "transform": GRID.transform, "nodata": -9999}
    with rasterio.open(tmp_path / "a.tif", "w", **profile, **place) as file:
        file.write(np.array([[1, -9999, 3]], np.int16), 1)
    with rioxarray.open_rasterio(tmp_path / "a.tif") as read:
        back = from_xarray(read)
    np.testing.assert_array_equal(back.array[0], [[1.0, np.nan, 3.0]])
    assert back.grid.pixel_height == 20  # one row: the height stands in the transform alone


def test_what_is_written_is_read_by_another_program(layer: ArrayLayer, tmp_path: Path) -> None:
    to_xarray(layer).rio.to_raster(tmp_path / "b.tif")
    with rasterio.open(tmp_path / "b.tif") as file:
        assert CRS.from_user_input(file.crs) == GRID.crs
        assert file.transform == GRID.transform
        np.testing.assert_array_equal(file.read(), layer.array)


def test_what_cannot_be_placed_is_refused(layer: ArrayLayer) -> None:
    array = to_xarray(layer)
    with pytest.raises(GridError, match="CRS"):
        from_xarray(array.drop_vars("spatial_ref"))
    assert from_xarray(array.drop_vars("spatial_ref"), "EPSG:32639").grid.crs.to_epsg() == 32639
    with pytest.raises(GridError, match="evenly"):
        from_xarray(array.isel(x=[0, 1, 3]))
    with pytest.raises(GridError, match="time"):
        from_xarray(array.expand_dims("time"))
