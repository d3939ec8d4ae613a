"""Bring a layer to another grid: cubic convolution when finer, area mean when coarser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from rasterio.warp import Resampling, reproject

from gossan.arrays.cubic import convolve_cubic
from gossan.geo.grid import Grid, Window, same_crs
from gossan.geo.layer import Layer

ResamplingWord = Literal["cubic", "average", "nearest"]
_METHODS = {
    "cubic": Resampling.cubic,
    "average": Resampling.average,
    "nearest": Resampling.nearest,
}


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
        target = self.grid.crop(window)
        result = np.full((len(self.bands), *window.shape), np.nan, np.float32)
        under = self.source.grid.covering(_bounds_in(target, self.source.grid.crs), margin=8)
        if not (under.height and under.width):
            return result
        place = self.source.grid.crop(under)
        if self.resampling == "cubic" and _finer_on_same_axes(target, place):
            easting, northing = target.coordinates()
            rows = (northing - place.transform.f) / place.transform.e - 0.5
            columns = (easting - place.transform.c) / place.transform.a - 0.5
            return convolve_cubic(self.source.read(under), rows, columns)
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
        )
        return result


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
    if classes:
        return WarpedLayer(layer, grid, "nearest")
    coarser = _pixel_area_in(layer.grid, grid) < 0.5 * grid.pixel_width * grid.pixel_height
    return WarpedLayer(layer, grid, "average" if coarser else "cubic")


def transformed_bounds(grid: Grid, crs: CRS) -> tuple[float, float, float, float]:
    """Give the bounds of a grid in another CRS: left, bottom, right, top."""
    return _bounds_in(grid, crs)


def _bounds_in(grid: Grid, crs: CRS) -> tuple[float, float, float, float]:
    if same_crs(grid.crs, crs):
        return grid.bounds
    transformer = Transformer.from_crs(grid.crs, crs, always_xy=True)
    left, bottom, right, top = transformer.transform_bounds(*grid.bounds, densify_pts=21)
    return float(left), float(bottom), float(right), float(top)


def _finer_on_same_axes(target: Grid, source: Grid) -> bool:
    """Tell whether cubic convolution is two passes along the axes, without a wider kernel."""
    wide = target.pixel_width <= 1.0001 * source.pixel_width
    return (
        wide
        and target.pixel_height <= 1.0001 * source.pixel_height
        and same_crs(source.crs, target.crs)
    )


def _pixel_area_in(source: Grid, target: Grid) -> float:
    """Area of a source pixel, in units of the target's CRS."""
    left, bottom, right, top = _bounds_in(source, target.crs)
    return (right - left) * (top - bottom) / (source.width * source.height)


def _rasterio_crs(crs: CRS) -> rasterio.crs.CRS:
    return rasterio.crs.CRS.from_wkt(crs.to_wkt())
