"""Estimate at places of a table from a finished run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from gossan.errors import InputError, must
from gossan.fusion.features import ColumnFeatures
from gossan.fusion.protocol import Observations, Points
from gossan.fusion.registry import make_model, options_of
from gossan.geo.grid import Grid
from gossan.geo.layer import values_at
from gossan.geo.raster import atomic_path, open_raster
from gossan.geochem.transforms import transform_from_record
from gossan.io.run_folder import RunFolder
from gossan.pipeline.make import interval

EASTINGS = ("easting", "x", "east", "e", "utm_e", "utm_x", "xcoord")
NORTHINGS = ("northing", "y", "north", "n", "utm_n", "utm_y", "ycoord")
LONGITUDES = ("longitude", "lon", "long", "lng")
LATITUDES = ("latitude", "lat")


def predict_at(
    run: Path | str, at: Path | str, product: str, element: str | None, out: Path | str
) -> int:
    """Add estimate, lower90 and upper90 to a table of places.

    Parameters
    ----------
    run
        Folder of a finished run.
    at
        CSV with easting and northing in the CRS of the maps, or longitude and latitude (WGS 84).
    product, element
        Which map; the element may be None where the product has only one.
    out
        CSV to write: the input's columns and the three new ones, in the element's unit; empty
        off the map, and the bounds also where the product has no standard error.

    Returns
    -------
    Number of rows.
    """
    folder = RunFolder(Path(run))
    manifest = folder.manifest()
    entry = find_entry(manifest, product, element)
    table = _read(Path(at))
    crs = CRS.from_user_input(manifest["grid"]["crs"])
    coordinates = _coordinates(table, crs, Path(at).name)
    if entry["layer"] is None:
        estimates = refitted_at(folder, manifest, entry, coordinates, table)
    else:
        estimates = estimates_at(folder, entry, coordinates)
    for name, values in estimates.items():
        table[name] = values
    with atomic_path(Path(out)) as temporary:
        table.to_csv(temporary, index=False)
    return len(table)


def estimates_at(
    run: RunFolder, entry: dict[str, Any], coordinates: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Read a product's map at places: estimate and 90 % bounds, in the element's unit."""
    estimate = values_at(open_raster(run.root / entry["layer"]), coordinates)[:, 0]
    empty = np.full(len(estimate), np.nan)
    if entry["standard_error"] is None:
        return {"estimate": estimate, "lower90": empty, "upper90": empty}
    error = values_at(open_raster(run.root / entry["standard_error"]), coordinates)[:, 0]
    transform = transform_from_record(entry["transform_record"])
    filled = np.isfinite(estimate) & np.isfinite(error)
    lower, upper = empty.copy(), empty.copy()
    positive = np.maximum(estimate[filled], np.finfo(np.float32).tiny)
    mean = np.asarray(transform.forward(positive), np.float64)
    lower[filled], upper[filled] = interval(transform, mean, error[filled])
    return {"estimate": estimate, "lower90": lower, "upper90": upper}


def refitted_at(
    run: RunFolder,
    manifest: dict[str, Any],
    entry: dict[str, Any],
    coordinates: NDArray[np.float64],
    table: pd.DataFrame,
) -> dict[str, NDArray[np.float64]]:
    """Fit a product without a map again from the run's samples, and predict at places.

    Its features are covariates of the survey: the table must carry the same columns.
    """
    samples = run.table("samples")
    samples = samples[(samples["role"] == "fit") & samples[entry["element"]].notna()]
    names = tuple(entry["covariates"])
    missing = [name for name in names if name not in table.columns]
    if missing:
        known = ", ".join(map(str, table.columns))
        cure = "Add the survey's covariates to the table"
        raise InputError(must("--at", f"a table with the column {missing[0]!r}", known, cure))
    transform = transform_from_record(entry["transform_record"])
    places = samples[["easting", "northing"]].to_numpy(float)
    values = np.asarray(transform.forward(samples[entry["element"]].to_numpy(float)), np.float64)
    known_points = Points(places, entry["support_m"], _columns(samples, names))
    low, high = places.min(axis=0), places.max(axis=0)
    grid = Grid.from_bounds(manifest["grid"]["crs"], (*low, *high), float(np.ptp(places)) / 100)
    features = ColumnFeatures(names, grid)
    model = make_model(entry["model"], options_of(entry["model"], entry["options"]))
    model.fit(Observations(known_points, values), features)
    found = model.predict(Points(coordinates, entry["support_m"], _columns(table, names)), features)
    estimate = np.maximum(transform.inverse(found.mean), 0.0)
    empty = np.full(len(estimate), np.nan)
    if found.standard_error is None:
        return {"estimate": estimate, "lower90": empty, "upper90": empty}
    error = found.standard_error * entry["interval_scale"]
    lower, upper = interval(transform, found.mean, error)
    return {"estimate": estimate, "lower90": lower, "upper90": upper}


def _columns(table: pd.DataFrame, names: tuple[str, ...]) -> dict[str, NDArray[np.float64]]:
    return {name: _numbers(table, name, "the table") for name in names}


def find_entry(manifest: dict[str, Any], product: str, element: str | None) -> dict[str, Any]:
    """Find a product of a run by its name, and its element."""
    named = [entry for entry in manifest["products"] if entry["product"] == product]
    if not named:
        known = ", ".join(dict.fromkeys(entry["product"] for entry in manifest["products"]))
        raise InputError(must("--product", f"one of {known}", repr(product), "Name one of them"))
    elements = [entry["element"] for entry in named]
    if element is None and len(named) == 1:
        return dict(named[0])
    if element not in elements:
        allowed = f"one of {', '.join(elements)}"
        raise InputError(must("--element", allowed, repr(element), "Name one of them"))
    return dict(named[elements.index(element)])


def _read(path: Path) -> pd.DataFrame:
    if not path.exists():
        raise InputError(must("--at", "an existing CSV file", path, "Check the path"))
    try:
        return pd.read_csv(path, sep=None, engine="python", encoding="utf-8-sig")
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        first = str(error).splitlines()[0]
        cure = "Save it as CSV in UTF-8"
        raise InputError(must(f"--at {path.name}", "a CSV table", first, cure)) from error


def _coordinates(table: pd.DataFrame, crs: CRS, name: str) -> NDArray[np.float64]:
    for first, second, source in ((EASTINGS, NORTHINGS, crs), (LONGITUDES, LATITUDES, 4326)):
        x, y = _column(table, first), _column(table, second)
        if x is None or y is None:
            continue
        places = np.column_stack([_numbers(table, x, name), _numbers(table, y, name)])
        if source is crs:
            return places
        transformer = Transformer.from_crs(source, crs, always_xy=True)
        return np.column_stack(transformer.transform(places[:, 0], places[:, 1]))
    cure = "Rename the columns of the coordinates"
    allowed = "a table with easting and northing, or longitude and latitude"
    raise InputError(must(f"--at {name}", allowed, ", ".join(map(str, table.columns)), cure))


def _column(table: pd.DataFrame, names: tuple[str, ...]) -> str | None:
    lower = {str(column).strip().lower(): column for column in table.columns}
    return next((lower[name] for name in names if name in lower), None)


def _numbers(table: pd.DataFrame, column: str, name: str) -> NDArray[np.float64]:
    numbers = pd.to_numeric(table[column], errors="coerce")
    wrong = table.index[numbers.isna() & table[column].notna()]
    if len(wrong):
        got = f"{table[column][wrong[0]]!r} in row {wrong[0] + 2}"
        raise InputError(must(f"{column} of {name}", "numbers", got, "Mend the table"))
    return numbers.to_numpy(float)
