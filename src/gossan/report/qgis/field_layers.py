"""Targets, samples, occurrences and the sampling plan as layers for GIS and field."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from itertools import pairwise

import pandas as pd
import shapely
from pyproj import CRS

from gossan.io.geometry_tables import GeoTable, geometry_table
from gossan.io.qgis_styles import SampleClass, point_style, sample_style, target_style
from gossan.io.tables import Column, Table
from gossan.report.answer import NOTHING, Target, targets_of
from gossan.report.palette import Scale
from gossan.report.qgis.items import FIELD, TARGETS, Item, Label
from gossan.report.read import Results
from gossan.report.target_sheets import SHEETS

__all__ = ["DATA", "field_items", "field_tables", "target_items"]

DATA = "field.gpkg"
"""File of all points of the field folder."""
TARGET_ALIASES = {
    "name": "Target",
    "rank": "Rank",
    "place": "Place",
    "degrees": "Longitude and latitude",
    "expected": "Expected (90 % interval)",
    "probability": "Probability",
    "area": "Area",
    "supports": "For it",
    "against": "Against it",
}
PLAN_ALIASES = {
    "name": "New sample",
    "order": "Order",
    "easting": "Easting",
    "northing": "Northing",
}
OCCURRENCE_ALIASES = {"name": "Occurrence", "commodity": "Commodity"}


def field_tables(results: Results, crs: CRS) -> dict[str, GeoTable]:
    """Collect the points of a run by layer; what the run lacks is left out."""
    targets = [one for name in results.elements for one in _target_rows(results, name)]
    tables = {
        "targets": pd.DataFrame(targets),
        "plan": results.plan,
        "samples": _samples(results),
        "occurrences": results.table(Table.OCCURRENCES),
    }
    return {name: _points(table, crs) for name, table in tables.items() if len(table)}


def _target_rows(results: Results, element: str) -> list[dict[str, object]]:
    return [_target_row(element, one) for one in targets_of(results, element, SHEETS)]


def _target_row(element: str, one: Target) -> dict[str, object]:
    return {
        "name": one.name, "element": element, "rank": one.rank, "status": one.status,
        Column.EASTING: one.easting, Column.NORTHING: one.northing, "place": one.place,
        "degrees": one.degrees, "expected": one.expected, "probability": one.probability,
        "area": one.area, "supports": one.supports or NOTHING,
        "against": one.against or NOTHING,
    }  # fmt: skip


def _samples(results: Results) -> pd.DataFrame:
    own = [name for element in results.elements for name in (element, f"{element}_censored")]
    names = [Column.SURVEY, Column.ROLE, Column.EASTING, Column.NORTHING, *own]
    table = results.samples
    return table[[name for name in names if name in table]]


def _points(table: pd.DataFrame, crs: CRS) -> GeoTable:
    columns = {str(name): table[name].to_numpy() for name in table.columns}
    places = shapely.points(table[Column.EASTING], table[Column.NORTHING])
    return geometry_table(columns, places, crs)


def target_items(elements: Iterable[str], folder: str, shown: str) -> list[Item]:
    """Layers of the targets of each element; those of one are switched on."""
    return [
        Item(
            f"targets_{element}", f"{element}: targets", TARGETS,
            f"{folder}{DATA}|layername=targets|subset={_of(element)}", "ogr",
            style_of(target_style()), element == shown, "Point", Label("name", TARGET_ALIASES),
        )
        for element in elements
    ]  # fmt: skip


def _of(element: str) -> str:
    escaped = element.replace("'", "''")
    return f"\"element\" = '{escaped}'"


def field_items(
    tables: Iterable[str], scales: Mapping[str, Scale], units: Mapping[str, str], folder: str
) -> list[Item]:
    """Layers of the plan, the samples of each element, and the occurrences.

    Parameters
    ----------
    tables
        Names of the layers that the field folder holds.
    scales, units
        Of the map of each element.
    folder
        Path from the project to the field folder, with a slash, or nothing.
    """
    held, found = set(tables), []
    if "plan" in held:
        label = Label("name", PLAN_ALIASES)
        found.append(_item("plan", "Where to sample next", folder, point_style(), label))
    if "occurrences" in held:
        style = point_style("#d55e00", "cross2")
        label = Label("", OCCURRENCE_ALIASES)
        found.append(_item("occurrences", "Known occurrences", folder, style, label))
    for number, (element, scale) in enumerate(scales.items() if "samples" in held else ()):
        unit = units[element]
        censored = f"{element}_censored"
        style = sample_style(element, censored, unit, sample_classes(scale))
        aliases = {element: f"{element} ({unit})", censored: "Beyond a limit", "survey": "Survey"}
        title = f"{element}: samples [{unit}]"
        found.append(
            _item("samples", title, folder, style, Label("", aliases), element, not number)
        )
    return found


def _item(
    table: str, title: str, folder: str, style: str, label: Label, element: str = "",
    visible: bool = True,
) -> Item:  # fmt: skip
    key = f"{table}_{element}" if element else table
    source = f"{folder}{DATA}|layername={table}"
    return Item(
        f"field_{key}", title, FIELD, source, "ogr", style_of(style), visible, "Point", label
    )


def sample_classes(scale: Scale) -> list[SampleClass]:
    """Divide contents at the round values of a scale, each class in its colour on the map.

    >>> [(low, high) for low, high, _ in sample_classes(Scale(9.0, 60.0, True, "ppm"))]
    [(nan, 10.0), (10.0, 20.0), (20.0, 50.0), (50.0, nan)]
    """
    ends = [float("nan"), *scale.ticks(), float("nan")]
    classes = []
    for low, high in pairwise(ends):
        inside = [v for v in (low, high) if v == v] or [scale.low]
        classes.append((low, high, scale.colour(sum(inside) / len(inside))))
    return classes


def style_of(text: str) -> ET.Element:
    return ET.fromstring(text[text.index("<qgis") :])
