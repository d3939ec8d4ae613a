"""Write anomalies for the GIS, the spreadsheet and the field."""

from __future__ import annotations

from pathlib import Path

import shapely

from gossan.io.field_files import write_gpx, write_kml
from gossan.io.geometry_tables import (
    GeoTable,
    geometry_table,
    write_csv,
    write_geojson,
    write_geopackage,
)
from gossan.io.qgis_styles import anomaly_style, zone_style
from gossan.io.tables import Column
from gossan.targets.anomalies import Anomalies


def write_anomalies(anomalies: Anomalies, folder: Path | str, stem: str) -> dict[str, Path]:
    """Write ``<stem>.gpkg`` (layers anomalies and zones, styled), ``.geojson``, ``.kml``, ``.csv``.

    GeoPackage and CSV keep the map's CRS; GeoJSON and KML are WGS 84, as their standards demand.
    ``.gpx`` holds the peaks as waypoints for a hand-held receiver. Without anomalies the files
    have no rows.

    Returns
    -------
    Path of each file by its ending.
    """
    folder = Path(folder)
    zones = sorted({1.0, *anomalies.zones[Column.ZONE].tolist()})
    names = ("gpkg", "geojson", "kml", "gpx", "csv")
    paths = {ending: folder / f"{stem}.{ending}" for ending in names}
    write_geopackage(
        paths["gpkg"],
        {"zones": anomalies.zones, "anomalies": anomalies.table},
        {"zones": zone_style(zones), "anomalies": anomaly_style()},
    )
    write_geojson(paths["geojson"], anomalies.table)
    title = f"{stem}: {anomalies.element} anomalies"
    write_kml(paths["kml"], anomalies.table, title)
    write_gpx(paths["gpx"], _peaks(anomalies), "anomaly", title)
    write_csv(paths["csv"], anomalies.table)
    return paths


def _peaks(anomalies: Anomalies) -> GeoTable:
    """Return the highest pixel of every anomaly as a point."""
    table = anomalies.table
    points = shapely.points(table[Column.PEAK_EASTING], table[Column.PEAK_NORTHING])
    return geometry_table({"anomaly": table[Column.ANOMALY]}, points, table.crs)
