"""Rasterise the user's polygons of cover (Quaternary, for example) for the mask ``cover``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.features import rasterize
from shapely import STRtree, box

from gossan.geo.grid import Grid
from gossan.imagery.shapes import read_shapes


@dataclass(frozen=True, eq=False)
class Polygons:
    """Polygons in one coordinate system, rasterised window by window."""

    shapes: tuple[object, ...] = field(repr=False)
    tree: STRtree = field(repr=False)

    def inside(self, grid: Grid) -> NDArray[np.bool_]:
        """Mark the pixels of a grid whose centre lies in a polygon."""
        return self.numbers(grid, np.ones(len(self.shapes), np.int32), 0).astype(bool)

    def numbers(self, grid: Grid, numbers: NDArray[np.int32], empty: int) -> NDArray[np.int32]:
        """Number of the polygon that each pixel's centre lies in; of overlapping ones the last."""
        near = np.sort(self.tree.query(box(*grid.bounds)))
        if not near.size:
            return np.full(grid.shape, empty, np.int32)
        shapes = [(self.shapes[one], int(numbers[one])) for one in near]
        place = {"out_shape": grid.shape, "transform": grid.transform}
        return np.asarray(rasterize(shapes, fill=empty, dtype="int32", **place))


def read_polygons(path: Path, grid: Grid) -> Polygons:
    """Read a polygon file and bring it to a grid's coordinate system.

    Raises
    ------
    ImageryError
        As of ``read_shapes``.
    """
    frame = read_shapes(Path(path), "polygons", "cover").to_crs(grid.crs)
    shapes = tuple(frame.geometry.make_valid())
    return Polygons(shapes, STRtree(shapes))
