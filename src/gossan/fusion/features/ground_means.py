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
    sums = np.zeros((2, len(layer.bands), basins.count, len(basins.mixings)))
    cells = [
        _cells(layer.grid, basins, window, *shift) for shift in _shifts(layer.grid, basins.grid)
    ]
    met = [one for one in cells if one is not None]
    if met:
        values = layer.read(window)
        for one in met:
            _add_all(values, one, 1.0 / len(cells), sums)
    return sums.transpose(3, 0, 1, 2)


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
    rows = np.where(rows >= 0, rows - first_row, -1)
    return (
        owner,
        basins.weights(down_part, across_part),
        rows,
        np.where(columns >= 0, columns - first_column, -1),
    )


def _spans(columns: NDArray[np.int_], count: int) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Find the pixels of each column of cells: first and behind the last, (count,) each.

    >>> [part.tolist() for part in _spans(np.array([-1, 0, 0, 0, 2, -1]), 3)]
    [[1, 4, 4], [4, 4, 5]]
    """
    inside = np.flatnonzero(columns >= 0)
    edges = inside[0] + np.searchsorted(columns[inside], np.arange(count + 1))
    return edges[:-1], edges[1:]


def _add_all(values: NDArray[np.float32], cells: _Cells, share: float, sums: Array) -> None:
    """Add the pixels of (bands, height, width) to sums and weights (2, bands, s, mixings).

    The weights of all bands without gaps are those of one that is 1 everywhere.
    """
    owner, weights, rows, columns = cells
    ground = owner, weights * np.float32(share), rows, *_spans(columns, owner.shape[1])
    gaps = _add(values, *ground, sums[0])
    whole = np.zeros((1, *sums.shape[2:]))
    _add(np.ones((1, *values.shape[1:]), np.float32), *ground, whole)
    sums[1, ~gaps] += whole
    for band in np.flatnonzero(gaps):
        known = np.isfinite(values[band : band + 1]).astype(np.float32)
        _add(known, *ground, sums[1, band : band + 1])


@compiled()
def _add(values, owner, weights, rows, first, behind, sums):  # type: ignore[no-untyped-def]
    """Add filled pixels of (bands, height, width) to the sums (bands, s, mixings).

    Pixels of one cell are added up first, row by row: they share its weights (rows, columns,
    mixings). Gaps are not looked for: they show in the total of their cell, which is then added up
    again without them. Returns which bands (bands,) have gaps.
    """
    line, gaps = np.zeros(values.shape[2]), np.zeros(values.shape[0], np.bool_)
    for band in range(values.shape[0]):
        top = 0
        for y in range(rows.size):
            row = rows[y]
            if row < 0:
                top = y + 1
                continue
            pixels = values[band, y]
            for x in range(pixels.size):
                line[x] += pixels[x]
            if y + 1 < rows.size and rows[y + 1] == row:
                continue
            for column in range(first.size):
                one = owner[row, column]
                if one >= 0:
                    total = 0.0
                    for x in range(first[column], behind[column]):
                        total += line[x]
                    if not np.isfinite(total):
                        gaps[band] = True
                        total = _filled(values[band, top : y + 1, first[column] : behind[column]])
                    for k in range(weights.shape[2]):
                        sums[band, one, k] += weights[row, column, k] * total
            line[:] = 0.0
            top = y + 1
    return gaps


@compiled()
def _filled(pixels):  # type: ignore[no-untyped-def]
    """Add up the filled pixels of one cell, in the order of those of a cell without gaps."""
    total = 0.0
    for x in range(pixels.shape[1]):
        column = 0.0
        for y in range(pixels.shape[0]):
            if np.isfinite(pixels[y, x]):
                column += pixels[y, x]
        total += column
    return total
