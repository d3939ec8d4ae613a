"""Place the rows of a table in the project's CRS, and deal with several samples of one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import CRS
from scipy.spatial import cKDTree

from gossan.errors import SurveyError, must
from gossan.geochem.table.cells import parse_cells
from gossan.geochem.table.columns import nearest
from gossan.geochem.table.coordinates import (
    check_axes,
    find_axes,
    lone_points,
    parse_angle,
    project,
    read_crs,
    within_area_of_use,
)
from gossan.geochem.table.duplicates import (
    drop_copies,
    duplicate_pairs,
    groups_within,
    merge_groups,
    precision,
)
from gossan.geochem.table.findings import Finding, Findings, rows_where
from gossan.geochem.table.reading import Table, read_table
from gossan.geochem.table.settings import SurveySettings


@dataclass(frozen=True, eq=False)
class Placed:
    """Hold (n, 2) positions in the project's CRS, which rows have one, and the table's CRS."""

    coordinates: NDArray[np.float64]
    kept: NDArray[np.bool_]
    source: CRS


def place_rows(
    table: Table, settings: SurveySettings, crs: CRS, base_folder: Path
) -> tuple[Placed, Findings]:
    """Find the position of every row and bring it to the project's CRS.

    Parameters
    ----------
    table
        The survey's rows.
    settings
        Columns and CRS, or the table of sites.
    crs
        CRS of the project.
    base_folder
        Folder that relative paths start from.

    Returns
    -------
    Positions, and the findings of ``check_axes`` and ``lone_points``; rows without a position are
    reported ("no-position") and not kept.

    Raises
    ------
    SurveyError
        If coordinate columns or the CRS are missing or unknown.
    """
    coordinates, source, found = _source(table, settings, base_folder)
    errors = check_axes(coordinates, table.rows, source)
    found += errors
    known: NDArray[np.bool_] = np.asarray(np.isfinite(coordinates).all(axis=1), bool)
    if not known.all():
        message = f"{int((~known).sum())} rows without a position are left out"
        found.append(Finding("warning", "no-position", message, rows_where(table.rows, ~known)))
    dropped = {row for e in errors if e.code in settings.drop for row in e.rows}
    if dropped:
        known &= ~np.isin(table.rows, list(dropped))
        message = f"left out because of drop = {list(settings.drop)}"
        found.append(Finding("note", "dropped", message, tuple(sorted(dropped))))
    if {e.code for e in errors} - {"position", *settings.accept, *settings.drop}:
        return Placed(coordinates, known, source), Findings(tuple(found))
    moved = project(coordinates, source, crs)
    inside = within_area_of_use(np.where(known[:, None], moved, np.nan), crs, margin_degrees=10)
    if not errors and not inside[known].all() and crs.area_of_use is not None:
        swapped = within_area_of_use(project(coordinates[:, ::-1], source, crs), crs, 10)
        cure = "Check [project] crs and the crs of the survey"
        if swapped[known].mean() > 0.5:
            cure = "x and y look swapped: exchange their names"
        message = must("samples", f"within the area of {crs.name}", "some far from it", cure)
        found.append(Finding("error", "zone", message, rows_where(table.rows, known & ~inside)))
    kept: NDArray[np.bool_] = np.asarray(known & np.isfinite(moved).all(axis=1), bool)
    if kept.any():
        found += lone_points(moved[kept], table.rows[kept])
    return Placed(moved, kept, source), Findings(tuple(found))


def _source(
    table: Table, settings: SurveySettings, base_folder: Path
) -> tuple[NDArray[np.float64], CRS, list[Finding]]:
    """Give positions as the file states them, their CRS and notes."""
    if settings.sites is None:
        return _own_positions(table, settings)
    sites = read_table(base_folder / settings.sites, decimal=settings.decimal)
    at, rows, found = _match(table, sites, settings)
    coordinates, crs, more = _own_positions(sites, settings)
    return _first_of_site(coordinates, at, rows, settings, [*found, *more], crs)


def _match(
    table: Table, sites: Table, settings: SurveySettings
) -> tuple[pd.Index[str], NDArray[np.object_], list[Finding]]:
    """Give the identifiers of the sites and of the rows, and which rows have no site."""
    key = str(settings.id)
    if key not in sites.frame.columns:
        cure = nearest(key, list(sites.frame.columns))
        raise SurveyError(must("id", f"a column of {settings.sites}", repr(key), cure))
    index = pd.Index(sites.frame[key].astype(str).str.strip())
    wanted = table.frame[key].astype(str).str.strip().to_numpy(object)
    lost = ~pd.Index(wanted).isin(index)
    if lost.all():
        cure = f"Compare {key} of both tables"
        raise SurveyError(must(f"{key} of some row", f"in {settings.sites}", "none", cure))
    if not lost.any():
        return index, wanted, []
    message = f"{int(lost.sum())} rows have no site in {settings.sites}"
    return index, wanted, [Finding("warning", "no-site", message, rows_where(table.rows, lost))]


def _first_of_site(
    coordinates: NDArray[np.float64],
    index: pd.Index[str],
    wanted: NDArray[np.object_],
    settings: SurveySettings,
    found: list[Finding],
    crs: CRS,
) -> tuple[NDArray[np.float64], CRS, list[Finding]]:
    """Give each row the position of its site; one site at two positions is an error."""
    sites = pd.DataFrame(coordinates, index=index)
    spread = sites.groupby(level=0).agg(np.ptp).max(axis=1)
    moved = sorted(spread.index[spread > 0])
    if moved:
        shown = ", ".join(moved[:5])
        cure = f"Mend {settings.sites}"
        message = must("a site", "at one position", f"several for {shown}", cure)
        found.append(Finding("error", "sites", message))
    first = sites[~index.duplicated()]
    return first.reindex(wanted).to_numpy(float), crs, found


def _own_positions(
    table: Table, settings: SurveySettings
) -> tuple[NDArray[np.float64], CRS, list[Finding]]:
    found: list[Finding] = []
    if table.coordinates is not None and settings.x is None:
        stated = None if settings.crs is None else read_crs(settings.crs, settings.name)
        if stated is not None and table.crs is not None and stated != table.crs:
            message = f"crs = {settings.crs!r} overrules the file's own, {table.crs.name}"
            found.append(Finding("warning", "crs", message))
        return table.coordinates, stated or read_crs(table.crs, settings.name), found
    crs = read_crs(settings.crs or table.crs, settings.name)
    names = list(table.frame.columns)
    if settings.x is not None and settings.y is not None:
        x, y = settings.x, settings.y
    else:
        axes = find_axes(names, degrees=crs.is_geographic)
        if axes is None:
            got = f"none, and none found by a usual name among {_shown(names)}"
            cure = 'Name the columns: x = "...", y = "..."'
            raise SurveyError(must(f"survey {settings.name!r}: x and y", "stated", got, cure))
        x, y = axes
        found.append(Finding("note", "axes", f"x = {x!r} and y = {y!r} (found by their names)"))
    columns = []
    for name in (x, y):
        numbers, findings = _axis(table, name, settings.missing)
        found += findings
        columns.append(numbers)
    return np.column_stack(columns), crs, found


def _shown(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:12])) + (" ..." if len(names) > 12 else "")


def _axis(
    table: Table, name: str, missing: Sequence[str | float]
) -> tuple[NDArray[np.float64], list[Finding]]:
    """Read one coordinate: numbers, or degrees, minutes and seconds."""
    if name not in table.frame.columns:
        cure = nearest(name, list(table.frame.columns))
        if table.coordinates is not None:
            cure = "The file has its own points: leave x, y and crs out"
        raise SurveyError(must("x and y", "columns of the table", repr(name), cure))
    raw = table.frame[name].tolist()
    cells = parse_cells(raw, "number", table.decimal, missing)
    numbers = cells.number.copy()
    for i in np.flatnonzero(cells.text):
        numbers[i] = parse_angle(str(raw[i]))
    bad = (cells.text & ~np.isfinite(numbers)) | cells.below | cells.above
    if not bad.any():
        return numbers, []
    shown = ", ".join(repr(str(raw[i])) for i in np.flatnonzero(bad)[:4])
    message = must(f"column {name!r}", "coordinates", shown, "Mend the cells")
    return numbers, [Finding("error", "text", message, rows_where(table.rows, bad))]


def resolve_duplicates(
    frame: geopandas.GeoDataFrame, elements: Sequence[str], settings: SurveySettings
) -> tuple[geopandas.GeoDataFrame, Findings]:
    """Report samples taken twice, keep the precision that they show, and make one of many.

    The precision by element is kept in ``frame.attrs["precision"]``.
    """
    found = _repeated_names(frame)
    xy = np.column_stack([frame.geometry.x, frame.geometry.y])
    groups = groups_within(xy, settings.same_place_m)
    rows = frame["row"].to_numpy()
    again = pd.Series(groups).duplicated(keep=False).to_numpy()
    if again.any():
        found.append(_same_place(settings, rows_where(rows, again), len(np.unique(groups))))
    pairs = duplicate_pairs(xy, max(duplicate_distance(xy, settings), settings.same_place_m))
    measured = {
        e: np.where(frame[f"{e}_censored"], np.nan, frame[e].to_numpy(float)) for e in elements
    }
    pairs = drop_copies(pairs, list(measured.values()))
    known = {e: precision(values, pairs) for e, values in measured.items()}
    merged = merge_groups(frame, groups, elements, settings.duplicates).reset_index(drop=True)
    merged.attrs["precision"] = {
        e: (p.pairs, p.log_variance) for e, p in known.items() if p is not None
    }
    if len(pairs):
        message = f"{len(pairs)} pairs of duplicates; their precision stands in the survey report"
        where = tuple(int(r) for r in np.unique(rows[pairs]))
        found.append(Finding("note", "duplicates", message, where))
    return merged, Findings(tuple(found))


def _repeated_names(frame: pd.DataFrame) -> list[Finding]:
    if "sample_id" not in frame.columns:
        return []
    again = (frame["sample_id"].duplicated(keep=False) & (frame["sample_id"] != "")).to_numpy()
    if not again.any():
        return []
    rows = rows_where(frame["row"].to_numpy(), again)
    return [Finding("warning", "repeated-id", "samples with the same name", rows)]


def _same_place(settings: SurveySettings, rows: tuple[int, ...], places: int) -> Finding:
    if settings.duplicates == "refuse":
        cure = 'Set duplicates = "mean", "first" or "keep"'
        message = must("samples", "one at a place", "several", cure)
        return Finding("error", "same-place", message, rows)
    how = {"mean": "their mean is used", "first": "the first is used", "keep": "all are kept"}
    message = f"several samples at one place; {how[settings.duplicates]} ({places} places)"
    return Finding("warning", "same-place", message, rows)


def duplicate_distance(coordinates: NDArray[np.float64], settings: SurveySettings) -> float:
    """Give the distance in metres below which two samples are field duplicates."""
    if settings.duplicate_m is not None:
        return settings.duplicate_m
    places = np.unique(coordinates, axis=0)
    if len(places) < 5:
        return settings.same_place_m
    third = cKDTree(places).query(places, k=4)[0][:, 3]  # pairs do not shorten it
    return float(min(50.0, 0.1 * np.median(third)))
