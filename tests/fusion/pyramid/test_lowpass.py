"""Low and high frequencies as layers: the whole from windows, held or not."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from gossan.arrays.pyramid import low_pass
from gossan.fusion.pyramid.lowpass import low_pass_layer
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer

GRID = Grid.from_bounds(32638, (1010, 530, 1010 + 83 * 15, 530 + 61 * 20), (15, 20))


def layer() -> ArrayLayer:
    rng = np.random.default_rng(0)
    array = rng.normal(size=(2, *GRID.shape)) + np.linspace(0, 30, GRID.width) + 2000
    array[1, 20:33, 40:71] = np.nan
    return ArrayLayer(GRID, ("b1", "b2"), array.astype(np.float32))


@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize("levels", [1, 3])
@pytest.mark.parametrize(("size", "workers"), [(9, 1), (32, 3), (100, 1)])
def test_windows_of_any_size_give_the_low_pass_of_the_whole(
    held: bool, levels: int, size: int, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not held:
        monkeypatch.setattr("gossan.fusion.pyramid.lowpass.HELD_BYTES", 0)
    source, blocks = layer(), Blocks(size, workers)
    low = low_pass_layer(source, levels, blocks)
    assert (low.sums is not None) == held
    wanted = low_pass(source.array, levels)
    filled = np.isfinite(source.array).all(axis=0)
    for window, values in blocks.map(low.read, GRID):
        cut = filled[window.slices]
        np.testing.assert_allclose(
            values[:, cut], wanted[(slice(None), *window.slices)][:, cut], rtol=1e-6
        )


@pytest.mark.parametrize("levels", [1, 4])
def test_a_split_gives_the_image_and_its_low_pass(levels: int) -> None:
    source = layer()
    low = pickle.loads(pickle.dumps(low_pass_layer(source, levels, Blocks(16, 2))))
    values, smooth = low.split(GRID.whole)
    np.testing.assert_array_equal(values, source.array)
    np.testing.assert_allclose(smooth, low.read(GRID.whole), rtol=2e-7)
