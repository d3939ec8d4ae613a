"""Stored numbers and the float32 of the contract say the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gossan.arrays.empties import as_float
from gossan.arrays.moments import moments
from gossan.arrays.projection import combine
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import StackedLayer
from gossan.geo.raster import RasterLayer, RasterWriter, open_raster
from gossan.geo.stored import read_stored

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
