"""Reading in strips gives what reading the window gives."""

from __future__ import annotations

import numpy as np
from pyproj import CRS

from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import ArrayLayer, MappedLayer
from gossan.geo.sampling import sample_pixels
from gossan.geo.stored import read_strips

GRID = Grid.from_bounds(CRS.from_epsg(32638), (0, 0, 370, 1010), 10)


def ratios(values: np.ndarray) -> np.ndarray:
    return np.stack([values[0] / values[1], values[1] * 2, values[0] - values[1]])


def layer() -> MappedLayer:
    values = np.random.default_rng(1).uniform(0.1, 1, (2, *GRID.shape)).astype(np.float32)
    values[0, 3, 4] = np.nan
    return MappedLayer(ArrayLayer(GRID, ("a", "b"), values), ratios, ("r", "s", "t"))


def test_strips_put_together_are_the_window() -> None:
    for window in (GRID.whole, Window(5, 7, 50, 11)):
        whole = np.full((3, *window.shape), -1, np.float32)
        for part, values, empty in read_strips(layer(), window, rows=16):
            assert empty is None
            whole[:, part] = values
        assert np.array_equal(whole, layer().read(window), equal_nan=True)


def test_sampled_pixels_are_mapped_as_the_whole_is() -> None:
    mapped = layer()
    stored = ArrayLayer(GRID, mapped.bands, mapped.read(GRID.whole))
    for count in (150, 10**6):
        found = sample_pixels(mapped, count, seed=3, blocks=Blocks(16, 2))
        assert np.array_equal(found, sample_pixels(stored, count, seed=3))
