"""The precision line against simulated truth and the constants of the published method."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from gossan.geochem.quality_control.thompson_howarth import (
    GROUP_MEDIAN,
    MEDIAN_DIFFERENCE,
    PrecisionLine,
    fit_precision,
)


def _pairs(n: int, s0: float, k: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    content = rng.uniform(2, 300, n)
    first, second = (content + (s0 + k * content) * rng.standard_normal(n) for _ in range(2))
    return first, second


def test_the_factor_from_differences_to_standard_deviations_is_that_of_the_literature() -> None:
    """1 / (sqrt 2 x 0.67449) = 1.04836 (Stanley and Lawie 2007)."""
    assert pytest.approx(1.04836, abs=5e-6) == 1 / MEDIAN_DIFFERENCE


def test_the_median_of_eleven_differences_is_that_of_the_order_statistic() -> None:
    """The sixth of eleven half-normal numbers, by integration over its Beta distribution."""
    rank = integrate.quad(lambda u: stats.halfnorm.ppf(u) * stats.beta.pdf(u, 6, 6), 0, 1)[0]
    assert np.sqrt(2) * rank == pytest.approx(GROUP_MEDIAN)


@pytest.mark.parametrize("n", [30, 49, 60, 400])
def test_the_line_is_unbiased_for_few_and_many_pairs(n: int) -> None:
    """Mean over 60 surveys within 8 % at contents of 50 and 200."""
    fitted = [fit_precision(*_pairs(n, 2.0, 0.06, seed)) for seed in range(60)]
    lines = [line for line in fitted if line is not None]
    for content in (50.0, 200.0):
        truth = 2.0 + 0.06 * content
        mean = np.mean([line.standard_deviation(np.array(content)) for line in lines])
        assert mean == pytest.approx(truth, rel=0.08)


def test_90_percent_of_differences_lie_below_their_control_line() -> None:
    """Thompson and Howarth (1978): d90 = 2.326 s(c)."""
    first, second = _pairs(20_000, 2.0, 0.06, 7)
    line = fit_precision(first, second)
    assert line is not None
    sd = line.standard_deviation((first + second) / 2)
    assert np.mean(np.abs(first - second) < 2.326 * sd) == pytest.approx(0.90, abs=0.01)
    assert np.sqrt(2) * stats.norm.ppf(0.95) == pytest.approx(2.326, abs=5e-4)


def test_the_detection_limit_is_the_content_whose_precision_is_100_percent() -> None:
    line = PrecisionLine(1.5, 0.1, 60)
    assert line.percent(line.detection_limit) == pytest.approx(100.0)
    assert PrecisionLine(1.5, 0.5, 60).detection_limit == float("inf")


def test_too_few_pairs_give_nothing() -> None:
    assert fit_precision(*_pairs(7, 1.0, 0.1, 1)) is None
