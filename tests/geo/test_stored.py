"""Stored numbers and the float32 of the contract say the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gossan.arrays.empties import as_float
from gossan.arrays.moments import moments
from gossan.arrays.projection import combine
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import ArrayLayer, MappedLayer, RenamedLayer, SelectedLayer, StackedLayer
from gossan.geo.raster import RasterLayer, RasterWriter, open_raster
from gossan.geo.stored import read_stored, read_strips
from gossan.geo.warp import ShiftedLayer, to_grid

GRID = Grid.from_bounds(32638, (1010, 530, 1010 + 83 * 15, 530 + 61 * 20), (15, 20))
WINDOW = Window(7, 21, 40, 33)


def file(path: Path, dtype: str, nodata: float | None, seed: int = 0) -> RasterLayer:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 40, size=(2, *GRID.shape)).astype(dtype)
    if dtype == "float32":
        values[0, 10] = np.inf
    names = (f"{path.stem}_1", f"{path.stem}_2")
    writer = RasterWriter(path, GRID, names, dtype, nodata)
    writer.write(GRID.whole, values)
    writer.close()
    return open_raster(path)


@pytest.mark.parametrize(
    ("dtype", "nodata"),
    [("uint16", 0), ("uint16", None), ("int16", 7), ("float32", 3.0), ("float32", float("nan"))],
)
def test_stored_values_stand_for_those_of_the_layer(
    tmp_path: Path, dtype: str, nodata: float | None
) -> None:
    layer = file(tmp_path / "a.tif", dtype, nodata)
    stored, empty = read_stored(layer, WINDOW)
    read = layer.read(WINDOW)
    assert stored.dtype == (np.dtype(dtype) if "int" in dtype else np.float32)
    np.testing.assert_array_equal(as_float(stored, empty), read)
    np.testing.assert_allclose(moments(stored, empty=empty).products, moments(read).products)
    weights, centre = np.array([[1.0, -0.5], [0.2, 2.0]]), np.array([11.0, 12.0])
    np.testing.assert_array_equal(
        combine(stored, centre, weights, empty), combine(read, centre, weights)
    )


def test_a_stack_keeps_numbers_only_if_all_files_mark_empty_alike(tmp_path: Path) -> None:
    first = file(tmp_path / "a.tif", "uint16", 0)
    second = file(tmp_path / "b.tif", "uint16", 0, seed=1)
    third = file(tmp_path / "c.tif", "uint16", 9, seed=2)
    for parts, kind in (((first, second), np.uint16), ((first, third), np.float32)):
        stack = StackedLayer(parts)
        stored, empty = read_stored(stack, WINDOW)
        assert stored.dtype == kind
        np.testing.assert_array_equal(as_float(stored, empty), stack.read(WINDOW))


def test_a_cropped_file_keeps_its_stored_numbers(tmp_path: Path) -> None:
    """The default run crops the imagery to the survey: its layers are shifted ones."""
    layer = file(tmp_path / "a.tif", "uint16", 0)
    cropped = to_grid(layer, GRID.crop(Window(5, 3, 50, 60)))
    assert isinstance(cropped, ShiftedLayer)
    stored, empty = read_stored(RenamedLayer(cropped, ("x", "y")), WINDOW)
    assert stored.dtype == np.uint16 and empty == 0
    np.testing.assert_array_equal(as_float(stored, empty), cropped.read(WINDOW))
    one, empty = read_stored(SelectedLayer(cropped, ("a_2",)), WINDOW)
    np.testing.assert_array_equal(as_float(one, empty), cropped.read(WINDOW)[1:])


def test_beyond_the_edge_of_a_file_pixels_are_empty(tmp_path: Path) -> None:
    layer = file(tmp_path / "a.tif", "uint16", None)
    shifted = ShiftedLayer(layer, GRID, -10, 0)
    stored, empty = read_stored(shifted, GRID.whole)
    assert empty is None and np.isnan(stored[:, :10]).all() and np.isfinite(stored[:, 10:]).all()


def test_a_cropped_mapped_layer_is_mapped_in_strips() -> None:
    heights: list[int] = []

    def mapped(values: np.ndarray) -> np.ndarray:
        heights.append(values.shape[1])
        return values * 2

    source = ArrayLayer(GRID, ("b1",), np.random.default_rng(0).normal(size=(1, *GRID.shape)))
    layer = ShiftedLayer(MappedLayer(source, mapped, ("b1",)), GRID.crop(WINDOW), 7, 21)
    parts = [part for _, part, _ in read_strips(layer, Window(0, 0, 40, 33), rows=16)]
    assert heights == [16, 16, 8]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), layer.read(Window(0, 0, 40, 33)))
