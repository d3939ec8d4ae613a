"""What the pyramid model needs of the imagery alone: computed once for all elements and folds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.clusters import EMPTY, ClusterSums
from gossan.fusion.lattice_layer import TapsPair
from gossan.fusion.protocol import Points
from gossan.fusion.pyramid.kmeans import Clusters
from gossan.fusion.pyramid.kriged_pair import SmoothedPair
from gossan.fusion.pyramid.lowpass import LowPassLayer
from gossan.geo.grid import Grid, Window

__all__ = ["Decomposition", "PixelSample", "PointShares"]


@dataclass(frozen=True, eq=False)
class PixelSample:
    """Picked pixels and the right neighbour of each, for diagnostics.

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
    """The low-pass of the features, the classes, and all sums that regressions need.

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
        """Return (classes, d + 1): sums of y and of (x - shift) y over the pixels of each class.

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
