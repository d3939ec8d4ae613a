"""Describe every map as an image: information entropy and average gradient, streamed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.arrays.image_quality import histogram_entropy
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Window
from gossan.geo.layer import Layer
from gossan.geo.sampling import even_share

__all__ = ["image_table"]

BINS = 256


@dataclass(frozen=True)
class _Limits:
    """Least and greatest value; adds by widening."""

    low: float
    high: float

    def __add__(self, other: _Limits) -> _Limits:
        return _Limits(min(self.low, other.low), max(self.high, other.high))


@dataclass(frozen=True, eq=False)
class _ImageSums:
    """Histogram, sum of slopes and their number; adds."""

    counts: NDArray[np.int_]
    slope: float
    number: int

    def __add__(self, other: Self) -> _ImageSums:
        return _ImageSums(
            self.counts + other.counts, self.slope + other.slope, self.number + other.number
        )


def image_table(
    maps: Mapping[str, Layer],
    blocks: Blocks | None = None,
    band: str = "estimate",
    most_pixels: int | None = None,
) -> pd.DataFrame:
    """Measure entropy and average gradient of the maps of one element.

    Entropy in bits over 256 equal classes between the least and greatest value of all maps, so
    that maps compare; average gradient ``mean sqrt((dx^2 + dy^2) / 2)`` in the maps' unit a pixel.
    Any block size gives the same numbers.

    Parameters
    ----------
    maps
        layer of each product, one unit; its band ``band``, else its first, is taken.
    blocks
        the engine.
    most_pixels
        of larger maps, whole blocks evenly spread over them are described, the same ones
        of every map; all by default.

    Returns
    -------
    ``product, pixels, entropy, average_gradient``.

    Source: Ding et al. 2023, sec. 4.4.
    """
    engine = blocks or Blocks(workers=1)
    grid = next(iter(maps.values())).grid
    chosen = even_share(engine.windows(grid), grid, most_pixels)
    found = [engine.reduce(partial(_limits, m, band), grid, chosen) for m in maps.values()]
    low, high = min(f.low for f in found), max(f.high for f in found)
    rows = []
    for product, layer in maps.items():
        total = engine.reduce(partial(_sums, layer, band, low, high), grid, chosen)
        rows.append(
            {
                "product": product,
                "pixels": int(total.counts.sum()),
                "entropy": histogram_entropy(total.counts),
                "average_gradient": total.slope / total.number if total.number else np.nan,
            }
        )
    return pd.DataFrame(rows)


def _read(layer: Layer, band: str, window: Window) -> NDArray[np.float32]:
    index = layer.bands.index(band) if band in layer.bands else 0
    return layer.read(window)[index]


def _limits(layer: Layer, band: str, window: Window) -> _Limits:
    values = _read(layer, band, window)
    values = values[np.isfinite(values)]
    if not values.size:
        return _Limits(np.inf, -np.inf)
    return _Limits(float(values.min()), float(values.max()))


def _sums(layer: Layer, band: str, low: float, high: float, window: Window) -> _ImageSums:
    """Count classes of the window; slopes towards the next row and column, also across its edge."""
    wider = Window(window.row, window.col, window.height + 1, window.width + 1)
    values = _read(layer, band, wider.clipped(layer.grid.shape)).astype(np.float64)
    own = values[: window.height, : window.width]
    own = own[np.isfinite(own)]
    top = high if high > low else low + 1.0
    counts, _ = np.histogram(own, bins=BINS, range=(low, top) if np.isfinite(low) else (0.0, 1.0))
    dx = values[:-1, 1:] - values[:-1, :-1]
    dy = values[1:, :-1] - values[:-1, :-1]
    slope = np.sqrt((dx**2 + dy**2) / 2.0)
    slope = slope[np.isfinite(slope)]
    return _ImageSums(counts, float(slope.sum()), int(slope.size))
