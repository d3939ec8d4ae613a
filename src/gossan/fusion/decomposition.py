"""What the pyramid model needs of the imagery alone: computed once for all elements and folds."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.clusters import EMPTY, ClusterSums, cluster_sums
from gossan.errors import FitError, must
from gossan.fusion.background import SmoothedPair, TapsPair, cubic_pair, smoothed_pair
from gossan.fusion.clusters import Clusters, fit_clusters
from gossan.fusion.lowpass import LowPassLayer, add_coarse, hold_coarse
from gossan.fusion.protocol import Features, Points
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer
from gossan.geo.sampling import PixelPattern

__all__ = ["Decomposition", "PixelSample", "PointShares", "decompose", "decomposition_of"]

SAMPLE = 100_000
"""Pixels that K-means and the diagnostics look at."""


@dataclass(frozen=True, eq=False)
class PixelSample:
    """Hold picked pixels and the one to the right of each, for diagnostics.

    Parameters
    ----------
    rows, cols
        (n,) pixels.
    labels
        (2, n) class of the pixel and of its right neighbour; ``EMPTY`` for none.
    values, low
        (2, d, n) features and their low frequencies.
    """

    rows: NDArray[np.int64]
    cols: NDArray[np.int64]
    labels: NDArray[np.uint8]
    values: NDArray[np.float64]
    low: NDArray[np.float64]


class PointShares(NamedTuple):
    """Say what lies in the support square of each of n points.

    ``row``, ``col`` (n,) pixel under the point, -1 off the grid; ``share`` (n, classes) of its
    filled pixels, NaN where none; ``values``, ``low`` (n, classes, d) sums over the pixels of
    a class, divided by the number of all filled pixels.
    """

    row: NDArray[np.int64]
    col: NDArray[np.int64]
    share: NDArray[np.float64]
    values: NDArray[np.float64]
    low: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Decomposition:
    """Hold the low-pass of the features, the classes, and all sums that regressions need.

    Parameters
    ----------
    low_pass
        Features (``low_pass.source``) and their low frequencies.
    clusters
        Classes of ground.
    lattice
        Lattice of the coarse layers that will be regressed.
    cubic, smooth
        From lattice values to pixels: the layer, and its low frequencies.
    sums
        Counts, sums and products of the low frequencies per class.
    projected
        (classes, d + 1, inner nodes, inner nodes): 1 and every feature less ``sums.shift``,
        added up per class on the inner lattice of ``smooth``: any coarse layer q there has
        X'y = sum of ``projected * q``.
    sample
        Pixels for diagnostics.
    """

    low_pass: LowPassLayer
    clusters: Clusters
    lattice: Grid
    cubic: TapsPair
    smooth: SmoothedPair
    sums: ClusterSums = field(repr=False)
    projected: NDArray[np.float64] = field(repr=False)
    sample: PixelSample = field(repr=False)
    _points: dict[tuple[int, int, int, int], tuple[NDArray[np.float64], ...]] = field(
        default_factory=dict, repr=False
    )

    @property
    def grid(self) -> Grid:
        """Grid of the pixels."""
        return self.low_pass.grid

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features."""
        return self.low_pass.bands

    @property
    def levels(self) -> int:
        """Depth of the pyramid."""
        return self.low_pass.levels

    def cross(self, inner: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give (classes, d + 1): sums of y and of (x - shift) y over the pixels of each class.

        ``inner`` are values of y on the inner lattice.
        """
        return np.tensordot(self.projected, inner, axes=2)

    def at(self, points: Points) -> PointShares:
        """Say which classes lie in the support of each point, with their mean features.

        Answers are kept: folds and elements ask for the same points again and again.
        """
        grid = self.grid
        down = int(np.floor(points.support_m / 2 / grid.pixel_height))
        across = int(np.floor(points.support_m / 2 / grid.pixel_width))
        row, col = grid.index_of(points.coordinates[:, 0], points.coordinates[:, 1])
        inside = grid.contains(points.coordinates[:, 0], points.coordinates[:, 1])
        rows = np.where(inside, np.floor(row + 0.5), -1).astype(np.int64)
        cols = np.where(inside, np.floor(col + 0.5), -1).astype(np.int64)
        keys = [(int(r), int(c), down, across) for r, c in zip(rows, cols)]
        self._look_up({key for key in keys if key[0] >= 0 and key not in self._points})
        k, d = len(self.clusters), len(self.names)
        none = (np.full(k, np.nan), np.full((k, d), np.nan), np.full((k, d), np.nan))
        found = [self._points.get(key, none) for key in keys]
        share, values, low = (
            np.array([part[i] for part in found]).reshape(len(keys), *none[i].shape)
            for i in range(3)
        )
        return PointShares(rows, cols, share, values, low)

    def _look_up(self, keys: set[tuple[int, int, int, int]], side: int = 512) -> None:
        """Read the supports of new points tile by tile."""
        tiles: dict[tuple[int, int], list[tuple[int, int, int, int]]] = {}
        for key in sorted(keys):
            tiles.setdefault((key[0] // side, key[1] // side), []).append(key)
        for members in tiles.values():
            rows, cols = [m[0] for m in members], [m[1] for m in members]
            down, across = members[0][2:]
            window = Window(
                min(rows) - down,
                min(cols) - across,
                max(rows) - min(rows) + 2 * down + 1,
                max(cols) - min(cols) + 2 * across + 1,
            ).clipped(self.grid.shape)
            values, low = self.low_pass.split(window)
            labels = self.clusters.labels(values)
            for key in members:
                support = Window(key[0] - down, key[1] - across, 2 * down + 1, 2 * across + 1)
                cut = support.clipped(self.grid.shape).within(window)
                every = (slice(None), *cut)
                self._points[key] = self._shares(labels[cut], values[every], low[every])

    def _shares(
        self,
        labels: NDArray[np.uint8],
        values: NDArray[np.float32],
        low: NDArray[np.float32],
    ) -> tuple[NDArray[np.float64], ...]:
        """Average one support square per class."""
        k = len(self.clusters)
        filled = labels != EMPTY
        number = labels[filled]
        if not len(number):
            number = np.zeros(0, np.uint8)
        with np.errstate(invalid="ignore", divide="ignore"):
            total = np.float64(len(number))
            share = np.bincount(number, minlength=k) / total
            mean, mean_low = (
                np.stack(
                    [np.bincount(number, band[filled].astype(float), k) / total for band in part],
                    axis=1,
                )
                for part in (values, low)
            )
        return share, mean, mean_low


_made: WeakKeyDictionary[Features, dict[tuple[object, ...], Decomposition]] = WeakKeyDictionary()


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
    kept = _made.setdefault(features, {})
    place = (*lattice.transform[:6], *lattice.shape)
    key = (levels, classes, seed, place)
    if key not in kept:
        kept[key] = decompose(layer, levels, classes, lattice, seed, blocks)
    return kept[key]


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
    step = partial(_second, low_pass, clusters, smooth, pattern)
    shape = (classes, len(layer.bands) + 1, smooth.rows.nodes, smooth.columns.nodes)
    projected, picked_pairs, total = np.zeros(shape), _empty_pairs(layer, pattern), None
    for _, (sums, (part, place), (numbers, pairs)) in engine.map(step, layer.grid):
        total = sums if total is None else total + sums
        projected[(slice(None), slice(None), *place)] += part
        for target, source in zip(picked_pairs, pairs):
            target[..., numbers] = source
    if total is None or not total.count.sum():
        raise FitError(must("features", "filled somewhere", "all empty", "Check their masks"))
    sample = PixelSample(pattern.rows, pattern.cols, *picked_pairs)
    return Decomposition(low_pass, clusters, lattice, cubic, smooth, total, projected, sample)


def _empty_pairs(layer: Layer, pattern: PixelPattern) -> tuple[NDArray[np.generic], ...]:
    d, n = len(layer.bands), len(pattern)
    labels = np.full((2, n), EMPTY, np.uint8)
    return labels, np.full((2, d, n), np.nan), np.full((2, d, n), np.nan)


def _first(low: LowPassLayer, pattern: PixelPattern, window: Window):  # type: ignore[no-untyped-def]
    """Read a window once: its share of the coarse level, and its picked pixels."""
    values = low.source.read(window)
    part = None if low.sums is None else add_coarse(low, window, values)
    return part, pattern.take(values, window)


def _second(  # type: ignore[no-untyped-def]
    low_pass: LowPassLayer,
    clusters: Clusters,
    smooth: SmoothedPair,
    pattern: PixelPattern,
    window: Window,
):
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


def _take_pairs(  # type: ignore[no-untyped-def]
    pattern: PixelPattern, window: Window, labels, values, low
):
    """Take picked pixels and, where there is one, the pixel to the right of each."""
    numbers = pattern.inside(window)
    row, col = pattern.rows[numbers] - window.row, pattern.cols[numbers] - window.col
    last = col + 1 >= labels.shape[1]
    right = np.where(last, col, col + 1)
    beside = np.where(last, EMPTY, labels[row, right])
    pairs = (
        np.stack([labels[row, col], beside]),
        np.stack([values[:, row, col], values[:, row, right]]),
        np.stack([low[:, row, col], low[:, row, right]]),
    )
    return numbers, pairs
