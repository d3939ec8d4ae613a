"""The pyramid: against a direct implementation, its identities, window by window."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import correlate1d

from gossan.arrays.pyramid import (
    expand_coarse,
    expand_taps,
    low_pass,
    low_pass_reach,
    matched_levels,
    reduce_window,
    smoothed,
    split,
)
from gossan.arrays.resample import cubic_taps, interpolate

KERNEL = np.array([1, 4, 6, 4, 1]) / 16


def direct_reduce(image: np.ndarray) -> np.ndarray:
    for axis in (0, 1):
        image = correlate1d(image, KERNEL, axis=axis, mode="constant")
    return image[::2, ::2]


def direct_expand(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    wide = np.zeros(shape)
    wide[::2, ::2] = image
    for axis in (0, 1):
        wide = correlate1d(wide, 2 * KERNEL, axis=axis, mode="constant")
    return wide


def direct(image: np.ndarray, levels: int) -> np.ndarray:
    shapes = []
    for _ in range(levels):
        shapes.append(image.shape)
        image = direct_reduce(image)
    for shape in reversed(shapes):
        image = direct_expand(image, shape)
    return image


def direct_low_pass(image: np.ndarray, levels: int) -> np.ndarray:
    mask = np.isfinite(image).astype(float)
    with np.errstate(invalid="ignore"):
        return direct(np.where(mask > 0, image, 0.0), levels) / direct(mask, levels)


def picture(height: int = 61, width: int = 86, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    return rng.normal(size=(height, width)) + 0.05 * rows + np.sin(columns / 7) + 40


def holed(image: np.ndarray, seed: int = 0) -> np.ndarray:
    result = image.copy()
    result[5:19, 30:52] = np.nan
    result[:, -3:] = np.nan
    result[np.random.default_rng(seed).random(image.shape) < 0.1] = np.nan
    return result


@pytest.mark.parametrize("levels", [1, 2, 4])
@pytest.mark.parametrize("image", [picture(), holed(picture())], ids=["whole", "holed"])
def test_the_low_pass_is_that_of_reducing_and_expanding_step_by_step(
    image: np.ndarray, levels: int
) -> None:
    filled = np.isfinite(image)
    found = low_pass(image[None], levels)[0]
    np.testing.assert_allclose(found[filled], direct_low_pass(image, levels)[filled], rtol=2e-6)


def test_inside_the_low_pass_is_burt_and_adelsons_without_any_normalisation() -> None:
    image = picture()
    inner = (slice(12, -13), slice(12, -13))
    np.testing.assert_allclose(
        low_pass(image[None], 2)[0][inner], direct(image, 2)[inner], rtol=2e-6
    )


@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_low_and_high_add_up_to_the_image_with_holes_and_without(seed: int, levels: int) -> None:
    for image in (picture(seed=seed), holed(picture(seed=seed), seed)):
        low, high = split(image[None], levels)
        np.testing.assert_allclose(
            (low + high)[0], image.astype(np.float32), rtol=1e-6, equal_nan=True
        )
        assert np.isfinite(high[0]).sum() == np.isfinite(image).sum()


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.floats(-1e4, 1e4, width=32))
def test_a_constant_stays_constant_around_holes(seed: int, levels: int, value: float) -> None:
    image = np.where(np.isfinite(holed(picture(), seed)), value, np.nan)
    low = low_pass(image[None], levels)[0]
    np.testing.assert_allclose(low[np.isfinite(image)], value, rtol=5e-7, atol=1e-30)


def test_the_low_pass_of_a_combination_is_the_combination_of_low_passes() -> None:
    bands = np.stack([holed(picture(seed=1)), picture(seed=2), holed(picture(seed=3), 3)])
    weights = np.array([0.5, -2.0, 1.5])
    together = np.tensordot(weights, bands, axes=1)
    found = np.tensordot(weights, low_pass(bands, 3), axes=1)
    filled = np.isfinite(together)
    np.testing.assert_allclose(found[filled], low_pass(together[None], 3)[0][filled], atol=3e-5)


@given(st.integers(1, 50), st.integers(1, 50), st.integers(1, 4))
def test_sums_over_windows_of_any_size_are_those_of_the_whole(
    height: int, width: int, levels: int
) -> None:
    image = holed(picture()).astype(np.float32)[None]
    rows, columns = (expand_taps(n, levels) for n in image.shape[1:])
    whole, place = reduce_window(rows, columns, image)
    wanted = np.zeros((2, rows.nodes, columns.nodes))
    wanted[(slice(None), *place)] = whole
    sums = np.zeros_like(wanted)
    for top in range(0, image.shape[1], height):
        for left in range(0, image.shape[2], width):
            window = image[:, top : top + height, left : left + width]
            down = rows.part(top, top + window.shape[1])
            across = columns.part(left, left + window.shape[2])
            part, place = reduce_window(down, across, window)
            sums[(slice(None), *place)] += part
    np.testing.assert_allclose(sums, wanted, rtol=1e-12, atol=1e-9)
    low = expand_coarse(rows.part(7, 20), columns.part(3, 60), sums)
    np.testing.assert_allclose(low, low_pass(image, levels)[:, 7:20, 3:60], rtol=1e-6)


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_a_pixel_looks_no_further_than_it_says(levels: int) -> None:
    image = np.zeros((1, 80, 70))
    image[0, 41, 33] = 1e6
    touched = np.argwhere(low_pass(image, levels)[0] != 0)
    assert np.abs(touched - [41, 33]).max() <= low_pass_reach(levels)
    assert np.abs(touched - [41, 33]).max() >= low_pass_reach(levels) - 2**levels


@pytest.mark.parametrize("levels", [1, 3, 5])
def test_a_smooth_field_is_low_passed_on_its_lattice_as_it_is_on_pixels(levels: int) -> None:
    lattice = np.random.default_rng(5).normal(size=(9, 12))
    rows = cubic_taps(np.arange(61) / 9.3 + 1, 9)
    columns = cubic_taps(np.arange(86) / 9.3 + 1, 12)
    field = interpolate(rows, columns, lattice)
    (outer_rows, inner_rows), (outer_columns, inner_columns) = (
        smoothed(taps, levels) for taps in (rows, columns)
    )
    found = interpolate(outer_rows, outer_columns, inner_rows @ lattice @ inner_columns.T)
    for part in (outer_rows.matrix(), inner_rows):
        np.testing.assert_allclose(part.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(found, low_pass(field[None], levels)[0], atol=2e-6)


def test_the_depth_grows_with_the_spacing_of_the_samples() -> None:
    depths = [matched_levels(ratio) for ratio in (0.5, 2, 4, 8, 16, 32, 64, 128)]
    assert depths == sorted(depths) and depths[0] == 1
    assert matched_levels(256) == matched_levels(128) + 1


@pytest.mark.parametrize("ratio", [8, 16, 40])
def test_the_matched_depth_passes_what_the_samples_can_carry_and_stops_the_rest(
    ratio: int,
) -> None:
    columns = np.arange(1024)
    levels = matched_levels(ratio)

    def passed(period: float) -> float:
        wave = np.tile(np.sin(2 * np.pi * columns / period), (64, 1))
        return float(low_pass(wave[None], levels)[0][:, 300:700].std() / wave[:, 300:700].std())

    assert passed(8 * ratio) > 0.85
    assert 0.05 < passed(2 * ratio) < 0.62
    assert passed(ratio / 2) < 0.02
