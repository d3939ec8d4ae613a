"""Divide samples into folds for cross-validation: spatial blocks, kNNDM, random."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial import cKDTree

__all__ = [
    "block_folds",
    "block_labels",
    "distance_to_fit",
    "knndm_folds",
    "nearest_distances",
    "network_folds",
    "random_folds",
    "wasserstein",
]

HIERARCHICAL_LIMIT = 4000
"""Above this many samples kNNDM groups by k-means, whose memory does not grow with n^2."""


def random_folds(n: int, folds: int, seed: int = 0) -> NDArray[np.int_]:
    """Deal n samples into folds at random, sizes equal to within one.

    Neighbours end up in different folds: scores from random folds are optimistic wherever a
    map is wanted between the samples' clusters.

    >>> np.bincount(random_folds(11, 3)).tolist()
    [4, 4, 3]
    """
    labels = np.arange(n) % folds
    return np.random.default_rng(seed).permutation(labels)


def block_labels(
    coordinates: NDArray[np.float64], block_m: float, seed: int = 0
) -> NDArray[np.int_]:
    """Label each sample with its square block of side ``block_m``; random origin.

    Parameters
    ----------
    coordinates : (n, 2) easting, northing in metres.
    block_m : side of the blocks in metres.
    seed : of the origin.

    Returns
    -------
    (n,) labels 0, 1, ... of occupied blocks.

    >>> xy = np.array([[0.0, 0.0], [1.0, 1.0], [5000.0, 0.0]])
    >>> a, b, c = block_labels(xy, 1000.0)
    >>> bool(a == b), bool(a == c)
    (True, False)
    """
    origin = coordinates.min(axis=0) - np.random.default_rng(seed).uniform(0.0, block_m, 2)
    cell = np.floor((coordinates - origin) / block_m).astype(np.int64)
    _, label = np.unique(cell, axis=0, return_inverse=True)
    return np.asarray(label).ravel()


def block_folds(
    coordinates: NDArray[np.float64], block_m: float, folds: int, seed: int = 0
) -> NDArray[np.int_]:
    """Divide samples into folds of whole square blocks, balanced in number of samples.

    Blocks are dealt, largest first, each to the fold that holds the fewest samples (ties at
    random). Fewer occupied blocks than folds give as many folds as blocks.

    Parameters
    ----------
    coordinates : (n, 2) easting, northing in metres.
    block_m : side of the blocks in metres; at least the range of the residual.
    folds : number wanted.
    seed : of the blocks' origin and of ties.

    Returns
    -------
    (n,) fold of each sample, 0 .. folds - 1.

    >>> xy = np.random.default_rng(0).uniform(0, 10_000, (200, 2))
    >>> sorted(set(block_folds(xy, 2000.0, 5).tolist()))
    [0, 1, 2, 3, 4]

    Source: Roberts et al. 2017; Valavi et al. 2019.
    """
    block = block_labels(coordinates, block_m, seed)
    return _deal(block, folds, np.random.default_rng(seed + 1))


def network_folds(
    coordinates: NDArray[np.float64],
    network: NDArray[np.int_],
    block_m: float,
    folds: int,
    seed: int = 0,
) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Divide samples of streams into folds of whole drainage networks.

    Samples that drain together share sediment and stay together. Networks whose centres lie in
    one square block stay together as well: small neighbouring networks are as alike as points.

    Parameters
    ----------
    coordinates : (n, 2) easting, northing in metres.
    network : (n,) number of the network of each sample, from 0.
    block_m : side of the blocks in metres; at least the range of the residual.
    folds : number wanted; fewer groups than that give as many folds as groups.
    seed : of the blocks' origin and of ties.

    Returns
    -------
    (n,) fold of each sample and (n,) group that is held out whole.

    >>> xy = np.array([[0.0, 0.0], [9000.0, 0.0], [20_000.0, 0.0], [30_000.0, 0.0]])
    >>> fold, group = network_folds(xy, np.array([0, 0, 1, 2]), 1000.0, 3)
    >>> bool(group[0] == group[1]), len(set(fold.tolist()))
    (True, 3)
    """
    count = np.maximum(np.bincount(network), 1)
    centre = np.stack([np.bincount(network, x) / count for x in coordinates.T], axis=1)
    present, place = np.unique(network, return_inverse=True)
    group = block_labels(centre[present], block_m, seed)[place.ravel()]
    return _deal(group, folds, np.random.default_rng(seed + 1)), group


def _deal(group: NDArray[np.int_], folds: int, rng: np.random.Generator) -> NDArray[np.int_]:
    """Deal whole groups to folds, largest first, to the emptiest fold."""
    size = np.bincount(group)
    order = np.lexsort((rng.random(size.size), -size))
    load = np.zeros(min(folds, size.size), dtype=np.int64)
    fold_of = np.empty(size.size, dtype=np.int64)
    for g in order:
        emptiest = np.flatnonzero(load == load.min())
        fold_of[g] = rng.choice(emptiest)
        load[fold_of[g]] += size[g]
    return fold_of[group]


def nearest_distances(
    targets: NDArray[np.float64], coordinates: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Measure from each target (m, 2) to the nearest of the coordinates (n, 2), in metres."""
    return np.asarray(cKDTree(coordinates).query(targets)[0], dtype=np.float64)


def distance_to_fit(
    coordinates: NDArray[np.float64], folds: NDArray[np.int_]
) -> NDArray[np.float64]:
    """Measure from each sample to the nearest sample outside its own fold, in metres.

    >>> xy = np.array([[0.0, 0.0], [3.0, 0.0], [10.0, 0.0]])
    >>> distance_to_fit(xy, np.array([0, 0, 1])).tolist()
    [10.0, 7.0, 7.0]
    """
    result = np.full(len(coordinates), np.inf)
    for fold in np.unique(folds):
        held = folds == fold
        if not held.all():
            result[held] = nearest_distances(coordinates[held], coordinates[~held])
    return result


def wasserstein(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Measure the area between two empirical distribution functions (Wasserstein-1).

    >>> wasserstein(np.array([0.0, 1.0]), np.array([2.0, 3.0]))
    2.0
    """
    values = np.sort(np.concatenate([first, second]))
    left = np.searchsorted(np.sort(first), values[:-1], side="right") / first.size
    right = np.searchsorted(np.sort(second), values[:-1], side="right") / second.size
    return float(np.sum(np.abs(left - right) * np.diff(values)))


def knndm_folds(
    coordinates: NDArray[np.float64],
    targets: NDArray[np.float64],
    folds: int,
    seed: int = 0,
) -> NDArray[np.int_]:
    """Choose folds whose distances to fitted samples are those of the mapping task (kNNDM).

    The distances from held-out samples to the nearest fitted sample should be distributed as
    the distances from the map's pixels to the nearest sample. Among random folds and
    groupings of the samples into q = folds .. n clusters (then merged into folds), the
    one with the smallest Wasserstein distance between both distributions is taken.

    Parameters
    ----------
    coordinates : (n, 2) samples.
    targets : (m, 2) places where the map is wanted, for example a random thousand of its pixels.
    folds : number of folds.
    seed : of random folds and k-means.

    Returns
    -------
    (n,) fold of each sample.

    Source: Linnenbrink et al. 2024 (kNNDM).
    """
    wanted = nearest_distances(targets, coordinates)
    best = random_folds(len(coordinates), folds, seed)
    gap = wasserstein(distance_to_fit(coordinates, best), wanted)
    for labels in _clusterings(coordinates, folds, seed):
        candidate = _merge(coordinates, labels, folds)
        if candidate.max() + 1 < 2:
            continue
        distance = wasserstein(distance_to_fit(coordinates, candidate), wanted)
        if distance < gap:
            best, gap = candidate, distance
    return best


def _clusterings(coordinates: NDArray[np.float64], folds: int, seed: int) -> list[NDArray[np.int_]]:
    """Group samples into q clusters for about twenty q between folds and n / 2."""
    n = len(coordinates)
    counts = np.unique(np.geomspace(folds, max(n // 2, folds + 1), 20).astype(int))
    if n <= HIERARCHICAL_LIMIT:
        tree = linkage(coordinates, method="average")
        return [fcluster(tree, int(q), criterion="maxclust") - 1 for q in counts]
    return [_k_means(coordinates, int(q), seed) for q in counts]


def _k_means(
    coordinates: NDArray[np.float64], clusters: int, seed: int, rounds: int = 10
) -> NDArray[np.int_]:
    """Group positions about centres that start at random samples; empty clusters are dropped."""
    start = np.random.default_rng(seed).choice(len(coordinates), clusters, replace=False)
    centres, label = coordinates[start], np.zeros(len(coordinates), dtype=np.int64)
    for _ in range(rounds):
        nearest = cKDTree(centres).query(coordinates)[1]
        label = np.unique(nearest, return_inverse=True)[1].ravel()
        count = np.bincount(label)
        centres = np.stack([np.bincount(label, x) / count for x in coordinates.T], axis=1)
    return label


def _merge(
    coordinates: NDArray[np.float64], labels: NDArray[np.int_], folds: int
) -> NDArray[np.int_]:
    """Merge clusters into folds: in order along the longest axis, dealt in turn.

    A cluster that holds over half of the samples makes its fold the larger part; such a grouping
    is returned as it is and loses by its distances if it is bad.
    """
    count = np.bincount(labels)
    centre = np.stack([np.bincount(labels, x) / count for x in coordinates.T], axis=1)
    centred = centre - centre.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    rank = np.empty(count.size, dtype=np.int64)
    rank[np.argsort(centred @ axes[0], kind="stable")] = np.arange(count.size)
    return (rank % folds)[labels]
