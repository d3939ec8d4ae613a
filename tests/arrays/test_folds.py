"""Folds are held against brute force and against the property that they are made for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cdist

from gossan.arrays.folds import (
    HIERARCHICAL_LIMIT,
    block_folds,
    block_labels,
    distance_to_fit,
    knndm_folds,
    random_folds,
    wasserstein,
)


def _samples(n: int = 300, seed: int = 5) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.uniform(4e5, 4.6e5, n), rng.uniform(2.6e6, 2.63e6, n)])


def _clustered(seed: int = 2) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = np.column_stack([rng.uniform(4e5, 4.6e5, 12), rng.uniform(2.6e6, 2.63e6, 12)])
    return (centres[:, None] + rng.normal(0, 600.0, (12, 20, 2))).reshape(-1, 2)


def test_random_folds_are_balanced_and_hold_every_sample_once() -> None:
    labels = random_folds(103, 10, seed=4)
    assert labels.shape == (103,)
    assert set(np.bincount(labels)) == {10, 11}


def test_two_samples_share_a_block_only_within_its_side() -> None:
    xy = _samples()
    block = block_labels(xy, 5000.0, seed=3)
    same = block[:, None] == block[None, :]
    apart = np.abs(xy[:, None] - xy[None, :]).max(axis=2)
    assert apart[same].max() <= 5000.0


def test_no_block_is_divided_between_folds_and_folds_are_balanced() -> None:
    xy = _samples()
    block, fold = block_labels(xy, 5000.0, seed=3), block_folds(xy, 5000.0, 6, seed=3)
    for b in np.unique(block):
        assert np.unique(fold[block == b]).size == 1
    size = np.bincount(fold)
    assert size.size == 6 and np.ptp(size) <= np.bincount(block).max()


def test_fewer_blocks_than_folds_give_as_many_folds_as_blocks() -> None:
    xy = _samples()
    assert np.unique(block_folds(xy, 4e4, 10)).size == np.unique(block_labels(xy, 4e4)).size < 10


def test_distance_to_fit_agrees_with_brute_force() -> None:
    xy = _samples(80)
    fold = block_folds(xy, 8000.0, 5)
    every = cdist(xy, xy)
    every[fold[:, None] == fold[None, :]] = np.inf
    np.testing.assert_allclose(distance_to_fit(xy, fold), every.min(axis=1), rtol=1e-12)


def test_wasserstein_agrees_with_scipy() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.exponential(2.0, 40), rng.normal(3.0, 1.0, 77)
    assert wasserstein(a, b) == pytest.approx(stats.wasserstein_distance(a, b), rel=1e-12)


@pytest.mark.parametrize("limit", [HIERARCHICAL_LIMIT, 10])
def test_knndm_matches_the_distances_of_the_map_better_than_random_folds(
    limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gossan.arrays.folds.HIERARCHICAL_LIMIT", limit)
    xy, rng = _clustered(), np.random.default_rng(9)
    targets = np.column_stack([rng.uniform(4e5, 4.6e5, 800), rng.uniform(2.6e6, 2.63e6, 800)])
    wanted = cdist(targets, xy).min(axis=1)
    gap = {
        name: wasserstein(distance_to_fit(xy, fold), wanted)
        for name, fold in (
            ("knndm", knndm_folds(xy, targets, 6)),
            ("random", random_folds(len(xy), 6)),
        )
    }
    assert gap["knndm"] < 0.5 * gap["random"]


def test_knndm_of_samples_spread_like_the_map_is_about_random() -> None:
    xy, targets = _samples(150, 1), _samples(1000, 2)
    fold = knndm_folds(xy, targets, 5)
    held, wanted = distance_to_fit(xy, fold), cdist(targets, xy).min(axis=1)
    assert held.mean() == pytest.approx(wanted.mean(), rel=0.35)
