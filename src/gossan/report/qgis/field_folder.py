"""Write ``field/``: all that a tablet with QField, or a hand-held receiver, takes to the field."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from pyproj import CRS

from gossan.geo.raster import write_array
from gossan.io.field_files import write_gpx, write_points_kml
from gossan.io.geometry_tables import GeoTable, write_empty_points, write_geopackage
from gossan.io.qgis_styles import point_style
from gossan.io.tables import Column
from gossan.report.figures import element_scale
from gossan.report.qgis.field_layers import (
    DATA,
    field_items,
    field_tables,
    style_of,
    target_items,
)
from gossan.report.qgis.items import BEST, FIELD, Item, Label, basemap
from gossan.report.qgis.project import QgisProject
from gossan.report.qgis.raster_styles import ramp_style
from gossan.report.read import Map, Results

__all__ = ["write_field_folder"]

NOTES = "observations.gpkg"
"""Empty points to be filled in the field; once it is there it is the user's own."""
NOTE_COLUMNS = {"target": str, "note": str, "lithology": str, "sample_id": str, "photo": str}


def write_field_folder(results: Results, crs: CRS) -> dict[str, GeoTable]:
    """Write the field folder of a run.

    ``field.gpkg`` (targets, sampling plan, samples, occurrences), the best map of each element,
    ``observations.gpkg`` to be filled, ``gossan_field.qgs`` that opens all of it in QField and
    QGIS, and the targets as GPX and KML. The folder needs nothing outside of it.

    Returns
    -------
    The tables of ``field.gpkg`` by layer.
    """
    folder = results.run.folder.field
    tables = field_tables(results, crs)
    if tables:
        write_geopackage(folder / DATA, tables)
    if not (folder / NOTES).exists():
        write_empty_points(folder / NOTES, "observations", NOTE_COLUMNS, crs)
    if "targets" in tables:
        _write_waypoints(folder, tables["targets"], results.manifest.name)
    best = list(_best_maps(results))
    for one in best:
        write_array(folder / one.path.name, one.grid, (one.element,), one.values[None], one.unit)
    _field_project(results, crs, tables, best).write(folder / "gossan_field.qgs")
    return tables


def _write_waypoints(folder: Path, targets: GeoTable, name: str) -> None:
    title = f"{name}: targets"
    write_gpx(folder / "targets.gpx", targets, "name", title, _sentence)
    write_points_kml(folder / "targets.kml", targets, "name", title)


def _sentence(row: pd.Series) -> str:
    """What a receiver shows of a target."""
    parts = (row["expected"], row[Column.PROBABILITY], row[Column.SUPPORTS])
    return "; ".join(str(part) for part in parts if part)


def _best_maps(results: Results) -> Iterator[Map]:
    for element in results.elements:
        one = results.maps.get((str(results.best(element)), element))
        if one is not None and not one.empty:
            yield one


def _field_project(
    results: Results, crs: CRS, tables: dict[str, GeoTable], best: list[Map]
) -> QgisProject:
    first = best[0].element if best else ""
    scales = {one.element: element_scale(results, one.element) for one in best}
    units = {one.element: one.unit for one in best}
    items = target_items(units, "", first) if "targets" in tables else []
    items += [_notes(), *field_items(tables, scales, units, "")]
    items += [_map(results, one, one.element == first) for one in best]
    bounds = best[0].grid.bounds if best else results.manifest.grid.bounds
    name = f"{results.manifest.name}: field"
    return QgisProject(name, crs, bounds, [*items, basemap()])


def _notes() -> Item:
    label = Label("target", {name: name.replace("_", " ") for name in NOTE_COLUMNS})
    source = f"{NOTES}|layername=observations"
    style = style_of(point_style("#0072b2", "triangle"))
    title = "Your observations"
    return Item("observations", title, FIELD, source, "ogr", style, True, "Point", label)


def _map(results: Results, one: Map, shown: bool) -> Item:
    title = f"{one.element}: {results.title(one.product, one.element)} [{one.unit}]"
    style = ramp_style(element_scale(results, one.element), one.unit)
    return Item(f"best_{one.element}", title, BEST, one.path.name, "gdal", style, shown)
