"""Reduce a map to the distribution of its values, in two streamed passes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.compiled import compiled
from gossan.arrays.distribution import Distribution
from gossan.errors import FitError, must
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Window
from gossan.geo.layer import Layer
from gossan.geo.sampling import even_share


@dataclass(frozen=True)
class _Bins:
    """Bin values by their logarithm (all positive) or linearly."""

    low: float
    high: float
    number: int

    @property
    def logarithmic(self) -> bool:
        return self.low > 0

    @property
    def span(self) -> tuple[float, float]:
        """Lowest value and bins per unit, of values or of their logarithms."""
        low, high = np.log([self.low, self.high]) if self.logarithmic else (self.low, self.high)
        return float(low), float(self.number / max(high - low, 1e-300))


def map_distribution(
    layer: Layer,
    band: str | None = None,
    *,
    bins: int = 4096,
    tiles: int = 16,
    independent: float | None = None,
    most_pixels: int | None = None,
    blocks: Blocks | None = None,
) -> Distribution:
    """Return the distribution of one band of a map, weighted by area in km2.

    Values are counted in bins (of equal ratio where all are positive) that hold the mean of their
    pixels, so mean and area are exact and quantiles are good to a bin. The counts are kept by
    ``tiles`` x ``tiles`` parts of the map: neighbours are alike, so the bootstrap draws parts.

    Parameters
    ----------
    layer : any layer in metres.
    band : its name; None: the first.
    bins : number of bins between the smallest and the largest value.
    tiles : parts along each side.
    independent : number of independent observations, such as the number of samples behind the
        map; None: the number of parts that are not empty.
    most_pixels : of larger maps, whole blocks spread evenly over them stand for all, and areas
        are those of the whole map; None: every pixel counts.
    blocks : the engine; None: default.

    Raises
    ------
    FitError : the band is empty.
    """
    engine = blocks or Blocks()
    index = 0 if band is None else layer.bands.index(band)
    read = partial(_values, layer, index)
    chosen = even_share(engine.windows(layer.grid), layer.grid, most_pixels)
    ends = np.array([e for _, e in engine.map(partial(_ends, read), layer.grid, chosen)])
    if not np.isfinite(ends).any():
        raise FitError(
            must(f"band {layer.bands[index]!r}", "a map with values", "all empty", "Check its mask")
        )
    cells = _Bins(float(np.nanmin(ends)), float(np.nanmax(ends)), bins)
    counts, sums = np.zeros((tiles * tiles, bins)), np.zeros(bins)
    count = partial(_count, read, cells, layer.grid.shape, tiles)
    for _, (numbers, pixels, total) in engine.map(count, layer.grid, chosen):
        counts[numbers] += pixels
        sums += total
    counts = counts[counts.any(axis=1)]
    full = counts.any(axis=0)
    seen = sum(window.height * window.width for window in chosen)
    share = seen / (layer.grid.height * layer.grid.width)
    pixel_km2 = layer.grid.pixel_width * layer.grid.pixel_height / 1e6 / share
    groups = counts[:, full] * pixel_km2
    values = sums[full] / counts[:, full].sum(axis=0)
    known = float(len(groups)) if independent is None else independent
    return Distribution(values, groups.sum(axis=0), groups, known)


def _values(layer: Layer, index: int, window: Window) -> NDArray[np.float32]:
    return layer.read(window)[index]


def _ends(read: partial[NDArray[np.float32]], window: Window) -> tuple[float, float]:
    low, high = _extremes(read(window).reshape(-1))
    return (float(low), float(high)) if low <= high else (np.nan, np.nan)


def _count(
    read: partial[NDArray[np.float32]],
    cells: _Bins,
    shape: tuple[int, int],
    tiles: int,
    window: Window,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Count a window: the tiles that it touches, their (tile, bin) counts, the bins' sums."""
    rows, columns = window.slices
    down = np.arange(rows.start, rows.stop) * tiles // shape[0]
    across = np.arange(columns.start, columns.stop) * tiles // shape[1]
    touched = np.zeros((int(np.ptp(down)) + 1, int(np.ptp(across)) + 1, cells.number))
    sums = np.zeros(cells.number)
    places = down - down[0], across - across[0]
    _add_counts(read(window), cells.logarithmic, cells.span, places, touched, sums)
    full = np.asarray(touched.any(axis=2))
    number = (down[0] + np.arange(len(full)))[:, None] * tiles + across[0]
    return (number + np.arange(full.shape[1]))[full], touched[full], sums


@compiled()
def _extremes(values):  # type: ignore[no-untyped-def]
    low, high = np.inf, -np.inf
    for i in range(values.size):
        value = np.float64(values[i])
        if np.isfinite(value):
            low, high = min(low, value), max(high, value)
    return low, high


@compiled()
def _add_counts(values, logarithmic, span, places, counts, sums):  # type: ignore[no-untyped-def]
    (low, density), (down, across), last = span, places, sums.size - 1
    for row in range(values.shape[0]):
        for col in range(values.shape[1]):
            value = np.float64(values[row, col])
            if np.isfinite(value):
                scaled = np.log(value) if logarithmic else value
                cell = min(max(int((scaled - low) * density), 0), last)
                counts[down[row], across[col], cell] += 1.0
                sums[cell] += value
