from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from pydantic import ValidationError
from pyproj import CRS

from gossan.errors import GossanWarning, GridError, ImageryError
from gossan.geo.grid import Grid, Window
from gossan.geo.raster import write_array
from gossan.imagery.rasters.open_rasters import open_rasters
from gossan.imagery.settings import ImagerySettings
from gossan.imagery.stack import common_grid, stack

UTM = CRS.from_epsg(32638)


def write(
    path: Path, bounds: tuple[float, ...], pixel: float | tuple[float, float], **more
) -> Grid:
    grid = Grid.from_bounds(more.get("crs", UTM), bounds, pixel)
    easting, northing = grid.coordinates()
    values = (easting[None, :] - 5e5) * 0.01 + (northing[:, None] - 27e5) * 0.03
    bands = more.get("bands", ("b",))
    array = np.stack([values + i for i in range(len(bands))]).astype(np.float32)
    write_array(path, grid, bands, array)
    return grid


def settings(**words) -> ImagerySettings:
    return ImagerySettings(name="im", **words)


def test_one_raster_comes_as_it_is(tmp_path: Path) -> None:
    grid = write(tmp_path / "Silica Index.tif", (500000, 2700000, 500210, 2700160), (30, 20))
    layer = open_rasters(settings(paths=["Silica Index.tif"]), tmp_path).tiles[0].layer
    assert layer.bands == ("silica_index",) and layer.grid.aligned_with(grid)
    window = Window(1, 2, 3, 4)
    easting, northing = grid.coordinates(window)
    wanted = (easting[None, :] - 5e5) * 0.01 + (northing[:, None] - 27e5) * 0.03
    np.testing.assert_allclose(layer.read(window)[0], wanted, rtol=1e-5)


def test_pixel_sizes_and_extents_mix_on_the_finest_pixels_of_the_shared_ground(
    tmp_path: Path,
) -> None:
    fine = write(tmp_path / "a.tif", (500000, 2700000, 500400, 2700300), 10, bands=("x", "y"))
    write(tmp_path / "c.tif", (499960, 2700040, 500320, 2700440), 20)
    layer = open_rasters(settings(paths=["a.tif", "c.tif"]), tmp_path).tiles[0].layer
    assert layer.bands == ("x", "y", "c")
    assert layer.grid.bounds == (500000, 2700040, 500320, 2700300)
    assert layer.grid.pixel_width == 10
    values = layer.read(layer.grid.whole)
    assert np.isfinite(values).all()
    inner = values[:, 4:-4, 4:-4]
    np.testing.assert_allclose(inner[2], inner[0], atol=1e-3)  # a plane survives cubic convolution
    rows, cols = slice(0, 26), slice(0, 32)
    from gossan.geo.raster import open_raster

    np.testing.assert_array_equal(
        values[:2], open_raster(tmp_path / "a.tif").read(fine.whole)[:, rows, cols]
    )


def test_a_coarser_pixel_is_the_area_mean(tmp_path: Path) -> None:
    write(tmp_path / "a.tif", (500000, 2700000, 500200, 2700120), 10)
    layer = open_rasters(settings(paths=["a.tif"], pixel_size_m=40), tmp_path).tiles[0].layer
    assert layer.grid.shape == (3, 5)
    easting, northing = layer.grid.coordinates()
    wanted = (easting[None, :] - 5e5) * 0.01 + (northing[:, None] - 27e5) * 0.03
    np.testing.assert_allclose(layer.read(layer.grid.whole)[0], wanted, atol=1e-4)


def test_scale_offset_and_nodata_words_apply_in_that_order(tmp_path: Path) -> None:
    grid = Grid.from_bounds(UTM, (500000, 2700000, 500030, 2700020), 10)
    stored = np.array([[[0, 1000, 3000], [65535, 0, 2000]]], np.uint16)
    write_array(tmp_path / "dn.tif", grid, ("B04",), stored)
    words = settings(paths=["dn.tif"], scale=1e-4, offset=-0.1, nodata=0)
    values = open_rasters(words, tmp_path).tiles[0].layer.read(grid.whole)[0]
    np.testing.assert_allclose(values, [[np.nan, 0, 0.2], [6.4535, np.nan, 0.1]], atol=1e-6)


def test_names_can_be_set_and_clashes_are_resolved(tmp_path: Path) -> None:
    for name in ("one.tif", "two.tif"):
        write(tmp_path / name, (500000, 2700000, 500100, 2700060), 10, bands=("red", "nir"))
    paths = ["one.tif", "two.tif"]
    assert open_rasters(settings(paths=paths), tmp_path).tiles[0].layer.bands == (
        "one_red",
        "one_nir",
        "two_red",
        "two_nir",
    )
    named = open_rasters(settings(paths=paths, bands=["a", "b", "c", "d"]), tmp_path).tiles[0].layer
    assert named.bands == ("a", "b", "c", "d")
    with pytest.raises(ImageryError, match=r"4 names.*got 2"):
        open_rasters(settings(paths=paths, bands=["a", "b"]), tmp_path)
    with pytest.raises(ImageryError, match=r"unique.*'a' twice"):
        open_rasters(settings(paths=paths, bands=["a", "b", "a", "d"]), tmp_path)


def test_bad_input_is_one_clear_line(tmp_path: Path) -> None:
    write(tmp_path / "a.tif", (500000, 2700000, 500100, 2700060), 10)
    write(tmp_path / "far.tif", (600000, 2700000, 600100, 2700060), 10)
    with pytest.raises(ImageryError, match="existing file"):
        open_rasters(settings(paths=["no.tif"]), tmp_path)
    with pytest.raises(GridError, match="sharing ground"):
        open_rasters(settings(paths=["a.tif", "far.tif"]), tmp_path)
    with pytest.raises(ValidationError):
        ImagerySettings(name="Not A Name", paths=["a.tif"])
    layer = open_rasters(settings(paths=["a.tif"]), tmp_path).tiles[0].layer
    with pytest.raises(GridError, match="the scene must be touching the survey"):
        stack([layer], extent=(1, 1, 2, 2))


def test_a_stack_is_clipped_to_the_survey(tmp_path: Path) -> None:
    grid = write(tmp_path / "a.tif", (500000, 2700000, 500100, 2700060), 10)
    layer = open_rasters(settings(paths=["a.tif"]), tmp_path).tiles[0].layer
    cut = common_grid([layer], extent=(500015, 2700011, 500079, 2700200))
    assert cut.bounds == (500010, 2700010, 500080, 2700060) and cut.pixel_width == grid.pixel_width


def test_real_bands_of_two_pixel_sizes_share_one_grid(test_data: Path) -> None:
    folder = test_data / "imagery_s2_patagonia"
    words = settings(paths=["s2_patagonia_20m.tif", "s2_patagonia_10m.tif"], scale=1e-4)
    layer = open_rasters(words, folder).tiles[0].layer
    assert layer.bands == ("b11", "b12", "b02", "b03", "b04", "b08")
    assert layer.grid.shape == (200, 300) and layer.grid.pixel_width == 10
    values = layer.read(layer.grid.whole)
    assert np.isfinite(values).all()
    coarse = values[0].reshape(100, 2, 150, 2).mean((1, 3))
    from gossan.geo.raster import open_raster

    stored = open_raster(folder / "s2_patagonia_20m.tif").read(Window(0, 0, 100, 150))[0] * 1e-4
    assert np.corrcoef(coarse.ravel(), stored.ravel())[0, 1] > 0.995  # in place, not shifted
    shifted = np.roll(stored, 1, axis=1)
    assert (
        np.corrcoef(coarse.ravel(), stored.ravel())[0, 1]
        > np.corrcoef(coarse.ravel(), shifted.ravel())[0, 1]
    )


def test_a_scale_that_a_raster_declares_is_reported_unless_one_is_stated(tmp_path: Path) -> None:
    profile = {"driver": "GTiff", "height": 6, "width": 5, "count": 1, "dtype": "uint16"}
    with rasterio.open(
        tmp_path / "b4.tif",
        "w",
        crs="EPSG:32638",
        transform=Affine(30.0, 0.0, 500_000.0, 0.0, -20.0, 2_700_000.0),
        **profile,
    ) as target:
        target.write(np.full((1, 6, 5), 3000, np.uint16))
        target.scales, target.offsets = (1e-4,), (-0.1,)
    with pytest.warns(GossanWarning, match=r"set scale = 0\.0001 and offset = -0\.1 to apply it"):
        layer = open_rasters(settings(paths=["b4.tif"]), tmp_path).tiles[0].layer
    assert layer.read(layer.grid.whole)[0, 0, 0] == 3000
    layer = (
        open_rasters(settings(paths=["b4.tif"], scale=1e-4, offset=-0.1), tmp_path).tiles[0].layer
    )
    assert layer.read(layer.grid.whole)[0, 0, 0] == pytest.approx(0.2)
