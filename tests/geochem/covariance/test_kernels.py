"""Covariance kernels against their formulas."""

from __future__ import annotations

import numpy as np
import pytest

from gossan.geochem.covariance.model import CovarianceModel, Structure


@pytest.mark.parametrize("smoothness", [0.05, 0.3, 1.0, 1.37, 2.0])
@pytest.mark.parametrize("range_m", [0.37, 4000.0, 1e6])
def test_stable_covariance_is_its_formula(smoothness: float, range_m: float) -> None:
    distance = np.concatenate([[0.0, 1e-300, 1e300], np.geomspace(1e-9, 1e9, 20_001)])
    model = CovarianceModel(0.0, (Structure("stable", 2.0, range_m, smoothness),))
    with np.errstate(over="ignore"):
        formula = 2.0 * np.exp(-((distance / range_m) ** smoothness))
    np.testing.assert_allclose(model.covariance(distance), formula, rtol=0, atol=1e-12)


def test_empty_distances_have_no_covariance() -> None:
    model = CovarianceModel(0.0, (Structure("stable", 1.0, 100.0, 1.2),))
    assert np.isnan(model.covariance([np.nan, 50.0])).tolist() == [True, False]
