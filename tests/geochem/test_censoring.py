"""Censored estimators against other programs and against simulated data of known truth."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gossan.errors import SurveyError
from gossan.geochem.censoring import (
    fit_likelihood,
    fit_ros,
    plotting_positions,
    treat_censored,
)


def _simulated(
    rng: np.random.Generator, n: int, location: float, scale: float, share: float
) -> tuple[np.ndarray, np.ndarray]:
    """Lognormal values censored at two limits around the quantile ``share``."""
    z = rng.lognormal(location, scale, n)
    limits = np.exp(location + scale * stats.norm.ppf([0.6 * share, min(0.95, 1.4 * share)]))
    limit = rng.choice(limits, n)
    below = z < limit
    return np.where(below, limit, z), below


def test_likelihood_agrees_with_r_survreg(reference: Path) -> None:
    case = json.loads((reference / "censored.json").read_text())
    fit = fit_likelihood(np.array(case["values"]), np.array(case["below"]))
    assert fit.location == pytest.approx(case["likelihood"]["location"], abs=1e-6)
    assert fit.scale == pytest.approx(case["likelihood"]["scale"], abs=1e-6)


def test_order_statistics_agree_with_statsmodels(reference: Path) -> None:
    case = json.loads((reference / "censored.json").read_text())
    _, estimates = fit_ros(np.array(case["values"]), np.array(case["below"]))
    np.testing.assert_allclose(np.sort(estimates), case["ros_sorted"], rtol=1e-6)


def test_without_limits_the_likelihood_is_the_moments_of_the_logarithms() -> None:
    z = np.random.default_rng(4).lognormal(2, 0.7, 80)
    fit = fit_likelihood(z, np.zeros(80, bool))
    assert fit.location == pytest.approx(np.log(z).mean(), abs=1e-6)
    assert fit.scale == pytest.approx(np.log(z).std(), rel=1e-5)


def test_censoring_above_mirrors_censoring_below() -> None:
    z, below = _simulated(np.random.default_rng(5), 90, 0.0, 1.0, 0.3)
    low = fit_likelihood(z, below)
    high = fit_likelihood(1 / z, np.zeros(90, bool), below)
    assert high.location == pytest.approx(-low.location, abs=1e-6)
    assert high.scale == pytest.approx(low.scale, rel=1e-6)


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_the_likelihood_is_not_biased(share: float) -> None:
    """Bias of the location below 0.03 and of the spread below 0.05 scales in 300 trials."""
    rng = np.random.default_rng(17)
    fits = [fit_likelihood(*_simulated(rng, 80, 1.5, 0.8, share)) for _ in range(300)]
    assert abs(np.mean([f.location for f in fits]) - 1.5) < 0.03 * 0.8
    assert abs(np.mean([f.scale for f in fits]) - 0.8) < 0.05 * 0.8


def test_half_limits_bias_the_logarithms_more_than_the_other_ways() -> None:
    """At half of the samples censored the spread of ln z is best from the likelihood."""
    rng = np.random.default_rng(23)
    errors: dict[str, list[float]] = {"half": [], "ros": [], "likelihood": []}
    for _ in range(100):
        z, below = _simulated(rng, 100, 0.0, 1.2, 0.5)
        errors["half"].append(np.log(treat_censored(z, below, ~below & below, "half")).std() - 1.2)
        errors["ros"].append(fit_ros(z, below)[0].scale - 1.2)
        errors["likelihood"].append(fit_likelihood(z, below).scale - 1.2)
    rmse = {word: float(np.sqrt(np.mean(np.square(e)))) for word, e in errors.items()}
    assert rmse["likelihood"] < rmse["half"] and rmse["ros"] < rmse["half"]


@given(st.integers(0, 10_000), st.floats(0.05, 0.6))
def test_estimates_stay_beyond_their_limits_and_measured_values_as_they_are(
    seed: int, share: float
) -> None:
    rng = np.random.default_rng(seed)
    z, below = _simulated(rng, 60, 0.3, 0.9, share)
    above = ~below & (z > np.quantile(z, 0.95))
    for method in ("half", "likelihood"):
        treated = treat_censored(z, below, above, method)  # type: ignore[arg-type]
        assert (treated[below] < z[below]).all() and (treated[below] > 0).all()
        assert (treated[above] >= z[above]).all()
        np.testing.assert_array_equal(treated[~(below | above)], z[~(below | above)])


@given(st.integers(0, 10_000))
def test_plotting_positions_are_probabilities_in_the_order_of_measured_values(seed: int) -> None:
    z, below = _simulated(np.random.default_rng(seed), 40, 0.0, 1.0, 0.4)
    p = plotting_positions(z, below)
    assert ((p > 0) & (p < 1)).all()
    order = np.argsort(z[~below])
    assert (np.diff(p[~below][order]) >= 0).all()


def test_plotting_positions_of_uncensored_values_are_weibulls() -> None:
    z = np.array([4.0, 1.0, 3.0, 2.0])
    np.testing.assert_allclose(plotting_positions(z, np.zeros(4, bool)), [0.8, 0.2, 0.6, 0.4])


def test_empty_values_stay_empty_and_a_unit_carries_through() -> None:
    z, below = _simulated(np.random.default_rng(2), 50, 1.0, 0.5, 0.3)
    z[7], below[7] = np.nan, False
    none = np.zeros(50, bool)
    for method in ("half", "ros", "likelihood", "missing"):
        treated = treat_censored(z, below, none, method)  # type: ignore[arg-type]
        assert np.isnan(treated[7])
        scaled = treat_censored(1000 * z, below, none, method)  # type: ignore[arg-type]
        np.testing.assert_allclose(scaled, 1000 * treated, rtol=1e-5)


def test_too_few_measured_values_are_refused_with_a_cure() -> None:
    with pytest.raises(SurveyError, match=r"measured values must be at least 3 different ones"):
        fit_likelihood(np.array([1.0, 1.0, 2.0]), np.array([True, True, False]))
    with pytest.raises(SurveyError, match="must be positive"):
        fit_ros(np.array([0.0, 1.0, 2.0, 3.0]), np.zeros(4, bool))
