from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS

from gossan.errors import GridError
from gossan.geo.grid import Grid, Window, same_crs

GRID = Grid(CRS.from_epsg(32638), Affine(30.0, 0, 411_015.0, 0, -20.0, 2_700_007.0), 7, 11)


@given(row=st.integers(0, 6), col=st.integers(0, 10))
def test_index_of_a_pixel_centre_is_the_pixel(row: int, col: int) -> None:
    easting, northing = GRID.coordinates()
    found_row, found_col = GRID.index_of(easting[col], northing[row])
    assert found_row == pytest.approx(row, abs=1e-9)
    assert found_col == pytest.approx(col, abs=1e-9)


def test_pixel_centres_agree_with_the_affine() -> None:
    easting, northing = GRID.coordinates(Window(2, 3, 4, 5))
    x = GRID.transform.a * 3.5 + GRID.transform.c
    y = GRID.transform.e * 2.5 + GRID.transform.f
    assert (easting[0], northing[0]) == (x, y)
    assert len(easting) == 5 and len(northing) == 4
    assert northing[1] < northing[0]


def test_a_crop_places_its_pixels_where_the_whole_does() -> None:
    window = Window(2, 3, 4, 5)
    cropped, whole = GRID.crop(window).coordinates(), GRID.coordinates(window)
    np.testing.assert_array_equal(cropped[0], whole[0])
    np.testing.assert_array_equal(cropped[1], whole[1])


def test_coarse_pixels_cover_the_fine_grid() -> None:
    coarse = GRID.coarsen(4)
    assert coarse.shape == (2, 3)
    assert coarse.bounds[0] == GRID.bounds[0] and coarse.bounds[3] == GRID.bounds[3]
    assert coarse.bounds[2] >= GRID.bounds[2] and coarse.bounds[1] <= GRID.bounds[1]


def test_covering_finds_the_smallest_window() -> None:
    left, top = GRID.bounds[0], GRID.bounds[3]
    bounds = (left + 31, top - 59, left + 60, top - 21)
    assert GRID.covering(bounds) == Window(1, 1, 2, 1)
    assert GRID.covering(bounds, margin=9) == GRID.whole


def test_a_rotated_or_south_up_grid_is_refused_in_one_line() -> None:
    for transform in (Affine(30, 1, 0, 0, -20, 0), Affine(30, 0, 0, 0, 20, 0)):
        with pytest.raises(GridError, match="north-up") as caught:
            Grid(CRS.from_epsg(32638), transform, 3, 4)
        assert "\n" not in str(caught.value)


def test_the_same_crs_is_known_under_other_spellings() -> None:
    utm = CRS.from_epsg(32638)
    assert same_crs(utm, CRS.from_wkt(utm.to_wkt("WKT1_GDAL")))
    assert not same_crs(utm, CRS.from_epsg(32637))


def test_aligned_grids_agree_to_a_thousandth_of_a_pixel() -> None:
    t = GRID.transform
    near = Grid(GRID.crs, Affine(t.a, 0, t.c + 0.01, 0, t.e, t.f), 7, 11)
    far = Grid(GRID.crs, Affine(t.a, 0, t.c + 0.5, 0, t.e, t.f), 7, 11)
    assert GRID.aligned_with(near) and not GRID.aligned_with(far)


def test_inside_stops_at_the_edges() -> None:
    left, bottom, right, top = GRID.bounds
    assert GRID.contains([left + 0.1, right - 0.1], [top - 0.1, bottom + 0.1]).all()
    assert not GRID.contains([left - 0.1, right + 0.1], [top - 0.1, bottom + 0.1]).any()
