"""A sample of pixels: even, seeded, the same whatever the blocks."""

from __future__ import annotations

import numpy as np
import pytest

from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import ArrayLayer, MappedLayer
from gossan.geo.sampling import PixelPattern, sample_pixels
from gossan.geo.warp import ShiftedLayer

GRID = Grid.from_bounds(32638, (1000, 500, 1000 + 83 * 15, 500 + 61 * 20), (15, 20))


@pytest.mark.parametrize("count", [50, 400, 2000])
def test_every_cell_gives_one_pixel(count: int) -> None:
    pattern = PixelPattern.stratified(GRID, count, seed=3)
    assert 0.4 * count <= len(pattern) <= 2 * count
    assert pattern.rows.max() < GRID.height and pattern.cols.max() < GRID.width
    assert len(set(zip(pattern.rows.tolist(), pattern.cols.tolist()))) == len(pattern)
    # halves of the grid hold halves of the sample
    assert abs((pattern.rows < GRID.height / 2).mean() - 0.5) < 0.1


def test_a_small_grid_is_taken_whole_but_for_every_second_column() -> None:
    pattern = PixelPattern.stratified(GRID, 10**6)
    assert len(pattern) == 61 * 42


@pytest.mark.parametrize(("size", "workers"), [(8, 1), (17, 2), (512, 1)])
def test_blocks_and_workers_do_not_change_the_sample(size: int, workers: int) -> None:
    array = np.random.default_rng(0).normal(size=(2, *GRID.shape)).astype(np.float32)
    array[1, :20] = np.nan
    layer = ArrayLayer(GRID, ("b1", "b2"), array)
    whole = sample_pixels(layer, 300, seed=5, blocks=Blocks(100, 1))
    np.testing.assert_array_equal(sample_pixels(layer, 300, 5, Blocks(size, workers)), whole)
    assert np.isfinite(whole).all()
    other = sample_pixels(layer, 300, seed=6)
    assert other.shape != whole.shape or (other != whole).any()


def test_a_mapped_layer_is_computed_at_the_picked_pixels_only_even_when_cropped() -> None:
    computed: list[int] = []

    def doubled(values: np.ndarray) -> np.ndarray:
        computed.append(values[0].size)
        return 2 * values

    source = ArrayLayer(GRID, ("b1",), np.random.default_rng(0).normal(size=(1, *GRID.shape)))
    place = Window(4, 6, 50, 70)
    layer = ShiftedLayer(MappedLayer(source, doubled, ("b1",)), GRID.crop(place), 4, 6)
    found = sample_pixels(layer, 100, blocks=Blocks(16, 1))
    assert sum(computed) == found.shape[1] < 300
    cropped = ArrayLayer(layer.grid, ("b1",), 2 * source.read(place))
    np.testing.assert_array_equal(found, sample_pixels(cropped, 100, blocks=Blocks(16, 1)))
