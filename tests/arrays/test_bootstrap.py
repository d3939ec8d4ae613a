"""The interval of a skill is held against simulated pairs whose true skill is known."""

from __future__ import annotations

import numpy as np
import pytest

from gossan.arrays.bootstrap import Interval, huber, paired_skill, paired_skills


def _pairs(rng: np.random.Generator, groups: int, each: int) -> tuple[np.ndarray, ...]:
    """Errors alike within groups; the true skill is 1 - (0.64 + 0.09) / 1 = 0.27."""
    shared = rng.normal(size=(2, groups, 1)) * np.sqrt(0.4)
    own = rng.normal(size=(2, groups, each)) * np.sqrt(0.6)
    base, other = shared + own
    label = np.repeat(np.arange(groups), each)
    return (0.8 * base + 0.3 * other).ravel(), base.ravel(), label


@pytest.mark.parametrize("groups", [12, 40])
def test_the_interval_covers_the_true_skill_about_as_often_as_it_says(groups: int) -> None:
    rng = np.random.default_rng(17)
    hits = 0
    for trial in range(300):
        interval = paired_skill(*_pairs(rng, groups, 10), draws=400, seed=trial)
        hits += interval.lower <= 0.27 <= interval.upper
    assert 0.91 <= hits / 300 <= 0.985


def test_independent_resampling_of_grouped_errors_would_be_too_sure() -> None:
    rng = np.random.default_rng(5)
    e, e0, label = _pairs(rng, 20, 15)
    e = e + np.repeat(rng.normal(size=20), 15)
    grouped = paired_skill(e, e0, label)
    alone = paired_skill(e, e0, np.arange(e.size))
    assert grouped.upper - grouped.lower > 1.3 * (alone.upper - alone.lower)


def test_the_value_is_one_minus_the_ratio_of_squared_errors() -> None:
    e, e0, label = _pairs(np.random.default_rng(1), 9, 7)
    assert paired_skill(e, e0, label).value == pytest.approx(1 - (e @ e) / (e0 @ e0), rel=1e-12)


def test_the_baseline_against_itself_has_skill_zero_without_doubt() -> None:
    _, e0, label = _pairs(np.random.default_rng(1), 9, 7)
    assert paired_skill(e0, e0, label) == Interval(0.0, 0.0, 0.0)


def test_the_interval_is_deterministic_by_seed_and_free_of_labels_and_scale() -> None:
    e, e0, label = _pairs(np.random.default_rng(1), 9, 7)
    one = paired_skill(e, e0, label, seed=3)
    two = paired_skill(7.0 * e, 7.0 * e0, np.array([f"b{v}" for v in label]), seed=3)
    np.testing.assert_allclose(one, two, rtol=1e-9)


def test_two_groups_give_a_value_and_no_interval() -> None:
    result = paired_skill([1.0, 1.0], [2.0, 2.0], [0, 1])
    assert result.value == 0.75 and np.isnan(result.lower) and np.isnan(result.upper)


def test_a_baseline_without_error_gives_nothing() -> None:
    assert all(np.isnan(v) for v in paired_skill([1.0, 2.0, 1.0], [0.0] * 3, [0, 1, 2]))


def test_empty_errors_are_left_out_in_pairs() -> None:
    e, e0, label = _pairs(np.random.default_rng(1), 9, 7)
    holed = e.copy()
    holed[5] = np.nan
    keep = np.arange(e.size) != 5
    assert paired_skill(holed, e0, label) == paired_skill(e[keep], e0[keep], label[keep])


def test_it_prints_as_a_value_with_its_ends() -> None:
    assert str(Interval(-0.02, -0.06, 0.01)) == "-0.02 [-0.06, 0.01]"


def test_simultaneous_intervals_cover_all_skills_together() -> None:
    rng = np.random.default_rng(23)
    hits = alone = 0
    for trial in range(200):
        base = rng.normal(size=(30, 8))
        errors = [(0.9 * base + 0.3 * rng.normal(size=base.shape)).ravel() for _ in range(4)]
        truth = 1 - (0.81 + 0.09)
        label = np.repeat(np.arange(30), 8)
        found = paired_skills(errors, base.ravel(), label, draws=400, seed=trial)
        hits += all(i.lower <= truth <= i.upper for i in found)
        each = [paired_skill(e, base.ravel(), label, draws=400, seed=trial) for e in errors]
        alone += all(i.lower <= truth <= i.upper for i in each)
    assert 0.90 <= hits / 200 <= 1.0 and alone / 200 < hits / 200


def test_products_that_err_alike_cost_nothing() -> None:
    e, e0, label = _pairs(np.random.default_rng(1), 20, 7)
    one = paired_skill(e, e0, label)
    many = paired_skills([e, e, e], e0, label)
    np.testing.assert_allclose(many, [one] * 3, rtol=1e-12)


def test_softened_errors_have_hubers_loss() -> None:
    e = np.linspace(-4, 4, 33)
    expected = np.where(np.abs(e) <= 1.5, e**2, 2 * 1.5 * np.abs(e) - 1.5**2)
    np.testing.assert_allclose(huber(e, 1.5) ** 2, expected)
