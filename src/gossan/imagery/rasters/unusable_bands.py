"""Find bands without information: empty, or of one value everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial, reduce

import numpy as np
from numpy.typing import NDArray

from gossan.geo.blocks import Blocks
from gossan.geo.grid import Window
from gossan.geo.layer import Layer, SelectedLayer
from gossan.geo.sampling import spread_windows

SIDE = 64
"""Side of the windows that are looked at first, in pixels."""
ACROSS = 4
"""Windows along each side of the raster."""


@dataclass(frozen=True)
class Range:
    """Smallest and largest filled value of each band; ``+`` joins two."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def __add__(self, other: Range) -> Range:
        return Range(np.minimum(self.low, other.low), np.maximum(self.high, other.high))


def unusable_bands(layers: Sequence[Layer], blocks: Blocks | None = None) -> dict[str, str]:
    """Name the bands without information, and why.

    Parameters
    ----------
    layers
        Tiles of the same bands.
    blocks
        The engine, for bands that look constant in a few windows and are then read whole.

    Returns
    -------
    ``"empty"`` or ``"<value> everywhere"`` by band.
    """
    seen = _over([_glance(layer) for layer in layers])
    suspects = tuple(b for b, low, high in zip(layers[0].bands, seen.low, seen.high) if low >= high)
    if not suspects:
        return {}
    engine = blocks or Blocks()
    chosen = [SelectedLayer(layer, suspects) for layer in layers]
    whole = _over([engine.reduce(partial(_range, layer), layer.grid) for layer in chosen])
    return {
        name: "empty" if low > high else f"{low:g} everywhere"
        for name, low, high in zip(suspects, whole.low, whole.high)
        if low >= high
    }


def _over(parts: Sequence[Range]) -> Range:
    return reduce(Range.__add__, parts)


def _glance(layer: Layer) -> Range:
    return _over([_range(layer, window) for window in spread_windows(layer.grid, SIDE, ACROSS)])


def spread_values(layer: Layer) -> NDArray[np.float32]:
    """Read a few windows spread evenly over a layer: (bands, n) values, NaN where empty."""
    windows = spread_windows(layer.grid, SIDE, ACROSS)
    parts = [layer.read(window).reshape(len(layer.bands), -1) for window in windows]
    return np.concatenate(parts, axis=1)


def _range(layer: Layer, window: Window) -> Range:
    values = layer.read(window).reshape(len(layer.bands), -1)
    filled = np.isfinite(values)
    low = np.where(filled, values, np.inf).min(axis=1)
    high = np.where(filled, values, -np.inf).max(axis=1)
    return Range(low.astype(np.float64), high.astype(np.float64))
