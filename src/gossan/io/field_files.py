"""Write for the field: KML for tablets and globes, GPX for hand-held receivers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import pandas as pd
import shapely

from gossan.geo.raster import atomic_path
from gossan.io.geometry_tables import GeoTable, in_degrees
from gossan.io.qgis_styles import STATUS_COLOURS


def write_kml(path: Path | str, table: GeoTable, title: str) -> Path:
    """Write anomalies as KML 2.2 in WGS 84: one placemark each, outlined by its status.

    Every attribute is kept as extended data, numbers as plain decimals; so are small holes and
    parts. Own text rather than GDAL's driver, which drops the style of each placemark.
    """
    styles = "".join(
        f'<Style id="{status or "plain"}"><LineStyle><color>{_kml_colour(colour, 255)}</color>'
        f"<width>2</width></LineStyle><PolyStyle><color>{_kml_colour(colour, 64)}</color>"
        "</PolyStyle></Style>"
        for status, colour in STATUS_COLOURS.items()
    )
    ground = in_degrees(table)
    rows = ground.drop(columns="geometry").to_dict("records")
    marks = "".join(map(_placemark, rows, ground.geometry))
    return _written(Path(path), _kml(title, styles + marks))


def _kml(title: str, inner: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2">'
        f"<Document><name>{escape(title)}</name>{inner}</Document></kml>\n"
    )


def write_points_kml(path: Path | str, table: GeoTable, name: str, title: str) -> Path:
    """Write points as KML 2.2 in WGS 84; the column ``name`` names them."""
    ground = table.to_crs(4326)
    rows = ground.drop(columns="geometry").to_dict("records")
    marks = "".join(
        f"<Placemark><name>{escape(str(row[name]))}</name>{_extended(row)}"
        f"<Point><coordinates>{_coordinates(point.coords)}</coordinates></Point></Placemark>"
        for row, point in zip(rows, ground.geometry, strict=True)
    )
    return _written(Path(path), _kml(title, marks))


def write_gpx(
    path: Path | str,
    table: GeoTable,
    name: str,
    title: str,
    describe: Callable[[pd.Series], str] | None = None,
) -> Path:
    """Write points as GPX 1.1 waypoints in WGS 84.

    Parameters
    ----------
    path
        The file.
    table
        Points.
    name
        Column that names them.
    title
        Name of the file for people.
    describe
        Words of a row that the receiver shows with the point.
    """
    ground = table.to_crs(4326)
    points = "".join(
        f'<wpt lat="{row.geometry.y:.7f}" lon="{row.geometry.x:.7f}">'
        f"<name>{escape(str(row[name]))}</name>"
        + (f"<desc>{escape(describe(row))}</desc>" if describe else "")
        + "</wpt>"
        for _, row in ground.iterrows()
    )
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<gpx version="1.1" creator="gossan" '
        'xmlns="http://www.topografix.com/GPX/1/1">'
        f"<metadata><name>{escape(title)}</name></metadata>{points}</gpx>\n"
    )
    return _written(Path(path), text)


def _written(path: Path, text: str) -> Path:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
    return path


def _kml_colour(colour: str, alpha: int) -> str:
    """Turn #rrggbb into KML's aabbggrr."""
    return f"{alpha:02x}{colour[5:7]}{colour[3:5]}{colour[1:3]}"


def _placemark(row: dict[str, Any], shape: shapely.Geometry) -> str:
    status = row.get("status") or "plain"
    inner = "".join(_polygon(part) for part in shapely.get_parts(shape))
    return (
        f"<Placemark><name>{escape(str(row.get('anomaly', '')))}</name>"
        f"<styleUrl>#{status}</styleUrl>{_extended(row)}"
        f"<MultiGeometry>{inner}</MultiGeometry></Placemark>"
    )


def _extended(row: dict[str, Any]) -> str:
    """Keep every attribute of a row."""
    data = "".join(
        f'<Data name="{escape(key)}"><value>{escape(_shown(value))}</value></Data>'
        for key, value in row.items()
    )
    return f"<ExtendedData>{data}</ExtendedData>"


def _shown(value: object) -> str:
    """Return a cell as text; numbers as plain decimals, since not every tablet reads exponents.

    >>> _shown(4387241.53), _shown(0.000012345), _shown(2.0), _shown(float("inf"))
    ('4387241.53', '0.000012345', '2', '')
    """
    if not isinstance(value, float):
        return str(value)
    if not math.isfinite(value):
        return ""
    digits = max(8, len(str(int(abs(value)))) + 2)
    return np.format_float_positional(value, precision=digits, fractional=False, trim="-")


def _polygon(part: shapely.Polygon) -> str:
    rings = [("outerBoundaryIs", part.exterior)]
    rings += [("innerBoundaryIs", ring) for ring in part.interiors]
    inner = "".join(
        f"<{side}><LinearRing><coordinates>{_coordinates(ring.coords)}</coordinates>"
        f"</LinearRing></{side}>"
        for side, ring in rings
    )
    return f"<Polygon>{inner}</Polygon>"


def _coordinates(points: Iterable[Sequence[float]]) -> str:
    return " ".join(f"{point[0]:.7f},{point[1]:.7f}" for point in points)
