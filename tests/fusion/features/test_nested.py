"""Features at nested supports: means over squares, holes, windows and points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gossan.fusion.features.nested import nested, window_widths
from gossan.fusion.features.sources import ColumnFeatures, LayerFeatures, support_means
from gossan.fusion.features.wide_means import MeanLayer, hold
from gossan.fusion.protocol import Points
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import ArrayLayer

GRID = Grid.from_bounds(32638, (1000, 2000, 1000 + 30 * 83, 2000 + 20 * 61), (30, 20))
NOWHERE = Points(np.zeros((0, 2)))


def layer(seed: int = 0) -> ArrayLayer:
    array = np.random.default_rng(seed).normal(size=(3, *GRID.shape))
    array[:, 20:30, 10:40] = np.nan
    array[1, 3, 4] = np.nan
    return ArrayLayer(GRID, ("a", "b", "c"), array)


def held(source: ArrayLayer, width: int, size: int = 17) -> MeanLayer:
    nodes = hold(source, (width,), Blocks(size=size, workers=2), NOWHERE).nodes[width]
    return MeanLayer(source, width, nodes)


@pytest.mark.parametrize("width", [2, 4, 6, 16])
def test_sums_held_for_the_grid_and_sums_of_a_window_give_the_same_means(width: int) -> None:
    whole = held(layer(), width).read(GRID.whole)
    np.testing.assert_allclose(MeanLayer(layer(), width).read(GRID.whole), whole, atol=1e-6)
    window = Window(11, 23, 17, 31)
    rows, cols = window.slices
    part = MeanLayer(layer(), width).read(window)
    np.testing.assert_allclose(part, whole[:, rows, cols], atol=1e-6)


@given(st.integers(5, 70))
def test_the_size_of_blocks_does_not_matter(size: int) -> None:
    one, two = (held(layer(), 8, s).read(GRID.whole) for s in (size, 1024))
    np.testing.assert_allclose(one, two, atol=1e-5)


def test_a_mean_at_a_node_is_that_of_its_square() -> None:
    array = np.random.default_rng(1).normal(size=(1, *GRID.shape))
    nodes = hold(ArrayLayer(GRID, ("a",), array), (6,), Blocks(), NOWHERE).nodes[6]
    row, col = 5, 7  # the corner of pixels 15 and 21
    square = array[0, 12:18, 18:24]
    assert nodes.sums[0, row, col] == pytest.approx(square.mean(), abs=1e-6)
    assert (nodes.shares == 1.0).all()


@pytest.mark.parametrize("width", [2, 6, 16])
def test_a_constant_stays_constant_around_holes_and_at_edges(width: int) -> None:
    hollow = np.where(np.isnan(layer().array), np.nan, 7.0)
    means = MeanLayer(ArrayLayer(GRID, ("a", "b", "c"), hollow), width).read(GRID.whole)
    assert np.nanmax(np.abs(means - 7.0)) < 1e-5
    assert np.isnan(means).sum() < np.isnan(hollow).sum()


def test_widths_that_are_multiples_come_out_of_the_narrowest() -> None:
    both = hold(layer(), (4, 16), Blocks(size=32), NOWHERE).nodes
    for width in (4, 16):
        alone = hold(layer(), (width,), Blocks(), NOWHERE).nodes[width]
        np.testing.assert_allclose(both[width].sums, alone.sums, atol=1e-4)
        np.testing.assert_array_equal(both[width].shares, alone.shares)


@pytest.mark.parametrize("support_m", [0.0, 210.0])
def test_points_take_the_means_of_the_layer_over_their_support(support_m: float) -> None:
    rng = np.random.default_rng(4)
    xy = rng.uniform(0, 1, (40, 2)) * [83 * 30 + 200, 61 * 20] + [900, 2000]
    points, known = Points(xy, support_m), LayerFeatures(layer())
    offered = nested(known, (1, 4, 16), points)
    found = offered.at(points)
    assert offered.layer is not None
    np.testing.assert_allclose(found, support_means(offered.layer, xy, support_m), atol=1e-5)
    later = Points(xy[::3] + 10.0, support_m)
    wanted = support_means(offered.layer, later.coordinates, support_m)
    np.testing.assert_allclose(offered.at(later), wanted, atol=1e-5)


def test_features_are_summed_once_for_all_elements() -> None:
    known, points = LayerFeatures(layer()), Points(np.array([[1500.0, 2500.0]]))
    assert nested(known, (1, 4), points) is nested(known, (1, 4), Points(np.zeros((2, 2))))
    assert nested(known, (1, 4), points) is not nested(LayerFeatures(layer()), (1, 4), points)


def test_names_and_groups_say_the_width() -> None:
    offered = nested(LayerFeatures(layer()), (1, 4), NOWHERE)
    assert offered.names == ("a", "b", "c", "a@4px", "b@4px", "c@4px")
    assert offered.group.tolist() == [0, 0, 0, 1, 1, 1]


def test_columns_of_the_samples_are_taken_as_they_are() -> None:
    points = Points(np.zeros((3, 2)), 0.0, {"th": np.arange(3.0)})
    offered = nested(ColumnFeatures(("th",), GRID), (1,), points)
    assert offered.at(points).ravel().tolist() == [0.0, 1.0, 2.0]


@given(st.integers(20, 5000), st.floats(5.0, 300.0))
def test_widths_grow_to_the_spacing_of_the_samples_and_no_further(count: int, pixel: float) -> None:
    xy = np.random.default_rng(0).uniform(0, 30_000, (count, 2))
    grid = Grid.from_bounds(32638, (0, 0, 30_000, 30_000), pixel)
    widths = window_widths(grid, xy)
    spacing = 30_000 / np.sqrt(count) / pixel
    assert widths[0] == 1 and len(widths) <= 3 and all(w % 2 == 0 for w in widths[1:])
    assert widths[-1] <= max(spacing, 1.0)
    assert list(widths) == sorted(set(widths))
