"""What is written of a kriged element are the statistics of its distribution."""

from __future__ import annotations

import pickle
from functools import partial

import numpy as np
import pytest

from gossan.fusion.kriging_model import AtPixels
from gossan.geo.grid import Grid, Window
from gossan.pipeline.kriging.layers import _distances, alternative


def test_pixels_are_computed_at_their_centres_in_any_window() -> None:
    grid = Grid.from_bounds(32638, (0, 0, 300, 200), 100)
    layer = AtPixels(grid, ("east", "north"), np.transpose)
    east, north = layer.read(grid.whole)
    assert east[0].tolist() == [50, 150, 250] and north[:, 0].tolist() == [150, 50]
    assert layer.read(Window(1, 2, 1, 1)).ravel().tolist() == [250, 50]


@pytest.mark.parametrize("word", ["nearest", "linear", "natural_neighbour", "idw", "spline"])
def test_every_alternative_keeps_a_plane_or_at_least_its_range(word: str) -> None:
    rng = np.random.default_rng(1)
    xy = rng.uniform(0, 1000, (80, 2))
    values = 0.01 * xy[:, 0]
    inside = rng.uniform(300, 700, (50, 2))
    found = alternative(word).fit(xy, values).estimate(inside)  # type: ignore[arg-type]
    assert np.corrcoef(found, inside[:, 0])[0, 1] > 0.9
    assert found.min() > values.min() and found.max() < values.max()
    if word in ("linear", "natural_neighbour"):  # exact for a plane
        np.testing.assert_allclose(found, 0.01 * inside[:, 0], atol=1e-6)


def test_layers_computed_at_pixels_pickle() -> None:
    grid = Grid.from_bounds(32638, (0, 0, 300, 200), 50)
    layer = AtPixels(grid, ("distance",), partial(_distances, np.array([[25.0, 25.0]])))
    found = pickle.loads(pickle.dumps(layer)).read(grid.whole)[0]
    easting, northing = grid.coordinates()
    wanted = np.hypot(easting[None] - 25.0, northing[:, None] - 25.0)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
