"""Parameters of the spatial term's shape: directions, and derivatives of the covariance."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gossan.fusion.geostatistical.spatial_shape import Family, Shape
from gossan.geochem.covariance.supports import lag_rule


@given(st.floats(-1.0, 1.0), st.floats(-1.0, 1.0))
def test_the_metric_is_the_exponential_of_a_traceless_matrix(a1: float, a2: float) -> None:
    c = Shape("exponential", anisotropic=True).covariance(0.0, 1.0, np.array([6.0, a1, a2]))
    m11, m12, m22 = c.metric / c.structures[0].range_m ** 2
    size, axes = np.linalg.eigh(np.array([[a1, a2], [a2, -a1]]))
    wanted = axes * np.exp(size) @ axes.T / np.exp(12.0)
    np.testing.assert_allclose([m11, m12, m22], wanted[[0, 0, 1], [0, 1, 1]], atol=1e-12)


def test_a_stretched_range_is_longer_along_its_axis_only() -> None:
    shape = Shape("exponential", anisotropic=True)
    c = shape.covariance(0.0, 1.0, np.array([np.log(1000.0), -0.5, 0.0]))
    east, north = c.between([[0.0, 0.0]], [[800.0, 0.0], [0.0, 800.0]])[0]
    assert east == pytest.approx(np.exp(-0.8 * np.exp(-0.25)))
    assert north == pytest.approx(np.exp(-0.8 * np.exp(0.25)))
    assert c.anisotropy is not None
    assert c.anisotropy.azimuth_deg == pytest.approx(90.0)


@pytest.mark.parametrize("family", get_args(Family))
@pytest.mark.parametrize("stretch", [(0.2, -0.1), (1e-6, 0.0)])
def test_derivatives_of_the_covariance_are_finite_differences(
    family: Family, stretch: tuple[float, float]
) -> None:
    places = np.random.default_rng(2).uniform(0, 5000, (6, 2))
    shape, rule = Shape(family, anisotropic=True), lag_rule(700.0, 700.0)
    theta = np.array([np.log(1800.0), *stretch, np.log(0.9)])[: shape.count]

    def at(t: np.ndarray) -> np.ndarray:
        return shape.covariance(0.1, 0.7, t).between(places, places, rule)

    value, slopes = shape.covariance(0.1, 0.7, theta).with_slopes(
        places, rule, shape.metric_slopes(theta)
    )
    np.testing.assert_allclose(value, at(theta), atol=1e-12)
    for slope, step in zip(slopes, 1e-5 * np.eye(len(theta)), strict=True):
        np.testing.assert_allclose(slope, (at(theta + step) - at(theta - step)) / 2e-5, atol=1e-7)
