"""Open a map of classes: polygons with a column of names, or a raster of class numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray
from shapely import STRtree

from gossan.errors import ImageryError, must
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer, StackedLayer, read_padded
from gossan.geo.raster import RasterLayer, open_raster, read_overview
from gossan.imagery.categories.class_shares import (
    CONTACT,
    EMPTY,
    OTHER,
    ClassNumbers,
    ClassShares,
    band_names,
)
from gossan.imagery.categories.fault_distance import open_faults
from gossan.imagery.categories.legend import legend_beside, read_legend
from gossan.imagery.masks.cover import Polygons
from gossan.imagery.rasters.paths import SUFFIXES, resolve, resolve_all
from gossan.imagery.settings import ImagerySettings
from gossan.imagery.shapes import read_shapes

MOST_CLASSES = 60
PIXELS_COUNTED = 4_000_000
"""Pixels of a class raster that are looked at to find its classes; larger ones by overview."""


@dataclass(frozen=True, eq=False)
class ClassPolygons:
    """Polygons of classes, rasterised window by window; of overlapping ones the last counts."""

    grid: Grid
    polygons: Polygons = field(repr=False)
    classes: NDArray[np.int32] = field(repr=False)

    def numbers(self, window: Window) -> NDArray[np.int32]:
        """Class of each pixel by the polygon that its centre lies in."""
        return self.polygons.numbers(self.grid.crop(window), self.classes, EMPTY)


@dataclass(frozen=True, eq=False)
class ClassRaster:
    """A raster of class numbers."""

    layer: RasterLayer
    codes: NDArray[np.float64] = field(repr=False)

    @property
    def grid(self) -> Grid:
        """Grid of the raster."""
        return self.layer.grid

    def numbers(self, window: Window) -> NDArray[np.int32]:
        """Position of each pixel's code among the codes; -1 for unknown codes."""
        values = read_padded(self.layer, window, 0)[0]
        place = np.clip(np.searchsorted(self.codes, values), 0, len(self.codes) - 1)
        return np.where(self.codes[place] == values, place, EMPTY).astype(np.int32)


@dataclass(frozen=True)
class OpenClasses:
    """A map of classes as a layer, and what is worth saying about it."""

    layer: Layer
    notes: tuple[str, ...] = ()


def open_classes(settings: ImagerySettings, base: Path) -> OpenClasses:
    """Open the map of classes that an ``[[imagery]]`` with ``sensor = "classes"`` names.

    Parameters
    ----------
    settings
        One path; of polygons also ``column`` and, unless pixels of 30 m suit, ``pixel_size_m``;
        ``faults``, a file of lines; of rasters ``legend``, which names the numbers.
    base
        Folder that relative paths start from.

    Returns
    -------
    One band for each class (1 inside, 0 outside), ``contact_m``, and ``fault_m`` of lines.

    Raises
    ------
    ImageryError
        The file is no map of classes, has no coordinate system, or too many classes.
    """
    paths = resolve_all(settings.paths, base, settings.name)
    if len(paths) != 1:
        cure = "Make each map of classes an [[imagery]] of its own"
        raise _cannot(settings, "one file", f"{len(paths)} files", cure)
    path, legend = paths[0], settings.legend
    if path.suffix.lower() in SUFFIXES:
        named = None if legend is None else resolve(legend, base, settings.name)
        source, names, shares = _raster(settings, path, named)
    else:
        source, names, shares = _polygons(settings, path)
    if not 2 <= len(names) <= MOST_CLASSES:
        cure = "Choose another column, or group the classes"
        raise _cannot(settings, f"a map of 2 to {MOST_CLASSES} classes", str(len(names)), cure)
    bands, band_of = band_names(names, shares, settings.rare)
    layer: Layer = ClassShares(source, (*bands, CONTACT), np.array(band_of, np.int32))
    if settings.faults is not None:
        lines = resolve(settings.faults, base, settings.name)
        layer = StackedLayer((layer, open_faults(lines, layer.grid, settings.name)))
    pooled = [name for name, band in zip(names, band_of) if bands[band] == OTHER]
    notes = (f"rare classes pooled as {OTHER!r}: {', '.join(pooled)}",) if pooled else ()
    return OpenClasses(layer, notes)


_Opened = tuple[ClassNumbers, list[str], list[float]]
"""Classes, the name of each, and its share of the ground."""


def _raster(settings: ImagerySettings, path: Path, named: Path | None) -> _Opened:
    if settings.pixel_size_m is not None:
        cure = "Leave it out: a raster of classes has pixels of its own"
        raise _cannot(settings, "polygons for pixel_size_m", path.name, cure)
    layer = open_raster(path)
    if len(layer.bands) != 1:
        raise _cannot(settings, "a raster of one band", f"{len(layer.bands)} bands", "Extract one")
    values, _ = read_overview(path, PIXELS_COUNTED)
    codes, counts = np.unique(values[np.isfinite(values)], return_counts=True)
    shares = (counts / max(counts.sum(), 1)).tolist()
    column = settings.column
    legend = legend_beside(path, column) if named is None else read_legend(named, column)
    names = [legend.get(float(code), f"class_{code:g}") for code in codes]
    return ClassRaster(layer, codes.astype(np.float64)), names, shares


def _polygons(settings: ImagerySettings, path: Path) -> _Opened:
    if settings.legend is not None:
        cure = 'Leave it out: column = "..." names the class of each polygon'
        raise _cannot(settings, "a raster of numbers for legend", path.name, cure)
    frame = read_shapes(path, "polygons", f"imagery {settings.name!r}")
    frame = _usable(settings, path, frame)
    names = frame[settings.column].astype(str)
    known = sorted(names.unique())
    classes = names.map(known.index).to_numpy(np.int32)
    area = np.bincount(classes, frame.area, len(known))
    grid = _grid(frame, settings.pixel_size_m or 30.0)
    shapes = tuple(frame.geometry.make_valid())
    return (
        ClassPolygons(grid, Polygons(shapes, STRtree(shapes)), classes),
        known,
        (area / area.sum()).tolist(),
    )


def _usable(settings: ImagerySettings, path: Path, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Keep polygons that have a class, in a coordinate system of metres."""
    if settings.column not in frame.columns:
        columns = ", ".join(str(name) for name in frame.columns if name != "geometry")
        allowed = 'given the column that names the class: column = "..."'
        got = "none" if settings.column is None else repr(settings.column)
        raise _cannot(settings, allowed, got, f"Columns of {path.name}: {columns}")
    frame = frame[frame[settings.column].notna()]
    if frame.empty:
        raise _cannot(settings, "polygons with a class", f"none in {path.name}", "Check the file")
    return frame.to_crs(frame.estimate_utm_crs()) if frame.crs.is_geographic else frame


def _grid(frame: gpd.GeoDataFrame, pixel_m: float) -> Grid:
    """Pixels over the polygons, on multiples of their size."""
    west, south, east, north = frame.total_bounds / pixel_m
    edges = (math.floor(west), math.floor(south), math.ceil(east), math.ceil(north))
    left, bottom, right, top = (edge * pixel_m for edge in edges)
    return Grid.from_bounds(frame.crs, (left, bottom, right, top), pixel_m)


def _cannot(settings: ImagerySettings, allowed: str, got: str, cure: str) -> ImageryError:
    return ImageryError(must(f"imagery {settings.name!r}", allowed, got, cure))
