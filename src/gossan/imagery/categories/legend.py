"""Names of the numbers in a raster of classes: from files that lie beside it, or one that is named.

Known are tables of number and name (``.csv``), styles of QGIS (``.qml``), GDAL's raster attribute
tables and category names (``.tif.aux.xml``) and those of ArcGIS (``.tif.vat.dbf``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import geopandas as gpd
import pandas as pd

from gossan.errors import ImageryError, must, reading

__all__ = ["legend_beside", "read_legend"]

_NAMES = ("class_names", "class_name", "category", "label", "name", "unit")
"""Columns that hold the name, the likeliest first, where no column is stated."""


def legend_beside(raster: Path, column: str | None = None) -> dict[float, str]:
    """Look for the legend of a raster beside it; empty where there is none."""
    beside = (
        *(raster.with_suffix(end) for end in (".csv", ".qml")),
        *(raster.with_name(raster.name + end) for end in (".aux.xml", ".vat.dbf")),
    )
    found = (read_legend(path, column) for path in beside if path.exists())
    return next((legend for legend in found if legend), {})


def read_legend(path: Path, column: str | None = None) -> dict[float, str]:
    """Read names by number.

    Parameters
    ----------
    path
        A file of one of the kinds above.
    column
        Column of a table that holds the names; by default the likeliest one that holds text.

    Raises
    ------
    ImageryError
        The file cannot be read, or it has no such column.
    """
    with reading(path, ImageryError):
        if path.suffix.lower() == ".csv":
            return _of_table(pd.read_csv(path, sep=None, engine="python"), path, column)
        if path.suffix.lower() == ".dbf":
            return _of_table(pd.DataFrame(gpd.read_file(path)), path, column)
        root = ElementTree.parse(path).getroot()
    if path.suffix.lower() == ".qml":
        return {
            float(entry.get("value", "nan")): entry.get("label", "")
            for entry in root.iter("paletteEntry")
            if entry.get("label")
        }
    return _of_attributes(root, path, column) or {
        float(number): one.text
        for number, one in enumerate(root.iterfind(".//CategoryNames/Category"))
        if one.text
    }


def _of_table(frame: pd.DataFrame, path: Path, column: str | None) -> dict[float, str]:
    """Take the first column of numbers, and the column of names."""
    frame = frame.drop(columns="geometry", errors="ignore")
    numbers = frame.select_dtypes("number").columns
    if not len(numbers):
        return {}
    name = _name_column(frame, path, column)
    if name is None:
        return {}
    named = frame[frame[name].notna()]
    return dict(zip(named[numbers[0]].astype(float), named[name].astype(str)))


def _name_column(frame: pd.DataFrame, path: Path, column: str | None) -> str | None:
    if column is not None:
        if column not in frame.columns:
            got, cure = ", ".join(map(str, frame.columns)), f"Name a column of {path.name}"
            raise ImageryError(must(f"column {column!r}", f"in {path.name}", got, cure))
        return column
    text = [str(one) for one in frame.columns if not pd.api.types.is_numeric_dtype(frame[one])]
    plain: Mapping[str, str] = {one.lower(): one for one in text}
    likely = [plain[one] for one in _NAMES if one in plain]
    return next(iter([*likely, *text]), None)


def _of_attributes(root: ElementTree.Element, path: Path, column: str | None) -> dict[float, str]:
    """Take a raster attribute table as GDAL writes it."""
    table = root.find(".//GDALRasterAttributeTable")
    if table is None:
        return {}
    heads = [one.findtext("Name", "") for one in table.iterfind("FieldDefn")]
    rows = [[cell.text for cell in row.iterfind("F")] for row in table.iterfind("Row")]
    frame = pd.DataFrame(rows, columns=heads)
    for head in heads:
        numbers = pd.to_numeric(frame[head], errors="coerce")
        if numbers.notna().all():
            frame[head] = numbers
    return _of_table(frame, path, column)
