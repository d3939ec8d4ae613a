"""Parameters of the spatial term's shape: directions, and derivatives of the covariance."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gossan.errors import InputError
from gossan.fusion.features.sources import NoFeatures
from gossan.fusion.geostatistical.model import Geostatistical, GeostatisticalSettings
from gossan.fusion.geostatistical.spatial_shape import Family, Shape
from gossan.fusion.protocol import Observations, Points
from gossan.geo.grid import Grid
from gossan.geochem.covariance.model import Structure
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


def test_draws_of_the_stable_exponent_beyond_2_have_no_weight() -> None:
    """``exp(-h^s)`` with s above 2 is no covariance: its matrices have negative eigenvalues."""
    h = np.abs(np.subtract.outer(np.arange(40.0), np.arange(40.0))) / 8
    assert np.linalg.eigvalsh(np.exp(-(h**2.5))).min() < -1e-3
    rng = np.random.default_rng(8)
    xy = rng.uniform(0, 8000, (60, 2))
    smooth = np.sin(xy[:, 0] / 1500) + np.cos(xy[:, 1] / 1800)  # as smooth as can be
    settings = GeostatisticalSettings(correlation="stable")
    features = NoFeatures(Grid.from_bounds(32638, (0, 0, 8000, 8000), 100))
    model = Geostatistical(settings).fit(Observations(Points(xy), smooth), features)
    members = model.mixture_.members
    exponents = [m.hyperparameters.covariance.structures[0].smoothness for m in members]
    assert 1.5 < max(exponents) <= 2.0
    with pytest.raises(InputError, match="above 0 to 2"):
        Structure("stable", 1.0, 100.0, 2.1)
