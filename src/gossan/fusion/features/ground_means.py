"""Average features over ground of any shape, such as catchments: one pass over the imagery."""

from __future__ import annotations

import math
from functools import partial
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.array_type import Array
from gossan.arrays.compiled import compiled
from gossan.errors import GridError, must
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window, same_crs
from gossan.geo.grounds import BY_AREA, Basins, Grounds
from gossan.geo.layer import Layer

__all__ = ["ground_means"]

_MADE: WeakKeyDictionary[Basins, dict[int, tuple[Layer, Array]]] = WeakKeyDictionary()
"""Layers that were summed (not all can be hashed: by their id, hence held) and their sums, by the
ground weighted by area."""
_LOCK = Lock()


def ground_means(layer: Layer, grounds: Grounds, blocks: Blocks | None = None) -> Array:
    """Average every band over the ground of each sample: ``sum(x w) / sum(w)``.

    w is the area of a pixel, 0 where the band is empty, times what its ground counts in the
    sediment (``Mixing``). A pixel belongs to the cell of the terrain model that its centre lies
    in; one that is larger than the cells is shared among several. The sums over sub-basins, by
    every mixing, are made in one pass and kept for as long as the ground lives.

    Parameters
    ----------
    layer
        Features, on any grid of the same CRS as the ground.
    grounds
        What n samples stand for.
    blocks
        Engine of the pass.

    Returns
    -------
    (n, bands); NaN where no pixel of the ground is filled.

    >>> from gossan.geo.layer import ArrayLayer
    >>> grid = Grid.from_bounds(32638, (0, 0, 400, 100), 100)
    >>> layer = ArrayLayer(grid, ("a",), np.array([[[1.0, 3.0, np.nan, 8.0]]]))
    >>> grounds = Grounds.of(Basins(grid, np.array([[0, 0, 1, 1]]), 2), np.array([[1, 0], [1, 1]]))
    >>> ground_means(layer, grounds).ravel().tolist()
    [2.0, 4.0]
    """
    arrivals = grounds.arrivals
    total, weight = (arrivals @ part.T for part in _sums(layer, grounds.basins, blocks))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(weight > 0, total / weight, np.nan)


def _sums(layer: Layer, basins: Basins, blocks: Blocks | None) -> Array:
    """Return sums and weights (2, bands, s) of every band over every sub-basin."""
    base = basins.mixed(BY_AREA)
    with _LOCK:
        made = _MADE.setdefault(base, {})
        if id(layer) not in made:
            if not same_crs(layer.grid.crs, basins.grid.crs):
                got, cure = f"{layer.grid.crs.name} and {basins.grid.crs.name}", "Warp one of them"
                raise GridError(must("features and ground", "of one CRS", got, cure))
            engine = blocks or Blocks(workers=1)
            made[id(layer)] = layer, engine.reduce(partial(_window_sums, layer, base), layer.grid)
        return made[id(layer)][1][base.mixings.index(basins.mixing)]


def _window_sums(layer: Layer, basins: Basins, window: Window) -> Array:
    """Return sums and weights (mixings, 2, bands, s) of a window."""
    sums = np.zeros((len(layer.bands), basins.count, len(basins.mixings), 2))
    cells = [
        _cells(layer.grid, basins, window, *shift) for shift in _shifts(layer.grid, basins.grid)
    ]
    met = [one for one in cells if one is not None]
    if met:
        values = layer.read(window)
        for owner, weights, rows, columns in met:
            _add(values, owner, weights / np.float32(len(cells)), rows, columns, sums)
    return sums.transpose(2, 3, 0, 1)


def _shifts(pixels: Grid, cells: Grid) -> list[tuple[float, float]]:
    """Cut pixels into parts no larger than a cell: their centres, in pixels from the pixel's."""
    wide = pixels.pixel_width / cells.pixel_width
    high = pixels.pixel_height / cells.pixel_height
    parts = max(1, math.ceil(max(wide, high) - 1e-6))
    along = (np.arange(parts) + 0.5) / parts - 0.5
    return [(float(down), float(across)) for down in along for across in along]


_Cells = tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int_], NDArray[np.int_]]


def _cells(grid: Grid, basins: Basins, window: Window, down: float, across: float) -> _Cells | None:
    """Find the cells under a window; None where none of them has a sub-basin.

    Returns
    -------
    Sub-basin (rows, columns) and weights (rows, columns, mixings) of these cells, and the row
    (height,) and column (width,) among them of each pixel, -1 beyond the terrain model.
    """
    easting, northing = grid.coordinates(window)
    down_m, across_m = down * grid.pixel_height, across * grid.pixel_width
    rows, columns = basins.lattice(easting + across_m, northing - down_m)
    if rows.max() < 0 or columns.max() < 0:
        return None
    first_row, first_column = rows[rows >= 0].min(), columns[columns >= 0].min()
    down_part = slice(int(first_row), int(rows.max()) + 1)
    across_part = slice(int(first_column), int(columns.max()) + 1)
    owner = basins.owner[down_part, across_part]
    if (owner < 0).all():
        return None
    weights = [basins.weights(one, down_part, across_part) for one in basins.mixings]
    rows = np.where(rows >= 0, rows - first_row, -1)
    return (
        owner,
        np.stack(weights, axis=2),
        rows,
        np.where(columns >= 0, columns - first_column, -1),
    )


@compiled()
def _add(values, owner, weights, rows, columns, sums):  # type: ignore[no-untyped-def]
    """Add filled pixels of (bands, height, width) to the sums (bands, s, mixings, 2).

    Pixels of one cell are added up first: they share its weights (rows, columns, mixings).
    """
    for band in range(values.shape[0]):
        total, count = np.zeros(owner.shape[1]), np.zeros(owner.shape[1])
        for y in range(rows.size):
            row = rows[y]
            if row < 0:
                continue
            for x in range(columns.size):
                value, column = values[band, y, x], columns[x]
                if column >= 0 and np.isfinite(value):
                    total[column] += value
                    count[column] += 1.0
            if y + 1 < rows.size and rows[y + 1] == row:
                continue
            for column in range(total.size):
                one = owner[row, column]
                if one >= 0 and count[column] > 0.0:
                    for k in range(weights.shape[2]):
                        weight = weights[row, column, k]
                        sums[band, one, k, 0] += weight * total[column]
                        sums[band, one, k, 1] += weight * count[column]
                total[column], count[column] = 0.0, 0.0
