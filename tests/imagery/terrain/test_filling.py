"""Filled depressions against pyflwdir, to the last bit: levels and directions."""

from __future__ import annotations

import numpy as np
import pyflwdir
import pytest
from numpy.typing import NDArray

from gossan.imagery.terrain.filling import EMPTY, filled_depressions

SHAPE = (83, 61)


def _rough(rng: np.random.Generator) -> NDArray[np.float64]:
    return rng.normal(0, 100, SHAPE)


def _stepped(rng: np.random.Generator) -> NDArray[np.float64]:
    """Steps of 50 m, some of them -0.0: whole plains lie on one level."""
    return np.round(rng.normal(0, 100, SHAPE) / 50) * 50


def _holed(rng: np.random.Generator) -> NDArray[np.float64]:
    heights = _stepped(rng)
    heights[rng.random(SHAPE) < 0.05] = np.nan
    return heights


def _smooth(rng: np.random.Generator) -> NDArray[np.float64]:
    """Whole metres, as many models have them."""
    return np.cumsum(np.cumsum(rng.integers(-1, 2, SHAPE), 0), 1).astype(float)


def _flat(rng: np.random.Generator) -> NDArray[np.float64]:
    return np.full(SHAPE, 7.0)


def _spiked(rng: np.random.Generator) -> NDArray[np.float64]:
    """A height of a million metres leaves all others in one bucket."""
    heights = _rough(rng)
    heights[40, 30] = 1e6
    return heights


@pytest.mark.parametrize("ground", [_rough, _stepped, _holed, _smooth, _flat, _spiked])
@pytest.mark.parametrize("seed", range(3))
def test_filling_is_that_of_pyflwdir(ground, seed: int) -> None:
    """The same levels, and every cell drains the same way, on flats and over ties too."""
    heights = ground(np.random.default_rng(seed)).astype(np.float32)
    known = np.where(np.isfinite(heights), heights, -9999.0).astype(float)
    expected, directions = pyflwdir.dem.fill_depressions(known, nodata=-9999.0, outlets="edge")
    filled, found = filled_depressions(heights)
    np.testing.assert_array_equal(filled, np.where(np.isfinite(heights), expected, np.nan))
    np.testing.assert_array_equal(found, directions)


def test_ground_without_heights_is_empty() -> None:
    filled, directions = filled_depressions(np.full((3, 4), np.nan, np.float32))
    assert np.isnan(filled).all()
    assert (directions == EMPTY).all()
