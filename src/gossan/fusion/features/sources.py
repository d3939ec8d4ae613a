"""Features: what the imagery, or a column of the survey, says at any place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.compiled import compiled
from gossan.errors import FitError, must
from gossan.fusion.features.ground_means import ground_means
from gossan.fusion.features.known import ByPlace, by_place
from gossan.fusion.protocol import Features, Points
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer, read_padded


@dataclass(frozen=True, eq=False)
class LayerFeatures:
    """Take the bands of a layer as features.

    ``at`` averages the pixels whose centres lie within the support square of each point (at
    least the pixel under the point); empty pixels are left out of the mean, and a point none of
    whose pixels is filled is NaN.

    Parameters
    ----------
    layer
        Features on the output grid, one band each.
    blocks
        Engine of the passes over the layer that models make.

    Examples
    --------
    >>> from affine import Affine
    >>> from pyproj import CRS
    >>> from gossan.geo.layer import ArrayLayer
    >>> grid = Grid(CRS.from_epsg(32638), Affine(30, 0, 0, 0, -30, 0), 3, 3)
    >>> layer = ArrayLayer(grid, ("pc2",), np.arange(9.0).reshape(1, 3, 3))
    >>> features = LayerFeatures(layer)
    >>> features.at(Points(np.array([[45.0, -45.0], [45.0, -45.0]]), support_m=90.0)).ravel()
    array([4., 4.])
    """

    layer: Layer
    blocks: Blocks = field(default_factory=Blocks)
    known: dict[tuple[object, ...], Any] = field(default_factory=dict, repr=False)
    """What models have computed of the layer alone (see ``known_of``)."""
    _read: ByPlace = field(default_factory=dict, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """Travel to a worker with what is known, of large things with what samples need of them.

        A fold that is fitted there then reads no imagery.
        """
        travelling = {key: getattr(one, "at_samples", one) for key, one in self.known.items()}
        return {**vars(self), "known": travelling, "_read": dict(self._read)}

    @property
    def names(self) -> tuple[str, ...]:
        """Bands of the layer."""
        return self.layer.bands

    @property
    def grid(self) -> Grid:
        """Grid of the layer."""
        return self.layer.grid

    def at(self, points: Points) -> NDArray[np.float64]:
        """Return (n, features) means over the points' support; NaN where empty."""
        if points.mixed is not None:
            return at_parts(self, points)
        if points.grounds is not None:
            return ground_means(self.layer, points.grounds, self.blocks)

        def compute(new: Points) -> NDArray[np.float64]:
            return support_means(self.layer, new.coordinates, new.support_m)

        return by_place(self._read, points, compute)


@dataclass(frozen=True)
class ColumnFeatures:
    """Take covariates that the points carry themselves (no map can be made of them).

    >>> points = Points(np.zeros((2, 2)), columns={"k_gamma": np.array([1.0, 2.0])})
    >>> grid = Grid.from_bounds(32638, (0, 0, 100, 100), 10)
    >>> ColumnFeatures(("k_gamma",), grid).at(points).ravel()
    array([1., 2.])
    """

    names: tuple[str, ...]
    grid: Grid

    @property
    def layer(self) -> Layer | None:
        """None: these covariates exist at points only."""
        return None

    def at(self, points: Points) -> NDArray[np.float64]:
        """Return (n, features) from the points' own columns.

        Raises
        ------
        FitError
            A point lacks a covariate that is a feature.
        """
        missing = [name for name in self.names if name not in points.columns]
        if missing:
            raise FitError(
                must(
                    "the points",
                    f"given with the covariate {missing[0]!r}",
                    ", ".join(points.columns) or "none",
                    "Add the column to the table",
                )
            )
        return np.column_stack([points.columns[name] for name in self.names])


@dataclass(frozen=True)
class NoFeatures:
    """Know nothing but the output grid: for models of the samples alone."""

    grid: Grid
    names: tuple[str, ...] = ()

    @property
    def layer(self) -> Layer | None:
        """None: there is no imagery."""
        return None

    def at(self, points: Points) -> NDArray[np.float64]:
        """Return (n, 0)."""
        return np.empty((len(points), 0))


def at_parts(features: Features, points: Points) -> NDArray[np.float64]:
    """Return the features (n, f) of points of several surveys, each over its own support."""
    found = np.empty((len(points), len(features.names)))
    for rows, part in points.parts():
        found[rows] = features.at(part)
    return found


def engine_of(features: Features) -> Blocks:
    """Return the engine of passes over the layer of some features, as many threads as it has.

    >>> engine_of(NoFeatures(Grid.from_bounds(32638, (0, 0, 100, 100), 10))).workers
    """
    found = getattr(features, "blocks", None)
    return found if isinstance(found, Blocks) else Blocks()


def support_means(
    layer: Layer, coordinates: NDArray[np.float64], support_m: float
) -> NDArray[np.float64]:
    """Average a layer over a square of side ``support_m`` around each position.

    Returns (n, bands) float64. Positions are read tile by tile, so that a scene of any size is
    opened once and never held whole.
    """
    grid = layer.grid
    half_rows = int(np.floor(support_m / 2 / grid.pixel_height))
    half_cols = int(np.floor(support_m / 2 / grid.pixel_width))
    pad = max(half_rows, half_cols)
    row, col = grid.index_of(coordinates[:, 0], coordinates[:, 1])
    rows, cols = np.floor(row + 0.5).astype(np.int64), np.floor(col + 0.5).astype(np.int64)
    result = np.full((len(coordinates), len(layer.bands)), np.nan)
    inside = grid.contains(coordinates[:, 0], coordinates[:, 1])
    side = max(512, 4 * pad)
    tiles: dict[tuple[int, int], list[int]] = {}
    for place in np.flatnonzero(inside).tolist():
        tiles.setdefault((int(rows[place]) // side, int(cols[place]) // side), []).append(place)
    for members in tiles.values():
        top, left = int(rows[members].min()), int(cols[members].min())
        height, width = int(rows[members].max()) - top + 1, int(cols[members].max()) - left + 1
        block = read_padded(layer, Window(top, left, height, width), pad)
        centres = np.column_stack([rows[members] - top + pad, cols[members] - left + pad])
        result[members] = _means_around(block, centres, half_rows, half_cols)
    return result


@compiled()
def _means_around(block, centres, half_rows, half_cols):  # type: ignore[no-untyped-def]
    """Average the filled pixels of (bands, height, width) around n centres: (n, bands)."""
    means = np.full((len(centres), block.shape[0]), np.nan)
    for i in range(len(centres)):
        row, column = centres[i]
        for band in range(block.shape[0]):
            total, count = 0.0, 0
            for r in range(row - half_rows, row + half_rows + 1):
                for c in range(column - half_cols, column + half_cols + 1):
                    value = block[band, r, c]
                    if np.isfinite(value):
                        total += value
                        count += 1
            if count:
                means[i, band] = total / count
    return means
