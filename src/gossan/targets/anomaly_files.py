"""Write anomalies for the GIS, the spreadsheet and the field."""

from __future__ import annotations

from pathlib import Path

from gossan.io.field_files import write_kml
from gossan.io.geometry_tables import write_csv, write_geojson, write_geopackage
from gossan.io.qgis_styles import anomaly_style, zone_style
from gossan.targets.anomalies import Anomalies


def write_anomalies(anomalies: Anomalies, folder: Path | str, stem: str) -> dict[str, Path]:
    """Write ``<stem>.gpkg`` (layers anomalies and zones, styled), ``.geojson``, ``.kml``, ``.csv``.

    GeoPackage and CSV keep the map's CRS; GeoJSON and KML are WGS 84, as their standards want.
    No anomalies give files without rows.

    Returns
    -------
    Path of each file by its ending.
    """
    folder = Path(folder)
    zones = sorted({1.0, *anomalies.zones["zone"].tolist()})
    names = ("gpkg", "geojson", "kml", "csv")
    paths = {ending: folder / f"{stem}.{ending}" for ending in names}
    write_geopackage(
        paths["gpkg"],
        {"zones": anomalies.zones, "anomalies": anomalies.table},
        {"zones": zone_style(zones), "anomalies": anomaly_style()},
    )
    write_geojson(paths["geojson"], anomalies.table)
    write_kml(paths["kml"], anomalies.table, f"{stem}: {anomalies.element} anomalies")
    write_csv(paths["csv"], anomalies.table)
    return paths
