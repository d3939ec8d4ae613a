"""Find positions that a table writes otherwise than in two columns of numbers.

Databases export points as well-known text or as hexadecimal well-known binary; field forms have
degrees, minutes and seconds in three columns each.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError

_GEOMETRY = re.compile(
    r"(wkt|wkb|ewkt|ewkb|the_?geom|geom(etry|etria)?|shape|point|location|gps|gps_?point)"
    r"(_?(wkt|wkb|geom|geometry|text))?",
    re.I,
)
_SRID = re.compile(r"\s*SRID\s*=\s*(\d+)\s*;", re.I)
_AXIS = {
    "latitude": r"lat(itude|itud|itudine)?|breite|широта",
    "longitude": r"lon(g|gitude|gitud|gitudine)?|l(ä|ae)nge|долгота",
}
_PART = {
    "degrees": r"d|deg|degs|degrees?|g|gr|grad|grad[ou]s?|degr(é|e)s?|°|градус(ы|ов)?",
    "minutes": r"m|min|mins|minut(e|es|o|os|en)|'|′|минут(ы|а)?",
    "seconds": r"s|sec|secs|seconds?|seg|segundos?|secondes?|sek|sekunden?|\"|″|секунд(ы|а)?",
    "side": r"dir|direction|hem|hemi|hemisphere|hemisferio|ns|n_s|ew|e_w|letter|ref|card(inal)?",
}


@dataclass(frozen=True, eq=False)
class WrittenPoints:
    """Points that a column of geometry holds.

    Parameters
    ----------
    column
        Its name.
    coordinates
        (n, 2), NaN where a cell is empty.
    crs
        System that the geometries themselves state.
    """

    column: str
    coordinates: NDArray[np.float64]
    crs: CRS | None = None


def find_points(frame: pd.DataFrame) -> WrittenPoints | None:
    """Read the first column of points in well-known text or binary; None where there is none.

    >>> frame = pd.DataFrame({"id": [1, 2], "geom": ["SRID=4326;POINT(44.8 23.9)", ""]})
    >>> found = find_points(frame)
    >>> found.coordinates.tolist(), found.crs.to_epsg()
    ([[44.8, 23.9], [nan, nan]], 4326)
    """
    for name in frame.columns:
        if not _GEOMETRY.fullmatch(re.sub(r"[\s.\-]+", "_", str(name).strip())):
            continue
        cells = [str(cell).strip() for cell in frame[name]]
        points = _points(cells)
        if points is not None:
            return WrittenPoints(str(name), points, _system(cells))
    return None


def _points(cells: Sequence[str]) -> NDArray[np.float64] | None:
    """Read every cell as a point; None where one is something else, or all are empty."""
    texts = [_SRID.sub("", cell) for cell in cells]
    shapes = np.array([_shape(text) for text in texts], object)
    filled = np.array([text != "" for text in texts], bool)
    if not filled.any() or (shapely.get_type_id(shapes[filled]) != 0).any():
        return None
    coordinates = np.full((len(cells), 2), np.nan)
    coordinates[filled] = shapely.get_coordinates(shapes[filled])
    return coordinates


def _shape(text: str) -> shapely.Geometry | None:
    try:
        if re.fullmatch(r"[0-9A-Fa-f]{30,}", text):
            return shapely.from_wkb(text)
        return shapely.from_wkt(text) if text else None
    except shapely.errors.ShapelyError:
        return None


def _system(cells: Sequence[str]) -> CRS | None:
    """Read the system that all geometries state by their SRID."""
    codes = {match[1] for cell in cells if (match := _SRID.match(cell))}
    codes |= {str(shapely.get_srid(shape)) for cell in cells if (shape := _binary(cell))} - {"0"}
    if len(codes) != 1:
        return None
    try:
        return CRS.from_epsg(int(codes.pop()))
    except CRSError:
        return None


def _binary(cell: str) -> shapely.Geometry | None:
    return _shape(cell) if re.fullmatch(r"[0-9A-Fa-f]{30,}", cell) else None


def join_degrees(frame: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Join degrees, minutes and seconds that stand in columns of their own.

    Returns
    -------
    The table, with columns ``longitude`` and ``latitude`` in place of the parts, and the parts
    that were joined: none where the table has no such columns, or their numbers are no angles.

    >>> parts = {"LAT_DEG": ["23"], "LAT_MIN": ["30"], "LON_DEG": ["-69"], "LON_MIN": ["15"]}
    >>> joined, used = join_degrees(pd.DataFrame(parts))
    >>> joined.to_dict("list"), used
    ({'longitude': [-69.25], 'latitude': [23.5]}, ('LON_DEG', 'LON_MIN', 'LAT_DEG', 'LAT_MIN'))
    """
    found = {axis: _parts(list(frame.columns), axis) for axis in ("longitude", "latitude")}
    used = tuple(name for parts in found.values() for name in parts.values())
    if any({"degrees", "minutes"} - set(parts) for parts in found.values()):
        return frame, ()
    angles = {axis: _angles(frame, parts) for axis, parts in found.items()}
    if any(one is None for one in angles.values()):
        return frame, ()
    rest = frame.drop(columns=list(used))
    for at, (axis, values) in enumerate(angles.items()):
        rest.insert(min(at, rest.shape[1]), axis, values)
    return rest, used


def _parts(names: Sequence[str], axis: str) -> dict[str, str]:
    """Name the columns of an axis's degrees, minutes, seconds and side."""
    found: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"[\s._\-()\[\]]+", "_", str(name).strip().lower()).strip("_")
        for part, words in _PART.items():
            either = rf"({_AXIS[axis]})_?({words})|({words})_({_AXIS[axis]})"
            if re.fullmatch(either, plain) and part not in found:
                found[part] = str(name)
    return found


def _angles(frame: pd.DataFrame, parts: Mapping[str, str]) -> NDArray[np.float64] | None:
    """Add up the parts; None where a part is no number or minutes and seconds are not below 60."""
    degrees, minutes, seconds = (
        _column(frame, parts[part]) if part in parts else np.zeros(len(frame))
        for part in ("degrees", "minutes", "seconds")
    )
    below = np.concatenate([minutes, seconds])
    if not np.isfinite(degrees).any() or ((below < 0) | (below >= 60)).any():
        return None
    texts = np.array([str(cell).strip() for cell in frame[parts["degrees"]]])
    negative = np.char.startswith(texts, "-") | _is_west_or_south(frame, parts)
    size = np.abs(degrees) + minutes / 60 + seconds / 3600
    return np.where(negative, -size, size)


def _column(frame: pd.DataFrame, name: str) -> NDArray[np.float64]:
    """Read a column of numbers; a decimal comma is one here, where no thousands can be."""
    plain = frame[name].map(lambda cell: str(cell).strip().replace(",", "."))
    return np.asarray(pd.to_numeric(plain, errors="coerce"), float)


def _is_west_or_south(frame: pd.DataFrame, parts: Mapping[str, str]) -> NDArray[np.bool_]:
    if "side" not in parts:
        return np.zeros(len(frame), bool)
    first = [str(cell).strip()[:1].upper() for cell in frame[parts["side"]]]
    return np.isin(first, ["W", "S", "O"])
