"""Forests on binned features, against scikit-learn's on the values themselves."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_friedman1
from sklearn.ensemble import RandomForestRegressor
from sklearn.tree import DecisionTreeRegressor

from gossan.fusion.random_forest import ForestOptions, grow
from gossan.fusion.trees import LEAVES

ONE_TREE = ForestOptions(trees=1, tried=1.0, bootstrap=False)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_with_a_bin_for_each_value_a_tree_is_that_of_scikit_learn(
    seed: int, weighted: bool
) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(250, 6))
    x[:, 5] = np.round(x[:, 5])
    y = x[:, 0] ** 2 + x[:, 1] + rng.normal(size=250)
    weights = rng.uniform(0.5, 2.0, 250) if weighted else None
    peer = DecisionTreeRegressor(min_samples_leaf=5, max_leaf_nodes=LEAVES).fit(x, y, weights)
    forest = grow(x, y, ONE_TREE, weights)
    apart = np.abs(forest.trees(x.T) - peer.predict(x)) > 1e-9
    assert apart.mean() < 0.01  # within a 16-bit code of a threshold
    np.testing.assert_allclose(forest.importance, peer.feature_importances_, rtol=0, atol=1e-9)


def test_more_values_than_bins_cost_little() -> None:
    x, y = make_friedman1(5000, noise=1.0, random_state=0)
    peer = DecisionTreeRegressor(min_samples_leaf=5, max_leaf_nodes=LEAVES).fit(x, y)
    own = np.mean((grow(x, y, ONE_TREE).trees(x.T) - y) ** 2)
    assert own < 1.01 * np.mean((peer.predict(x) - y) ** 2)


def test_forests_are_as_good_as_those_of_scikit_learn() -> None:
    new, truth = make_friedman1(4000, n_features=20, random_state=99)
    own, peer, seen = [], [], []
    for seed in range(8):
        x, y = make_friedman1(400, n_features=20, noise=1.0, random_state=seed)
        forest = grow(x, y, ForestOptions(seed=seed))
        same = RandomForestRegressor(
            100, min_samples_leaf=5, max_leaf_nodes=LEAVES, max_features=1 / 3, random_state=seed,
            oob_score=True,
        ).fit(x, y)  # fmt: skip
        own.append(np.mean((forest.trees(new.T) - truth) ** 2))
        peer.append(np.mean((same.predict(new) - truth) ** 2))
        left = np.mean((forest.out_of_bag - y) ** 2)
        seen.append(left / np.mean((same.oob_prediction_ - y) ** 2))
    assert np.mean(own) == pytest.approx(np.mean(peer), rel=0.03)
    assert np.mean(seen) == pytest.approx(1.0, abs=0.03)


def test_out_of_bag_estimates_have_not_seen_their_sample() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(300, 5)), rng.normal(size=300)
    forest = grow(x, y)
    assert np.corrcoef(forest.trees(x.T), y)[0, 1] > 0.5
    assert np.corrcoef(forest.out_of_bag, y)[0, 1] < 0.1


def test_features_that_say_nothing_leave_the_mean() -> None:
    forest = grow(np.ones((30, 2)), np.arange(30.0), ONE_TREE)
    np.testing.assert_allclose(forest.trees(np.ones((2, 3))), 14.5)
    assert forest.importance.tolist() == [0.0, 0.0]
