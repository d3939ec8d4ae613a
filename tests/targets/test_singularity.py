from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from pyproj import CRS

from gossan.errors import InputError
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import ArrayLayer
from gossan.targets.singularity import SingularityLayer


def _layer(values: np.ndarray) -> ArrayLayer:
    grid = Grid(CRS.from_epsg(32645), Affine(30.0, 0, 100.0, 0, -20.0, 900.0), *values.shape)
    return ArrayLayer(grid, ("Cu",), values[None])


@pytest.mark.parametrize("alpha", [1.2, 1.7, 2.0, 2.6])
def test_a_point_of_known_singularity_is_measured(alpha: float) -> None:
    """Build rings so that the sum in every square of side e is exactly e^alpha."""
    side, sides = 31, (1, 3, 5, 7, 9, 11)
    row, column = np.indices((side, side)) - side // 2
    ring = np.maximum(abs(row), abs(column))
    mass = (2.0 * ring + 1) ** alpha
    inner = np.maximum(2.0 * ring - 1, 0.0) ** alpha
    values = (mass - inner) / np.where(ring > 0, 8.0 * ring, 1.0)
    layer = SingularityLayer(_layer(values), sides=sides)
    index, coefficient, fit = layer.read(Window(15, 15, 1, 1)).ravel()
    assert index == pytest.approx(alpha, abs=1e-4)
    assert coefficient == pytest.approx(1.0, abs=1e-4)
    assert np.isnan(fit) if alpha == 2.0 else abs(fit) == pytest.approx(1.0, abs=1e-4)


def test_windows_join_without_seams_and_gaps_stay_empty() -> None:
    values = np.exp(np.random.default_rng(2).standard_normal((23, 31)))
    values[5:8, 10:12] = np.nan
    layer = SingularityLayer(_layer(values))
    whole = layer.read(layer.grid.whole)
    part = layer.read(Window(4, 7, 11, 9))
    assert np.allclose(whole[:, 4:15, 7:16], part, equal_nan=True)
    assert np.array_equal(np.isnan(whole[0]), np.isnan(values))


def test_the_slope_is_that_of_a_plain_loop() -> None:
    values = np.exp(np.random.default_rng(3).standard_normal((15, 18))).astype(np.float32)
    values[2, 3] = np.nan
    found = SingularityLayer(_layer(values), sides=(1, 3, 5)).read(Window(3, 4, 1, 1))
    means = [np.nanmean(values[3 - h : 4 + h, 4 - h : 5 + h].astype(float)) for h in (0, 1, 2)]
    slope, level = np.polyfit(np.log([1, 3, 5]), np.log(means), 1)
    assert found.ravel()[:2] == pytest.approx([2 + slope, np.exp(level)], rel=1e-5)


def test_even_or_few_sides_are_refused() -> None:
    for sides in ((1, 2, 3), (3, 5), (5, 3, 1)):
        with pytest.raises(InputError):
            SingularityLayer(_layer(np.ones((9, 9))), sides=sides)
