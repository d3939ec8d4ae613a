"""Vector files in: points and polygons in the CRS of the maps."""

from __future__ import annotations

from pathlib import Path

import geopandas
import pandas as pd
import pyogrio
import shapely
from pyproj import CRS

from gossan.errors import InputError, must


def read_points(path: Path, crs: CRS) -> pd.DataFrame:
    """Give name, easting and northing of the features of a vector file (centroids of areas)."""
    frame = _read(path, crs)
    centres = frame.geometry.centroid
    names = next((c for c in frame.columns if "name" in str(c).lower()), None)
    labels = frame[names].astype(str) if names else [str(i + 1) for i in range(len(frame))]
    return pd.DataFrame(
        {"name": list(labels), "easting": centres.x.to_numpy(), "northing": centres.y.to_numpy()}
    )


def read_area(path: Path, crs: CRS) -> shapely.Geometry:
    """Give the union of the polygons of a vector file."""
    frame = _read(path, crs)
    area = frame.geometry.union_all()
    if area.area == 0:
        raise InputError(must(path.name, "a file of polygons", "no area", "Draw a polygon"))
    return area


def _read(path: Path, crs: CRS) -> geopandas.GeoDataFrame:
    if not path.exists():
        raise InputError(must("vector file", "an existing file", path, "Check the path"))
    try:
        frame = geopandas.read_file(path)
    except (pyogrio.errors.DataSourceError, OSError) as error:
        first = str(error).splitlines()[0]
        raise InputError(must(path.name, "a vector file", first, "Check the file")) from error
    frame = frame[frame.geometry.notna() & ~frame.geometry.is_empty]
    if frame.crs is None:
        raise InputError(must(path.name, "given with a CRS", "none", "Assign one in the GIS"))
    return frame.to_crs(crs)
