"""Statistics in the unit are quantiles and moments of the back-transformed normal law."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import lognorm, norm

from gossan.geochem.back_transforms import InUnit, Statistic
from gossan.geochem.transforms import Identity, Log

EVERY: tuple[Statistic, ...] = ("median", "mean", "standard_error", "lower90", "upper90")


def at(estimate: float, error: float) -> np.ndarray:
    return np.array([[[estimate]], [[error]]])


def test_of_logarithms_they_are_lognormal() -> None:
    law = lognorm(0.4, scale=np.exp(1.2))
    found = InUnit(Log(), EVERY)(at(1.2, 0.4)).ravel()
    wanted = [law.median(), law.mean(), law.std(), law.ppf(0.05), law.ppf(0.95)]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_calibration_widens_the_interval_about_the_same_median() -> None:
    found = InUnit(Log(), ("median", "upper90"), factor=2.0)(at(1.2, 0.4)).ravel()
    np.testing.assert_allclose(np.log(found), [1.2, 1.2 + norm.ppf(0.95) * 0.8])


def test_no_content_is_negative_but_the_working_scale_may_be() -> None:
    assert InUnit(Identity(), ("median", "lower90"))(at(-1.0, 1.0)).ravel().tolist() == [0.0, 0.0]
    assert InUnit(None, ("median",))(at(-1.0, 1.0)).item() == -1.0
    assert InUnit(None, ("lower90",))(at(-1.0, 1.0)).item() == pytest.approx(norm.ppf(0.05) - 1.0)


def test_a_map_without_an_error_has_a_median_and_empty_stays_empty() -> None:
    found = InUnit(Log(), ("median",))(np.array([[[0.0, np.nan]]]))
    np.testing.assert_array_equal(found, [[[1.0, np.nan]]])


def test_statistics_of_logarithms_are_those_of_the_lognormal_law() -> None:
    mean, error = 2.0, 0.5
    units = InUnit(Log(), ("median", "working_error", "mean", "lower90", "upper90"))
    found = units(np.array([[[mean]], [[error]]], np.float32)).ravel()
    law = lognorm(error, scale=np.exp(mean))
    wanted = [law.median(), error, law.mean(), law.ppf(0.05), law.ppf(0.95)]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_the_mean_of_a_block_is_taken_as_it_comes() -> None:
    found = InUnit(Log(), ("median", "working_error", "mean"))(
        np.array([[[2.0]], [[0.5]], [[9.0]]], np.float32)
    )
    assert found[2].item() == 9.0


def test_no_content_is_below_zero() -> None:
    units = InUnit(Identity(), ("median", "working_error", "lower90", "upper90"))
    found = units(np.array([[[-1.0]], [[0.5]]], np.float32)).ravel()
    np.testing.assert_array_equal(found, [0.0, 0.5, 0.0, 0.0])
