"""Scores are held against scikit-learn, scipy and their own algebra."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import mean_squared_error, r2_score

from gossan.errors import InputError
from gossan.evaluate.scores import score


def _pairs(seed: int = 3, n: int = 57) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.lognormal(3.0, 0.8, n)
    return y, y * rng.lognormal(0.1, 0.3, n), np.full(n, y.mean()) + rng.normal(0, 5.0, n)


def test_rmse_and_skill_agree_with_scikit_learn() -> None:
    y, m, b = _pairs()
    s = score(y, m, b)
    assert s.rmse == pytest.approx(np.sqrt(mean_squared_error(y, m)), rel=1e-12)
    assert s.skill == pytest.approx(
        1 - mean_squared_error(y, m) / mean_squared_error(y, b), rel=1e-12
    )


def test_skill_against_the_mean_is_the_coefficient_of_determination() -> None:
    y, m, _ = _pairs()
    assert score(y, m, np.full(y.size, y.mean())).skill == pytest.approx(r2_score(y, m))


def test_correlations_agree_with_scipy_also_with_ties() -> None:
    y, m, _ = _pairs()
    y, m = np.round(y), np.round(m)
    s = score(y, m)
    assert s.r == pytest.approx(stats.pearsonr(y, m).statistic, rel=1e-12)
    assert s.spearman == pytest.approx(stats.spearmanr(y, m).statistic, rel=1e-12)


def test_mean_squared_error_is_bias_squared_plus_variance_of_error() -> None:
    y, m, _ = _pairs()
    s = score(y, m)
    assert s.rmse**2 == pytest.approx(s.bias**2 + np.var(m - y), rel=1e-12)


def test_concordance_is_r_times_the_accuracy_factor_of_lin() -> None:
    y, m, _ = _pairs()
    s = score(y, m)
    ratio, shift = m.std() / y.std(), (m.mean() - y.mean()) / np.sqrt(m.std() * y.std())
    accuracy = 2.0 / (ratio + 1.0 / ratio + shift**2)
    assert s.concordance == pytest.approx(s.r * accuracy, rel=1e-12)


@given(st.floats(-5, 5), st.floats(0.1, 10))
def test_a_shift_and_scale_of_the_unit_leaves_every_ratio_alone(shift: float, scale: float) -> None:
    y, m, b = _pairs(n=20)
    one, two = score(y, m, b), score(scale * y + shift, scale * m + shift, scale * b + shift)
    for name in ("r", "spearman", "concordance", "skill"):
        assert getattr(two, name) == pytest.approx(getattr(one, name), rel=1e-8)
    assert two.rmse == pytest.approx(scale * one.rmse, rel=1e-8)


def test_empty_values_of_any_array_leave_the_pair_out() -> None:
    y, m, b = _pairs()
    holed = [a.copy() for a in (y, m, b)]
    for position, array in enumerate(holed):
        array[position] = np.nan
    assert score(*holed) == score(y[3:], m[3:], b[3:])


def test_what_cannot_be_had_is_nan_and_never_zero() -> None:
    one = score([2.0], [3.0])
    assert one.n == 1 and np.isnan(one.r) and np.isnan(one.skill) and one.bias == 1.0
    constant = score([1.0, 2.0, 3.0], [5.0, 5.0, 5.0])
    assert np.isnan(constant.r) and np.isnan(constant.spearman) and constant.concordance == 0.0
    none = score([np.nan], [1.0])
    assert none.n == 0 and np.isnan(none.rmse)


def test_arrays_of_different_length_are_refused_in_one_line() -> None:
    with pytest.raises(InputError, match="must be as long as"):
        score([1.0, 2.0], [1.0])
