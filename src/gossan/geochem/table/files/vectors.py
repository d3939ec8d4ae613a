"""Read point layers of vector files: shapefiles, GeoPackages, file geodatabases and others."""

from __future__ import annotations

import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pyogrio
from numpy.typing import NDArray
from pyproj import CRS

from gossan.errors import MissingDependencyError, SurveyError, must
from gossan.geochem.table.files.encodings import find_encoding

LARGEST_ARCHIVE = 4 * 1024**3
"""Bytes that a zipped shapefile may unpack to."""


@dataclass(frozen=True, eq=False)
class VectorLayer:
    """One layer: its attributes, CRS and positions (None for a table without geometry).

    ``others`` are the other layers of the file.
    """

    frame: pd.DataFrame
    name: str
    others: tuple[str, ...] = ()
    crs: CRS | None = None
    coordinates: NDArray[np.float64] | None = None


def read_layer(path: Path, layer: str | None = None, encoding: str = "auto") -> VectorLayer:
    """Read a layer of points or a table without geometry.

    Parameters
    ----------
    path
        The file, or the folder of a file geodatabase.
    layer
        Name of the layer; default: the first one of points, else the first without geometry.
    encoding
        Of a shapefile's attributes; "auto": as its .cpg file says, else found from its bytes.

    Raises
    ------
    SurveyError
        If the file cannot be read, or holds no points.
    """
    if path.suffix.lower() in (".parquet", ".geoparquet"):
        return _read_parquet(path)
    source = _source(path)
    kinds = _layers(path, source)
    if layer is not None and layer not in kinds:
        known = " or ".join(map(repr, kinds))
        raise SurveyError(must(f"sheet (a layer of {path.name})", known, repr(layer), "Name one"))
    name = layer if layer is not None else _choose(kinds)
    options = {} if encoding == "auto" else {"encoding": encoding}
    if encoding == "auto" and (found := _dbf_encoding(path)):
        options = {"encoding": found}
    try:
        frame = geopandas.read_file(source, layer=name, **options)
    except Exception as error:  # pyogrio raises many kinds; all mean an unreadable file
        raise _unreadable(path, error) from error
    others = tuple(other for other in kinds if other != name)
    return _layer(path, frame, name, others, kinds)


def _source(path: Path) -> str:
    """Name the file as GDAL opens it: a zipped shapefile by its member."""
    if path.suffix.lower() != ".zip":
        return str(path)
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        size = sum(member.file_size for member in members)
        if size > LARGEST_ARCHIVE:
            got = f"{size / 1024**3:.1f} GiB"
            raise SurveyError(must(f"{path.name} unpacked", "at most 4 GiB", got, "Unpack it"))
        known = (".shp", ".gpkg", ".geojson", ".tab", ".mif", ".fgb", ".kml")
        inside = [m.filename for m in members if m.filename.lower().endswith(known)]
        folders = {m.filename.split(".gdb/")[0] + ".gdb" for m in members if ".gdb/" in m.filename}
    found = [*inside, *sorted(folders)]
    if not found:
        raise SurveyError(must(path.name, "a zipped shapefile", "none in it", "Unpack the table"))
    if len(found) > 1:
        shown = ", ".join(found[:5])
        raise SurveyError(must(path.name, "an archive of one file", shown, "Unpack the one meant"))
    return f"/vsizip/{path}/{found[0]}"


def _layers(path: Path, source: str) -> dict[str, str]:
    """List the layers with their kind of geometry ("" for a table)."""
    try:
        listed = pyogrio.list_layers(source)
    except Exception as error:  # as in read_layer
        raise _unreadable(path, error) from error
    return {str(name): "" if kind is None else str(kind) for name, kind in listed}


def _unreadable(path: Path, error: Exception) -> SurveyError:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return SurveyError(must(path.name, "a readable vector file", reason, "Check the file"))


def _choose(kinds: dict[str, str]) -> str:
    def rank(name: str) -> int:
        kind = kinds[name]
        return 0 if "Point" in kind else 1 if kind in ("Unknown", "GeometryCollection") else (
            2 if kind == "" else 3
        )  # fmt: skip

    return min(kinds, key=rank)


def _layer(
    path: Path,
    frame: pd.DataFrame,
    name: str,
    others: tuple[str, ...],
    kinds: dict[str, str],
) -> VectorLayer:
    if not isinstance(frame, geopandas.GeoDataFrame):
        return VectorLayer(pd.DataFrame(frame), name, others)
    points = _single_points(path, frame.geometry, kinds)
    coordinates = np.column_stack([points.x.to_numpy(), points.y.to_numpy()])
    crs = None if frame.crs is None else CRS.from_user_input(frame.crs)
    table = pd.DataFrame(frame.drop(columns=frame.geometry.name)).reset_index(drop=True)
    return VectorLayer(table, name, others, crs, coordinates)


def _single_points(
    path: Path, geometry: geopandas.GeoSeries, kinds: dict[str, str]
) -> geopandas.GeoSeries:
    found = set(geometry.geom_type.dropna())
    if "MultiPoint" in found and all(
        len(g.geoms) == 1 for g in geometry if g is not None and g.geom_type == "MultiPoint"
    ):
        return geopandas.GeoSeries(
            [g.geoms[0] if g is not None and g.geom_type == "MultiPoint" else g for g in geometry],
            crs=geometry.crs,
        )
    if found - {"Point"}:
        got = ", ".join(sorted(found - {"Point"}))
        layers = ", ".join(f"{name!r} ({kind or 'no geometry'})" for name, kind in kinds.items())
        cure = f"Name a layer of points in sheet; the layers are {layers}"
        raise SurveyError(must(path.name, "a layer of points", got, cure))
    return geometry


def _dbf_encoding(path: Path) -> str | None:
    """Find the encoding of a shapefile's attributes where neither .cpg nor header states it."""
    beside = [path.with_suffix(ending) for ending in (".cpg", ".CPG")]
    dbf = next(
        (p for p in (path.with_suffix(".dbf"), path.with_suffix(".DBF")) if p.exists()), None
    )
    if path.suffix.lower() != ".shp" or any(p.exists() for p in beside) or dbf is None:
        return None
    with dbf.open("rb") as stream:
        head = stream.read(4 << 20)
    if len(head) < 32 or head[29] not in (0, 0x57):  # 0x57: "the system's", written by default
        return None
    start = struct.unpack("<H", head[8:10])[0]
    fields = [head[k : k + 11].split(b"\0")[0] for k in range(32, min(start, len(head)) - 1, 32)]
    text = b"\n".join([*fields, head[start:].replace(b"\0", b" ")])
    return None if text.isascii() else find_encoding(text)


def _read_parquet(path: Path) -> VectorLayer:
    try:
        frame: Any = geopandas.read_parquet(path)
    except ImportError as error:
        cure = "Install it with: pip install pyarrow, or save the table as GeoPackage"
        raise MissingDependencyError(must("pyarrow", "installed", "none", cure)) from error
    except ValueError:  # a plain Parquet table
        frame = pd.read_parquet(path)
    except Exception as error:
        raise _unreadable(path, error) from error
    return _layer(path, frame, path.stem, (), {path.stem: "Point"})
