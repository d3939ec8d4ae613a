"""Cubic convolution with empty pixels against GDAL's warp."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from rasterio.warp import Resampling, reproject

from gossan.arrays.cubic import convolve_cubic


def warped_by_gdal(
    values: NDArray[np.float32], rows: tuple[float, float, int], columns: tuple[float, float, int]
) -> NDArray[np.float32]:
    """Resample with GDAL: first position, step and count along each axis, in source pixels."""
    result = np.full((len(values), rows[2], columns[2]), np.nan, np.float32)
    east, north = 500_000.0, 2_600_000.0
    source = Affine(30, 0, east, 0, -20, north)
    left, top = columns[0] + 0.5 - columns[1] / 2, rows[0] + 0.5 - rows[1] / 2
    target = Affine(30 * columns[1], 0, east + 30 * left, 0, -20 * rows[1], north - 20 * top)
    crs = rasterio.crs.CRS.from_epsg(32638)
    reproject(
        values, result, src_transform=source, dst_transform=target, src_crs=crs, dst_crs=crs,
        src_nodata=np.nan, dst_nodata=np.nan, resampling=Resampling.cubic, tolerance=0,
    )  # fmt: skip
    return result


def image(seed: int, holes: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    values = rng.normal(10, 2, (2, 17, 23)).astype(np.float32)
    values[:, rng.integers(0, 17, holes), rng.integers(0, 23, holes)] = np.nan
    return values


@given(
    seed=st.integers(0, 99),
    holes=st.integers(0, 30),
    start=st.tuples(st.floats(-2, 3), st.floats(-2, 3)),
    step=st.tuples(st.floats(0.1, 1.0), st.floats(0.1, 1.0)),
)
def test_it_equals_gdal_with_holes_edges_and_any_offset(
    seed: int, holes: int, start: tuple[float, float], step: tuple[float, float]
) -> None:
    start = (round(start[0], 2) + 0.003, round(start[1], 2) + 0.003)
    step = (round(step[0], 2), round(step[1], 2))
    values = image(seed, holes)
    count = (31, 43)
    ours = convolve_cubic(
        values, start[0] + step[0] * np.arange(count[0]), start[1] + step[1] * np.arange(count[1])
    )
    theirs = warped_by_gdal(values, (start[0], step[0], 31), (start[1], step[1], 43))
    assert (np.isnan(ours) == np.isnan(theirs)).all()
    assert np.allclose(ours, theirs, atol=2e-4, equal_nan=True)


def test_positions_on_pixel_centres_give_the_pixels_back() -> None:
    values = image(3, holes=5)
    assert np.array_equal(
        convolve_cubic(values, np.arange(17.0), np.arange(23.0)), values, equal_nan=True
    )


def test_a_plane_stays_a_plane_inside() -> None:
    y, x = np.mgrid[0:17, 0:23].astype(np.float32)
    found = convolve_cubic((3 * y - 2 * x)[None], np.arange(2, 14, 0.3), np.arange(2, 20, 0.7))[0]
    expected = 3 * np.arange(2, 14, 0.3)[:, None] - 2 * np.arange(2, 20, 0.7)
    assert np.allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("positions", [np.array([-0.6, 50.0]), np.array([40.0])])
def test_positions_outside_are_empty(positions: NDArray[np.float64]) -> None:
    assert np.isnan(convolve_cubic(image(1), positions, np.arange(3.0))).all()


@pytest.mark.parametrize("holes", [0, 9])
@pytest.mark.parametrize(("start", "count"), [(-0.75, 50), (-3.25, 61), (2.25, 20), (19.75, 12)])
def test_pixels_of_half_the_size_come_in_pairs_as_they_do_one_by_one(
    holes: int, start: float, count: int
) -> None:
    values = image(5, holes)
    rows, columns = np.arange(40) / 2 - 1.25, start + np.arange(count) / 2
    found = convolve_cubic(values, rows, columns)
    alone = [convolve_cubic(values, rows, columns[k : k + 1]) for k in range(count)]
    np.testing.assert_array_equal(found, np.concatenate(alone, axis=2))
    place = np.zeros((4, 40, count), np.float32)
    convolve_cubic(values, rows, columns, place[1:3])
    np.testing.assert_array_equal(place[1:3], found)
    assert not place[[0, 3]].any()
