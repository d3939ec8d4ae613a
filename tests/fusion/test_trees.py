"""Forests at pixels say what scikit-learn says, whatever the size of their trees."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor

from gossan.fusion.trees import LEAVES, Remainder, Trees

CODE = 1.0 / 32767.0
KINDS = [RandomForestRegressor, ExtraTreesRegressor]


def grown(kind: Any, **options: Any) -> tuple[Any, np.ndarray]:
    """A forest of 20 trees on 300 samples, and 1,111 new places."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(300, 5)).astype(np.float32)
    forest = kind(20, random_state=0, **options).fit(x, x[:, 0] * x[:, 1])
    return forest, rng.normal(size=(1111, 5)).astype(np.float32)


def steps(cuts: np.ndarray) -> np.ndarray:
    """Twice the size of a 16-bit code at each threshold of a feature."""
    off = np.abs(cuts - np.median(cuts))
    size = float(np.median(off) or off.mean() or 1e-5)
    return 2 * CODE * size * (1 + off / size) ** 2


def thresholds(forest: Any) -> list[np.ndarray]:
    """Thresholds of each of five features."""
    feature = np.concatenate([t.tree_.feature for t in forest.estimators_])
    every = np.concatenate([t.tree_.threshold for t in forest.estimators_])
    return [every[feature == number] for number in range(5)]


def just_above(forest: Any, places: np.ndarray) -> np.ndarray:
    """Which places have a feature within two codes above a threshold."""
    found = np.zeros(len(places), bool)
    for cuts, own in zip(thresholds(forest), places.T):
        if len(cuts):
            off = own[:, None] - cuts
            found |= ((off > 0) & (off < steps(cuts))).any(axis=1)
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("leaves", [2, 3, LEAVES - 1, LEAVES, LEAVES + 1, 2 * LEAVES + 1, None])
def test_trees_of_any_size_say_what_scikit_learn_says(kind: Any, leaves: int | None) -> None:
    forest, new = grown(kind, max_leaf_nodes=leaves)
    if leaves is not None:
        assert max(tree.get_n_leaves() for tree in forest.estimators_) == leaves
    clear = ~just_above(forest, new)
    assert leaves not in (2, 3) or clear.mean() > 0.98
    found, said = Trees.of(forest)(new.T), forest.predict(new)
    np.testing.assert_allclose(found[clear], said[clear], rtol=0, atol=1e-12)
    assert (np.abs(found - said) > 1e-9).mean() < 0.01


def test_a_value_at_the_threshold_goes_the_way_scikit_learn_sends_it() -> None:
    """And one above it, once it is a code away: every feature in turn, the others low."""
    forest, _ = grown(RandomForestRegressor)
    trees = Trees.of(forest)
    for number, cuts in enumerate(thresholds(forest)):
        down = np.float32(cuts)
        down[down > cuts] = np.nextafter(down[down > cuts], np.float32(-9))
        at = np.full((2 * len(cuts), 5), -9.0, np.float32)
        at[:, number] = np.concatenate([down, cuts + steps(cuts)])
        clear = ~just_above(forest, at)
        assert clear.mean() > 0.5
        np.testing.assert_allclose(trees(at.T)[clear], forest.predict(at)[clear], atol=1e-12)


def test_thresholds_far_out_leave_the_others_fine() -> None:
    """One value a million times the others takes no codes away from them."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 1)).astype(np.float32)
    x[:3] = [[1e6], [2e6], [3e6]]
    y = np.sign(x[:, 0]) + (x[:, 0] > 1.0) + 5.0 * (x[:, 0] > 1.5e6)
    forest = RandomForestRegressor(20, random_state=0).fit(x, y)
    new = np.linspace(-2, 2, 5001, dtype=np.float32)[:, None]
    same = np.abs(Trees.of(forest)(new.T) - forest.predict(new)) < 1e-12
    assert same.mean() > 0.995


def test_a_tree_without_a_test_is_its_mean() -> None:
    forest = RandomForestRegressor(3, bootstrap=False).fit(np.zeros((9, 2)), np.arange(9.0))
    np.testing.assert_allclose(Trees.of(forest)(np.ones((2, 4))), 4.0)


def test_trees_survive_a_pickle() -> None:
    forest, new = grown(RandomForestRegressor)
    trees = Trees.of(forest)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(trees))(new.T), trees(new.T))


def test_nothing_is_added_where_a_feature_is_empty() -> None:
    forest, new = grown(RandomForestRegressor)
    new[::7, 3] = np.nan
    added = Remainder(Trees.of(forest), 0.5)(new.T)
    assert (added[::7] == 0).all()
    kept = np.isfinite(new).all(axis=1)
    kept[kept] = ~just_above(forest, new[kept])
    np.testing.assert_allclose(added[kept], 0.5 * forest.predict(new[kept]), atol=1e-12)
