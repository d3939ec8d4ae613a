"""Forests at pixels say what scikit-learn says, whatever the size of their trees."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor

from gossan.fusion.trees import LEAVES, Remainder, Trees

KINDS = [RandomForestRegressor, ExtraTreesRegressor]


def grown(kind: Any, **options: Any) -> tuple[Any, np.ndarray]:
    """A forest of 20 trees on 300 samples, and 1,111 new places."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(300, 5)).astype(np.float32)
    forest = kind(20, random_state=0, **options).fit(x, x[:, 0] * x[:, 1])
    return forest, rng.normal(size=(1111, 5)).astype(np.float32)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("leaves", [2, 3, LEAVES - 1, LEAVES, LEAVES + 1, 2 * LEAVES + 1, None])
def test_trees_of_any_size_say_what_scikit_learn_says(kind: Any, leaves: int | None) -> None:
    forest, new = grown(kind, max_leaf_nodes=leaves)
    if leaves is not None:
        assert max(tree.get_n_leaves() for tree in forest.estimators_) == leaves
    np.testing.assert_allclose(Trees.of(forest)(new.T), forest.predict(new), rtol=0, atol=1e-12)


def test_a_value_at_the_threshold_goes_the_way_scikit_learn_sends_it() -> None:
    forest, _ = grown(RandomForestRegressor)
    cuts = np.concatenate([t.tree_.threshold[t.tree_.feature >= 0] for t in forest.estimators_])
    near = np.concatenate([np.nextafter(np.float32(cuts), np.float32(side)) for side in (-9, 9)])
    at = np.repeat(np.concatenate([np.float32(cuts), near])[:, None], 5, axis=1)
    np.testing.assert_allclose(Trees.of(forest)(at.T), forest.predict(at), rtol=0, atol=1e-12)


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
    np.testing.assert_allclose(added[kept], 0.5 * forest.predict(new[kept]), atol=1e-12)
