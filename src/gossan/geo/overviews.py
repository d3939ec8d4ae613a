"""Overviews of a float raster, by one compiled pass a level instead of GDAL's resampling."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.io import DatasetReader, DatasetWriter
from rasterio.shutil import copy as gdal_copy
from rasterio.windows import Window

from gossan.arrays.area_means import area_means, under

__all__ = ["LARGEST", "overview_shapes", "with_overviews"]

LARGEST = 512
"""Side in pixels that the coarsest overview does not exceed, as in GDAL's driver."""
ROWS = 256
"""Rows of an overview that are computed at a time."""


def overview_shapes(height: int, width: int) -> list[tuple[int, int]]:
    """Return the shape of each overview, as GDAL's COG driver chooses them.

    >>> overview_shapes(1373, 2745), overview_shapes(512, 512)
    ([(686, 1372), (343, 686), (171, 343)], [])
    """
    shapes = []
    while max(height, width) > LARGEST:
        height, width = max(1, height // 2), max(1, width // 2)
        shapes.append((height, width))
    return shapes


@contextmanager
def with_overviews(path: Path) -> Iterator[Path]:
    """Yield a virtual raster that shows a float32 GeoTIFF (NaN is empty) with overviews.

    Each level holds the area-weighted means of the filled pixels of the level before. Its files
    lie beside the raster and are gone afterwards.

    Parameters
    ----------
    path
        A finished, tiled GeoTIFF.
    """
    with ExitStack() as stack:
        levels: list[Path] = []
        with rasterio.open(path) as source:
            shapes = overview_shapes(source.height, source.width)
        for number, shape in enumerate(shapes, 1):
            level = path.with_suffix(f".{number}.tif")
            stack.callback(level.unlink, missing_ok=True)
            _write_level(levels[-1] if levels else path, level, shape)
            levels.append(level)
        virtual = path.with_suffix(".vrt")
        stack.callback(virtual.unlink, missing_ok=True)
        gdal_copy(path, virtual, driver="VRT")
        _name_overviews(virtual, levels)
        yield virtual


def _write_level(finer: Path, path: Path, shape: tuple[int, int]) -> None:
    """Write one level from the next finer one, some rows at a time."""
    with rasterio.open(finer) as source:
        profile = source.profile | {"height": shape[0], "width": shape[1]}
        profile |= {"driver": "GTiff", "tiled": True, "blockxsize": 512, "blockysize": 512}
        with rasterio.open(path, "w", **profile, SPARSE_OK=True, BIGTIFF="IF_SAFER") as target:
            for band in range(1, source.count + 1):
                for first in range(0, shape[0], ROWS):
                    _write_rows(source, target, band, (first, min(first + ROWS, shape[0])))


def _write_rows(
    source: DatasetReader, target: DatasetWriter, band: int, rows: tuple[int, int]
) -> None:
    down = np.arange(rows[0], rows[1] + 1) * (source.height / target.height)
    across = np.arange(target.width + 1) * (source.width / target.width)
    top, bottom = under(down, source.height)
    fine = source.read(band, window=Window(0, top, source.width, bottom - top))
    means: NDArray[np.float32] = area_means(fine, down - top, across)
    target.write(means, band, window=Window(0, rows[0], target.width, rows[1] - rows[0]))


def _name_overviews(virtual: Path, levels: list[Path]) -> None:
    """Name the files of the overviews in every band of a virtual raster."""
    tree = ElementTree.parse(virtual)
    for band in tree.iter("VRTRasterBand"):
        for level in levels:
            overview = ElementTree.SubElement(band, "Overview")
            name = ElementTree.SubElement(overview, "SourceFilename", relativeToVRT="1")
            name.text = level.name
            ElementTree.SubElement(overview, "SourceBand").text = band.get("band")
    tree.write(virtual, encoding="UTF-8")
