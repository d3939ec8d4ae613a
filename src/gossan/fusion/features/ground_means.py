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
from gossan.geo.grounds import Basins, Grounds
from gossan.geo.layer import Layer

__all__ = ["ground_means"]

_MADE: WeakKeyDictionary[Basins, dict[int, tuple[Layer, Array]]] = WeakKeyDictionary()
"""Layers that were summed (not all can be hashed: by their id, hence held) and their sums."""
_LOCK = Lock()


def ground_means(layer: Layer, grounds: Grounds, blocks: Blocks | None = None) -> Array:
    """Average every band over the ground of each sample: ``sum(x w) / sum(w)``.

    w is the area of a pixel, 0 where the band is empty. A pixel belongs to the sub-basin that its
    centre lies in; one that is larger than the cells of the terrain model is shared among several.
    The sums over sub-basins are made in one pass and kept for as long as the ground lives.

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
    total, weight = (grounds.members @ part.T for part in _sums(layer, grounds.basins, blocks))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(weight > 0, total / weight, np.nan)


def _sums(layer: Layer, basins: Basins, blocks: Blocks | None) -> Array:
    """Return sums and weights (2, bands, s) of every band over every sub-basin."""
    with _LOCK:
        made = _MADE.setdefault(basins, {})
        if id(layer) not in made:
            if not same_crs(layer.grid.crs, basins.grid.crs):
                got, cure = f"{layer.grid.crs.name} and {basins.grid.crs.name}", "Warp one of them"
                raise GridError(must("features and ground", "of one CRS", got, cure))
            engine = blocks or Blocks(workers=1)
            made[id(layer)] = layer, engine.reduce(partial(_window_sums, layer, basins), layer.grid)
        return made[id(layer)][1]


def _window_sums(layer: Layer, basins: Basins, window: Window) -> Array:
    sums = np.zeros((2, len(layer.bands), basins.count))
    parts = _parts(layer.grid, basins.grid)
    owners = [_owners(layer.grid, basins, window, *shift) for shift in _shifts(parts)]
    if any((owner >= 0).any() for owner in owners):
        values = layer.read(window)
        for owner in owners:
            _add(values, owner, 1.0 / len(owners), sums[0], sums[1])
    return sums


def _parts(pixels: Grid, cells: Grid) -> int:
    """Into how many parts a side pixels are cut so that none is larger than a cell."""
    wide = pixels.pixel_width / cells.pixel_width
    high = pixels.pixel_height / cells.pixel_height
    return max(1, math.ceil(max(wide, high) - 1e-6))


def _shifts(parts: int) -> list[tuple[float, float]]:
    """Centres of the parts of a pixel, in pixels from its own centre."""
    along = (np.arange(parts) + 0.5) / parts - 0.5
    return [(float(down), float(across)) for down in along for across in along]


def _owners(
    grid: Grid, basins: Basins, window: Window, down: float, across: float
) -> NDArray[np.int_]:
    easting, northing = grid.coordinates(window)
    return basins.under(easting + across * grid.pixel_width, northing - down * grid.pixel_height)


@compiled()
def _add(values, owner, weight, sums, weights):  # type: ignore[no-untyped-def]
    """Add filled pixels of (bands, height, width) to the sums (bands, s) of their sub-basins."""
    for band in range(values.shape[0]):
        for row in range(values.shape[1]):
            for column in range(values.shape[2]):
                one, value = owner[row, column], values[band, row, column]
                if one >= 0 and np.isfinite(value):
                    sums[band, one] += weight * value
                    weights[band, one] += weight
