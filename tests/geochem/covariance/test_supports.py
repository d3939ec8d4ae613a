"""Covariances: families, directions and supports, against other formulas and dense sums."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import gamma, kv

from gossan.geochem.covariance.model import KINDS, Anisotropy, CovarianceModel, Structure
from gossan.geochem.covariance.supports import lag_rule

LAGS = np.column_stack([np.linspace(0.0, 4000.0, 9), np.linspace(0.0, -1500.0, 9)])
ORIGIN = np.zeros((1, 2))
SMOOTHNESS = [0.5, 0.8, 1.5, 1.9, 2.5]


def matern(u: np.ndarray, nu: float) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        found = u**nu * kv(nu, u) / (2 ** (nu - 1) * gamma(nu))
    return np.where(u == 0, 1.0, found)


def one(kind: str, range_m: float, smoothness: float = 0.5) -> CovarianceModel:
    return CovarianceModel(0.0, (Structure(kind, 1.0, range_m, smoothness),))  # type: ignore[arg-type]


def every() -> list[tuple[str, float]]:
    return [
        (kind, nu)
        for kind in KINDS
        for nu in (SMOOTHNESS if kind in ("matern", "stable") else [0.5])
        if kind != "stable" or nu <= 2
    ]


def dense(
    c: CovarianceModel, first_m: float, second_m: float, lag: np.ndarray, count: int
) -> float:
    """Mean covariance between two squares by brute force over their points."""
    steps = (np.arange(count) + 0.5) / count - 0.5
    grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    return float(c.between(grid * first_m, lag + grid * second_m).mean())


@pytest.mark.parametrize(("kind", "nu"), every())
def test_points_and_supports_use_the_formulas_of_the_textbook(kind: str, nu: float) -> None:
    h = np.hypot(*LAGS.T) / 1700.0
    wanted = {
        "exponential": np.exp(-h),
        "gaussian": np.exp(-(h**2)),
        "matern": matern(h, nu),
        "spherical": np.where(h < 1, 1 - 1.5 * h + 0.5 * h**3, 0.0),
        "stable": np.exp(-(h**nu)),
    }[kind]
    model = one(kind, 1700.0, nu)
    np.testing.assert_allclose(model.between(ORIGIN, LAGS)[0], wanted, atol=3e-8)
    tiny = model.between(ORIGIN, LAGS, lag_rule(0.0, 0.01))[0]
    np.testing.assert_allclose(tiny, wanted, atol=2e-3 if nu < 1 else 1e-4)


@pytest.mark.parametrize(("kind", "nu"), every())
def test_five_percent_of_the_correlation_is_left_at_the_practical_range(
    kind: str, nu: float
) -> None:
    model = one(kind, 900.0, nu)
    left = 0.0 if kind == "spherical" else 0.05
    assert model.covariance(model.practical_range_m) == pytest.approx(left, abs=3e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("first", "second"), [(0.0, 900.0), (900.0, 900.0), (300.0, 900.0)])
@pytest.mark.parametrize("lag", [(0.0, 0.0), (500.0, 200.0), (3100.0, -900.0)])
def test_supports_average_the_covariance_as_dense_sums_do(
    kind: str, first: float, second: float, lag: tuple[float, float]
) -> None:
    structure = Structure(kind, 1.0, 1500.0, 1.3)  # type: ignore[arg-type]
    c = CovarianceModel(0.0, (structure,), Anisotropy(25.0, 0.7))
    found = c.between(ORIGIN, np.array([lag]), lag_rule(first, second))[0, 0]
    assert found == pytest.approx(dense(c, first, second, np.array(lag), 24), abs=4e-3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", [0.0, 900.0])
def test_samples_among_themselves_are_samples_between_each_other(kind: str, side: float) -> None:
    structures = (Structure(kind, 1.2, 1500.0, 1.3), Structure("exponential", 0.3, 400.0))  # type: ignore[arg-type]
    c = CovarianceModel(0.2, structures, Anisotropy(25.0, 0.7))
    places = np.random.default_rng(1).uniform(0.0, 6000.0, (23, 2))
    rule = lag_rule(side, side)
    found = c.among(places, rule)
    np.testing.assert_array_equal(found, found.T)
    one_by_one = [[c.between(p[None], q[None], rule)[0, 0] for q in places] for p in places]
    np.testing.assert_allclose(found, one_by_one, rtol=1e-11)


def test_nested_structures_add_up_between_supports() -> None:
    parts = (Structure("exponential", 0.4, 900.0), Structure("spherical", 0.7, 2500.0))
    rule = lag_rule(0.0, 600.0)
    apart = [CovarianceModel(0.0, (part,)).between(ORIGIN, LAGS, rule) for part in parts]
    whole = CovarianceModel(0.1, parts).between(ORIGIN, LAGS, rule)
    np.testing.assert_allclose(whole, sum(apart), rtol=1e-12)


@given(st.floats(0.0, 2000.0), st.floats(0.0, 2000.0))
def test_weights_of_a_rule_add_up_and_its_variance_is_that_of_the_lag(a: float, b: float) -> None:
    rule = lag_rule(a, b)
    for points in (rule.near, rule.far):
        assert points[:, 2].sum() == pytest.approx(1.0)
        variance = points[:, 2] @ points[:, 0] ** 2
        assert variance == pytest.approx((a**2 + b**2) / 12, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(("kind", "nu"), every())
def test_derivatives_by_range_and_exponent_are_finite_differences(kind: str, nu: float) -> None:
    places = np.random.default_rng(2).uniform(0, 5000, (6, 2))
    rule = lag_rule(700.0, 700.0)

    def at(log_range: float, log_smoothness: float) -> np.ndarray:
        model = one(kind, float(np.exp(log_range)), float(np.exp(log_smoothness)))
        return model.between(places, places, rule)

    where = np.array([np.log(1800.0), np.log(nu)])
    value, slopes = one(kind, 1800.0, nu).with_slopes(places, rule, np.array([[-2.0, 0.0, -2.0]]))
    np.testing.assert_allclose(value, at(*where), atol=1e-12)
    assert len(slopes) == 1 + (kind == "stable")
    for slope, step in zip(slopes, 1e-5 * np.eye(2)):
        np.testing.assert_allclose(slope, (at(*where + step) - at(*where - step)) / 2e-5, atol=1e-6)
