"""Variances of nested duplicates against a published example."""

from __future__ import annotations

import numpy as np
import pytest

from gossan.geochem.quality_control.variance_parts import nested_variances, variances_of_pairs

LETTUCE = np.array(
    [
        [3898, 4139, 4466, 4693], [3910, 3993, 4201, 4126], [5708, 5903, 4061, 3782],
        [5028, 4754, 5450, 5416], [4640, 4401, 4248, 4191], [5182, 5023, 4662, 4839],
        [3028, 3224, 3023, 2901], [3966, 4283, 4131, 3788],
    ],
    float,
).reshape(8, 2, 2)  # fmt: skip
"""Nitrate in lettuce (mg/kg): 8 targets, 2 samples, 2 analyses. Eurachem/CITAC guide
"Measurement uncertainty arising from sampling", example A1."""


def test_the_published_example_of_eurachem_is_met() -> None:
    """The guide states 148.18 for analysis and 518.16 for sampling (classical analysis)."""
    parts = nested_variances(LETTUCE)
    assert LETTUCE.mean() == pytest.approx(4345.6, abs=0.05)
    assert np.sqrt(parts.analysis) == pytest.approx(148.18, abs=0.005)
    assert np.sqrt(parts.sampling) == pytest.approx(518.16, abs=0.005)


def test_pairs_that_are_not_nested_give_the_variances_that_made_them() -> None:
    rng = np.random.default_rng(4)
    places = rng.normal(0, 2.0, 6000)
    field = places[:3000, None] + rng.normal(0, 1.0, (3000, 2)) + rng.normal(0, 0.5, (3000, 2))
    laboratory = (places[:3000] + rng.normal(0, 1.0, 3000))[:, None] + rng.normal(0, 0.5, (3000, 2))
    parts = variances_of_pairs(float(np.var(field[:, 0], ddof=1)), field, laboratory, 3000)
    assert parts.analysis == pytest.approx(0.25, rel=0.1)
    assert parts.sampling == pytest.approx(1.0, rel=0.1)
    assert parts.ground == pytest.approx(4.0, rel=0.1)
    assert parts.probability < 1e-6


def test_uniform_ground_has_no_variance_of_its_own() -> None:
    rng = np.random.default_rng(2)
    parts = nested_variances(rng.normal(size=(40, 2, 2)))
    assert parts.probability > 0.01
    assert parts.shares[0] < 0.3
