"""Classes of ground: against scikit-learn, in a stated order, whatever the blocks."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import KMeans

from gossan.errors import FitError
from gossan.fusion.pyramid.kmeans import fit_clusters
from gossan.geo.grid import Grid

GRID = Grid.from_bounds(32638, (1010, 530, 1010 + 84 * 15, 530 + 60 * 20), (15, 20))


def ground(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    kinds = np.array([[0.0, 200.0], [4.0, 100.0], [9.0, 300.0], [5.0, 500.0]])
    kind = rng.integers(0, 4, GRID.shape)
    array = kinds[kind] + rng.normal(size=(*GRID.shape, 2)) * [0.7, 20.0]
    array[5:9, 11:50] = np.nan
    return np.moveaxis(array, -1, 0).astype(np.float32)


def test_labels_are_those_of_scikit_learn_on_standardised_features() -> None:
    array = ground()
    pixels = array.reshape(2, -1)
    clusters = fit_clusters(pixels, ("f1", "f2"), 4, seed=3)
    filled = np.isfinite(pixels).all(axis=0)
    x = pixels[:, filled].T.astype(float)
    scaled = (x - x.mean(axis=0)) / x.std(axis=0)
    wanted = KMeans(4, n_init=3, random_state=3).fit(scaled)
    labels = clusters.labels(array).ravel()
    assert (labels[~filled] == 255).all()
    # the same classes, numbered by the first feature
    rank = np.argsort(np.argsort(wanted.cluster_centers_[:, 0]))
    np.testing.assert_array_equal(labels[filled], rank[wanted.labels_])


def test_classes_are_sorted_by_the_first_feature_and_seeds_repeat() -> None:
    pixels = ground().reshape(2, -1)
    first, again = (fit_clusters(pixels, ("f1", "f2"), 4, seed=9) for _ in range(2))
    np.testing.assert_array_equal(first.centres, again.centres)
    assert (np.diff(first.table().f1) > 0).all()
    assert first.table().f2.between(90, 510).all()


def test_more_classes_than_pixels_that_differ_are_refused() -> None:
    with pytest.raises(FitError, match=r"clusters must be 1 to 3, .*; got 4"):
        fit_clusters(np.array([[1.0, 2.0, 2.0, 3.0, np.nan]]), ("f1",), 4)
