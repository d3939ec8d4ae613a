"""Bring a layer to another grid: cubic convolution when finer, area mean when coarser."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from rasterio.errors import NotGeoreferencedWarning
from rasterio.warp import Resampling, reproject

from gossan.arrays.area_means import area_means, under
from gossan.arrays.cubic import convolve_cubic
from gossan.geo.grid import Grid, Window, same_crs
from gossan.geo.layer import Layer, read_padded

# rasterio warns of the arrays it warps, and silences itself by a filter that other threads undo
warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)

ResamplingWord = Literal["cubic", "average", "nearest"]
_METHODS = {
    "cubic": Resampling.cubic,
    "average": Resampling.average,
    "nearest": Resampling.nearest,
}


MOST_READ = 2**24
"""Source values (pixels times bands, 64 MiB) that one read may take: larger windows are halved."""


SQUARE = 256
"""Side, in pixels of the source or of the target, whichever are more, of the squares that warps
between coordinate systems begin at."""


def _halves(window: Window) -> list[tuple[Window, tuple[slice, slice]]]:
    """Cut a window in two along its longer side; with the place of each part in the whole."""
    row, col, height, width = window
    if height >= width:
        half = height // 2
        parts = [Window(row, col, half, width), Window(row + half, col, height - half, width)]
    else:
        half = width // 2
        parts = [Window(row, col, height, half), Window(row, col + half, height, width - half)]
    return [(part, part.within(window)) for part in parts]


@dataclass(frozen=True)
class WarpedLayer:
    """See a layer on another grid, window by window.

    "cubic" is Keys' cubic convolution with a = -0.5, "average" the area-weighted mean (both as
    GDAL computes them, exactly transformed), "nearest" is for classes only. Empty source pixels
    take no part.
    """

    source: Layer
    grid: Grid
    resampling: ResamplingWord = "cubic"

    @property
    def bands(self) -> tuple[str, ...]:
        """Bands of the source."""
        return self.source.bands

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read the source under the window, with a margin, and resample it."""
        return self.read_into(window, np.empty((len(self.bands), *window.shape), np.float32))

    def read_into(self, window: Window, result: NDArray[np.float32]) -> NDArray[np.float32]:
        """Do so into an array that is there already.

        Coordinates are rounded where a warp begins, which shows in the last digit: other than
        along the same axes, warps begin at squares of a fixed lattice, whatever the window.
        """
        if self.resampling == "cubic" and _finer_on_same_axes(self.grid, self.source.grid):
            return self._resampled(window, result)
        if self.resampling == "average" and same_crs(self.grid.crs, self.source.grid.crs):
            return self._averaged(window, result)
        for square in self._squares(window):
            values = np.empty((len(self.bands), *square.shape), np.float32)
            shared = window.shared(square)
            inside, own = shared.within(window), shared.within(square)
            result[:, *inside] = self._resampled(square, values)[:, *own]
        return result

    def _squares(self, window: Window) -> Iterator[Window]:
        """List the squares that a window touches; they begin at the origin of the CRS.

        Squares of coarse pixels are smaller, so that no more of the source lies under one.
        """
        left, _, _, top = self.grid.bounds
        side = max(1, int(SQUARE * self._source_pixel()))
        down = round(-top / self.grid.pixel_height) % side
        across = round(left / self.grid.pixel_width) % side
        bottom, right = window.row + window.height, window.col + window.width
        for row in range((window.row + down) // side * side - down, bottom, side):
            for col in range((window.col + across) // side * side - across, right, side):
                yield Window(row, col, side, side)

    def _averaged(self, window: Window, result: NDArray[np.float32]) -> NDArray[np.float32]:
        """Average along the same axes; every pixel has the same digits in any window."""
        edges = self._edges(window)
        (top, bottom), (left, right) = (
            under(one, length) for one, length in zip(edges, self.source.grid.shape)
        )
        if (bottom - top) * (right - left) * len(self.bands) > MOST_READ and max(window.shape) > 1:
            for part, place in _halves(window):
                values = np.empty((len(self.bands), *part.shape), np.float32)
                result[:, *place] = self._averaged(part, values)
            return result
        if bottom == top or left == right:
            result[:] = np.nan
            return result
        fine = self.source.read(Window(top, left, bottom - top, right - left))
        for band, values in zip(result, fine):
            band[:] = area_means(values, edges[0] - top, edges[1] - left)
        return result

    def _edges(self, window: Window) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the edges of a window's rows and columns, in pixels of the source."""
        source, own = self.source.grid, self.grid
        rows = window.row + np.arange(window.height + 1, dtype=np.float64)
        columns = window.col + np.arange(window.width + 1, dtype=np.float64)
        down: NDArray[np.float64] = (
            source.bounds[3] - own.bounds[3] + rows * own.pixel_height
        ) / source.pixel_height
        across: NDArray[np.float64] = (
            own.bounds[0] - source.bounds[0] + columns * own.pixel_width
        ) / source.pixel_width
        return down, across

    def _resampled(self, window: Window, result: NDArray[np.float32]) -> NDArray[np.float32]:
        target = self.grid.crop(window)
        under = self.source.grid.covering(
            transformed_bounds(target, self.source.grid.crs), margin=8
        )
        if not (under.height and under.width):
            result[:] = np.nan
            return result
        if under.height * under.width * len(self.bands) > MOST_READ and max(window.shape) > 1:
            for part, place_in in _halves(window):
                values = np.empty((len(self.bands), *part.shape), np.float32)
                result[:, *place_in] = self._resampled(part, values)
            return result
        place = self.source.grid.crop(under)
        if self.resampling == "cubic" and _finer_on_same_axes(target, place):
            easting, northing = target.coordinates()
            rows = (northing - place.transform.f) / place.transform.e - 0.5
            columns = (easting - place.transform.c) / place.transform.a - 0.5
            return convolve_cubic(self.source.read(under), rows, columns, result)
        result[:] = np.nan
        reproject(
            self.source.read(under),
            result,
            src_transform=place.transform,
            src_crs=_rasterio_crs(place.crs),
            src_nodata=np.nan,
            dst_transform=target.transform,
            dst_crs=_rasterio_crs(target.crs),
            dst_nodata=np.nan,
            resampling=_METHODS[self.resampling],
            tolerance=0,
            num_threads=1,
            UNIFIED_SRC_NODATA="NO",  # a pixel may be empty in one band alone
            **self._kernel(),
        )
        return result

    def _source_pixel(self) -> float:
        """Side of a source pixel in pixels of this grid, at most 1."""
        area = _pixel_area_in(self.source.grid, self.grid)
        return float(min((area / (self.grid.pixel_width * self.grid.pixel_height)) ** 0.5, 1.0))

    def _kernel(self) -> dict[str, str]:
        """Say how wide the kernel is: by default GDAL takes that from the window's own shape."""
        scale = f"{self._source_pixel():.9g}"
        return {"XSCALE": scale, "YSCALE": scale} if self.resampling == "cubic" else {}


@dataclass(frozen=True)
class ShiftedLayer:
    """See a layer on a grid that shares its pixels but begins elsewhere; empty beyond its edge.

    Parameters
    ----------
    source
        Any layer.
    grid
        Grid to be seen on.
    row, col
        Pixel of the source that is the first pixel of ``grid``; may be negative.
    """

    source: Layer
    grid: Grid
    row: int
    col: int

    @property
    def bands(self) -> tuple[str, ...]:
        """Bands of the source."""
        return self.source.bands

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read the source's pixels of a window; NaN beyond its edge."""
        return read_padded(self.source, self.moved(window), 0)

    def moved(self, window: Window) -> Window:
        """Return the window of the source that holds a window's pixels."""
        row, col, height, width = window
        return Window(row + self.row, col + self.col, height, width)


def to_grid(layer: Layer, grid: Grid, classes: bool = False) -> Layer:
    """Bring a layer to a grid: as it is, by cubic convolution (finer), or by area mean (coarser).

    Never by nearest neighbour, except for classes.

    >>> from gossan.geo.layer import ArrayLayer
    >>> coarse = Grid.from_bounds(32638, (0, 0, 60, 60), 30)
    >>> fine = Grid.from_bounds(32638, (0, 0, 60, 60), 10)
    >>> layer = ArrayLayer(fine, ("b1",), np.arange(36.0).reshape(1, 6, 6))
    >>> to_grid(layer, coarse).read(coarse.whole)[0, 0]
    array([ 7., 10.], dtype=float32)
    """
    if layer.grid.aligned_with(grid):
        return layer
    shift = _whole_pixel_shift(layer.grid, grid)
    if shift is not None:
        return ShiftedLayer(layer, grid, *shift)
    if classes:
        return WarpedLayer(layer, grid, "nearest")
    coarser = _pixel_area_in(layer.grid, grid) < 0.5 * grid.pixel_width * grid.pixel_height
    return WarpedLayer(layer, grid, "average" if coarser else "cubic")


def _whole_pixel_shift(source: Grid, target: Grid) -> tuple[int, int] | None:
    """Return the source's pixel under the target's first one, if both share one pixel lattice."""
    drift = max(target.height, target.width) * abs(target.pixel_width / source.pixel_width - 1)
    drift += max(target.height, target.width) * abs(target.pixel_height / source.pixel_height - 1)
    if drift > 1e-2 or not same_crs(source.crs, target.crs):
        return None
    easting, northing = target.coordinates(Window(0, 0, 1, 1))
    row, col = source.index_of(easting[0], northing[0])
    whole = np.rint([row, col])
    if np.abs(np.array([row, col]) - whole).max() > 1e-3:
        return None
    return int(whole[0]), int(whole[1])


def transformed_bounds(grid: Grid, crs: CRS) -> tuple[float, float, float, float]:
    """Return the bounds of a grid in another CRS: left, bottom, right, top."""
    if same_crs(grid.crs, crs):
        return grid.bounds
    transformer = Transformer.from_crs(grid.crs, crs, always_xy=True)
    left, bottom, right, top = transformer.transform_bounds(*grid.bounds, densify_pts=21)
    return float(left), float(bottom), float(right), float(top)


def degrees_of_middle(grid: Grid) -> tuple[float, float]:
    """Return latitude and longitude of the middle of a grid, in degrees of WGS 84."""
    left, bottom, right, top = grid.bounds
    to_degrees = Transformer.from_crs(grid.crs, CRS.from_epsg(4326), always_xy=True)
    longitude, latitude = to_degrees.transform((left + right) / 2, (bottom + top) / 2)
    return float(latitude), float(longitude)


def _finer_on_same_axes(target: Grid, source: Grid) -> bool:
    """Return whether cubic convolution is two passes along the axes, without a wider kernel."""
    wide = target.pixel_width <= 1.0001 * source.pixel_width
    return (
        wide
        and target.pixel_height <= 1.0001 * source.pixel_height
        and same_crs(source.crs, target.crs)
    )


def _pixel_area_in(source: Grid, target: Grid) -> float:
    """Area of a source pixel, in units of the target's CRS."""
    left, bottom, right, top = transformed_bounds(source, target.crs)
    return (right - left) * (top - bottom) / (source.width * source.height)


def _rasterio_crs(crs: CRS) -> rasterio.crs.CRS:
    return rasterio.crs.CRS.from_wkt(crs.to_wkt())
