"""Make and write tables of geometry: GeoPackage, GeoJSON, CSV."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from gossan.geo.raster import atomic_path
from gossan.io.tables import harmless

GeoTable: TypeAlias = gpd.GeoDataFrame

GEOPACKAGE_VERSION = "1.2"
"""Every GDAL and QGIS since 2018 reads it without a warning; 1.4 needs GDAL 3.7."""
_DEGREES_DECIMALS = 7
_WEST = shapely.box(-180.0, -90.0, 180.0, 90.0)
_EAST = shapely.box(180.0, -90.0, 540.0, 90.0)


def geometry_table(columns: Mapping[str, Any], geometry: Any, crs: CRS) -> GeoTable:
    """Join columns and their geometries in one CRS.

    >>> import shapely
    >>> table = geometry_table({"name": ["a"]}, [shapely.Point(1, 2)], CRS.from_epsg(32645))
    >>> table.crs.to_epsg(), len(table)
    (32645, 1)
    """
    return gpd.GeoDataFrame(pd.DataFrame(dict(columns)), geometry=list(geometry), crs=crs)


def degrees_at(
    easting: NDArray[np.float64], northing: NDArray[np.float64], crs: CRS
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return WGS 84 longitude and latitude of places, to about a centimetre.

    >>> lon, lat = degrees_at(np.array([500000.0]), np.array([4400000.0]), CRS.from_epsg(32645))
    >>> lon.tolist(), lat.round(3).tolist()
    ([87.0], [39.75])
    """
    transformer = Transformer.from_crs(crs, 4326, always_xy=True)
    longitude, latitude = transformer.transform(easting, northing)
    return np.round(longitude, _DEGREES_DECIMALS), np.round(latitude, _DEGREES_DECIMALS)


def in_degrees(table: GeoTable) -> GeoTable:
    """Reproject a table to WGS 84, with shapes cut where they cross the antimeridian.

    >>> import shapely
    >>> fiji = geometry_table({}, [shapely.box(790e3, 8.0e6, 900e3, 8.1e6)], CRS.from_epsg(32760))
    >>> [round(part.bounds[0]) for part in in_degrees(fiji).geometry[0].geoms]
    [180, -180]
    """
    ground = table.to_crs(4326)
    shapes = ground.geometry.to_numpy()
    bounds = shapely.bounds(shapes)
    across = bounds[:, 2] - bounds[:, 0] > 180.0
    if across.any():
        cut = shapes.copy()
        cut[across] = [_cut_at_antimeridian(shape) for shape in shapes[across]]
        ground = ground.set_geometry(list(cut), crs=4326)
    return ground


def _cut_at_antimeridian(shape: shapely.Geometry) -> shapely.Geometry:
    def eastward(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack([points[:, 0] % 360.0, points[:, 1]])

    def home(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return points - (360.0, 0.0)

    whole = shapely.transform(shape, eastward)
    parts = [
        shapely.intersection(whole, _WEST),
        shapely.transform(shapely.intersection(whole, _EAST), home),
    ]
    return shapely.multipolygons(
        [p for part in parts for p in shapely.get_parts(part) if p.geom_type == "Polygon"]
    )


def write_geopackage(
    path: Path | str, layers: Mapping[str, GeoTable], styles: Mapping[str, str] | None = None
) -> Path:
    """Write layers to one GeoPackage, whole or not at all; the tables' CRS is kept.

    ``styles`` maps a layer to its QGIS style (QML text); it goes to the table ``layer_styles``,
    which QGIS applies by itself when the layer is opened.
    """
    path = Path(path)
    with atomic_path(path) as temporary:
        for number, (name, table) in enumerate(layers.items()):
            version = {} if number else {"VERSION": GEOPACKAGE_VERSION}
            table.to_file(temporary, layer=name, driver="GPKG", engine="pyogrio", **version)
        if styles:
            _add_styles(temporary, layers, styles)
    return path


def write_empty_points(path: Path | str, layer: str, columns: Mapping[str, type], crs: CRS) -> Path:
    """Write a GeoPackage of one layer of points without rows, to be filled by the user."""
    empty: dict[str, Any] = {
        name: np.empty(0, object if kind is str else kind) for name, kind in columns.items()
    }
    with atomic_path(Path(path)) as temporary:
        geometry_table(empty, [], crs).to_file(
            temporary, layer=layer, driver="GPKG", engine="pyogrio", geometry_type="Point",
            VERSION=GEOPACKAGE_VERSION,
        )  # fmt: skip
    return Path(path)


def _add_styles(path: Path, layers: Mapping[str, GeoTable], styles: Mapping[str, str]) -> None:
    rows = [
        {
            "f_table_catalog": "",
            "f_table_schema": "",
            "f_table_name": name,
            "f_geometry_column": "geom",
            "styleName": name,
            "styleQML": styles[name],
            "styleSLD": "",
            "useAsDefault": True,
            "description": "",
            "owner": "",
            "ui": "",
            "update_time": pd.Timestamp("2000-01-01", tz="UTC"),
        }
        for name in layers
        if name in styles
    ]
    pyogrio.write_dataframe(pd.DataFrame(rows), path, layer="layer_styles", driver="GPKG")


def write_geojson(path: Path | str, table: GeoTable) -> Path:
    """Write a table as GeoJSON in WGS 84 longitude and latitude (RFC 7946).

    The layer is called after the file, and shapes are cut at the antimeridian.
    """
    path = Path(path)
    with atomic_path(path) as temporary:
        in_degrees(table).to_file(
            temporary,
            driver="GeoJSON",
            engine="pyogrio",
            layer=path.stem,
            RFC7946="YES",
            COORDINATE_PRECISION=_DEGREES_DECIMALS,
        )
    return path


def write_csv(path: Path | str, table: pd.DataFrame) -> Path:
    """Write a table as CSV.

    Geometry becomes a point inside it, in ``easting`` and ``northing`` of the table's CRS and in
    WGS 84 ``longitude`` and ``latitude``.
    """
    plain = pd.DataFrame(table.drop(columns="geometry", errors="ignore"))
    if isinstance(table, gpd.GeoDataFrame):
        inside = table.geometry.representative_point()
        easting, northing = inside.x.to_numpy(), inside.y.to_numpy()
        longitude, latitude = degrees_at(easting, northing, CRS.from_user_input(table.crs))
        places = {"easting": easting.round(2), "northing": northing.round(2)}
        places |= {"longitude": longitude, "latitude": latitude}
        for number, (name, values) in enumerate(places.items()):
            plain.insert(number, name, values)
    path = Path(path)
    with atomic_path(path) as temporary:
        harmless(plain).to_csv(temporary, index=False, lineterminator="\n", float_format="%.10g")
    return path
