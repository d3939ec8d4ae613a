"""Weights of a mean are held against a grid search and against what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gossan.fusion.selection.stacking import blend_weights, cross_blend, simplex_weights


def _case(seed: int = 0, n: int = 200) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.normal(size=n)
    held = y[:, None] + rng.normal(size=(n, 3)) * [0.5, 0.7, 2.0]
    return held, y, np.arange(n) % 8


@given(st.integers(0, 10_000))
def test_weights_are_a_share_each_and_beat_every_other_share(seed: int) -> None:
    held, y, _ = _case(seed, 40)
    weights = simplex_weights(held, y)
    assert (weights >= 0).all() and weights.sum() == pytest.approx(1.0)
    error = np.sum((held @ weights - y) ** 2)
    others = np.random.default_rng(seed).dirichlet(np.ones(3), 200)
    assert error <= np.sum((others @ held.T - y) ** 2, axis=1).min() + 1e-6


def test_weights_do_not_depend_on_unit_or_origin() -> None:
    held, y, _ = _case()
    one, two = simplex_weights(held, y), simplex_weights(1e4 * held + 3e5, 1e4 * y + 3e5)
    np.testing.assert_allclose(one, two, atol=1e-5)


def test_independent_errors_are_weighted_by_their_inverse_variance() -> None:
    held, y, _ = _case(1, 20_000)
    inverse = 1 / np.array([0.5, 0.7, 2.0]) ** 2
    np.testing.assert_allclose(simplex_weights(held, y), inverse / inverse.sum(), atol=0.02)


def test_models_that_are_alike_get_equal_weights() -> None:
    rng = np.random.default_rng(3)
    y = rng.normal(size=120)
    held = y[:, None] + rng.normal(size=(120, 4))
    weights, share = blend_weights(held, y, np.arange(120) % 6)
    assert share >= 0.5
    np.testing.assert_allclose(weights, 0.25, atol=0.15)


def test_a_bad_member_gets_nearly_nothing() -> None:
    rng = np.random.default_rng(3)
    y = rng.normal(size=300)
    held = y[:, None] + rng.normal(size=(300, 2)) * [0.3, 5.0]
    weights, share = blend_weights(held, y, np.arange(300) % 6)
    assert weights[1] < 0.02 and share == 0.0


def test_a_cross_fitted_blend_never_sees_its_fold() -> None:
    held, y, folds = _case()
    blended = cross_blend(held, y, folds)
    changed = y.copy()
    changed[folds == 3] += 100.0
    again = cross_blend(held, changed, folds)
    np.testing.assert_array_equal(blended[folds == 3], again[folds == 3])
    assert not np.array_equal(blended[folds != 3], again[folds != 3])
