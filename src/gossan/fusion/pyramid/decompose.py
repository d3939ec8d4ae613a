"""Split features into frequencies and classes: two passes over them, shared by all elements."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.array_type import Array
from gossan.arrays.clusters import EMPTY, ClusterSums, cluster_sums
from gossan.errors import FitError, must
from gossan.fusion.features.known import known_of
from gossan.fusion.lattice_layer import cubic_pair
from gossan.fusion.protocol import Features
from gossan.fusion.pyramid.decomposition import Decomposition, PixelSample
from gossan.fusion.pyramid.kmeans import Clusters, fit_clusters
from gossan.fusion.pyramid.kriged_pair import SmoothedPair, smoothed_pair
from gossan.fusion.pyramid.lowpass import LowPassLayer, add_coarse, hold_coarse
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer
from gossan.geo.sampling import PixelPattern

__all__ = ["decompose", "decomposition_of"]

Place = tuple[slice, slice]
Pairs = tuple[NDArray[np.uint8], Array, Array]

SAMPLE = 100_000
"""Pixels that K-means and the diagnostics look at."""


def decomposition_of(
    features: Features,
    levels: int,
    classes: int,
    lattice: Grid,
    seed: int = 0,
    blocks: Blocks | None = None,
) -> Decomposition:
    """Decompose features, or give the decomposition made earlier of the very same object.

    It is kept as long as the features live: elements, products and folds share it.

    Raises
    ------
    FitError
        Features of a pyramid must be a layer on the output grid.
    """
    layer = features.layer
    if layer is None:
        raise FitError(
            must(
                "features of a pyramid",
                "a layer on the output grid",
                ", ".join(features.names) or "none",
                'Name imagery, for example features = "indices.pc2"',
            )
        )
    known = known_of(features)
    key = ("decomposition", levels, classes, seed, *lattice.transform[:6], *lattice.shape)
    if key not in known:
        known[key] = decompose(layer, levels, classes, lattice, seed, blocks)
    found: Decomposition = known[key]
    return found


def decompose(
    layer: Layer,
    levels: int,
    classes: int,
    lattice: Grid,
    seed: int = 0,
    blocks: Blocks | None = None,
) -> Decomposition:
    """Split features into frequencies and classes and add up what regressions need.

    Two passes over the layer: the coarse level of its pyramid and a sample of pixels for
    K-means; then the sums per class. Neither depends on any element.

    Parameters
    ----------
    layer
        Features on the output grid.
    levels
        Depth of the pyramid.
    classes
        Number of K-means classes; 1: all ground is one.
    lattice
        Where the coarse layers of the elements are given.
    seed
        Of the sample and of K-means.
    blocks
        The engine.

    Raises
    ------
    FitError
        The features are empty, or have fewer distinct pixels than classes.
    """
    engine = blocks or Blocks()
    pattern = PixelPattern.stratified(layer.grid, SAMPLE, seed)
    low_pass = hold_coarse(layer, levels)
    pixels = np.full((len(layer.bands), len(pattern)), np.nan)
    for _, (part, (numbers, picked)) in engine.map(partial(_first, low_pass, pattern), layer.grid):
        pixels[:, numbers] = picked
        if low_pass.sums is not None and part is not None:
            low_pass.sums[(slice(None), *part[1])] += part[0]
    clusters = fit_clusters(pixels, layer.bands, classes, seed)
    cubic = cubic_pair(lattice, layer.grid)
    smooth = smoothed_pair(cubic, levels)
    sums, projected, sample = _add_up(low_pass, clusters, smooth, pattern, engine)
    return Decomposition(low_pass, clusters, lattice, cubic, smooth, sums, projected, sample)


def _add_up(
    low_pass: LowPassLayer,
    clusters: Clusters,
    smooth: SmoothedPair,
    pattern: PixelPattern,
    engine: Blocks,
) -> tuple[ClusterSums, Array, PixelSample]:
    """Make the second pass: the sums per class, and the picked pixels with their neighbours."""
    d, n = len(low_pass.bands), len(pattern)
    projected = np.zeros((len(clusters), d + 1, smooth.rows.nodes, smooth.columns.nodes))
    labels = np.full((2, n), EMPTY, np.uint8)
    values, low = np.full((2, d, n), np.nan), np.full((2, d, n), np.nan)
    total: ClusterSums | None = None
    step = partial(_second, low_pass, clusters, smooth, pattern)
    for _, (sums, (share, place), (numbers, pairs)) in engine.map(step, low_pass.grid):
        total = sums if total is None else total + sums
        projected[(slice(None), slice(None), *place)] += share
        labels[:, numbers], values[..., numbers], low[..., numbers] = pairs
    if total is None or not total.count.sum():
        raise FitError(must("features", "filled somewhere", "all empty", "Check their masks"))
    return total, projected, PixelSample(pattern.rows, pattern.cols, labels, values, low)


def _first(
    low: LowPassLayer, pattern: PixelPattern, window: Window
) -> tuple[tuple[Array, Place] | None, tuple[NDArray[np.int64], NDArray[np.floating]]]:
    """Read a window once: its share of the coarse level, and its picked pixels."""
    values = low.source.read(window)
    part = None if low.sums is None else add_coarse(low, window, values)
    return part, pattern.take(values, window)


def _second(
    low_pass: LowPassLayer,
    clusters: Clusters,
    smooth: SmoothedPair,
    pattern: PixelPattern,
    window: Window,
) -> tuple[ClusterSums, tuple[Array, Place], tuple[NDArray[np.int64], Pairs]]:
    """Read a window once: its sums per class, and its picked pixels with their neighbours."""
    beyond = (
        window.col + window.width
    ) % 2 == 1 and window.col + window.width < low_pass.grid.width
    wide = window._replace(width=window.width + int(beyond))
    values, low = low_pass.split(wide)
    labels = clusters.labels(values)
    own = (slice(None), slice(None, window.width))
    sums, part, place = cluster_sums(
        labels[own],
        low[(slice(None), *own)],
        len(clusters),
        clusters.centre,
        *smooth.parts(window),
    )
    return sums, (part, place), _take_pairs(pattern, window, labels, values, low)


def _take_pairs(
    pattern: PixelPattern,
    window: Window,
    labels: NDArray[np.uint8],
    values: NDArray[np.float32],
    low: NDArray[np.float32],
) -> tuple[NDArray[np.int64], Pairs]:
    """Take picked pixels and, where there is one, the pixel to the right of each."""
    numbers = pattern.inside(window)
    row, col = pattern.rows[numbers] - window.row, pattern.cols[numbers] - window.col
    last = col + 1 >= labels.shape[1]
    right = np.where(last, col, col + 1)
    beside = np.where(last, EMPTY, labels[row, right])
    pairs = (
        np.stack([labels[row, col], beside]).astype(np.uint8),
        np.stack([values[:, row, col], values[:, row, right]]).astype(float),
        np.stack([low[:, row, col], low[:, row, right]]).astype(float),
    )
    return numbers, pairs
