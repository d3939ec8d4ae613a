"""The QGIS project of a run: every map, the targets, what is known in the field."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable
from pathlib import Path

from gossan.io.contract import BASELINE
from gossan.io.qgis_styles import anomaly_style, zone_style
from gossan.pipeline.imagery_used import KRIGED, LEGEND, PART, USED
from gossan.report.answer import targets_of
from gossan.report.figures import element_scale
from gossan.report.palette import ERROR, SHARE, Scale, common_scale
from gossan.report.qgis.field_folder import write_field_folder
from gossan.report.qgis.field_layers import field_items, style_of, target_items
from gossan.report.qgis.items import (
    BEST,
    DOUBT,
    HALOS,
    IMAGERY,
    KRIGING,
    OTHERS,
    TARGETS,
    Item,
    Label,
    basemap,
)
from gossan.report.qgis.layouts import target_layout
from gossan.report.qgis.project import Bookmark, QgisProject, write_xml
from gossan.report.qgis.raster_styles import class_style, composite_style, ramp_style
from gossan.report.read import Map, Results
from gossan.report.target_sheets import target_frame

__all__ = ["PROJECT", "run_items", "write_qgis"]

PROJECT = "gossan.qgs"
"""The project of a run, in its folder."""
IMAGERY_USED = {KRIGED: ("#d55e00", "255"), USED: ("#009e73", "0"), PART: ("#e69f00", "255")}
"""Colour and opacity of each class; where imagery was used the maps below show through."""
UNSAMPLED_COLOUR = ("#4d4d4d", "200")
"""Colour and opacity of ground that drains past all samples; the rest is clear."""
ANOMALY_ALIASES = {
    "anomaly": "Anomaly",
    "rank": "Rank",
    "status": "Status",
    "area_km2": "Area (km²)",
    "peak": "Highest content",
    "peak_lower90": "90 % interval from",
    "peak_upper90": "to",
    "unit": "Unit",
    "probability": "Probability",
    "supports": "For it",
    "against": "Against it",
}


def write_qgis(results: Results) -> Path:
    """Write ``gossan.qgs``, the folder ``field`` and a ``.qml`` style beside every map.

    Groups: targets, field data, best maps, their errors and applicability, kriging, other maps,
    imagery, and a basemap that is off. The best map of the first element, its targets and its
    samples are switched on. Bookmarks and print layouts lead to the targets. Paths are relative,
    so the run folder may be moved.
    """
    first = next(iter(results.maps.values()))
    crs, bounds = first.grid.crs, first.grid.bounds
    tables = write_field_folder(results, crs)
    items = [*run_items(results, tables), basemap()]
    for item in reversed(items):  # a file of several items keeps the first one's style
        if item.provider == "gdal":
            write_xml((results.run.root / item.source).with_suffix(".qml"), item.style)
    path = results.run.root / PROJECT
    marks = [mark for element in results.elements for mark in _bookmarks(results, element)]
    layouts = [one for name in results.elements for one in _layouts(results, name, items)]
    QgisProject(results.manifest.name, crs, bounds, items, marks, layouts).write(path)
    return path


def run_items(results: Results, tables: Iterable[str]) -> list[Item]:
    """List the layers of a run, those of its field folder first.

    Parameters
    ----------
    results
        A finished run.
    tables
        Names of the layers that ``field/field.gpkg`` holds.
    """
    return [*_field(results, tables), *_element_items(results), *_other_items(results)]


def _field(results: Results, tables: Iterable[str]) -> list[Item]:
    mapped = [name for name in results.elements if results.of(name)]
    scales = {name: element_scale(results, name) for name in mapped}
    units = {name: results.of(name)[0].unit for name in mapped}
    with_targets = [name for name in mapped if targets_of(results, name, 1)]
    targets = target_items(with_targets, "field/", results.elements[0])
    return [*targets, *field_items(tables, scales, units, "field/")]


def _bookmarks(results: Results, element: str) -> Iterable[Bookmark]:
    for target in targets_of(results, element):
        frame = target_frame(results.maps[str(results.best(element)), element], target)
        yield Bookmark(target.name, f"Targets of {element}", frame)


def _layouts(results: Results, element: str, items: list[Item]) -> Iterable[ET.Element]:
    targets = targets_of(results, element, 1)
    named = {item.key: item for item in items}
    points = named.get(f"targets_{element}")
    if not targets or points is None:
        return
    best = results.maps[str(results.best(element)), element].name
    wanted = (points.key, f"field_samples_{element}", f"anomalies_{best}", best)
    shown = [named[key] for key in wanted if key in named]
    place = targets[0].easting, targets[0].northing
    yield target_layout(f"Targets of {element}", points, shown, place)


def _element_items(results: Results) -> Iterable[Item]:
    """Layers of each element; the best map and the targets of the first one are switched on."""
    for number, element in enumerate(results.elements):
        best, scale = results.best(element), element_scale(results, element)
        for one in results.of(element):
            title = f"{element}: {results.title(one.product, element)}"
            group = _group(one.product, best)
            shown = one.product == best and number == 0
            yield from _anomaly_items(
                results, one, title, TARGETS if group == BEST else OTHERS, shown
            )
            yield _raster(results, one, title, group, scale, shown)
        for (product, own), error in results.errors.items():
            if own == element:
                title = f"{element}: standard error, {results.title(product, element)}"
                errors = common_scale([error.values], error.unit, ERROR)
                yield _raster(results, error, title, _group(product, best, DOUBT), errors)
    if results.applicability is not None:
        index, _ = results.applicability
        source = index.path.relative_to(results.run.root).as_posix()
        title = "Dissimilarity of ground from the samples"
        style = ramp_style(common_scale([index.values], "", ERROR), "")
        yield Item("applicability", title, DOUBT, source, "gdal", style)
    if results.unsampled is not None:
        source = results.unsampled.path.relative_to(results.run.root).as_posix()
        style = class_style(1, {1: "no sample"}, {1: UNSAMPLED_COLOUR})
        title = "Ground that drains past all samples"
        yield Item(results.unsampled.name, title, DOUBT, source, "gdal", style)


def _group(product: str, best: str | None, of_best: str = BEST) -> str:
    """Group of a product's layer."""
    if product == best:
        return of_best
    return KRIGING if product == BASELINE else OTHERS


def _anomaly_items(
    results: Results, one: Map, title: str, group: str, shown: bool
) -> Iterable[Item]:
    path = results.run.anomaly_file(one.product, one.element, "gpkg")
    source = path.relative_to(results.run.root).as_posix()
    if not results.outlines(one.product, one.element):
        return
    styles = {"anomalies": anomaly_style(), "zones": zone_style((1.0, 2.0, 4.0))}
    for layer, style in styles.items():
        outlines = layer == "anomalies"
        yield Item(
            f"{layer}_{one.name}", f"{title}, {layer}", group, f"{source}|layername={layer}",
            "ogr", style_of(style), shown and outlines, "Polygon",
            Label("", ANOMALY_ALIASES) if outlines else None,
        )  # fmt: skip


def _other_items(results: Results) -> Iterable[Item]:
    for one in results.halos:
        scale = common_scale([one.values], one.unit)
        yield _raster(results, one, one.name.replace("_", " "), HALOS, scale)
    for one in results.shares:
        source, title = f"layers/{one.path.name}", f"{one.name.replace('_', ' ')} [{one.unit}]"
        style = ramp_style(Scale(0.0, 1.0, False, one.unit, SHARE), "")
        yield Item(one.name, title, IMAGERY, source, "gdal", style)
    for band, one in enumerate(results.backgrounds, 1):
        source = one.path.relative_to(results.run.root).as_posix()
        title = f"{one.element}: background by classes of ground [{one.unit}]"
        style = ramp_style(common_scale([one.values], one.unit), one.unit, band)
        yield Item(f"{one.name}_{one.element}", title, IMAGERY, source, "gdal", style)
    if results.imagery_used is not None:
        path, features = results.imagery_used
        source = path.relative_to(results.run.root).as_posix()
        for band, name in enumerate(features, 1):
            title = f"where imagery was used: {name}"
            style = class_style(band, LEGEND, IMAGERY_USED)
            yield Item(f"{path.stem}_{band}", title, IMAGERY, source, "gdal", style)
    for one in results.pictures:
        source = one.path.relative_to(results.run.root).as_posix()
        title = one.name.replace("_", " ")
        yield Item(one.name, title, IMAGERY, source, "gdal", composite_style(), True)


def _raster(
    results: Results, one: Map, title: str, group: str, scale: Scale, visible: bool = False
) -> Item:
    source = one.path.relative_to(results.run.root).as_posix()
    named = f"{title} [{one.unit}]" if one.unit else title
    return Item(one.name, named, group, source, "gdal", ramp_style(scale, one.unit), visible)
