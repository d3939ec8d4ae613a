"""What the page's script knows of an element: contents, intervals, samples and targets."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.geo.raster import read_overview
from gossan.geochem.back_transforms import InUnit
from gossan.geochem.transforms import transform_from_record
from gossan.io.tables import Column, Table
from gossan.pipeline.anomaly_evidence import BOUNDS, Forward
from gossan.report.answer import targets_of
from gossan.report.read import Results

__all__ = ["CELLS", "exploration"]

CELLS = 36_000
"""Cells of the best map that the page can tell the content of."""
STEPS = 65_534
"""Contents are stored as whole numbers from 1 to this plus 1; 0 is empty."""


def exploration(results: Results, element: str) -> dict[str, Any] | None:
    """Gather what a click on a map of an element can tell; None without a best map.

    Returns
    -------
    ``grid`` (columns, rows, left, top, width and height of a cell), ``unit``, the stored
    ``estimate`` and, where the map has an error, ``lower`` and ``upper`` bound of the 90 %
    interval; ``samples``, ``targets``, ``plan`` and ``occurrences`` as lists of columns.
    """
    one = results.maps.get((str(results.best(element)), element))
    record = results.run.product(one.product, element) if one is not None else None
    if one is None or record is None or one.empty:
        return None
    values, grid = read_overview(one.path, CELLS)
    left, bottom, right, top = grid.bounds
    found: dict[str, Any] = {
        "grid": [grid.width, grid.height, left, top, grid.pixel_width, grid.pixel_height],
        "bounds": [left, bottom, right, top],
        "unit": one.unit,
        "title": results.title(one.product, element),
        "estimate": stored(values[0]),
        "samples": _samples(results, element),
        "targets": _targets(results, element),
        "plan": _places(results.plan, "name"),
        "occurrences": _places(results.table(Table.OCCURRENCES), "name"),
    }
    error = results.errors.get((one.product, element))
    if error is not None:
        errors, _ = read_overview(error.path, CELLS)
        transform = transform_from_record(record.transform_record)
        working = Forward(transform)(np.concatenate([values[:1], errors[:1]]))
        lower, upper = InUnit(transform, BOUNDS)(working)
        found |= {"lower": stored(lower), "upper": stored(upper)}
    return found


def stored(values: NDArray[np.float32]) -> dict[str, Any]:
    """Store a map in two bytes a cell, by its logarithm where all is above 0.

    The script reads ``low + (code - 1) / STEPS * span``, and its exponential where ``log``.
    """
    filled = np.isfinite(values)
    logarithmic = bool(filled.any() and values[filled].min() > 0)
    shown = np.log(values[filled], dtype=float) if logarithmic else values[filled].astype(float)
    low = float(shown.min()) if shown.size else 0.0
    span = max(float(shown.max()) - low, 1e-9) if shown.size else 1.0
    codes = np.zeros(values.shape, "<u2")
    codes[filled] = 1 + np.rint((shown - low) / span * STEPS).astype("<u2")
    packed = base64.b64encode(codes.tobytes()).decode("ascii")
    return {"codes": packed, "low": low, "span": span, "log": logarithmic}


def _samples(results: Results, element: str) -> dict[str, list[Any]]:
    table = results.samples
    if element not in table:
        return {}
    table = table[table[element].notna()]
    beyond = table.get(f"{element}_censored", pd.Series(False, table.index))
    return {
        **_coordinates(table),
        "value": [float(f"{value:.4g}") for value in table[element]],
        "censored": [int(bool(value)) for value in beyond.fillna(False)],
        "survey": table[Column.SURVEY].astype(str).tolist(),
    }


def _targets(results: Results, element: str) -> dict[str, list[Any]]:
    found = targets_of(results, element)
    return {
        "x": [round(one.easting) for one in found],
        "y": [round(one.northing) for one in found],
        "name": [str(one.rank) for one in found],
    }


def _places(table: pd.DataFrame, name: str) -> dict[str, list[Any]]:
    if not len(table):
        return {}
    return {**_coordinates(table), "name": table[name].astype(str).tolist()}


def _coordinates(table: pd.DataFrame) -> dict[str, list[int]]:
    return {
        "x": table[Column.EASTING].round().astype(int).tolist(),
        "y": table[Column.NORTHING].round().astype(int).tolist(),
    }
