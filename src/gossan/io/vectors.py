"""Vector files in: points and polygons in the CRS of the maps."""

from __future__ import annotations

from pathlib import Path

import geopandas
import pandas as pd
import shapely
from pyproj import CRS

from gossan.errors import InputError, must, reading
from gossan.io.tables import Column


def read_points(path: Path, crs: CRS) -> pd.DataFrame:
    """Return name, place and commodities of the features of a vector file (centroids of areas).

    Commodities are those of every column called so, such as ``major_commodity``; empty without.
    """
    frame = _read(path, crs)
    centres = frame.geometry.centroid
    names = next((c for c in frame.columns if "name" in str(c).lower()), None)
    labels = frame[names].astype(str) if names else [str(i + 1) for i in range(len(frame))]
    return pd.DataFrame(
        {
            "name": list(labels),
            Column.EASTING: centres.x.to_numpy(),
            Column.NORTHING: centres.y.to_numpy(),
            Column.COMMODITY: _commodities(frame),
        }
    )


def _commodities(frame: geopandas.GeoDataFrame) -> list[str]:
    columns = [name for name in frame.columns if "commod" in str(name).lower()]
    rows = frame[columns].to_numpy(object)  # pandas 2 has no tuples of no columns
    return ["; ".join(str(cell) for cell in row if pd.notna(cell) and str(cell)) for row in rows]


def read_area(path: Path, crs: CRS) -> shapely.Geometry:
    """Return the union of the polygons of a vector file.

    Raises
    ------
    InputError
        The file has no polygon.
    """
    frame = _read(path, crs)
    area = frame.geometry.union_all()
    if area.area == 0:
        raise InputError(must(path.name, "a file of polygons", "no area", "Draw a polygon"))
    return area


def read_lines(path: Path, crs: CRS) -> shapely.Geometry:
    """Return the union of the lines (tracks, say) of a vector file; outlines of its polygons.

    Raises
    ------
    InputError
        The file has no line.
    """
    lines = _read(path, crs).geometry.union_all()
    if lines.area > 0:
        lines = lines.boundary
    if lines.length == 0:
        raise InputError(must(path.name, "a file of lines", "no line", "Draw the tracks as lines"))
    return lines


def _read(path: Path, crs: CRS) -> geopandas.GeoDataFrame:
    if not path.exists():
        raise InputError(must("vector file", "an existing file", path, "Check the path"))
    with reading(path):
        frame = geopandas.read_file(path)
    if not isinstance(frame, geopandas.GeoDataFrame):
        cure = "Save it as GeoPackage or GeoJSON"
        raise InputError(must(path.name, "a vector file", "a table without geometry", cure))
    shapes = frame.geometry.to_numpy()
    frame = frame[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
    if frame.crs is None:
        raise InputError(must(path.name, "given with a CRS", "none", "Assign one in the GIS"))
    with reading(path):
        return frame.to_crs(crs)
