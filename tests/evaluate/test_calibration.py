"""Intervals are held against simulated errors whose law is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from gossan.arrays.conformal import conformal_quantile, normal_quantile
from gossan.evaluate.calibration import (
    LEVELS,
    calibrate,
    coverage_table,
    crps,
)


def test_coverage_of_exchangeable_scores_is_guaranteed_whatever_their_law() -> None:
    rng = np.random.default_rng(3)
    for level in (0.5, 0.8, 0.9, 0.95):
        n, hits = 39, 0
        for _ in range(2000):
            scores = np.abs(rng.standard_t(2, n + 1)) ** 1.5
            hits += scores[-1] <= conformal_quantile(scores[:-1], level)
        error = 3.0 * np.sqrt(level * (1 - level) / 2000)
        assert level - error <= hits / 2000 <= level + 1.0 / (n + 1) + error


@given(st.lists(st.floats(0, 100), min_size=1, max_size=40), st.floats(0.05, 0.95))
@settings(max_examples=60, deadline=None)
def test_the_conformal_quantile_has_its_rank_among_the_scores(
    scores: list[float], level: float
) -> None:
    q = conformal_quantile(scores, level)
    needed = (len(scores) + 1) * level
    if np.isfinite(q):
        assert np.sum(np.array(scores) <= q) >= needed - 1e-6
        assert np.sum(np.array(scores) < q) < needed + 1e-6
    else:
        assert needed > len(scores)


def test_a_true_normal_law_is_covered_as_it_says() -> None:
    rng = np.random.default_rng(0)
    s = rng.uniform(0.5, 3.0, 20_000)
    y = 5.0 + s * rng.normal(size=s.size)
    table = coverage_table(y, np.full(s.size, 5.0), s)
    np.testing.assert_allclose(table["achieved"], table["nominal"], atol=0.01)
    expected = [2 * normal_quantile(level) * s.mean() for level in LEVELS]
    np.testing.assert_allclose(table["mean_width"], expected)


def test_crps_agrees_with_its_integral() -> None:
    y, m, s = 1.3, 0.4, 0.7
    left, _ = integrate.quad(lambda t: stats.norm.cdf(t, m, s) ** 2, m - 12 * s, y)
    right, _ = integrate.quad(lambda t: (1 - stats.norm.cdf(t, m, s)) ** 2, y, m + 12 * s)
    found = crps(np.array([y]), np.array([m]), np.array([s]))
    assert found == pytest.approx(left + right, rel=1e-6)


def test_the_interval_score_is_smallest_for_the_true_width() -> None:
    y = np.random.default_rng(0).normal(size=20_000)
    scores = [
        coverage_table(y, np.zeros(y.size), np.full(y.size, s))["interval_score"].to_numpy()
        for s in (0.6, 1.0, 1.6)
    ]
    assert (scores[1] < scores[0]).all() and (scores[1] < scores[2]).all()


def test_intervals_that_hold_are_left_alone() -> None:
    rng = np.random.default_rng(1)
    n = 400
    done = calibrate(rng.normal(size=n), np.zeros(n), np.ones(n), np.arange(n) // 10)
    assert not done.scaled and set(done.factors) == {1.0} and "they stand" in done.sentence


@pytest.mark.parametrize("true", [0.5, 1.8])
def test_intervals_that_fail_are_scaled_to_cover_new_samples(true: float) -> None:
    rng = np.random.default_rng(2)
    n = 600
    y = true * rng.standard_t(5, n)
    done = calibrate(y, np.zeros(n), np.ones(n), np.arange(n) // 10)
    assert done.scaled
    fresh = true * rng.standard_t(5, 20_000)
    table = coverage_table(fresh, np.zeros(20_000), np.ones(20_000), calibration=done)
    np.testing.assert_allclose(table["achieved"], table["nominal"], atol=0.04)


def test_few_samples_prove_nothing_and_empty_ones_take_no_part() -> None:
    y = np.array([1.0, np.nan, 30.0])
    done = calibrate(y, np.zeros(3), np.ones(3), np.arange(3))
    assert not done.scaled and "too few" in done.sentence
    assert coverage_table(y, np.zeros(3), np.ones(3))["n"].iloc[0] == 2
