"""Estimate at places of a table from a finished run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import CRS

from gossan.errors import InputError, must
from gossan.fusion.features.sources import ColumnFeatures
from gossan.fusion.protocol import Observations, Points
from gossan.fusion.registry import make_model, options_of
from gossan.geo.grid import Grid
from gossan.geo.layer import values_at
from gossan.geo.raster import atomic_path, open_raster
from gossan.geochem.table.cells import parse_cells
from gossan.geochem.table.coordinates import are_angles, find_axes, project
from gossan.geochem.table.reading import Table, read_table
from gossan.geochem.transforms import transform_from_record
from gossan.io.run_folder import RunFolder
from gossan.pipeline.fit_product import interval


def predict_at(
    run: Path | str, at: Path | str, product: str, element: str | None, out: Path | str
) -> int:
    """Add estimate, lower90 and upper90 to a table of places.

    Parameters
    ----------
    run
        Folder of a finished run.
    at
        Table of any kind that a survey may be, with easting and northing in the CRS of the maps,
        or longitude and latitude (WGS 84), or points of its own.
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
    if not Path(at).exists():
        raise InputError(must("--at", "an existing table", at, "Check the path"))
    table = read_table(Path(at))
    crs = CRS.from_user_input(manifest["grid"]["crs"])
    coordinates = _coordinates(table, crs, Path(at).name)
    if entry["layer"] is None:
        estimates = refitted_at(folder, manifest, entry, coordinates, table)
    else:
        estimates = estimates_at(folder, entry, coordinates)
    frame = table.frame.copy()
    for name, values in estimates.items():
        frame[name] = values
    with atomic_path(Path(out)) as temporary:
        frame.to_csv(temporary, index=False)
    return len(frame)


def notes_on(run: Path | str, product: str, element: str | None, out: Path | str) -> list[str]:
    """Say what the numbers of a prediction do not: places off the map, samples beyond a limit."""
    entry = find_entry(RunFolder(Path(run)).manifest(), product, element)
    estimate = pd.read_csv(out)["estimate"]
    notes = []
    if estimate.isna().any():
        share = f"{int(estimate.isna().sum())} of {len(estimate)} places"
        notes.append(f"{share} have no estimate: they lie off the map, or where it is empty")
    if entry["censored"]:
        notes.append(
            f"{entry['censored']} of the {entry['samples']} samples of {entry['element']} lie "
            f"beyond a limit of the laboratory (censoring = {entry['censoring']!r})"
        )
    return notes


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
    table: Table,
) -> dict[str, NDArray[np.float64]]:
    """Fit a product without a map again from the run's samples, and predict at places.

    Its features are covariates of the survey: the table must carry the same columns.
    """
    samples = run.table("samples")
    samples = samples[(samples["role"] == "fit") & samples[entry["element"]].notna()]
    names = tuple(entry["covariates"])
    missing = [name for name in names if name not in table.frame.columns]
    if missing:
        known = ", ".join(map(str, table.frame.columns))
        cure = "Add the survey's covariates to the table"
        raise InputError(must("--at", f"a table with the column {missing[0]!r}", known, cure))
    transform = transform_from_record(entry["transform_record"])
    places = samples[["easting", "northing"]].to_numpy(float)
    values = np.asarray(transform.forward(samples[entry["element"]].to_numpy(float)), np.float64)
    known_points = Points(
        places, entry["support_m"], {name: samples[name].to_numpy(float) for name in names}
    )
    low, high = places.min(axis=0), places.max(axis=0)
    grid = Grid.from_bounds(manifest["grid"]["crs"], (*low, *high), float(np.ptp(places)) / 100)
    features = ColumnFeatures(names, grid)
    model = make_model(entry["model"], options_of(entry["model"], entry["options"]))
    model.fit(Observations(known_points, values), features)
    covariates = {name: _numbers(table, name, "the table") for name in names}
    found = model.predict(Points(coordinates, entry["support_m"], covariates), features)
    estimate = np.maximum(transform.inverse(found.mean), 0.0)
    empty = np.full(len(estimate), np.nan)
    if found.standard_error is None:
        return {"estimate": estimate, "lower90": empty, "upper90": empty}
    error = found.standard_error * entry["interval_scale"]
    lower, upper = interval(transform, found.mean, error)
    return {"estimate": estimate, "lower90": lower, "upper90": upper}


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


def _coordinates(table: Table, crs: CRS, name: str) -> NDArray[np.float64]:
    """Give (n, 2) positions in the CRS of the maps."""
    if table.coordinates is not None and table.crs is not None:
        return project(table.coordinates, table.crs, crs)
    names = list(table.frame.columns)
    axes = find_axes(names)
    if axes is None:
        cure = "Rename the columns of the coordinates"
        allowed = "a table with easting and northing, or longitude and latitude"
        raise InputError(must(f"--at {name}", allowed, ", ".join(map(str, names)), cure))
    places = np.column_stack([_numbers(table, axis, name) for axis in axes])
    if are_angles(axes):
        return project(places, CRS.from_epsg(4326), crs)
    with np.errstate(invalid="ignore"):
        degrees = (np.abs(places) <= 360).all(axis=1)
    if degrees.any():
        cure = "Call the columns longitude and latitude if all of them are degrees"
        got = f"degrees in row {table.rows[degrees][0]}"
        raise InputError(must(f"{axes[0]} and {axes[1]} of {name}", "in metres", got, cure))
    return places


def _numbers(table: Table, column: str, name: str) -> NDArray[np.float64]:
    raw = table.frame[column].tolist()
    cells = parse_cells(raw, "number", table.decimal)
    wrong = np.flatnonzero(cells.text | cells.below | cells.above)
    if len(wrong):
        got = f"{raw[wrong[0]]!r} in row {table.rows[wrong[0]]}"
        raise InputError(must(f"{column} of {name}", "numbers", got, "Mend the table"))
    return cells.number
