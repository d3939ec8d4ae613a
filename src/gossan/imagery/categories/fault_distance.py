"""Distance to lines, such as faults and dykes, window by window."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.features import rasterize
from scipy import ndimage
from shapely import STRtree, box

from gossan.geo.grid import Grid, Window
from gossan.imagery.categories.class_shares import FAULT, REACH_M
from gossan.imagery.shapes import read_shapes


@dataclass(frozen=True, eq=False)
class FaultDistance:
    """See lines as the distance to the nearest one, metres, at most ``REACH_M``.

    Measured from the centre of a pixel to that of the nearest pixel that a line crosses.

    Parameters
    ----------
    grid
        Pixels.
    lines
        Lines in the CRS of the grid.

    Examples
    --------
    >>> from shapely import LineString
    >>> grid = Grid.from_bounds(32638, (0, 0, 500, 100), 100)
    >>> layer = FaultDistance(grid, STRtree([LineString([(150, 0), (150, 100)])]))
    >>> layer.read(grid.whole).ravel().tolist()
    [100.0, 0.0, 100.0, 200.0, 300.0]
    """

    grid: Grid
    lines: STRtree = field(repr=False)
    bands: tuple[str, ...] = (FAULT,)

    def read(self, window: Window) -> NDArray[np.float32]:
        """Compute a window; lines beyond it count as far as they reach into it."""
        pad = math.ceil(REACH_M / min(self.grid.pixel_width, self.grid.pixel_height)) + 1
        wide = self.grid.crop(window.padded(pad))
        near = self.lines.geometries[self.lines.query(box(*wide.bounds))]
        if not len(near):
            return np.full((1, *window.shape), REACH_M, np.float32)
        crossed = rasterize(near, wide.shape, transform=wide.transform, all_touched=True)
        size = (self.grid.pixel_height, self.grid.pixel_width)
        away = ndimage.distance_transform_edt(crossed == 0, sampling=size)
        inner = away[pad : pad + window.height, pad : pad + window.width]
        return np.minimum(inner, REACH_M).astype(np.float32)[None]


def open_faults(path: Path, grid: Grid, name: str) -> FaultDistance:
    """Open a file of lines.

    Parameters
    ----------
    path
        GeoPackage, shapefile or GeoJSON.
    grid
        Pixels that distances are wanted at.
    name
        Name of the imagery, for errors.

    Raises
    ------
    ImageryError
        As of ``read_shapes``.
    """
    lines = read_shapes(path, "lines", f"imagery {name!r}: faults")
    return FaultDistance(grid, STRtree(lines.to_crs(grid.crs).geometry.to_numpy()))
