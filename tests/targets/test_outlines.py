from __future__ import annotations

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pyproj import CRS
from rasterio import features
from scipy import ndimage

from gossan.geo.grid import Grid
from gossan.targets.outlines import EIGHT_NEIGHBOURS, outline


def _grid(shape: tuple[int, int]) -> Grid:
    return Grid(CRS.from_epsg(32645), Affine(10.0, 0, 5000.0, 0, -25.0, 9000.0), *shape)


def _oracle(mask: np.ndarray, grid: Grid) -> list:
    """Union the pixel boxes of every 8-connected patch."""
    labels, number = ndimage.label(mask, EIGHT_NEIGHBOURS)
    easting, northing = grid.coordinates()
    shapes = []
    for label in range(1, number + 1):
        row, column = np.nonzero(labels == label)
        boxes = shapely.box(easting[column] - 5, northing[row] - 12.5,
                            easting[column] + 5, northing[row] + 12.5)  # fmt: skip
        shapes.append(shapely.union_all(boxes))
    return shapes


@given(arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 8))))
def test_outlines_are_the_union_of_their_pixels(mask: np.ndarray) -> None:
    grid = _grid(mask.shape)
    found, expected = outline(mask, grid), _oracle(mask, grid)
    assert len(found) == len(expected)
    for shape, union in zip(found, expected, strict=True):
        assert shape.is_valid
        assert shape.equals(union)
        assert shapely.get_num_coordinates(shape) <= shapely.get_num_coordinates(union)


def test_outlines_agree_with_gdal_polygonize() -> None:
    noise = np.random.default_rng(4).random((60, 83)) > 0.45
    grid = _grid(noise.shape)
    found = shapely.union_all(outline(noise, grid))
    transform = grid.transform
    gdal = [
        shapely.geometry.shape(g)
        for g, v in features.shapes(noise.astype(np.uint8), connectivity=4, transform=transform)
        if v
    ]
    assert sum(s.area for s in gdal) == pytest.approx(found.area)
    assert found.equals(shapely.union_all(gdal))


def test_a_mask_without_pixels_has_no_outline() -> None:
    assert len(outline(np.zeros((4, 5), bool), _grid((4, 5)))) == 0


def test_a_hole_belongs_to_the_face_around_it_also_where_faces_touch_at_corners() -> None:
    text = [
        "#######..",
        "#.....#..",
        "#.##..#..",
        "#.#.#.#..",
        "#..##.#..",
        "#....###.",
        "######.##",
    ]
    mask = np.array([[cell == "#" for cell in row] for row in text])
    grid = _grid(mask.shape)
    (shape,) = outline(mask[:, :7], grid)[:1]
    assert shape.is_valid and shape.equals(_oracle(mask[:, :7], _grid((7, 7)))[0])
    for seed in range(30):
        noise = np.random.default_rng(seed).random((25, 25)) > 0.35
        found, expected = outline(noise, _grid(noise.shape)), _oracle(noise, _grid(noise.shape))
        assert all(a.is_valid and a.equals(b) for a, b in zip(found, expected, strict=True))
