"""Colours keep their order, and one scale suits the maps of an element."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from gossan.report.palette import EMPTY, ERROR, ESTIMATE, Scale, common_scale


def luminance(colour: str) -> float:
    return float(np.array(to_rgb(colour)) @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("colours", [ESTIMATE, ERROR])
def test_colours_brighten_with_the_value_so_that_grey_prints_keep_their_order(colours: str) -> None:
    shown = [luminance(one) for _, one in Scale(1, 9, False, "ppm", colours).colours_of(20)]
    assert (np.diff(shown) > 0).all()


def test_values_of_a_logarithmic_scale_are_evenly_spaced_in_logarithms() -> None:
    values = [value for value, _ in Scale(1.0, 1000.0, True, "ppm").colours_of(4)]
    np.testing.assert_allclose(values, [1, 10, 100, 1000])
    scale = Scale(1.0, 1000.0, True, "ppm")
    assert [scale.place(v) for v in (0.1, 1, 10, 1e5)] == pytest.approx([0, 0, 1 / 3, 1])


def test_ticks_are_round_and_within_the_limits() -> None:
    for scale in (
        Scale(0.0, 7.3, False, ""),
        Scale(0.03, 41.0, True, ""),
        Scale(1e-3, 5e-3, True, ""),
    ):
        ticks = scale.ticks()
        assert len(ticks) >= 2 and scale.low <= min(ticks) and max(ticks) <= scale.high
        assert all(float(f"{tick:.1g}") == pytest.approx(tick) or tick % 0.5 == 0 for tick in ticks)


def test_empty_pixels_are_grey_and_values_below_the_limits_are_not() -> None:
    found = Scale(1.0, 100.0, True, "").pixels(np.array([[np.nan, 0.0, 1.0, np.inf]]))
    grey = np.round(255 * np.array(to_rgb(EMPTY))).astype(int)
    np.testing.assert_allclose(found[0, 0, :3], grey, atol=1)
    np.testing.assert_array_equal(found[0, 1], found[0, 2])
    np.testing.assert_array_equal(found[0, 3], found[0, 0])


def test_one_wild_pixel_does_not_take_all_the_colours() -> None:
    values = np.append(np.linspace(10, 20, 10_000), 1e9)
    assert common_scale([values], "ppm").high < 21


@pytest.mark.parametrize("maps", [[], [np.full(4, np.nan)], [np.full(4, 7.0)], [np.zeros(3)]])
def test_maps_without_a_spread_have_a_scale_all_the_same(maps: list[np.ndarray]) -> None:
    scale = common_scale(maps, "ppm")
    assert scale.low < scale.high and not scale.logarithmic and scale.ticks()
