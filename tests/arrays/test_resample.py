"""Weights between lattice and pixels: against GDAL, as transposes, window by window."""

from __future__ import annotations

import numpy as np
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from rasterio.warp import Resampling, reproject
from scipy import sparse

from gossan.arrays.resample import Taps, cubic_taps, interpolate, interpolate_at, keys, project

COARSE = Affine(70.0, 0, 1000, 0, -50.0, 5000)
FINE = Affine(10.0, 0, 1000, 0, -8.0, 5000)
SHAPE, NODES = (43, 63), (7, 9)


def positions() -> tuple[np.ndarray, np.ndarray]:
    rows = (np.arange(SHAPE[0]) + 0.5) * 8 / 50 - 0.5
    columns = (np.arange(SHAPE[1]) + 0.5) * 10 / 70 - 0.5
    return rows, columns


def by_gdal(lattice: np.ndarray) -> np.ndarray:
    result = np.full(SHAPE, np.nan)
    crs = rasterio.crs.CRS.from_epsg(32638)
    reproject(
        lattice,
        result,
        src_transform=COARSE,
        dst_transform=FINE,
        src_crs=crs,
        dst_crs=crs,
        src_nodata=np.nan,
        dst_nodata=np.nan,
        resampling=Resampling.cubic,
        tolerance=0,
    )
    return result


def test_cubic_convolution_is_that_of_gdal_where_sixteen_nodes_exist() -> None:
    lattice = np.random.default_rng(1).normal(size=NODES)
    rows, columns = positions()
    own = interpolate(cubic_taps(rows, NODES[0]), cubic_taps(columns, NODES[1]), lattice)
    inside = np.ix_((rows >= 1) & (rows < NODES[0] - 2), (columns > 1) & (columns < NODES[1] - 2))
    assert own[inside].size > 500
    np.testing.assert_allclose(own[inside], by_gdal(lattice)[inside], atol=1e-6)


def test_cubic_convolution_is_that_of_gdal_in_the_corners() -> None:
    lattice = np.random.default_rng(2).normal(size=NODES)
    rows, columns = positions()
    own = interpolate(cubic_taps(rows, NODES[0]), cubic_taps(columns, NODES[1]), lattice)
    corner = np.ix_(rows < 1, columns < 1)
    np.testing.assert_allclose(own[corner], by_gdal(lattice)[corner], atol=1e-6)


def test_cubic_convolution_reproduces_a_quadratic_and_honours_nodes() -> None:
    # Keys 1981: a = -1/2 makes the error of third order, so quadratics come out exactly
    place = np.linspace(1, 7, 25)
    taps = cubic_taps(place, 9)
    nodes = (np.arange(9.0) - 3.3) ** 2
    np.testing.assert_allclose(taps.matrix() @ nodes, (place - 3.3) ** 2, atol=1e-12)
    np.testing.assert_allclose(cubic_taps(np.arange(9.0), 9).matrix().toarray(), np.eye(9))


def test_the_kernel_weights_add_up_to_one() -> None:
    shift = np.linspace(0, 1, 11)[:, None]
    np.testing.assert_allclose(keys(np.arange(-2, 4) - shift).sum(axis=1), 1.0)


def test_a_gradient_in_northing_comes_out_the_right_way_up_and_in_place() -> None:
    northing = 5000 - 50.0 * (np.arange(NODES[0]) + 0.5)
    lattice = np.repeat(northing[:, None], NODES[1], axis=1)
    rows, columns = positions()
    own = interpolate(cubic_taps(rows, NODES[0]), cubic_taps(columns, NODES[1]), lattice)
    wanted = 5000 - 8.0 * (np.arange(SHAPE[0]) + 0.5)
    inside = (rows >= 0) & (rows <= NODES[0] - 1)
    np.testing.assert_allclose(own[inside, 11], wanted[inside], rtol=1e-6)


@given(st.integers(0, 2**32 - 1))
def test_projecting_is_the_transpose_of_interpolating(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = cubic_taps(np.sort(rng.uniform(-0.5, 6.5, 23)), 7)
    columns = cubic_taps(np.sort(rng.uniform(-0.5, 4.5, 31)), 5)
    lattice, pixels = rng.normal(size=(2, 7, 5)), rng.normal(size=(2, 23, 31))
    sums = np.zeros((2, 7, 5))
    part, place = project(rows, columns, pixels)
    sums[(slice(None), *place)] = part
    there = (interpolate(rows, columns, lattice).astype(float) * pixels).sum()
    np.testing.assert_allclose(there, (lattice * sums).sum(), rtol=1e-5, atol=1e-4)


@given(st.integers(1, 40), st.integers(1, 40))
def test_windows_of_any_size_give_the_whole(height: int, width: int) -> None:
    rng = np.random.default_rng(3)
    lattice, pixels = rng.normal(size=NODES), rng.normal(size=(1, *SHAPE))
    rows, columns = (cubic_taps(p, n) for p, n in zip(positions(), NODES))
    whole = interpolate(rows, columns, lattice)
    total, place = project(rows, columns, pixels)
    wanted, sums = np.zeros(NODES), np.zeros(NODES)
    wanted[place] = total[0]
    for top in range(0, SHAPE[0], height):
        for left in range(0, SHAPE[1], width):
            down = rows.part(top, min(top + height, SHAPE[0]))
            across = columns.part(left, min(left + width, SHAPE[1]))
            part = interpolate(down, across, lattice)
            bottom, right = top + len(down), left + len(across)
            np.testing.assert_array_equal(part, whole[top:bottom, left:right])
            added, place = project(down, across, pixels[:, top:bottom, left:right])
            sums[place] += added[0]
    np.testing.assert_allclose(sums, wanted, atol=1e-12)


def test_scattered_pixels_equal_those_of_the_window() -> None:
    rng = np.random.default_rng(4)
    lattice = rng.normal(size=(2, *NODES))
    rows, columns = (cubic_taps(p, n) for p, n in zip(positions(), NODES))
    r, c = rng.integers(0, SHAPE[0], 50), rng.integers(0, SHAPE[1], 50)
    at = interpolate_at(
        Taps(rows.first[r], rows.weights[r], rows.nodes),
        Taps(columns.first[c], columns.weights[c], columns.nodes),
        lattice,
    )
    np.testing.assert_allclose(at, interpolate(rows, columns, lattice)[:, r, c], rtol=1e-5)


@given(st.integers(0, 2**32 - 1))
def test_packing_a_narrow_matrix_loses_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = sparse.random(17, 9, density=0.2, random_state=rng)
    np.testing.assert_array_equal(Taps.of(matrix).matrix().toarray(), matrix.toarray())
