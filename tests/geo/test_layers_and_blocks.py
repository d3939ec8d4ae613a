from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from pyproj import CRS, Transformer
from rasterio.warp import Resampling, reproject
from rio_cogeo.cogeo import cog_validate

from gossan.errors import GridError, ImageryError, InterruptedRunError
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import (
    ArrayLayer,
    MappedLayer,
    SelectedLayer,
    StackedLayer,
    read_padded,
    values_at,
)
from gossan.geo.raster import atomic_path, open_raster, write_array
from gossan.geo.warp import WarpedLayer, to_grid

UTM = CRS.from_epsg(32638)
GRID = Grid(UTM, Affine(30.0, 0, 411_000.0, 0, -20.0, 2_700_000.0), 37, 53)


def field(grid: Grid = GRID, bands: int = 2, holes: bool = True) -> ArrayLayer:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(bands, *grid.shape)).astype(np.float32)
    if holes:
        values[:, 5:9, 20:31] = np.nan
    return ArrayLayer(grid, tuple(f"b{i + 1}" for i in range(bands)), values)


def double(values: np.ndarray) -> np.ndarray:
    return 2 * values


@pytest.mark.parametrize("size", [8, 16, 64])
@pytest.mark.parametrize("workers", [1, 3])
def test_blocks_of_any_size_and_any_workers_write_the_same_file(
    tmp_path: Path, size: int, workers: int
) -> None:
    layer = MappedLayer(field(), double, ("b1", "b2"))
    Blocks(size, workers).write(layer, tmp_path / "map.tif")
    written = open_raster(tmp_path / "map.tif")
    np.testing.assert_array_equal(written.read(GRID.whole), layer.read(GRID.whole))


def test_a_written_map_is_a_valid_cog_with_nan_nodata_unit_and_statistics(tmp_path: Path) -> None:
    grid = Grid(UTM, Affine(30.0, 0, 411_000.0, 0, -20.0, 2_700_000.0), 700, 1100)
    layer = field(grid, 1)
    path = tmp_path / "map.tif"
    Blocks(256).write(layer, path, {"gossan_product": "kriging"}, "ppm", ("Cu, kriging",))
    valid, errors, warnings = cog_validate(path, quiet=True)
    assert valid and not errors and not warnings
    values = layer.array[0].astype(float)
    with rasterio.open(path) as source:
        assert source.dtypes == ("float32",) and np.isnan(source.nodata)
        assert source.units == ("ppm",) and source.descriptions == ("Cu, kriging",)
        assert source.tags()["gossan_product"] == "kriging"
        tags = source.tags(1)
        assert source.compression.name == "deflate"
        assert "PREDICTOR" not in source.tags(ns="IMAGE_STRUCTURE")
    assert float(tags["STATISTICS_MEAN"]) == pytest.approx(np.nanmean(values), abs=1e-9)
    assert float(tags["STATISTICS_STDDEV"]) == pytest.approx(np.nanstd(values), abs=1e-9)
    assert float(tags["STATISTICS_MAXIMUM"]) == np.nanmax(values)


def test_sums_over_blocks_do_not_depend_on_blocks_or_workers() -> None:
    layer = field(holes=False)
    whole = layer.array.sum(dtype=float)
    for blocks in (Blocks(8, 1), Blocks(16, 3), Blocks(1024, 2)):
        total = blocks.reduce(lambda w: layer.read(w).sum(dtype=float), GRID)
        assert total == pytest.approx(whole, rel=1e-12)


def test_an_error_in_a_block_leaves_no_file(tmp_path: Path) -> None:
    def fail(values: np.ndarray) -> np.ndarray:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        Blocks(16).write(MappedLayer(field(), fail, ("b1",)), tmp_path / "map.tif")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(InterruptedRunError, match="Free disk space") as caught,
        atomic_path(tmp_path / "map.tif") as temporary,
    ):
        temporary.write_text("half")
        raise OSError(28, "No space left on device")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_failed_replacement_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic_path(path) as temporary:
        temporary.write_text("new, half")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]


def test_a_file_that_another_program_holds_stays_and_the_program_is_to_be_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows refuses to replace a file that a GIS has open."""

    def refuse(temporary: Path, target: Path) -> None:
        raise PermissionError(13, "The process cannot access the file", str(target))

    monkeypatch.setattr(Path, "replace", refuse)
    path = tmp_path / "map.tif"
    path.write_text("old")
    closing = pytest.raises(InterruptedRunError, match=r"Close the program that has map\.tif open")
    with closing, atomic_path(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["map.tif"]


def test_progress_counts_every_block() -> None:
    seen: list[tuple[int, int]] = []
    Blocks(16, 2, progress=lambda done, total: seen.append((done, total))).reduce(
        lambda window: 1, GRID
    )
    assert seen[-1] == (12, 12) and [done for done, _ in seen] == list(range(1, 13))


def test_a_store_reads_back_what_was_computed(tmp_path: Path) -> None:
    layer = field()
    stored = Blocks(16).store(layer, tmp_path / "store.tif")
    np.testing.assert_array_equal(stored.read(GRID.whole), layer.read(GRID.whole))
    again = Blocks(16).store(MappedLayer(layer, double, layer.bands), tmp_path / "store.tif")
    np.testing.assert_array_equal(again.read(GRID.whole), 2 * layer.array)


def test_layers_pickle() -> None:
    layer = SelectedLayer(MappedLayer(field(), double, ("b1", "b2")), ("b2",))
    copy = pickle.loads(pickle.dumps(layer))
    np.testing.assert_array_equal(copy.read(GRID.whole), layer.read(GRID.whole))


def test_padding_is_empty_outside_the_grid_and_true_inside() -> None:
    layer = field(holes=False)
    padded = read_padded(layer, Window(0, 50, 4, 3), 2)
    assert padded.shape == (2, 8, 7)
    assert np.isnan(padded[:, :2]).all() and np.isnan(padded[:, :, 5:]).all()
    np.testing.assert_array_equal(padded[:, 2:, :5], layer.array[:, :6, 48:53])


def test_values_at_points_are_those_of_the_pixels_under_them() -> None:
    layer = field()
    easting, northing = GRID.coordinates()
    rng = np.random.default_rng(0)
    rows, cols = rng.integers(0, 37, 40), rng.integers(0, 53, 40)
    points = np.column_stack([easting[cols] + 14.0, northing[rows] - 9.0])
    np.testing.assert_array_equal(values_at(layer, points), layer.array[:, rows, cols].T)
    assert np.isnan(values_at(layer, points + 1e6)).all()


def test_values_at_points_of_many_tiles_are_those_of_the_pixels_under_them() -> None:
    rng = np.random.default_rng(1)
    grid = Grid.from_bounds(32638, (0, 0, 200_000, 80), 10)
    layer = ArrayLayer(grid, ("b1", "b2"), rng.normal(size=(2, 8, 20_000)).astype(np.float32))
    rows, cols = rng.integers(0, 8, 900), rng.integers(0, 20_000, 900)
    easting, northing = grid.coordinates()
    points = np.column_stack([easting[cols], northing[rows]])
    np.testing.assert_array_equal(values_at(layer, points), layer.array[:, rows, cols].T)


def test_selecting_a_missing_band_names_the_bands_there_are() -> None:
    with pytest.raises(ImageryError, match="one of b1, b2"):
        SelectedLayer(field(), ("b7",))


def test_stacking_unlike_grids_is_refused() -> None:
    with pytest.raises(GridError, match="on one grid"):
        StackedLayer((field(), field(GRID.crop(Window(1, 1, 5, 5)), holes=False)))


def test_south_up_rasters_are_turned_and_nodata_is_nan(tmp_path: Path) -> None:
    values = np.arange(12, dtype=np.int16).reshape(3, 4)
    path = tmp_path / "south_up.tif"
    profile = {"driver": "GTiff", "height": 3, "width": 4, "count": 1, "dtype": "int16"}
    with rasterio.open(
        path, "w", crs="EPSG:32638", transform=Affine(30, 0, 100, 0, 20, 40), nodata=5, **profile
    ) as target:
        target.write(values, 1)
    layer = open_raster(path)
    read = layer.read(layer.grid.whole)[0]
    expected = values[::-1].astype(float)
    expected[expected == 5] = np.nan
    np.testing.assert_array_equal(read, expected)
    assert layer.grid.bounds == (100.0, 40.0, 220.0, 100.0)
    np.testing.assert_array_equal(layer.read(Window(1, 1, 2, 3))[0], expected[1:, 1:])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"crs": None, "transform": Affine(30, 0, 0, 0, -30, 0)}, "georeferenced with a CRS"),
        ({"crs": "EPSG:32638", "transform": Affine(30, 5, 0, 0, -30, 0)}, "north-up"),
    ],
)
def test_rasters_without_crs_or_rotated_are_refused_with_the_cure(
    tmp_path: Path, options: dict, message: str
) -> None:
    path = tmp_path / "bad.tif"
    profile = {"driver": "GTiff", "height": 3, "width": 4, "count": 1, "dtype": "float32"}
    with rasterio.open(path, "w", **profile, **options) as target:
        target.write(np.ones((3, 4), np.float32), 1)
    with pytest.raises(GridError, match=message):
        open_raster(path)


def test_a_missing_or_damaged_raster_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ImageryError, match="existing file"):
        open_raster(tmp_path / "none.tif")
    (tmp_path / "text.tif").write_text("this is no raster")
    with pytest.raises(ImageryError, match="must be readable"):
        open_raster(tmp_path / "text.tif")


def test_a_truncated_raster_says_so_when_read(tmp_path: Path) -> None:
    path = tmp_path / "whole.tif"
    rng = np.random.default_rng(0)
    grid = Grid(UTM, Affine(30.0, 0, 0, 0, -30.0, 0), 600, 600)
    write_array(path, grid, ("b1",), rng.normal(size=(1, 600, 600)).astype(np.float32))
    cut = tmp_path / "cut.tif"
    cut.write_bytes(path.read_bytes()[:200_000])
    layer = open_raster(cut)
    with pytest.raises(ImageryError, match="damaged or truncated"):
        layer.read(grid.whole)


def test_downsampling_is_the_area_mean() -> None:
    fine = field(holes=False)
    coarse = Grid(UTM, Affine(90.0, 0, 411_000.0, 0, -80.0, 2_700_000.0), 9, 17)
    read = to_grid(fine, coarse).read(coarse.whole)
    expected = fine.array[:, :36, :51].reshape(2, 9, 4, 17, 3).mean(axis=(2, 4))
    np.testing.assert_allclose(read, expected, atol=1e-5)


def test_upsampling_is_gdals_cubic_convolution_for_any_block() -> None:
    coarse = field(holes=False)
    fine = Grid(UTM, Affine(10.0, 0, 411_005.0, 0, -5.0, 2_699_990.0), 120, 140)
    expected = np.full((2, 120, 140), np.nan, np.float32)
    reproject(
        coarse.array,
        expected,
        src_transform=coarse.grid.transform,
        src_crs="EPSG:32638",
        dst_transform=fine.transform,
        dst_crs="EPSG:32638",
        resampling=Resampling.cubic,
        src_nodata=np.nan,
    )
    layer = to_grid(coarse, fine)
    assert isinstance(layer, WarpedLayer) and layer.resampling == "cubic"
    np.testing.assert_allclose(layer.read(fine.whole), expected, atol=1e-5)
    parts = np.empty_like(expected)
    for window, values in Blocks(33, 2).map(layer.read, fine):
        parts[(slice(None), *window.slices)] = values
    np.testing.assert_allclose(parts, layer.read(fine.whole), atol=1e-6)  # float32 rounding


@pytest.mark.parametrize(("row", "col"), [(3, 5), (-4, 50), (30, -2)])
def test_a_grid_of_the_same_pixels_only_moves_the_window(row: int, col: int) -> None:
    layer = field()
    t = GRID.transform
    moved = Affine(t.a, 0, t.c + col * t.a, 0, t.e, t.f + row * t.e)
    read = to_grid(layer, Grid(UTM, moved, 20, 12)).read(Window(2, 1, 17, 9))
    expected = np.full((2, 17, 9), np.nan, np.float32)
    for i in range(17):
        for j in range(9):
            r, c = i + 2 + row, j + 1 + col
            if 0 <= r < GRID.height and 0 <= c < GRID.width:
                expected[:, i, j] = layer.array[:, r, c]
    np.testing.assert_array_equal(read, expected)


def test_a_layer_in_degrees_lands_where_its_coordinates_say() -> None:
    """A plane of longitude, warped to UTM, equals the longitude of the UTM pixel centres."""
    degrees = Grid(CRS.from_epsg(4326), Affine(0.001, 0, 44.0, 0, -0.001, 24.4), 200, 150)
    easting, _ = degrees.coordinates()
    plane = np.broadcast_to(easting, degrees.shape)[None] - 44.0
    layer = ArrayLayer(degrees, ("lon",), plane)
    utm = Grid(UTM, Affine(60.0, 0, 402_000.0, 0, -50.0, 2_695_000.0), 60, 70)
    read = WarpedLayer(layer, utm, "cubic").read(utm.whole)[0]
    x, y = np.meshgrid(*utm.coordinates())
    lon, _ = Transformer.from_crs(32638, 4326, always_xy=True).transform(x, y)
    filled = np.isfinite(read)
    assert filled.mean() > 0.9
    np.testing.assert_allclose(read[filled], lon[filled] - 44.0, atol=2e-6)
