"""Read the polygons or lines of a user's file for use beside imagery."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import geopandas as gpd

from gossan.errors import ImageryError, must, reading

KINDS = {"polygons": ("Polygon", "MultiPolygon"), "lines": ("LineString", "MultiLineString")}


def read_shapes(path: Path, kind: Literal["polygons", "lines"], what: str) -> gpd.GeoDataFrame:
    """Read the features of one kind from a vector file, with their coordinate system and columns.

    Parameters
    ----------
    path
        GeoPackage, shapefile, GeoJSON or another vector file.
    kind
        Kind of features to keep; others are left out.
    what
        Key of the project file that names the file, for errors.

    Raises
    ------
    ImageryError
        The file is missing, cannot be read, has no coordinate system, or no feature of the kind.

    Examples
    --------
    >>> read_shapes(Path("nowhere.gpkg"), "lines", "faults")
    Traceback (most recent call last):
        ...
    gossan.errors.ImageryError: faults must be in an existing file; got nowhere.gpkg. ...
    """
    if not path.exists():
        raise ImageryError(must(what, "in an existing file", path, "Check the path"))
    with reading(path, ImageryError):
        frame = gpd.read_file(path)
    if not isinstance(frame, gpd.GeoDataFrame):
        cure = "Save it as GeoPackage or GeoJSON"
        raise ImageryError(must(what, kind, f"a table without geometry in {path.name}", cure))
    if frame.crs is None:
        cure = "Assign their coordinate system in a GIS and save them again"
        got = f"{path.name} without one"
        raise ImageryError(must(what, f"{kind} with a coordinate system", got, cure))
    chosen = frame[frame.geom_type.isin(KINDS[kind])]
    if chosen.empty:
        cure = f"Save the {kind} alone in a file"
        raise ImageryError(must(what, kind, f"none in {path.name}", cure))
    return chosen
