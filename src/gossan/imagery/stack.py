"""Bring bands of different pixel sizes and extents onto one grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gossan.errors import GridError, must
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer, StackedLayer
from gossan.geo.warp import to_grid, transformed_bounds

Bounds = tuple[float, float, float, float]


def stack(
    layers: Sequence[Layer],
    order: tuple[str, ...] | None = None,
    *,
    pixel_size: float | None = None,
    extent: Bounds | None = None,
    grid: Grid | None = None,
) -> Layer:
    """Stack layers on one grid.

    Parameters
    ----------
    layers
        At least one; band names must be unique over all of them.
    order
        Every band of the result, in turn; by default the bands of all layers as they come.
    pixel_size
        Pixel size in units of the CRS; None means that of the finest layer.
    extent
        Left, bottom, right, top that must stay covered, in the CRS of the finest layer; the
        rest is clipped.
    grid
        The grid to use instead of one worked out from the layers.

    Returns
    -------
    Layer with the bands of all layers.

    Raises
    ------
    GridError
        The layers share no ground, or none with the extent.
    """
    target = grid or common_grid(layers, pixel_size=pixel_size, extent=extent)
    placed = tuple(to_grid(layer, target) for layer in layers)
    stacked = placed[0] if len(placed) == 1 else StackedLayer(placed)
    if order is None or order == stacked.bands:
        return stacked
    return OrderedStack(placed, order)


@dataclass(frozen=True)
class OrderedStack:
    """Put bands of several layers on one grid above each other, in a stated order.

    Each band is copied once, which a stack followed by a selection does twice.
    """

    sources: tuple[Layer, ...]
    bands: tuple[str, ...]

    @property
    def grid(self) -> Grid:
        """Grid shared by all sources."""
        return self.sources[0].grid

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read every source into its places."""
        result = np.empty((len(self.bands), *window.shape), np.float32)
        place = {name: number for number, name in enumerate(self.bands)}
        for source in self.sources:
            values = source.read(window)
            for name, band in zip(source.bands, values):
                if name in place:
                    result[place[name]] = band
        return result


def common_grid(
    layers: Sequence[Layer], *, pixel_size: float | None = None, extent: Bounds | None = None
) -> Grid:
    """Return the finest layer's pixels, cut to the ground that all layers share.

    With ``pixel_size`` the grid starts at the same corner with pixels of that size.
    """
    finest = min((layer.grid for layer in layers), key=_ground_pixel)
    shared = finest.bounds
    for layer in layers:
        shared = _intersection(shared, transformed_bounds(layer.grid, finest.crs))
        _check(shared, finest, "the rasters of a stack", "sharing ground", "Leave one out")
    window = _inner_window(finest, shared)
    if extent is not None:
        touched = _intersection(shared, extent)
        _check(
            touched, finest, "the scene", "touching the survey", "Add imagery of the survey area"
        )
        window = _overlap(window, finest.covering(touched))
    _check_window(window)
    cut = finest.crop(window)
    if pixel_size is None:
        return cut
    left, bottom, right, top = cut.bounds
    columns = max(math.floor((right - left) / pixel_size + 1e-6), 1)
    rows = max(math.floor((top - bottom) / pixel_size + 1e-6), 1)
    whole = (left, top - rows * pixel_size, left + columns * pixel_size, top)
    return Grid.from_bounds(finest.crs, whole, pixel_size)


def _ground_pixel(grid: Grid) -> float:
    """Return the pixel area in square metres, near enough to compare grids."""
    area = grid.pixel_width * grid.pixel_height
    if grid.crs.is_geographic:
        middle = (grid.bounds[1] + grid.bounds[3]) / 2
        return area * 111_320.0**2 * max(math.cos(math.radians(middle)), 1e-6)
    return area * grid.crs.axis_info[0].unit_conversion_factor ** 2


def _intersection(first: Bounds, second: Bounds) -> Bounds:
    """Return the rectangle inside both (may be inside out when they do not meet)."""
    return (
        max(first[0], second[0]),
        max(first[1], second[1]),
        min(first[2], second[2]),
        min(first[3], second[3]),
    )


def _overlap(first: Window, second: Window) -> Window:
    """Return the window inside both."""
    row, col = max(first.row, second.row), max(first.col, second.col)
    bottom = min(first.row + first.height, second.row + second.height)
    right = min(first.col + first.width, second.col + second.width)
    return Window(row, col, bottom - row, right - col)


def _check(shared: Bounds, finest: Grid, name: str, allowed: str, cure: str) -> None:
    """Refuse an intersection thinner than half a pixel."""
    wide, high = shared[2] - shared[0], shared[3] - shared[1]
    if wide < finest.pixel_width / 2 or high < finest.pixel_height / 2:
        raise GridError(must(name, allowed, "no overlap", cure))


def _check_window(window: Window) -> None:
    if window.height < 1 or window.width < 1:
        raise GridError(
            must("the rasters of a stack", "sharing ground", "less than a pixel", "Leave one out")
        )


def _inner_window(grid: Grid, bounds: Bounds) -> Window:
    """Return the pixels of ``grid`` wholly inside ``bounds`` (to a hundredth of a pixel)."""
    left, bottom, right, top = bounds
    row0, col0 = grid.index_of(left, top)
    row1, col1 = grid.index_of(right, bottom)
    first_row, first_col = math.ceil(row0 + 0.5 - 0.01), math.ceil(col0 + 0.5 - 0.01)
    last_row, last_col = math.floor(row1 + 0.5 + 0.01), math.floor(col1 + 0.5 + 0.01)
    return Window(first_row, first_col, last_row - first_row, last_col - first_col).clipped(
        grid.shape
    )
