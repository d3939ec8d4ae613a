"""Image measures are held against closed forms and numpy, not against themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gossan.arrays.image_quality import (
    average_gradient,
    entropy,
    ergas,
    spectral_angle,
    universal_quality,
)


def _image(seed: int = 0, shape: tuple[int, int] = (23, 41)) -> np.ndarray:
    return np.random.default_rng(seed).lognormal(2.0, 0.5, shape)


def test_entropy_of_a_uniform_image_is_the_logarithm_of_the_classes() -> None:
    image = np.tile(np.arange(256.0), (3, 2))
    assert entropy(image, bins=256) == pytest.approx(8.0)
    assert entropy(np.full((4, 5), 3.0)) == 0.0
    assert np.isnan(entropy(np.full((2, 2), np.nan)))


def test_entropy_of_a_normal_image_is_that_of_the_normal_law() -> None:
    image = np.random.default_rng(1).normal(size=(1000, 1000))
    width = 10.0 / 256
    expected = 0.5 * np.log2(2 * np.pi * np.e) - np.log2(width)
    assert entropy(image, limits=(-5.0, 5.0)) == pytest.approx(expected, abs=0.005)


def test_average_gradient_of_a_plane_is_its_slope() -> None:
    rows, cols = np.mgrid[0:9, 0:17]
    assert average_gradient(3.0 * cols - 4.0 * rows) == pytest.approx(5.0 / np.sqrt(2.0))
    assert average_gradient(np.full((4, 7), 2.0)) == 0.0


def test_average_gradient_leaves_out_pixels_beside_holes() -> None:
    rows, cols = np.mgrid[0:9, 0:17].astype(float)
    plane = 3.0 * cols - 4.0 * rows
    plane[4, 8] = np.nan
    assert average_gradient(plane) == pytest.approx(5.0 / np.sqrt(2.0))


def test_quality_falls_into_correlation_brightness_and_contrast() -> None:
    x, y = _image(0), 0.5 * _image(0) + 0.8 * _image(1) + 3.0
    correlation = np.corrcoef(x.ravel(), y.ravel())[0, 1]
    brightness = 2 * x.mean() * y.mean() / (x.mean() ** 2 + y.mean() ** 2)
    contrast = 2 * x.std() * y.std() / (x.var() + y.var())
    assert universal_quality(x, y) == pytest.approx(correlation * brightness * contrast, rel=1e-12)


def test_quality_of_an_inverted_image_is_negative_and_windows_average() -> None:
    x = _image()
    assert universal_quality(x, 2 * x.mean() - x) == pytest.approx(-1.0, abs=1e-12)
    y, halves = _image(3), (slice(0, 20), slice(20, 40))
    parts = [universal_quality(x[:20, half], y[:20, half]) for half in halves]
    assert universal_quality(x[:20, :40], y[:20, :40], side=20) == pytest.approx(np.mean(parts))
    assert universal_quality(x, x, side=8) == pytest.approx(1.0)


@given(st.floats(1.01, 3.0), st.floats(1.0, 64.0))
def test_ergas_of_a_proportional_error_is_that_share(factor: float, ratio: float) -> None:
    x = [np.full((3, 4), 20.0), np.full((3, 4), 500.0)]
    y = [factor * layer for layer in x]
    assert ergas(x, y, ratio) == pytest.approx(100.0 / ratio * (factor - 1.0), rel=1e-9)


def test_ergas_takes_each_layer_relative_to_its_own_mean() -> None:
    x = [_image(0), 100.0 * _image(1)]
    y = [x[0] + 0.3 * x[0].mean(), x[1]]
    assert ergas(x, y, 1.0) == pytest.approx(100.0 * np.sqrt(0.3**2 / 2))


def test_a_rotated_vector_has_its_angle_and_a_longer_one_has_none() -> None:
    angle = np.radians(12.0)
    x = [_image(0), np.zeros((23, 41))]
    y = [np.cos(angle) * x[0], np.sin(angle) * x[0]]
    assert spectral_angle(x, y) == pytest.approx(12.0, rel=1e-12)
    assert spectral_angle([_image(0), _image(1)], [3 * _image(0), 3 * _image(1)]) < 1e-6


def test_empty_pixels_take_no_part() -> None:
    x, y = _image(0), _image(2)
    holed = x.copy()
    holed[3, 5] = np.nan
    keep = np.isfinite(holed)
    assert universal_quality(holed, y) == pytest.approx(
        universal_quality(x[keep][None], y[keep][None])
    )
    assert ergas([holed], [y], 2.0) == pytest.approx(ergas([x[keep][None]], [y[keep][None]], 2.0))
    assert np.isfinite(spectral_angle([holed, x], [y, x]))
