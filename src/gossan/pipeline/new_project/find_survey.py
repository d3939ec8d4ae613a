"""Find out what a survey table says of itself: places, coordinate system, elements, units."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import CRS

from gossan.catalogue.elements import element_of, species_of_word, unit_factor, usual_unit
from gossan.errors import SurveyError, must
from gossan.geo.grid import Grid
from gossan.geochem.findings import Findings
from gossan.geochem.table.axes import are_angles, find_axes
from gossan.geochem.table.columns import known_elements, read_header
from gossan.geochem.table.coordinates import check_axes, points_inside, read_crs
from gossan.geochem.table.files.header import NAMELESS
from gossan.geochem.table.reading import SurveyTable, read_table
from gossan.pipeline.new_project.answers import Answers, one_of

DEGREES = "EPSG:4326"
MOST_ELEMENTS = 4
"""Elements of a table that are all taken where none are named."""
NEARLY_ALL = 0.9
"""Share of rows that a column must join to be taken as the name of the site."""
_MEDIA = {
    "stream": "stream sediment",
    "sediment": "stream sediment",
    "soil": "soil",
    "till": "till",
    "rock": "rock",
    "regolith": "regolith",
    "lake": "lake sediment",
}
TABLES = (".csv", ".txt", ".tsv", ".xlsx", ".xls", ".ods", ".gpkg", ".geojson", ".shp")


@dataclass
class FoundSurvey:
    """What goes into [[survey]]; what is None or empty is left out."""

    path: Path
    elements: tuple[str, ...] = ()
    sheet: str | None = None
    x: str | None = None
    y: str | None = None
    crs: str | None = None
    id: str | None = None
    sites: Path | None = None
    columns: dict[str, str] = field(default_factory=dict)
    unit: dict[str, str] = field(default_factory=dict)
    medium: str | None = None
    zero: str | None = None


@dataclass(frozen=True)
class Wanted:
    """What the user says of the survey; what is None is found."""

    path: Path
    elements: tuple[str, ...] = ()
    crs: str | None = None


def find_survey(wanted: Wanted, grids: Sequence[Grid], answers: Answers) -> FoundSurvey:
    """Read a survey's table and settle what its [[survey]] must say.

    Parameters
    ----------
    wanted
        What the user says already.
    grids
        Grids of the imagery, by which coordinates without a system are recognised.
    answers
        Asks or assumes what the table leaves open.

    Raises
    ------
    InputError
        The table cannot be read, or nothing says where its samples lie or what was measured.
    """
    table = read_table(wanted.path)
    found = FoundSurvey(wanted.path, medium=_medium(wanted.path))
    places = _find_places(found, wanted, table, grids, answers)
    taken = [name for name in (found.x, found.y, found.id, *places) if name]
    names = [name for name in map(str, table.frame.columns) if name not in taken]
    given = wanted.elements or _choose_elements(names, answers)
    found.columns = {
        element: _column(word, names, answers) for word, element in _named(given, names).items()
    }
    found.elements = tuple(found.columns)
    found.unit = _units(found.columns, table, answers)
    return found


def _medium(path: Path) -> str | None:
    words = path.stem.lower()
    return next((medium for word, medium in _MEDIA.items() if word in words), None)


def _find_places(
    found: FoundSurvey, wanted: Wanted, table: SurveyTable, grids: Sequence[Grid], answers: Answers
) -> list[str]:
    """Settle columns and system of the coordinates; return the columns that hold coordinates."""
    if table.coordinates is not None:
        if table.crs is None:
            found.crs = wanted.crs or _system(table.coordinates, grids, answers)
        return []
    placed, names = table, list(map(str, table.frame.columns))
    degrees = _in_degrees(wanted, table.frame, grids)
    axes = find_axes(names, degrees)
    if axes is None:
        sites = _find_sites(wanted.path, table)
        if not sites:
            axes = _ask_axes(names, answers)
        else:
            found.sites, found.id, placed = _choose_sites(sites, answers)
            degrees = _in_degrees(wanted, placed.frame, grids)
            axes = find_axes(list(map(str, placed.frame.columns)), degrees)
        if axes is None:  # the sites have points of their own
            return []
    found.x, found.y = axes
    if wanted.crs:
        found.crs = wanted.crs
    elif are_angles(axes):
        why = f"its columns are called {axes[0]} and {axes[1]}"
        understand = partial(_known_system, _numbers(placed.frame, axes), grids)
        found.crs = answers.settle("crs of the survey", DEGREES, why, understand)
    else:
        found.crs = _system(_numbers(placed.frame, axes), grids, answers)
    both = [find_axes(names, degrees=degrees) for degrees in (True, False)]
    return [name for pair in both if pair for name in pair]


def _in_degrees(wanted: Wanted, frame: pd.DataFrame, grids: Sequence[Grid]) -> bool:
    """Whether a pair of degrees is preferred where a table has both: not where its metres are
    known, by the system that is stated or by the imagery that they lie in."""
    if wanted.crs is not None:
        return read_crs(wanted.crs, "survey").is_geographic
    axes = find_axes(list(map(str, frame.columns)), degrees=False)
    if axes is None or are_angles(axes):
        return True
    places = _numbers(frame, axes)
    known = places[np.isfinite(places).all(axis=1)]
    return not len(known) or not any(
        points_inside(known, grid.crs, grid.bounds, grid.crs).mean() > 0.5 for grid in grids
    )


def _ask_axes(names: Sequence[str], answers: Answers) -> tuple[str, str]:
    """Ask for the columns of the coordinates."""
    allowed = f"two of {', '.join(names[:12])}"
    cure = "Put the table with the positions beside it, or name the columns easting and northing"
    understand = one_of("column of a coordinate", names)
    x, y = (answers.need(f"column of {axis}", allowed, cure, understand) for axis in ("x", "y"))
    return x, y


Sites = tuple[Path, str, SurveyTable]
"""A table of positions, and the column that it shares with the survey."""


def _choose_sites(sites: Sequence[Sites], answers: Answers) -> Sites:
    """Take one of the tables of positions beside a survey, and say so."""
    names = [path.name for path, _, _ in sites]
    why = f"it lies beside the survey, shares its column {sites[0][1]!r} and has coordinates"
    if len(names) > 1:
        others = f"{', '.join(names[1:4])}{' ...' * (len(names) > 4)}"
        why += f"; so do {others}" if len(names) > 2 else f"; so does {others}"
    understand = one_of("table of positions", names)
    return sites[names.index(answers.settle("table of positions", names[0], why, understand))]


def _find_sites(survey: Path, table: SurveyTable) -> list[Sites]:
    """Find tables of positions beside a survey: they share a column and have coordinates."""
    found: list[Sites] = []
    for path in sorted(survey.parent.iterdir()):
        if path == survey or path.suffix.lower() not in TABLES:
            continue
        try:
            sites = read_table(path)
        except SurveyError:
            continue
        if find_axes(list(map(str, sites.frame.columns))) is None and sites.coordinates is None:
            continue
        named = [name for name in table.frame.columns if not str(name).startswith(NAMELESS)]
        shared = [name for name in named if name in sites.frame.columns]
        for name in shared:
            sited = table.frame[name].isin(sites.frame[name]).mean()
            distinct = sites.frame[name].nunique() / max(len(sites), 1)
            if min(sited, distinct) >= NEARLY_ALL:
                found.append((path, str(name), sites))
                break
    return found


def _numbers(frame: pd.DataFrame, axes: tuple[str, str]) -> NDArray[np.float64]:
    columns = [
        pd.to_numeric(frame[axis].astype(str).str.replace(",", "."), errors="coerce")
        for axis in axes
    ]
    return np.column_stack([column.to_numpy(float) for column in columns])


def _system(places: NDArray[np.float64], grids: Sequence[Grid], answers: Answers) -> str:
    """Settle the system of coordinates that do not say it: degrees, else that of the imagery."""
    known = places[np.isfinite(places).all(axis=1)]
    understand = partial(_known_system, known, grids)
    if len(known) and (np.abs(known) <= (180.0, 90.0)).all():
        why = "its coordinates look like degrees"
        return answers.settle("crs of the survey", DEGREES, why, understand)
    for grid in grids:
        code = _code(grid.crs)
        if code and points_inside(known, grid.crs, grid.bounds, grid.crs).mean() > 0.5:
            why = "that of the imagery, which its samples lie in"
            return answers.settle("crs of the survey", code, why, understand)
    cure = 'Add --crs EPSG:<code>, such as "EPSG:32638" for zone 38 north of UTM'
    if len(known) and grids:
        (west, south), (east, north) = known.min(axis=0), known.max(axis=0)
        cure += f": x {west:.10g} to {east:.10g}, y {south:.10g} to {north:.10g} lie in no imagery"
    allowed = "the EPSG code of its coordinates"
    return answers.need("crs of the survey", allowed, cure, understand)


def _known_system(places: NDArray[np.float64], grids: Sequence[Grid], answer: str) -> str:
    """Understand a system of coordinates; those of the samples must be possible in it.

    >>> _known_system(np.array([[181072.0, 333611.0]]), [], "28992")
    'EPSG:28992'
    """
    answer = f"EPSG:{answer}" if answer.isdigit() else answer
    crs = read_crs(answer, "survey")
    known = places[np.isfinite(places).all(axis=1)]
    if not len(known):
        return answer
    found = check_axes(known, np.arange(len(known)), crs)
    of_most = [one for one in found if one.code != "swapped" and len(one.rows) > len(known) / 2]
    Findings(tuple(of_most)).raise_errors("survey")
    if grids and not any(points_inside(known, crs, g.bounds, g.crs).any() for g in grids):
        cure = "Name the system that the table's coordinates are in"
        raise SurveyError(must("crs of the survey", "one in which samples lie in the imagery",
                               f"{answer}, in which none does", cure))  # fmt: skip
    return answer


def _code(crs: CRS) -> str | None:
    authority = crs.to_authority()
    return ":".join(authority) if authority else None


def _choose_elements(names: Sequence[str], answers: Answers) -> tuple[str, ...]:
    """Take the elements of a table that has few; ask for those of one that has many."""
    reported = known_elements(names)
    if 0 < len(reported) <= MOST_ELEMENTS and answers.ask is None:
        answers.assumed.append(f"elements = {', '.join(reported)}: all that the table has")
        return reported
    shown = ", ".join(reported) or "none found by their columns' names"
    cure = "Name them: --elements Cu,Zn"

    def understand(answer: str) -> str:
        for word in _words(answer):
            _columns_of(word, names)
        return answer

    return _words(answers.need("elements", f"some of {shown}", cure, understand))


def _words(answer: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"[\s,;]+", answer) if part)


def _units(columns: Mapping[str, str], table: SurveyTable, answers: Answers) -> dict[str, str]:
    """Settle the units that neither a column's name nor a row below the header states."""
    silent: dict[str, list[str]] = {}
    for element, column in columns.items():
        known = species_of_word(element)
        if known is not None and not read_header(column).unit and not table.units.get(column):
            silent.setdefault(usual_unit(known), []).append(element)
    found: dict[str, str] = {}
    for unit, elements in silent.items():
        names = ", ".join(repr(columns[e]) for e in elements)
        why = f"the usual one; {names} {'does' if len(elements) == 1 else 'do'} not say it"
        answer = answers.settle(f"unit of {', '.join(elements)}", unit, why, _known_unit)
        found |= dict.fromkeys(elements, answer)
    return found


def _known_unit(answer: str) -> str:
    unit_factor(answer, "ppm")
    return answer


def _named(words: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Name the element of every word; a column is called by what it holds where that is sure.

    >>> _named(["Cu_ppm", "Zn", "LOI"], ["Cu_ppm", "Zn_ppm", "LOI"])
    {'Cu_ppm': 'Cu', 'Zn': 'Zn', 'LOI': 'LOI'}
    >>> _named(["Cu_icp", "Cu_xrf"], ["Cu_icp", "Cu_xrf"])
    {'Cu_icp': 'Cu_icp', 'Cu_xrf': 'Cu_xrf'}
    """
    headers = {word: read_header(word) for word in words}
    elements = {
        word: header.species if word in names and header.sure else word
        for word, header in headers.items()
    }
    counts = Counter(elements.values())
    return {word: element if counts[element] == 1 else word for word, element in elements.items()}


def _column(element: str, names: Sequence[str], answers: Answers) -> str:
    options = _columns_of(element, names)
    return options[0] if len(options) == 1 else answers.choose(f"column of {element}", options)


def _columns_of(element: str, names: Sequence[str]) -> list[str]:
    """Return the columns that an element may be in, at least one."""
    if element in names:
        return [element]
    known = species_of_word(element)
    headers = {name: read_header(name) for name in names}
    sure = [name for name, header in headers.items() if header.species and header.sure]
    exact = [name for name in sure if headers[name].species == known]
    other = [
        name for name in sure if known and element_of(headers[name].species) == element_of(known)
    ]
    options = exact or other
    if not options:
        got = ", ".join(names[:12])
        cure = "Name an element of the table, or its column"
        raise SurveyError(must(f"column of {element}", "in the table", f"only {got}", cure))
    return options
