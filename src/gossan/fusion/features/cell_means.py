"""Average features over the cells of a coarse grid: one pass, remembered."""

from __future__ import annotations

from functools import partial
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from gossan.geo.blocks import Blocks
from gossan.geo.grid import Window
from gossan.geo.layer import Layer

__all__ = ["cell_means"]

_made: WeakKeyDictionary[Layer, dict[int, NDArray[np.float64]]] = WeakKeyDictionary()


def cell_means(layer: Layer, factor: int, blocks: Blocks | None = None) -> NDArray[np.float64]:
    """Average every band over cells of ``factor`` x ``factor`` pixels.

    A pixel counts where all bands are filled, so that a linear function of the means is the
    mean of the function. The result is remembered for as long as the layer lives.

    Returns
    -------
    (band, rows, columns) of ``layer.grid.coarsen(factor)``; NaN where a cell has no filled pixel.

    >>> from gossan.geo.grid import Grid
    >>> from gossan.geo.layer import ArrayLayer
    >>> grid = Grid.from_bounds(32638, (0, 0, 30, 20), 10)
    >>> cell_means(ArrayLayer(grid, ("a",), np.arange(6.0).reshape(1, 2, 3)), 2)
    array([[[2. , 3.5]]])
    """
    known = _made.setdefault(layer, {})
    if factor not in known:
        engine = blocks or Blocks(workers=1)
        total = engine.reduce(partial(_sums, layer, factor), layer.grid)
        with np.errstate(invalid="ignore", divide="ignore"):
            known[factor] = np.where(total[-1] > 0, total[:-1] / total[-1], np.nan)
    return known[factor]


def _sums(layer: Layer, factor: int, window: Window) -> NDArray[np.float64]:
    """Add up filled pixels of a window by cell: (bands + count, rows, columns)."""
    coarse = layer.grid.coarsen(factor).shape
    block = layer.read(window).astype(np.float64)
    filled = np.isfinite(block).all(axis=0)
    rows = (window.row + np.arange(window.height)) // factor
    cols = (window.col + np.arange(window.width)) // factor
    cell = (rows[:, None] * coarse[1] + cols[None, :])[filled]
    size = coarse[0] * coarse[1]
    sums = [np.bincount(cell, band[filled], minlength=size) for band in block]
    sums.append(np.bincount(cell, minlength=size).astype(np.float64))
    return np.stack(sums).astype(np.float64).reshape(-1, *coarse)
