"""Read a layer as its file stores it, where that saves the conversion to float32."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.empties import as_float
from gossan.geo.grid import Window
from gossan.geo.layer import Layer, MappedLayer, StackedLayer
from gossan.geo.raster import RasterLayer

__all__ = ["read_stored", "read_strips"]


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


def read_strips(
    layer: Layer, window: Window, rows: int = 32
) -> Iterator[tuple[slice, NDArray[np.generic], float | None]]:
    """Read a window strip by strip: rows of the window, values, the number that marks empty ones.

    The many bands of a mapped layer then never exist for the whole window at once: its source is
    read once and mapped in strips that stay in the processor's cache. Others come in one strip,
    as :func:`read_stored` gives them.

    >>> from gossan.geo.grid import Grid
    >>> from gossan.geo.layer import ArrayLayer
    >>> grid = Grid.from_bounds(32638, (0, 0, 20, 50), 10)
    >>> layer = MappedLayer(ArrayLayer(grid, ("b1",), np.ones((1, 5, 2))), np.negative, ("n",))
    >>> [(part.start, values.shape) for part, values, _ in read_strips(layer, grid.whole, rows=3)]
    [(0, (1, 3, 2)), (3, (1, 2, 2))]
    """
    if not isinstance(layer, MappedLayer):
        yield slice(0, window.height), *read_stored(layer, window)
        return
    values = layer.source.read(window)
    for top in range(0, window.height, rows):
        part = slice(top, min(top + rows, window.height))
        yield part, np.asarray(layer.function(values[:, part]), np.float32), None


def _stacked(layer: StackedLayer, window: Window) -> tuple[NDArray[np.generic], float | None]:
    parts = [read_stored(source, window) for source in layer.sources]
    first, mark = parts[0]
    if all(part.dtype == first.dtype and empty == mark for part, empty in parts):
        return np.concatenate([part for part, _ in parts]), mark
    return np.concatenate([as_float(part, empty) for part, empty in parts]), None
