"""Transforms: exact inverses, order kept, and back-transforms against quadrature and draws."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from gossan.errors import SettingsError, SurveyError
from gossan.geochem.back_transforms import exceedance_of, interval_of, mean_of, median_of
from gossan.geochem.transforms import (
    BoxCox,
    Identity,
    Log,
    NormalScore,
    Transform,
    fit_transform_by_word,
    transform_from_record,
    transform_record,
)

WORDS = ("identity", "log", "boxcox", "normal-score")
positive = hnp.arrays(float, st.integers(5, 40), elements=st.floats(1e-3, 1e5), unique=True)


@pytest.mark.parametrize("word", WORDS)
@given(z=positive)
def test_inverse_of_forward_is_the_value(word: str, z: np.ndarray) -> None:
    transform = fit_transform_by_word(word, z)  # type: ignore[arg-type]
    assert isinstance(transform, Transform)
    np.testing.assert_allclose(transform.inverse(transform.forward(z)), z, rtol=1e-8)


@pytest.mark.parametrize("word", WORDS)
@given(z=positive, y=hnp.arrays(float, 30, elements=st.floats(-3.5, 3.5)))
def test_forward_of_inverse_is_the_score_also_in_the_tails(
    word: str, z: np.ndarray, y: np.ndarray
) -> None:
    z = np.exp(np.linspace(0, 2, len(z)) + 0.01 * np.sin(z))
    transform = fit_transform_by_word(word, z)  # type: ignore[arg-type]
    y = y + 4.0 if word in ("identity", "boxcox") else y
    np.testing.assert_allclose(transform.forward(transform.inverse(y)), y, atol=1e-7)


@pytest.mark.parametrize("word", WORDS)
@given(z=positive)
def test_order_is_kept_within_and_beyond_the_data(word: str, z: np.ndarray) -> None:
    transform = fit_transform_by_word(word, z)  # type: ignore[arg-type]
    wide = np.sort(np.concatenate([z, [z.min() / 3, z.max() * 3]]))
    assert (np.diff(transform.forward(wide)) > -1e-12).all()
    assert (np.diff(transform.inverse(np.linspace(-5, 5, 50))) >= 0).all()


@pytest.mark.parametrize("word", WORDS)
def test_empty_stays_empty_and_float32_maps_stay_float32(word: str) -> None:
    z = np.random.default_rng(1).lognormal(2, 1, 70)
    transform = fit_transform_by_word(word, z)  # type: ignore[arg-type]
    layer = np.array([[[0.1, np.nan, 0.4], [1.0, 2.0, np.nan]]], np.float32)
    back = transform.inverse(layer)
    assert back.dtype == np.float32 and back.shape == layer.shape
    np.testing.assert_array_equal(np.isnan(back), np.isnan(layer))


def test_box_cox_power_agrees_with_scipy() -> None:
    z = (1 + 0.3 * np.random.default_rng(8).normal(2, 0.5, 200)) ** 3
    fitted = fit_transform_by_word("boxcox", z)
    assert isinstance(fitted, BoxCox)
    transformed, power = stats.boxcox(z)
    assert 0 < power < 1
    assert fitted.power == pytest.approx(power, abs=2e-4)
    np.testing.assert_allclose(BoxCox(power).forward(z), transformed, rtol=1e-10)


def test_box_cox_of_power_zero_is_the_logarithm_and_negative_bases_are_zero() -> None:
    z = np.array([0.5, 3.0])
    np.testing.assert_allclose(BoxCox(0.0).forward(z), np.log(z))
    assert BoxCox(0.5).inverse(np.array([-9.0])).tolist() == [0.0]


@given(st.integers(0, 1000))
def test_normal_scores_are_normal(seed: int) -> None:
    z = np.random.default_rng(seed).gamma(0.8, 3.0, 300)
    y = fit_transform_by_word("normal-score", z).forward(z)
    assert abs(y.mean()) < 1e-9 and 0.97 < y.std() < 1.0
    np.testing.assert_allclose(np.sort(y), stats.norm.ppf((np.arange(300) + 0.5) / 300), atol=1e-9)


def test_ties_share_a_score_and_weights_move_the_median() -> None:
    z = np.array([1.0, 1.0, 2.0, 3.0, 3.0, 3.0, 8.0])
    y = fit_transform_by_word("normal-score", z).forward(z)
    assert y[0] == y[1] and y[3] == y[4] == y[5]
    weights = np.array([1, 1, 1, 1, 1, 1, 20.0])
    weighted = fit_transform_by_word("normal-score", z, weights)
    assert weighted.forward(np.array([8.0]))[0] < y[-1]


def test_tails_are_as_stated() -> None:
    z = np.random.default_rng(3).lognormal(0, 1, 400)
    far = np.array([4.0, -4.0])
    bounded = fit_transform_by_word("normal-score", z, tails="bounded").inverse(far)
    assert bounded.tolist() == [z.max(), z.min()]
    lognormal = fit_transform_by_word("normal-score", z, tails="lognormal").inverse(far)
    np.testing.assert_allclose(np.log(lognormal), far, rtol=0.25)
    assert lognormal[0] > z.max() and 0 < lognormal[1] < z.min()
    normal = fit_transform_by_word("normal-score", z - 5, tails="normal").inverse(far)
    assert normal[0] > (z - 5).max() and normal[1] < (z - 5).min()


def test_medians_intervals_and_means_against_draws() -> None:
    z = np.random.default_rng(6).lognormal(1, 0.8, 300)
    draws = stats.norm.ppf((np.arange(200_000) + 0.5) / 200_000)
    for word in WORDS:
        transform = fit_transform_by_word(word, z)  # type: ignore[arg-type]
        middle = transform.forward(np.array([3.0]))
        error = np.array([0.4])
        sample = transform.inverse(middle + error * draws)
        assert median_of(transform, middle)[0] == pytest.approx(np.median(sample), rel=1e-4)
        low, high = interval_of(transform, middle, error, 0.9)
        np.testing.assert_allclose([low[0], high[0]], np.quantile(sample, [0.05, 0.95]), rtol=1e-3)
        assert mean_of(transform, middle, error)[0] == pytest.approx(sample.mean(), rel=4e-3)
        share = exceedance_of(middle, error, transform.forward(np.array([3.5])))[0]
        assert share == pytest.approx((sample > 3.5).mean(), abs=1e-4)


def test_the_mean_is_above_the_median_of_a_lognormal() -> None:
    estimate, error = np.array([1.0]), np.array([0.5])
    assert mean_of(Log(), estimate, error)[0] > median_of(Log(), estimate)[0]
    assert mean_of(BoxCox(0.0), estimate, error)[0] == pytest.approx(
        mean_of(Log(), estimate, error)[0], rel=1e-12
    )


@pytest.mark.parametrize("word", WORDS)
def test_a_transform_survives_the_manifest(word: str) -> None:
    z = np.random.default_rng(9).lognormal(0, 1, 40)
    transform = fit_transform_by_word(word, z)  # type: ignore[arg-type]
    record = json.loads(json.dumps(transform_record(transform)))
    assert transform_from_record(record) == transform


def test_values_that_a_transform_cannot_take_are_refused_with_a_cure() -> None:
    z = np.array([0.0, 1.0, -2.0, 4.0])
    with pytest.raises(
        SurveyError, match=r"values under a log must be positive; got -2 \(2 values"
    ):
        Log().forward(z)
    with pytest.raises(SurveyError, match="must be positive"):
        fit_transform_by_word("boxcox", z)
    with pytest.raises(SurveyError, match="at least 3 different ones"):
        fit_transform_by_word("normal-score", np.ones(9))
    with pytest.raises(SettingsError, match="identity, log, boxcox or normal-score"):
        fit_transform_by_word("sqrt", z)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="power must be from 0 to 3"):
        BoxCox(-0.5)
    assert isinstance(fit_transform_by_word("normal-score", z, tails="normal"), NormalScore)
    assert isinstance(fit_transform_by_word("identity", z), Identity)
