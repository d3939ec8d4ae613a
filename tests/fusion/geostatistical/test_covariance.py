"""Covariances: families, directions and supports, against other formulas and dense sums."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gossan.fusion.geostatistical.covariance import FAMILIES, Correlation, Family, lag_rule

LAGS = np.column_stack([np.linspace(0.0, 4000.0, 9), np.linspace(0.0, -1500.0, 9)])
ORIGIN = np.zeros((1, 2))


def dense(c: Correlation, first_m: float, second_m: float, lag: np.ndarray, count: int) -> float:
    """Mean correlation between two squares by brute force over their points."""
    steps = (np.arange(count) + 0.5) / count - 0.5
    grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    return float(c.between(grid * first_m, lag + grid * second_m).mean())


@pytest.mark.parametrize("family", ["exponential", "matern32", "spherical", "stable"])
def test_correlations_of_each_family_are_those_of_the_textbook(family: Family) -> None:
    h = np.hypot(*LAGS.T) / 1700.0
    wanted = {
        "exponential": np.exp(-h),
        "matern32": (1 + np.sqrt(3) * h) * np.exp(-np.sqrt(3) * h),
        "spherical": np.where(h < 1, 1 - 1.5 * h + 0.5 * h**3, 0.0),
        "stable": np.exp(-(h**1.4)),
    }[family]
    found = Correlation(family, 1700.0, smoothness=1.4).between(ORIGIN, LAGS)[0]
    np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_five_percent_of_the_correlation_is_left_at_the_practical_range() -> None:
    for family in ("exponential", "matern32", "stable"):
        c = Correlation(family, 900.0, smoothness=0.7)
        assert c.between(ORIGIN, [[c.practical_range_m, 0.0]])[0, 0] == pytest.approx(
            0.05, abs=1e-3
        )


@given(st.floats(-1.0, 1.0), st.floats(-1.0, 1.0))
def test_stretching_keeps_the_area_of_the_range_ellipse(a1: float, a2: float) -> None:
    m11, m12, m22 = Correlation("exponential", 500.0, (a1, a2)).metric
    assert m11 * m22 - m12**2 == pytest.approx(500.0**-4, rel=1e-9)


def test_a_stretched_range_is_longer_along_its_axis_only() -> None:
    c = Correlation("exponential", 1000.0, (-0.5, 0.0))
    east, north = c.between(ORIGIN, [[800.0, 0.0], [0.0, 800.0]])[0]
    assert east == pytest.approx(np.exp(-0.8 * np.exp(-0.25)))
    assert north == pytest.approx(np.exp(-0.8 * np.exp(0.25)))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("first", "second"), [(0.0, 900.0), (900.0, 900.0), (300.0, 900.0)])
@pytest.mark.parametrize("lag", [(0.0, 0.0), (500.0, 200.0), (3100.0, -900.0)])
def test_supports_average_the_correlation_as_dense_sums_do(
    family: Family, first: float, second: float, lag: tuple[float, float]
) -> None:
    c = Correlation(family, 1500.0, (0.1, -0.2), 1.3)
    found = c.between(ORIGIN, np.array([lag]), lag_rule(first, second))[0, 0]
    assert found == pytest.approx(dense(c, first, second, np.array(lag), 24), abs=4e-3)


@given(st.floats(0.0, 2000.0), st.floats(0.0, 2000.0))
def test_weights_of_a_rule_add_up_and_its_variance_is_that_of_the_lag(a: float, b: float) -> None:
    rule = lag_rule(a, b)
    for points in (rule.near, rule.far):
        assert points[:, 2].sum() == pytest.approx(1.0)
        variance = points[:, 2] @ points[:, 0] ** 2
        assert variance == pytest.approx((a**2 + b**2) / 12, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_derivatives_of_the_correlation_are_finite_differences(family: Family) -> None:
    places = np.random.default_rng(2).uniform(0, 5000, (6, 2))
    rule, theta = lag_rule(700.0, 700.0), np.array([np.log(1800.0), 0.2, -0.1, np.log(0.9)])

    def at(t: np.ndarray) -> Correlation:
        return Correlation(family, float(np.exp(t[0])), (t[1], t[2]), float(np.exp(t[3])))

    value, slopes = at(theta).with_slopes(places, rule, anisotropic=True)
    np.testing.assert_allclose(value, at(theta).between(places, places, rule), atol=1e-12)
    for p in range(len(slopes)):
        step = 1e-5 * np.eye(4)[p]
        up, down = (at(theta + s).between(places, places, rule) for s in (step, -step))
        np.testing.assert_allclose(slopes[p], (up - down) / 2e-5, atol=1e-7)
