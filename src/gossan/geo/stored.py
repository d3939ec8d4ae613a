"""Read a layer as its file stores it, where that saves the conversion to float32."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.empties import as_float
from gossan.geo.grid import Window
from gossan.geo.layer import Layer, StackedLayer
from gossan.geo.raster import RasterLayer

__all__ = ["read_stored"]


def read_stored(layer: Layer, window: Window) -> tuple[NDArray[np.generic], float | None]:
    """Give values (band, row, column) and the number that marks empty ones.

    Integers of a file come as they are, with the file's nodata value; everything else comes as
    ``layer.read`` gives it, float32 with NaN, and None.

    >>> from gossan.geo.grid import Grid
    >>> from gossan.geo.layer import ArrayLayer
    >>> grid = Grid.from_bounds(32638, (0, 0, 20, 10), 10)
    >>> values, empty = read_stored(ArrayLayer(grid, ("b1",), np.ones((1, 1, 2))), grid.whole)
    >>> values.dtype.name, empty
    ('float32', None)
    """
    if isinstance(layer, RasterLayer) and not layer.masked:
        values = layer.read_raw(window)
        if np.issubdtype(values.dtype, np.integer):
            return values, layer.nodata
        return as_float(values, layer.nodata), None
    if isinstance(layer, StackedLayer):
        return _stacked(layer, window)
    return layer.read(window), None


def _stacked(layer: StackedLayer, window: Window) -> tuple[NDArray[np.generic], float | None]:
    parts = [read_stored(source, window) for source in layer.sources]
    first, mark = parts[0]
    if all(part.dtype == first.dtype and empty == mark for part, empty in parts):
        return np.concatenate([part for part, _ in parts]), mark
    return np.concatenate([as_float(part, empty) for part, empty in parts]), None
