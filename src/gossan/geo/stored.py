"""Shortcuts past layers that only move or rename pixels: read them as their file stores them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.empties import as_float
from gossan.geo.grid import Window
from gossan.geo.layer import Layer, MappedLayer, RenamedLayer, SelectedLayer, StackedLayer
from gossan.geo.raster import RasterLayer
from gossan.geo.warp import ShiftedLayer

__all__ = ["read_stored", "read_strips", "source_of"]


def source_of(layer: Layer, window: Window) -> tuple[Layer, Window]:
    """Return the layer and window that really hold the pixels of a window.

    Layers that only rename bands or shift whole pixels are skipped, as long as the window lies
    on their source. Bands keep their order, values are the same; only names and grid differ.

    >>> from gossan.geo.grid import Grid
    >>> from gossan.geo.layer import ArrayLayer
    >>> grid = Grid.from_bounds(32638, (0, 0, 40, 40), 10)
    >>> source = ArrayLayer(grid, ("b1",), np.zeros((1, 4, 4)))
    >>> cropped = ShiftedLayer(source, grid.crop(Window(1, 2, 2, 2)), 1, 2)
    >>> source_of(cropped, Window(0, 0, 2, 2))[1]
    Window(row=1, col=2, height=2, width=2)
    """
    while isinstance(layer, (RenamedLayer, ShiftedLayer)):
        if isinstance(layer, ShiftedLayer):
            moved = layer.moved(window)
            if moved.clipped(layer.source.grid.shape) != moved:
                break
            window = moved
        layer = layer.source
    return layer, window


def read_stored(layer: Layer, window: Window) -> tuple[NDArray[np.generic], float | None]:
    """Read values (band, row, column) and the number that marks empty ones.

    Integers of a file come as they are, with the file's nodata value; everything else comes as
    ``layer.read`` returns it, float32 with NaN, and None.

    >>> from gossan.geo.grid import Grid
    >>> from gossan.geo.layer import ArrayLayer
    >>> grid = Grid.from_bounds(32638, (0, 0, 20, 10), 10)
    >>> values, empty = read_stored(ArrayLayer(grid, ("b1",), np.ones((1, 1, 2))), grid.whole)
    >>> values.dtype.name, empty
    ('float32', None)
    """
    layer, window = source_of(layer, window)
    if isinstance(layer, RasterLayer) and not layer.masked:
        values = layer.read_raw(window)
        marks = set(layer.marks)
        if np.issubdtype(values.dtype, np.integer) and len(marks) == 1 and len(min(marks)) < 2:
            return values, next(iter(min(marks)), None)
        return as_float(values, layer.marks), None
    if isinstance(layer, SelectedLayer):
        chosen = [layer.source.bands.index(name) for name in layer.bands]
        values, empty = read_stored(layer.source, window)
        return values[chosen], empty
    if isinstance(layer, StackedLayer):
        return _stacked(layer, window)
    return layer.read(window), None


def read_strips(
    layer: Layer, window: Window, rows: int = 32
) -> Iterator[tuple[slice, NDArray[np.generic], float | None]]:
    """Read a window strip by strip: rows of the window, values, the number that marks empty ones.

    The many bands of a mapped layer then never exist for the whole window at once: its source is
    read once and mapped in strips that stay in the processor's cache. Others come in one strip,
    as :func:`read_stored` returns them.

    >>> from gossan.geo.grid import Grid
    >>> from gossan.geo.layer import ArrayLayer
    >>> grid = Grid.from_bounds(32638, (0, 0, 20, 50), 10)
    >>> layer = MappedLayer(ArrayLayer(grid, ("b1",), np.ones((1, 5, 2))), np.negative, ("n",))
    >>> [(part.start, values.shape) for part, values, _ in read_strips(layer, grid.whole, rows=3)]
    [(0, (1, 3, 2)), (3, (1, 2, 2))]
    """
    layer, window = source_of(layer, window)
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
