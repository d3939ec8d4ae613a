"""Known errors on the working scale, against noise that is drawn."""

from __future__ import annotations

import numpy as np
import pytest

from gossan.geochem.known_errors import error_variance
from gossan.geochem.transforms import BoxCox, Identity, Log, NormalScore, Transform


@pytest.mark.parametrize("relative", [0.05, 0.5, 1.0])
@pytest.mark.parametrize("transform", [Log(), BoxCox(0.3)])
def test_the_variance_is_that_of_transformed_lognormal_noise(
    transform: Transform, relative: float
) -> None:
    content = 40.0
    spread = np.sqrt(np.log1p(relative**2))
    drawn = content * np.exp(spread * np.random.default_rng(0).standard_normal(200_000))
    assert drawn.std() / drawn.mean() == pytest.approx(relative, rel=0.15)
    found = error_variance(transform, np.array([content]), np.array([relative * content]))
    assert found is not None
    assert found[0] == pytest.approx(np.var(transform.forward(drawn)), rel=0.1)


def test_the_identity_keeps_errors_whatever_the_sign_of_the_value() -> None:
    found = error_variance(Identity(), np.array([-3.0, 0.0, 5.0]), np.array([2.0, 1.0, 0.5]))
    assert found is not None and found.tolist() == [4.0, 1.0, 0.25]


def test_unknown_errors_are_those_of_the_median_sample() -> None:
    errors = np.array([0.1, np.nan, 0.2, 0.4])
    found = error_variance(Identity(), np.ones(4), errors)
    assert found is not None and found[1] == pytest.approx(0.2**2)
    assert error_variance(Log(), np.ones(4), np.full(4, np.nan)) is None


def test_normal_scores_stretch_the_error_by_their_slope() -> None:
    knots = tuple(np.exp(np.linspace(-3, 3, 601)))
    scores = tuple(2.0 * np.linspace(-3, 3, 601))  # twice the logarithm
    transform = NormalScore(knots, scores, (1.0, 1.0))
    found = error_variance(transform, np.array([1.0]), np.array([0.1]))
    plain = error_variance(Log(), np.array([1.0]), np.array([0.1]))
    assert found is not None and plain is not None
    assert found[0] == pytest.approx(4 * plain[0], rel=1e-3)
