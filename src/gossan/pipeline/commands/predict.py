"""Estimate at places of a table from a finished run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import CRS

from gossan.errors import InputError, must
from gossan.fusion.features.sources import ColumnFeatures
from gossan.fusion.protocol import Observations, Points
from gossan.fusion.registry import entry_of, make_model, options_of
from gossan.geo.grid import Grid
from gossan.geo.layer import values_at
from gossan.geo.raster import atomic_path, remove_leftovers
from gossan.geochem.back_transforms import interval_of, median_of
from gossan.geochem.known_errors import error_variance
from gossan.geochem.table.axes import are_angles, find_axes
from gossan.geochem.table.coordinates import project
from gossan.geochem.table.reading import SurveyTable, read_table
from gossan.geochem.transforms import (
    Transform,
    fit_transform_by_word,
    forward_of_map,
    transform_from_record,
)
from gossan.io.contract import ProductRecord
from gossan.io.finished_run import FinishedRun, open_run
from gossan.io.folder_lock import locked
from gossan.io.tables import Column, harmless


def predict_at(
    run: Path | str, at: Path | str, product: str | None, element: str | None, out: Path | str
) -> int:
    """Write a table of places with their estimate, lower90 and upper90.

    Parameters
    ----------
    run
        Folder of a finished run.
    at
        Table of any kind that a survey may be, with easting and northing in the CRS of the maps,
        or longitude and latitude (WGS 84), or points of its own.
    product, element
        Which map; the product may be None for the best map of the element, and the element where
        there is only one.
    out
        CSV to write: the input's columns and the three new ones, in the element's unit; empty
        off the map, and the bounds also where the product has no standard error.

    Returns
    -------
    Number of rows.
    """
    with locked(Path(run), reading=True):
        return _predict(open_run(run), Path(at), product, element, Path(out))


def _predict(
    finished: FinishedRun, at: Path, product: str | None, element: str | None, out: Path
) -> int:
    record = finished.find(product, element)
    if not at.exists():
        raise InputError(must("--at", "an existing table", at, "Check the path"))
    table = read_table(at)
    crs = CRS.from_user_input(finished.manifest.grid.crs)
    coordinates = _coordinates(table, crs, at.name)
    if record.layer is None:
        estimates = refitted_at(finished, record, coordinates, table)
    else:
        estimates = estimates_at(finished, record, coordinates)
    frame = table.frame.copy()
    for name, values in estimates.items():
        frame[name] = values
    remove_leftovers(out)
    with atomic_path(out) as temporary:
        harmless(frame).to_csv(temporary, index=False)
    return len(frame)


def notes_on(
    run: Path | str, product: str | None, element: str | None, out: Path | str
) -> list[str]:
    """Notes on a prediction: places off the map, samples beyond a limit."""
    record = open_run(run).find(product, element)
    estimate = pd.read_csv(out)[Column.ESTIMATE]
    notes = []
    if estimate.isna().any():
        share = f"{int(estimate.isna().sum())} of {len(estimate)} places"
        notes.append(f"{share} have no estimate: they lie off the map, or where it is empty")
    if record.censored:
        notes.append(
            f"{record.censored} of the {record.samples} samples of {record.element} lie beyond a "
            f"limit of the laboratory (censoring = {record.censoring!r})"
        )
    return notes


def estimates_at(
    run: FinishedRun, record: ProductRecord, coordinates: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Read a product's map at places: estimate and 90 % bounds, in the element's unit."""
    estimate = values_at(run.estimate(record), coordinates)[:, 0]
    errors = run.standard_error(record)
    if errors is None:
        return _without_bounds(estimate)
    error = values_at(errors, coordinates)[:, 0]
    transform = transform_from_record(record.transform_record)
    empty = np.full(len(estimate), np.nan)
    filled = np.isfinite(estimate) & np.isfinite(error)
    lower, upper = empty.copy(), empty.copy()
    mean = forward_of_map(transform, estimate[filled])
    lower[filled], upper[filled] = interval_of(transform, mean, error[filled])
    return {Column.ESTIMATE: estimate, Column.LOWER90: lower, Column.UPPER90: upper}


def _without_bounds(estimate: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    empty = np.full(len(estimate), np.nan)
    return {Column.ESTIMATE: estimate, Column.LOWER90: empty, Column.UPPER90: empty}


def refitted_at(
    run: FinishedRun,
    record: ProductRecord,
    coordinates: NDArray[np.float64],
    table: SurveyTable,
) -> dict[str, NDArray[np.float64]]:
    """Fit a product without a map again from the run's samples, and predict at places.

    Its features are covariates of the survey: the table must carry the same columns.

    Raises
    ------
    InputError
        The table lacks a covariate of the survey.
    """
    names = record.covariates
    missing = [name for name in names if name not in table.frame.columns]
    if missing:
        known = ", ".join(map(str, table.frame.columns))
        cure = "Add the survey's covariates to the table"
        raise InputError(must("--at", f"a table with the column {missing[0]!r}", known, cure))
    transform = transform_from_record(record.transform_record)
    observed = _observations(run, record, record.element, transform)
    if entry_of(record.model).of_partners:
        others = [one for one in run.elements if one != record.element]
        partners = {one: _observations(run, record, one) for one in others}
        observed = replace(observed, partners=partners)
    places = observed.points.coordinates
    low, high = places.min(axis=0), places.max(axis=0)
    grid = Grid.from_bounds(run.manifest.grid.crs, (*low, *high), float(np.ptp(places)) / 100)
    features = ColumnFeatures(names, grid)
    model = make_model(record.model, options_of(record.model, record.options), record.element)
    model.fit(observed, features)
    covariates = {name: _numbers(table, name, "the table") for name in names}
    found = model.predict(Points(coordinates, record.support_m, covariates), features)
    estimate = np.asarray(median_of(transform, found.mean), np.float64)
    if found.standard_error is None:
        return _without_bounds(estimate)
    error = found.standard_error * record.interval_scale
    bounds = interval_of(transform, found.mean, error)
    lower, upper = (np.asarray(bound, np.float64) for bound in bounds)
    return {Column.ESTIMATE: estimate, Column.LOWER90: lower, Column.UPPER90: upper}


def _observations(
    run: FinishedRun, record: ProductRecord, element: str, transform: Transform | None = None
) -> Observations:
    """Return a run's samples of an element, on a scale of its own kind where none is given."""
    samples = run.samples[run.samples[element].notna()]
    raw = samples[element].to_numpy(float)
    if transform is None:
        word = transform_from_record(record.transform_record).word
        transform = fit_transform_by_word(word, raw)
    places = samples[[Column.EASTING, Column.NORTHING]].to_numpy(float)
    columns = {name: samples[name].to_numpy(float) for name in record.covariates}
    unknown = pd.Series(np.nan, samples.index)
    errors = np.asarray(samples.get(f"{element}_error", unknown), np.float64)
    noise = error_variance(transform, raw, errors)
    limits = np.array(samples.get(f"{element}_limit", unknown), np.float64)
    beyond = np.isfinite(limits)
    limits[beyond] = transform.forward(limits[beyond])
    values = np.asarray(transform.forward(raw), np.float64)
    return Observations(Points(places, record.support_m, columns), values, noise, limits)


def _coordinates(table: SurveyTable, crs: CRS, name: str) -> NDArray[np.float64]:
    """Return (n, 2) positions in the CRS of the maps."""
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


def _numbers(table: SurveyTable, column: str, name: str) -> NDArray[np.float64]:
    raw = table.frame[column].tolist()
    cells = table.cells(column)
    wrong = np.flatnonzero(cells.text | cells.below | cells.above)
    if len(wrong):
        got = f"{raw[wrong[0]]!r} in row {table.rows[wrong[0]]}"
        raise InputError(must(f"{column} of {name}", "numbers", got, "Correct the table"))
    return cells.number
