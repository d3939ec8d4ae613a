"""Sites of censored samples against quadrature."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from gossan.geochem.covariance.censored_sites import Sites, truncation_sites


def exact(mean: float, variance: float, limit: float) -> tuple[float, float]:
    """Moments of a normal variable below a limit, by quadrature over the distance to it."""
    deviation = variance**0.5
    z = (limit - mean) / deviation
    scale = deviation / max(1.0, -z)

    def moment(power: int, centre: float = 0.0) -> float:
        def density(t: float) -> float:
            far = t * scale / deviation
            return float((t - centre) ** power * np.exp(z * far - far**2 / 2))

        return float(quad(density, 0, 60, epsabs=0, epsrel=1e-11, limit=200)[0])

    whole = moment(0)
    centre = moment(1) / whole
    return limit - scale * centre, scale**2 * moment(2, centre) / whole


@pytest.mark.parametrize("z", [-1000.0, -100.0, -30.01, -29.99, -5.0, -1.0, 0.0, 1.0, 4.0])
@pytest.mark.parametrize("above", [False, True])
def test_cavity_and_site_have_the_moments_of_the_truncated_distribution(
    z: float, above: bool
) -> None:
    mean, variance = 0.7, 2.5
    below = mean + z * variance**0.5
    centre, left = exact(mean, variance, below)
    limit, wanted = (2 * mean - below, 2 * mean - centre) if above else (below, centre)
    value, error = truncation_sites(
        np.array([mean]), np.array([variance]), np.array([limit]), np.array([above])
    )
    share = variance / (variance + error[0])
    assert mean + share * (value[0] - mean) == pytest.approx(wanted, rel=1e-6)
    assert 1 / (1 / variance + 1 / error[0]) == pytest.approx(left, rel=1e-6)


def test_a_limit_far_off_says_nothing() -> None:
    far, ones = np.array([1e3, 1e9]), np.ones(2)
    value, error = truncation_sites(np.zeros(2), ones, far, np.zeros(2, bool))
    pull = value / (1 + error)
    assert np.isfinite(value).all() and np.abs(pull).max() < 1e-6


def test_damping_is_in_precision() -> None:
    old = Sites(np.array([0]), np.array([1.0]), np.array([1.0]))
    half = old.towards(np.array([4.0]), np.array([0.5]), 0.5)
    assert half.variances == pytest.approx([1 / 1.5])
    assert half.values == pytest.approx([(0.5 * 1 + 0.5 * 2 * 4) / 1.5])
