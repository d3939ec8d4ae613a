"""Features at nested supports: each band at the pixel, and its mean over wider squares.

A sample is not a pixel: a stream sediment stands for its catchment, a composite for a square.
Which width of the imagery explains the samples is not known beforehand and differs between
bands, so the means over squares of several widths are all offered as features, each width with
a prior variance of its own. The sum over nested widths is a pyramid: detail between two widths is
multiplied by the gains of the narrower ones only, so the gain may change from level to level and
the samples decide by how much.

Wide squares are added up once, in one pass over the imagery, and held at their nodes; where those
would be too many, they are computed with the window that is read (``wide_means``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.resample import Taps
from gossan.arrays.spacing import mean_spacing
from gossan.fusion.features.ground_means import ground_means
from gossan.fusion.features.known import ByPlace, by_place, known_of
from gossan.fusion.features.sources import at_parts, engine_of, support_means
from gossan.fusion.features.wide_means import MeanLayer, hold, support_squares
from gossan.fusion.protocol import Features, Points
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer, read_padded

__all__ = ["NestedFeatures", "NestedLayer", "NodeMeans", "nested", "window_widths"]

RATIO = 4
MOST = 3
_MOST_BYTES = 192 * 2**20


def window_widths(grid: Grid, coordinates: NDArray[np.float64]) -> tuple[int, ...]:
    """Choose the widths in pixels: 1, then powers of four up to the spacing of the samples.

    Coarser than the samples' spacing, imagery has nothing to add to the samples. At most three
    widths; where there would be more, they are spread evenly between pixel and spacing.

    >>> xy = np.random.default_rng(0).uniform(0, 30_000, (100, 2))
    >>> window_widths(Grid.from_bounds(32638, (0, 0, 30_000, 30_000), 100), xy)
    (1, 4, 16)
    """
    spacing = mean_spacing(coordinates, grid.pixel_width)
    pixels = spacing / math.sqrt(grid.pixel_width * grid.pixel_height)
    limit = min(grid.height, grid.width) / 2
    steps = max(0, math.floor(math.log(max(min(pixels, limit), 1.0), RATIO)))
    if steps < MOST:
        return tuple(RATIO**k for k in range(steps + 1))
    top = RATIO**steps
    return tuple(2 * round(top ** (k / (MOST - 1)) / 2) or 1 for k in range(MOST))


@dataclass(frozen=True, eq=False)
class NestedLayer:
    """See a layer's bands at the pixel and, after them, at each wider square; read once."""

    source: Layer
    means: tuple[MeanLayer, ...]

    @property
    def grid(self) -> Grid:
        """Grid of the source."""
        return self.source.grid

    @property
    def bands(self) -> tuple[str, ...]:
        """Bands of the source, then those of each width."""
        return (*self.source.bands, *(band for mean in self.means for band in mean.bands))

    @property
    def reach(self) -> int:
        """How many pixels beyond a window are looked at."""
        return max((mean.reach for mean in self.means), default=0)

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read the source once and average it."""
        return self.of(read_padded(self.source, window, self.reach), window)

    def of(self, padded: NDArray[np.float32], window: Window) -> NDArray[np.float32]:
        """Return all bands from the source's pixels of the window grown by ``reach``."""
        parts = [_inner(padded, self.reach)]
        for mean in self.means:
            if mean.held is None:
                parts.append(mean.of(_inner(padded, self.reach - mean.reach), window))
            else:
                parts.append(mean.held.at_pixels(window))
        return np.concatenate(parts)

    @property
    def cell(self) -> int:
        """Pixels between the nodes of the narrowest mean, 0 if not all means are linear there."""
        cells = [0 if mean.held is None else mean.held.cell for mean in self.means]
        return cells[0] if cells and all(c and c % cells[0] == 0 for c in cells) else 0

    def at_nodes(self, window: Window) -> NodeMeans | None:
        """Return all wide means at the nodes of the narrowest; None where a pixel is empty.

        They are linear between these nodes, if ``cell`` is not 0.
        """
        held = [mean.held for mean in self.means if mean.held is not None]
        taps = held[0].taps(*(start + np.arange(n) for start, n in zip(window[:2], window[2:])))
        (rows, down), (cols, across) = (axis.local() for axis in taps)
        at = [self.cell * np.arange(part.start, part.stop) for part in (down, across)]
        found = [nodes.whole(at[0] - 0.5, at[1] - 0.5) for nodes in held]
        if any(values is None for values in found):
            return None
        left, _, _, top = self.grid.bounds
        easting = left + at[1] * self.grid.pixel_width
        northing = top - at[0] * self.grid.pixel_height
        values = np.concatenate([values for values in found if values is not None])
        return NodeMeans(values, rows, cols, easting, northing)


@dataclass(frozen=True, eq=False)
class NodeMeans:
    """Wide means (bands, rows, columns) at the nodes about a window, of all widths.

    ``rows`` and ``cols`` are the taps of the window's pixels on them.
    """

    values: NDArray[np.float32] = field(repr=False)
    rows: Taps
    cols: Taps
    easting: NDArray[np.float64] = field(repr=False)
    northing: NDArray[np.float64] = field(repr=False)


def _inner(padded: NDArray[np.float32], trim: int) -> NDArray[np.float32]:
    return padded[:, trim : padded.shape[1] - trim, trim : padded.shape[2] - trim]


@dataclass(frozen=True, eq=False)
class NestedFeatures:
    """Features at nested supports: groups of the same bands, one group a width.

    Parameters
    ----------
    source
        Features at the pixel.
    layer
        Their bands at every width, widest last; None where there is no imagery.
    widths
        Widths in pixels, 1 first.
    """

    source: Features
    layer: NestedLayer | None
    widths: tuple[int, ...]
    _read: ByPlace = field(default_factory=dict, repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features, those of the pixel first."""
        return self.source.names if self.layer is None else self.layer.bands

    @property
    def grid(self) -> Grid:
        """Grid of the features."""
        return self.source.grid

    @property
    def group(self) -> NDArray[np.int_]:
        """Group of each feature: the place of its width."""
        return np.repeat(np.arange(len(self.widths)), len(self.source.names))

    def at(self, points: Points) -> NDArray[np.float64]:
        """Return (n, features) means over the points' support; NaN where empty."""
        if self.layer is None or not self.layer.means:
            return self.source.at(points)
        if points.mixed is not None:
            return at_parts(self, points)
        if points.grounds is not None:
            return ground_means(self.layer, points.grounds, engine_of(self.source))
        return by_place(self._read, points, lambda new: self.beside(self.source.at(new), new))

    @property
    def at_samples(self) -> NestedFeatures:
        """The same features without the sums of wide squares, which are large.

        They know the points that were asked for; others are computed from the imagery.
        """
        if self.layer is None:
            return self
        means = tuple(replace(mean, held=None) for mean in self.layer.means)
        light = NestedLayer(self.layer.source, means)
        return NestedFeatures(self.source, light, self.widths, dict(self._read))

    def beside(self, fine: NDArray[np.float64], points: Points) -> NDArray[np.float64]:
        """Put the means over wider squares beside the features (n, bands) at the pixel."""
        parts = [fine]
        squares = support_squares(self.grid, points)
        for mean in self.layer.means if self.layer else ():
            if mean.held is None:
                parts.append(support_means(mean, points.coordinates, points.support_m))
            else:
                parts.append(_means_within(mean, squares))
        return np.column_stack(parts)


def _means_within(mean: MeanLayer, squares: NDArray[np.int64]) -> NDArray[np.float64]:
    """Average a layer that is held over squares of pixels: (n, bands)."""
    result = np.full((len(squares), len(mean.bands)), np.nan)
    if mean.held is not None and (squares[:, 1] <= squares[:, 0]).all():
        inside = squares[:, 1] == squares[:, 0]
        result[inside] = mean.held.at_spots(squares[inside, 0], squares[inside, 2])
        return result
    for i, (top, bottom, left, right) in enumerate(squares):
        window = Window(int(top), int(left), int(bottom - top + 1), int(right - left + 1))
        window = window.clipped(mean.grid.shape)
        if not (window.height and window.width):
            continue
        values = mean.read(window).reshape(len(mean.bands), -1).astype(np.float64)
        filled = np.isfinite(values)
        count = filled.sum(axis=1)
        total = np.where(filled, values, 0.0).sum(axis=1)
        result[i] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return result


_LOCK = Lock()


def nested(features: Features, widths: tuple[int, ...], points: Points) -> NestedFeatures:
    """Offer features at several widths; the sums are made once for each ``features`` and kept.

    Parameters
    ----------
    features : at the pixel; without a layer they are taken as they are.
    widths : in pixels, 1 first, the others even.
    points : samples, whose features are wanted first.
    """
    layer = features.layer
    if layer is None or len(widths) == 1:
        single = None if layer is None else NestedLayer(layer, ())
        return NestedFeatures(features, single, (1,))
    with _LOCK:
        known, key = known_of(features), ("nested", widths)
        if key not in known:
            known[key] = _make(features, layer, widths, points)
        found: NestedFeatures = known[key]
        return found


def _make(
    features: Features, layer: Layer, widths: tuple[int, ...], points: Points
) -> NestedFeatures:
    pixels = len(layer.bands) * layer.grid.height * layer.grid.width
    kept = tuple(w for w in widths[1:] if 4 * pixels / (w // 2) ** 2 <= _MOST_BYTES)
    held = hold(layer, kept, engine_of(features), points)
    means = tuple(MeanLayer(layer, w, held.nodes.get(w)) for w in widths[1:])
    result = NestedFeatures(features, NestedLayer(layer, means), widths)
    by_place(result._read, points, lambda new: result.beside(held.at_points, new))
    return result
