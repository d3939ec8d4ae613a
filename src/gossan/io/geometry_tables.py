"""Make and write tables of geometry: GeoPackage, GeoJSON, CSV."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import geopandas as gpd
import pandas as pd
from pyproj import CRS

from gossan.geo.raster import atomic_path

GeoTable: TypeAlias = gpd.GeoDataFrame


def geometry_table(columns: Mapping[str, Any], geometry: Any, crs: CRS) -> GeoTable:
    """Join columns and their geometries in one CRS.

    >>> import shapely
    >>> table = geometry_table({"name": ["a"]}, [shapely.Point(1, 2)], CRS.from_epsg(32645))
    >>> table.crs.to_epsg(), len(table)
    (32645, 1)
    """
    return gpd.GeoDataFrame(pd.DataFrame(dict(columns)), geometry=list(geometry), crs=crs)


def write_geopackage(
    path: Path | str, layers: Mapping[str, GeoTable], styles: Mapping[str, str] | None = None
) -> Path:
    """Write layers to one GeoPackage, whole or not at all; the tables' CRS is kept.

    ``styles`` maps a layer to its QGIS style (QML text); it goes to the table ``layer_styles``,
    which QGIS applies by itself when the layer is opened.
    """
    path = Path(path)
    with atomic_path(path) as temporary:
        for name, table in layers.items():
            table.to_file(temporary, layer=name, driver="GPKG", engine="pyogrio")
        if styles:
            _add_styles(temporary, layers, styles)
    return path


def _add_styles(path: Path, layers: Mapping[str, GeoTable], styles: Mapping[str, str]) -> None:
    import pyogrio

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
            "update_time": pd.Timestamp("2000-01-01"),
        }
        for name in layers
        if name in styles
    ]
    pyogrio.write_dataframe(pd.DataFrame(rows), path, layer="layer_styles", driver="GPKG")


def write_geojson(path: Path | str, table: GeoTable) -> Path:
    """Write a table as GeoJSON in WGS 84 longitude and latitude (RFC 7946)."""
    path = Path(path)
    with atomic_path(path) as temporary:
        table.to_crs(4326).to_file(
            temporary, driver="GeoJSON", engine="pyogrio", RFC7946="YES", COORDINATE_PRECISION=7
        )
    return path


def write_csv(path: Path | str, table: pd.DataFrame) -> Path:
    """Write a table as CSV; geometry becomes a label point in ``easting`` and ``northing``."""
    plain = pd.DataFrame(table.drop(columns="geometry", errors="ignore"))
    if isinstance(table, gpd.GeoDataFrame):
        inside = table.geometry.representative_point()
        plain.insert(0, "easting", inside.x.round(2).to_numpy())
        plain.insert(1, "northing", inside.y.round(2).to_numpy())
    path = Path(path)
    with atomic_path(path) as temporary:
        plain.to_csv(temporary, index=False, lineterminator="\n", float_format="%.10g")
    return path
