"""Place the rows of a table in the project's CRS."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import CRS

from gossan.errors import SurveyError, must
from gossan.geochem.findings import Finding, Findings, rows_where
from gossan.geochem.table.angles import hemisphere_of, parse_angles, unpack
from gossan.geochem.table.axes import are_plain_xy, axis_columns, find_axes, x_points_north
from gossan.geochem.table.cells import Words, parse_cells
from gossan.geochem.table.columns import nearest
from gossan.geochem.table.coordinates import (
    check_axes,
    check_scale,
    in_kilometres,
    lone_points,
    project,
    read_crs,
    within_area_of_use,
)
from gossan.geochem.table.datums import (
    check_axis_datum,
    check_codes,
    check_datums,
    find_code_column,
    find_datum_column,
)
from gossan.geochem.table.reading import SurveyTable
from gossan.geochem.table.settings import SurveySettings
from gossan.geochem.table.sites import read_sites
from gossan.geochem.table.zones import find_zone_column, zone_of, zones_of_rows


@dataclass(frozen=True, eq=False)
class Placed:
    """Positions of the rows.

    Parameters
    ----------
    coordinates
        (n, 2) in the project's CRS.
    kept
        (n,) which rows have a position.
    source
        CRS of the table.
    columns
        Columns of the table that hold coordinates, and hence no contents.
    rounding_m
        Step that all stated coordinates are multiples of, in metres (0: none to speak of).
    """

    coordinates: NDArray[np.float64]
    kept: NDArray[np.bool_]
    source: CRS
    columns: tuple[str, ...] = ()
    rounding_m: float = 0.0


@dataclass(frozen=True, eq=False)
class _Stated:
    """Positions as a table states them: (n, 2), in the CRS of each row's zone."""

    coordinates: NDArray[np.float64]
    crs: CRS
    systems: tuple[tuple[CRS, NDArray[np.bool_]], ...]
    columns: tuple[str, ...]
    findings: tuple[Finding, ...]


def place_rows(
    table: SurveyTable, settings: SurveySettings, crs: CRS, base_folder: Path
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
    Positions, and the findings of the checks; rows without a position are reported ("no-position")
    and not kept.

    Raises
    ------
    SurveyError
        If coordinate columns or the CRS are missing or unknown.
    """
    stated = _source(table, settings, base_folder)
    found = list(stated.findings)
    xy, source = stated.coordinates, stated.crs
    errors: list[Finding] = []
    for system, mask in stated.systems:
        errors += check_axes(np.where(mask[:, None], xy, np.nan), table.rows, system)
    found += errors
    errors = [finding for finding in errors if finding.severity == "error"]
    known: NDArray[np.bool_] = np.asarray(np.isfinite(xy).all(axis=1), bool)
    reported = {row for finding in found if finding.code == "no-position" for row in finding.rows}
    if not known.all() and not set(table.rows[~known].tolist()) <= reported:
        message = f"{int((~known).sum())} rows without a position are left out"
        found.append(Finding("warning", "no-position", message, rows_where(table.rows, ~known)))
    dropped = {row for e in errors if e.code in settings.drop for row in e.rows}
    if dropped:
        known &= ~np.isin(table.rows, list(dropped))
        message = f"left out because of drop = {list(settings.drop)}"
        found.append(Finding("note", "dropped", message, tuple(sorted(dropped))))
    if {e.code for e in errors} - {"position", *settings.accept, *settings.drop}:
        return Placed(xy, known, source, stated.columns), Findings(tuple(found))
    moved = np.full_like(xy, np.nan)
    for system, mask in stated.systems:
        moved[mask] = project(xy[mask], system, crs)
    kept: NDArray[np.bool_] = np.asarray(known & np.isfinite(moved).all(axis=1), bool)
    found += _target_findings(moved, kept, table, settings, crs, bool(errors))
    if source.is_geographic:
        found = [_with_signs(one, xy[kept], source, crs) for one in found]
    step = rounding(xy[kept], source.is_geographic)
    return Placed(moved, kept, source, stated.columns, step), Findings(tuple(found))


def _with_signs(finding: Finding, degrees: NDArray[np.float64], source: CRS, crs: CRS) -> Finding:
    """Say which sign the degrees lack, where that brings them to the area of the CRS."""
    if finding.code != "zone" or finding.severity != "error":
        return finding
    signs = {"Longitudes": (-1.0, 1.0), "Latitudes": (1.0, -1.0), "Both": (-1.0, -1.0)}
    for name, sign in signs.items():
        if within_area_of_use(project(degrees * sign, source, crs), crs, 1.0).mean() > 0.5:
            cure = (
                f" {name} seem to lack their sign: west and south are negative. Change the sign, "
                "or call the columns LONG_W and LAT_S."
            )
            return replace(finding, message=finding.message + cure)
    return finding


def rounding(xy: NDArray[np.float64], degrees: bool) -> float:
    """Return the step in metres that all coordinates are multiples of; 0 below 50 m.

    >>> rounding(np.array([[44.12, 23.5], [44.31, 23.47]]), degrees=True)
    1111.9
    >>> rounding(np.array([[479480.3, 2639999.0]]), degrees=False)
    0.0
    """
    steps = (
        (1.0, 0.5, 0.25, 0.1, 0.05, 0.01, 0.005, 0.001)
        if degrees
        else (10000.0, 5000.0, 1000.0, 500.0, 250.0, 100.0, 50.0)
    )
    metres = 111_190.0 if degrees else 1.0
    for step in steps:
        parts = xy / step
        if len(xy) and np.allclose(parts, np.round(parts), atol=1e-6, rtol=0):
            return round(step * metres, 1)
    return 0.0


def _target_findings(
    moved: NDArray[np.float64],
    kept: NDArray[np.bool_],
    table: SurveyTable,
    settings: SurveySettings,
    crs: CRS,
    already: bool,
) -> list[Finding]:
    """Check the positions in the CRS of the maps."""
    if not kept.any():
        return []
    found: list[Finding] = []
    inside = within_area_of_use(np.where(kept[:, None], moved, np.nan), crs, margin_degrees=10)
    if not already and not inside[kept].all() and crs.area_of_use is not None:
        swapped = within_area_of_use(moved[kept][:, ::-1], crs, 10)
        cure = "Check [project] crs and the crs of the survey"
        if swapped.mean() > 0.5:
            cure = "x and y look swapped: exchange their names"
        message = must("samples", f"within the area of {crs.name}", "some far from it", cure)
        found.append(Finding("error", "zone", message, rows_where(table.rows, kept & ~inside)))
    else:
        found += check_scale(moved[kept], crs)
    spread = np.ptp(moved[kept], axis=0)
    if kept.sum() > 1 and (spread < 0.5).all():
        x, y = moved[kept][0]
        got = f"all {int(kept.sum())} at {x:.0f}, {y:.0f}"
        cure = "Check x and y: they may be rounded to whole degrees or hold a default"
        found.append(Finding("error", "one-place", must("samples", "at several places", got, cure)))
    elif settings.role == "fit" or kept.sum() > 8:
        found += lone_points(moved[kept], table.rows[kept])
    return found


def _source(table: SurveyTable, settings: SurveySettings, base_folder: Path) -> _Stated:
    """Return positions as the file or its table of sites states them."""
    if settings.sites is None:
        return _own_positions(table, settings)
    sites, index, found = read_sites(table, settings, base_folder)
    stated = _own_positions(sites, settings)
    found += _moved_sites(stated.coordinates, index, sites, settings)
    return _Stated(
        np.where((index >= 0)[:, None], stated.coordinates[index], np.nan),
        stated.crs,
        tuple((system, mask[index]) for system, mask in stated.systems),
        (),
        (*sites.findings, *found, *stated.findings),
    )


def _moved_sites(
    coordinates: NDArray[np.float64],
    index: NDArray[np.int_],
    sites: SurveyTable,
    settings: SurveySettings,
) -> list[Finding]:
    """Report sites that the table states at several positions."""
    stated = settings.sites_table
    key = settings.id if stated is None or stated.id is None else stated.id
    if key not in sites.frame.columns:
        return []
    names = pd.Index(sites.texts(str(key)))
    spread = pd.DataFrame(coordinates, index=names).groupby(level=0).agg(np.ptp).max(axis=1)
    moved = sorted(str(name) for name in spread.index[spread > 0] if name != "")
    if not moved:
        return []
    path = stated.path if stated is not None else ""
    message = must(
        "a site", "at one position", f"several for {', '.join(moved[:5])}", f"Correct {path}"
    )
    return [Finding("error", "sites", message)]


def _own_positions(table: SurveyTable, settings: SurveySettings) -> _Stated:
    if table.coordinates is not None and settings.x is None:
        return _own_points(table, settings)
    crs = read_crs(settings.crs or table.crs, settings.name)
    (x, y), found = _axes(table, settings, crs)
    both = [_axis(table, name, settings.missing, crs) for name in (x, y)]
    for _, more in both:
        found += more
    coordinates, more = _understood(np.column_stack([n for n, _ in both]), table, (x, y), crs)
    found += more
    if are_plain_xy((x, y)) and x_points_north(crs):
        coordinates, more = _by_axis_names(coordinates, (x, y), settings, crs)
        found += more
    whole = ((crs, np.ones(len(table), bool)),)
    columns = tuple(axis_columns(list(table.frame.columns)) | {x, y})
    return _zoned(_Stated(coordinates, crs, whole, columns, tuple(found)), table, settings)


def _own_points(table: SurveyTable, settings: SurveySettings) -> _Stated:
    assert table.coordinates is not None
    stated = None if settings.crs is None else read_crs(settings.crs, settings.name)
    found = []
    if stated is not None and table.crs is not None and _is_other_kind(stated, table):
        message = (
            f"crs = {settings.crs!r} is not used: the positions are in metres of {table.crs.name}"
        )
        found.append(Finding("warning", "crs", message))
        stated = None
    elif stated is not None and table.crs is not None and stated != table.crs:
        message = f"crs = {settings.crs!r} overrules the file's own, {table.crs.name}"
        found.append(Finding("warning", "crs", message))
    crs = stated or read_crs(table.crs, settings.name)
    whole = ((crs, np.ones(len(table), bool)),)
    columns = tuple(axis_columns(list(table.frame.columns)))
    return _Stated(table.coordinates, crs, whole, columns, tuple(found))


def _is_other_kind(stated: CRS, table: SurveyTable) -> bool:
    """Whether degrees are stated for points that are metres of the projected system they name."""
    assert table.crs is not None and table.coordinates is not None
    if not stated.is_geographic or not table.crs.is_projected:
        return False
    size = np.abs(table.coordinates[np.isfinite(table.coordinates).all(axis=1)])
    return bool(len(size)) and bool((size.max(axis=1) > 360).all())


def _axes(
    table: SurveyTable, settings: SurveySettings, crs: CRS
) -> tuple[tuple[str, str], list[Finding]]:
    names = list(table.frame.columns)
    if settings.x is not None and settings.y is not None:
        return (settings.x, settings.y), []
    axes = find_axes(names, degrees=crs.is_geographic, crs=crs)
    if axes is None:
        got = f"none, and none found by a usual name among {_shown(names)}"
        cure = 'Name the columns: x = "...", y = "..."'
        raise SurveyError(must(f"survey {settings.name!r}: x and y", "stated", got, cure))
    message = f"x = {axes[0]!r} and y = {axes[1]!r} (found by their names)"
    return axes, [Finding("note", "axes", message), *check_axis_datum(axes, crs)]


def _shown(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:12])) + (" ..." if len(names) > 12 else "")


def _axis(
    table: SurveyTable, name: str, missing: Sequence[str | float], crs: CRS
) -> tuple[NDArray[np.float64], list[Finding]]:
    """Read one coordinate: numbers, or degrees, minutes and seconds."""
    if name not in table.frame.columns:
        cure = nearest(name, list(table.frame.columns))
        if table.coordinates is not None:
            cure = "The file has its own points: leave x, y and crs out"
        raise SurveyError(must("x and y", "columns of the table", repr(name), cure))
    raw = [str(cell) for cell in table.frame[name]]
    plain = (
        table.frame[name].tolist()
        if crs.is_geographic
        else bare_metres(table.frame[name], zone_of(crs))
    )
    cells = parse_cells(plain, "number", table.notation(name), Words(tuple(missing)))
    numbers = cells.number.copy()
    odd = cells.text | cells.below | cells.above | (cells.unit != "")
    bare = cells.measured & np.isfinite(numbers)
    if crs.is_geographic:
        odd |= bare & (np.abs(numbers) > 360) & np.array([" " in word.strip() for word in raw])
    angles = parse_angles([raw[i] for i in np.flatnonzero(odd)], name, list(table.frame.columns))
    numbers[odd] = angles
    found = []
    if np.isfinite(angles).any():
        k = int(np.flatnonzero(odd)[np.flatnonzero(np.isfinite(angles))[0]])
        message = f"degrees, minutes and seconds of {name!r}: {raw[k]} is {numbers[k]:.5f}"
        found.append(Finding("note", "angles", message))
    bad = odd & ~np.isfinite(numbers)
    if bad.any():
        shown = ", ".join(repr(raw[i]) for i in np.flatnonzero(bad)[:4])
        message = must(f"column {name!r}", "coordinates", shown, "Correct the cells")
        found.append(Finding("error", "text", message, rows_where(table.rows, bad)))
    positive = numbers[np.isfinite(numbers)]
    if crs.is_geographic and hemisphere_of(name) < 0 and (positive >= 0).all() and len(positive):
        numbers = -numbers
        message = f"{name!r} is read as west or south of zero, as its name says"
        found.append(Finding("warning", "angles", message))
    return numbers, found


def bare_metres(cells: Iterable[object], zone: int | None = None) -> list[object]:
    """Take the letters off eastings and northings, and the zone where it is that of the CRS.

    >>> bare_metres(["479480 mE", "E 479480", "2639999N", "18T 512200", "19T 512200"], zone=18)
    ['479480', '479480', '2639999', '512200', '19T 512200']
    """
    prefix = rf"^0?{zone} ?[A-Z]\s+(?=\d{{6}})|" if zone else ""
    letters = re.compile(prefix + r"^[EN]\s*(?=\d)|(?<=\d)\s*(m\s*[ENS]?|[ENS])\.?$", re.I)
    return [letters.sub("", cell.strip()) if isinstance(cell, str) else cell for cell in cells]


def _understood(
    xy: NDArray[np.float64], table: SurveyTable, axes: tuple[str, str], crs: CRS
) -> tuple[NDArray[np.float64], list[Finding]]:
    """Leave out 0, 0 and 999999; turn packed degrees into degrees and kilometres into metres."""
    found: list[Finding] = []
    none = (xy == 0).all(axis=1) if crs.is_geographic else (xy == 0).any(axis=1)
    none |= _are_nines(xy)
    if none.any() and none.mean() < 0.5:
        codes = sorted({f"{code:.10g}" for code in xy[none].ravel() if code == 0 or _nines(code)})
        message = f"{int(none.sum())} rows at {', '.join(codes)} have no position and are left out"
        found.append(Finding("warning", "no-position", message, rows_where(table.rows, none)))
        xy = np.where(none[:, None], np.nan, xy)
    if crs.is_geographic:
        unpacked, more = _unpacked(xy, axes)
        return unpacked, [*found, *more]
    if not in_kilometres(xy, crs):
        return xy, found
    x, y = xy[np.isfinite(xy).all(axis=1)][0]
    message = (
        f"{axes[0]!r} and {axes[1]!r} are read as kilometres: {x:.10g}, {y:.10g} is "
        f"{1000 * x:.0f} m, {1000 * y:.0f} m"
    )
    return 1000.0 * xy, [*found, Finding("warning", "kilometres", message)]


def _are_nines(xy: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Recognise rows whose two coordinates are one code, such as 999999."""
    same = (xy[:, 0] == xy[:, 1]) & np.isfinite(xy).all(axis=1)
    return np.array([bool(s) and _nines(x) for s, x in zip(same, xy[:, 0])], bool)


def _nines(number: float) -> bool:
    return bool(re.fullmatch(r"-?9{3,}(\.9+)?", f"{number:.10g}"))


def _unpacked(
    xy: NDArray[np.float64], axes: tuple[str, str]
) -> tuple[NDArray[np.float64], list[Finding]]:
    known = np.isfinite(xy).all(axis=1)
    if not known.any() or not (np.abs(xy[known]) > 360).any(axis=0).any():
        return xy, []
    columns = [c for c in (unpack(xy[:, 0]), unpack(xy[:, 1])) if c is not None]
    if len(columns) < 2:
        return xy, []
    degrees = np.column_stack(columns)
    k = int(np.flatnonzero(known)[0])
    message = (
        f"{axes[0]!r} and {axes[1]!r} are read as packed degrees, minutes and seconds: "
        f"{xy[k, 0]:.10g}, {xy[k, 1]:.10g} is {degrees[k, 0]:.5f}, {degrees[k, 1]:.5f}"
    )
    return degrees, [Finding("warning", "angles", message)]


def _by_axis_names(
    xy: NDArray[np.float64], axes: tuple[str, str], settings: SurveySettings, crs: CRS
) -> tuple[NDArray[np.float64], list[Finding]]:
    """Follow a CRS whose x points north where the columns are called X and Y.

    Where only one reading lies in the area of the CRS, it is taken. Where both do and the user
    names X as the easting, the two readings are asked about.
    """
    as_named = within_area_of_use(xy[:, ::-1], crs, 0.5).mean()
    as_stated = within_area_of_use(xy, crs, 0.5).mean()
    x, y = axes
    if as_stated > as_named + 0.5:
        return xy, []
    if settings.x is None or as_named > as_stated + 0.5:
        message = f"{x!r} is the northing and {y!r} the easting: {crs.name} calls them so"
        return xy[:, ::-1], [Finding("warning", "axis-names", message)]
    message = must(
        f"x = {x!r}",
        f"the easting ({crs.name} calls the northing X)",
        "both readings inside its area",
        f'Write x = "{y}", y = "{x}" if {x} is the northing, or accept = ["axis-names"]',
    )
    return xy, [Finding("error", "axis-names", message)]


def _zoned(stated: _Stated, table: SurveyTable, settings: SurveySettings) -> _Stated:
    """Use the columns of zones and datums, where there are such."""
    names = list(table.frame.columns)
    datum = find_datum_column(names)
    if datum is not None:
        more = check_datums(datum, table.texts(datum), table.rows, stated.crs)
        stated = replace(stated, findings=(*stated.findings, *more))
    code = find_code_column(names)
    if code is not None:
        more = check_codes(code, table.texts(code), table.rows, stated.crs)
        stated = replace(stated, findings=(*stated.findings, *more))
    column = settings.zone_column or find_zone_column(names)
    if column == "none" or column is None or zone_of(stated.crs) is None:
        return stated
    if column not in names:
        cure = nearest(column, names)
        raise SurveyError(must("zone_column", "a column of the table", repr(column), cure))
    zones = zones_of_rows(column, table.texts(column), stated.coordinates, table.rows, stated.crs)
    return replace(stated, systems=zones.systems, findings=(*stated.findings, *zones.findings))
