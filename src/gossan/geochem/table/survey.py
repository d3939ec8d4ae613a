"""From a survey table to samples: the walk through reading, checks and conversions.

Ding et al. 2023, sections 3.1 and 4.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import geopandas
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import CRS

from gossan.catalogue.elements import element_of, species_of_word
from gossan.errors import SettingsError, SurveyError, must
from gossan.geo.samples import Samples
from gossan.geochem.batch_levelling import level_columns
from gossan.geochem.findings import Finding, Findings
from gossan.geochem.table.columns import Columns, ElementColumn, nearest, read_header
from gossan.geochem.table.companions import Companions, find_companions
from gossan.geochem.table.controls import sort_rows
from gossan.geochem.table.long_tables import widen
from gossan.geochem.table.positions import Placed, place_rows
from gossan.geochem.table.qualifiers import marks_limits
from gossan.geochem.table.reading import SurveyTable, read_table
from gossan.geochem.table.same_place import resolve_duplicates
from gossan.geochem.table.selection import (
    check_mixture,
    conditions,
    find_depth_column,
    select_rows,
)
from gossan.geochem.table.settings import SurveySettings
from gossan.geochem.table.values import (
    Beside,
    MeasuredElement,
    read_numbers,
    read_values,
    unit_in_cells,
)

__all__ = ["SurveySettings", "read_survey"]


def read_survey(
    settings: SurveySettings,
    elements: Sequence[str],
    crs: str | CRS,
    base_folder: str | Path = ".",
) -> tuple[Samples, Findings]:
    """Read a survey's table into samples of the project's CRS, with what was found on the way.

    Parameters
    ----------
    settings
        The ``[[survey]]`` of the project.
    elements
        Elements wanted, by symbol, oxide, or name of a column.
    crs
        Projected CRS in metres of the samples given back.
    base_folder
        Folder that relative paths start from.

    Returns
    -------
    samples
        Its frame holds, beside the contract's columns, ``row`` (of the file), ``sample_id``,
        ``<element>_limit`` (the limit of censored values), ``medium``, ``horizon`` and ``batch``
        where the table has them, and the covariates.
    findings
        Notes and warnings in the order of the checks.

    Raises
    ------
    SurveyError
        If the table cannot be used as it is; the message has one line for each mistake.
    """
    target, base = CRS.from_user_input(crs), Path(base_folder)
    table = read_chosen(settings, elements, base)
    chosen, more = sort_rows(table, settings)
    findings = table.findings + more
    table = table.kept(chosen.samples)
    placed, more = place_rows(table, settings, target, base)
    findings = _go_on(settings, findings + more)
    kept = placed.kept
    table, chosen = table.kept(kept), chosen.kept(kept)
    values, more = read_elements(settings, table, elements, placed.columns)
    findings = _go_on(settings, findings + more)
    frame = _frame(settings, table, placed.coordinates[kept], values, target)
    if chosen.types is not None and "medium" not in frame.columns:
        frame["kind"] = chosen.types
    depth = find_depth_column(list(table.frame.columns))
    if depth is not None and settings.horizon_column is None:
        frame["depth"] = table.texts(depth)
    frame, findings = _levelled(frame, findings, values, settings)
    frame, more = resolve_duplicates(frame, tuple(values), settings, placed.rounding_m)
    findings = _go_on(settings, findings + more)
    frame, findings = _drop_rows(frame, findings, settings)
    return _samples(settings, frame, values, placed), findings


def read_chosen(settings: SurveySettings, elements: Sequence[str], base: Path) -> SurveyTable:
    """Read the table, keep the rows that ``where`` and ``horizon`` choose, one row per sample."""
    table = read_table(base / settings.path, settings.file_options())
    wanted = conditions(settings, table)
    _check_names(settings, table, {f"where {name!r}": name for name in wanted})
    table, findings = select_rows(table, wanted)
    table = widen(replace(table, findings=findings), settings, elements)
    _check_names(settings, table, _wanted_columns(settings, table))
    return table


def _samples(
    settings: SurveySettings,
    frame: geopandas.GeoDataFrame,
    values: Mapping[str, MeasuredElement],
    placed: Placed,
) -> Samples:
    frame.attrs["source_crs"] = placed.source.to_wkt()
    units = {element: value.column.target_unit for element, value in values.items()}
    medium = settings.medium or _only_word(frame, "medium")
    return Samples(
        settings.name, frame, tuple(values), units, settings.support_m, medium, settings.role
    )


def _levelled(
    frame: geopandas.GeoDataFrame,
    findings: Findings,
    values: Mapping[str, MeasuredElement],
    settings: SurveySettings,
) -> tuple[geopandas.GeoDataFrame, Findings]:
    findings = _go_on(settings, findings + check_mixture(frame, settings))
    by = ("medium", "horizon") if settings.mixture == "level" else ("batch",)
    frame, records = level_columns(frame, tuple(values), by, settings.levelling)
    return frame, _go_on(settings, findings + records)


def _go_on(settings: SurveySettings, findings: Findings) -> Findings:
    """Stop at errors, unless the user accepts them or leaves their rows out."""
    findings = findings.accepting((*settings.accept, *settings.drop))
    findings.raise_errors(settings.name)
    return findings


def _wanted_columns(settings: SurveySettings, table: SurveyTable) -> dict[str, str | None]:
    """List the columns that the settings name, by the key that names them."""
    qualifiers = settings.qualifiers if isinstance(settings.qualifiers, dict) else {
        "": settings.qualifiers
    }  # fmt: skip
    wanted: dict[str, str | None] = {
        "id": settings.id,
        "batch": settings.batch,
        "medium_column": settings.medium_column,
        "horizon_column": settings.horizon_column,
        "unit_column": settings.unit_column,
        "qc.column": settings.qc.column,
        "qc.original": settings.qc.original,
        "qc.date": settings.qc.date,
        **{f"errors.{element}": column for element, column in settings.errors.items()},
        **{f"columns.{element}": column for element, column in settings.columns.items()},
        **{f"qualifiers.{e}".rstrip("."): name for e, name in qualifiers.items()},
        **{f"covariates {name!r}": name for name in settings.covariates},
        **{
            f"detection_limits.{element}": limit
            for element, limit in settings.detection_limits.items()
            if isinstance(limit, str)
        },
    }
    if settings.sites is None and table.coordinates is None:
        wanted |= {"x": settings.x, "y": settings.y}
    return {key: name for key, name in wanted.items() if name != "none"}


def _check_names(
    settings: SurveySettings, table: SurveyTable, wanted: Mapping[str, str | None]
) -> None:
    """Refuse, all at once, columns that the settings name and the table lacks."""
    names = list(table.frame.columns)
    wrong = [
        must(key, "a column of the table", repr(name), nearest(name, names))
        for key, name in wanted.items()
        if name is not None and name not in names
    ]
    if wrong:
        raise SurveyError("\n".join(f"survey {settings.name!r}: {line}" for line in wrong))


def read_elements(
    settings: SurveySettings, table: SurveyTable, elements: Sequence[str], taken: Sequence[str]
) -> tuple[dict[str, MeasuredElement], Findings]:
    """Find and read the column of every element; collect all mistakes.

    Parameters
    ----------
    settings
        How the columns are named and what their cells mean.
    table
        The rows that have a position.
    elements
        Elements wanted.
    taken
        Columns of coordinates, which are no elements.
    """
    records: list[Finding] = []
    values: dict[str, MeasuredElement] = {}
    names = list(table.frame.columns)
    used = [*taken, *(n for n in (settings.id, settings.batch) if n is not None)]
    columns = Columns(names, used, lambda name: _holds_numbers(table, name))
    words = settings.words()
    companions = find_companions(names, lambda name: marks_limits(table.texts(name), words))
    reader = _Reader(settings, table, companions, columns)
    taken_by: dict[str, str] = {}
    for element in elements:
        try:
            column, beside = reader.find(element)
        except SurveyError as error:
            optional = settings.role == "check" and element not in settings.columns
            severity: Literal["warning", "error"] = "warning" if optional else "error"
            records.append(Finding(severity, "column", str(error), element=element))
            continue
        if column.column in taken_by:
            cure = f"Keep {taken_by[column.column]} or {element}, or state columns = {{ ... }}"
            got = f"{column.column!r} for {taken_by[column.column]} and {element}"
            message = must("columns of elements", "different", got, cure)
            records.append(Finding("error", "column", message, element=element))
        taken_by[column.column] = element
        records += _column_findings(element, column, beside, settings.unit)
        values[element], more = read_values(table, column, settings, beside)
        records += more
    records += reader.unused()
    if not values and elements and not any(r.severity == "error" for r in records):
        message = must("elements", "in the table", "none of them", "Check columns")
        records.append(Finding("error", "column", message))
    return values, Findings(tuple(records))


class _Reader:
    """Find the columns of elements and those beside them."""

    def __init__(
        self, settings: SurveySettings, table: SurveyTable, companions: Companions, columns: Columns
    ) -> None:
        self.settings, self.table = settings, table
        self.companions, self.columns = companions, columns
        self.alone = sum(header.sure for header in columns.headers.values()) <= 1
        self.used: set[str] = set()

    def find(self, element: str) -> tuple[ElementColumn, Beside]:
        """Find the column of an element, with its unit, and its companions."""
        stated = self.settings.columns.get(element)
        name = self.columns.name_of(element, stated)
        beside = self._beside(element, name)
        units = {name: self.table.units.get(name) or unit_in_cells(self.table, name, beside.unit)}
        column = self.columns.read(element, name, stated is not None, self.settings.unit, units)
        self.used |= {n for n in (beside.qualifier, beside.limit, beside.unit) if n is not None}
        return column, beside

    def _beside(self, element: str, name: str) -> Beside:
        settings, find = self.settings, self.companions.of
        qualifier = settings.qualifiers
        if isinstance(qualifier, dict):
            qualifier = qualifier.get(element, "none")
        chosen = (
            qualifier or find(name, "qualifier", self.alone),
            find(name, "limit", self.alone),
            settings.unit_column or find(name, "unit", self.alone),
        )
        return Beside(*(None if n == "none" else n for n in chosen))

    def unused(self) -> list[Finding]:
        """Report qualifiers that no element uses though they mark limits."""
        if self.settings.qualifiers is not None:
            return []
        shared = set(self.companions.shared.get("qualifier", ())) - self.used
        words = self.settings.words()
        lost = [n for n in sorted(shared) if marks_limits(self.table.texts(n), words)]
        if not lost:
            return []
        cure = f'State it: qualifiers = {{ Cu = "{lost[0]}" }}, or qualifiers = "none"'
        got = f"{', '.join(map(repr, lost))}, beside which none is found by its name"
        message = must("columns of qualifiers", "those of one element", got, cure)
        return [Finding("error", "qualifier", message)]


def _holds_numbers(table: SurveyTable, name: str) -> bool:
    cells = table.cells(name, "concentration")
    return bool(np.isfinite(cells.number).any() or (table.texts(name) == "").all())


def _column_findings(
    element: str, column: ElementColumn, beside: Beside, unit: str | Mapping[str, str] | None
) -> list[Finding]:
    records = [Finding("note", "column", column.line(), element=element)]
    stated, known = read_header(column.column), species_of_word(element)
    if stated.species and known and element_of(stated.species) != element_of(known):
        message = f"column {column.column!r} stated for {element} sounds like {stated.species}"
        records.append(Finding("warning", "species", message, element=element))
    if isinstance(unit, str) and column.unit and column.unit != unit and not column.assumed_unit:
        source = f"the name {column.column!r}" if stated.unit else "the table"
        message = f"unit = {unit!r}, but {source} says {column.unit}: that wins"
        records.append(Finding("warning", "unit", message, element=element))
    if column.assumed_unit:
        message = (
            f"nothing states the unit of {column.column!r}: percent is assumed, as for oxides "
            f'(unit = {{ {element} = "ppm" }} changes that)'
        )
        records.append(Finding("warning", "unit", message, element=element))
    if beside.limit is not None:
        message = f"detection limits of {element} by row from column {beside.limit!r}"
        records.append(Finding("note", "column", message, element=element))
    return records


def _frame(
    settings: SurveySettings,
    table: SurveyTable,
    coordinates: NDArray[np.float64],
    values: Mapping[str, MeasuredElement],
    crs: CRS,
) -> geopandas.GeoDataFrame:
    """Put the columns of the samples together."""
    data: dict[str, object] = {"row": table.rows}
    words = {
        "sample_id": settings.id,
        "medium": settings.medium_column,
        "horizon": settings.horizon_column,
        "batch": settings.batch,
    }
    for name, column in words.items():
        if column is not None:
            data[name] = table.texts(column)
    for element, value in values.items():
        data[element] = value.values
        data[f"{element}_censored"] = value.below | value.above
        data[f"{element}_limit"] = np.where(value.below | value.above, value.limits, np.nan)
        if element in settings.errors:
            error, findings = read_numbers(table, settings.errors[element], settings.missing)
            findings.raise_errors(settings.name)
            data[f"{element}_error"] = np.abs(error) * value.column.factor
    for name in settings.covariates:
        if name in data:
            cure = "Rename one of them"
            raise SettingsError(must("covariates", "other names than elements", name, cure))
        data[name], findings = read_numbers(table, name, settings.missing)
        findings.raise_errors(settings.name)
    points = geopandas.points_from_xy(coordinates[:, 0], coordinates[:, 1], crs=crs)
    return geopandas.GeoDataFrame(pd.DataFrame(data), geometry=points, crs=crs)


def _only_word(frame: pd.DataFrame, column: str) -> str | None:
    words = sorted(set(frame[column])) if column in frame.columns else []
    return " + ".join(words) if words else None


def _drop_rows(
    frame: geopandas.GeoDataFrame, findings: Findings, settings: SurveySettings
) -> tuple[geopandas.GeoDataFrame, Findings]:
    """Leave out the rows of the findings that the user names."""
    rows = {row for code in settings.drop for f in findings.of(code) for row in f.rows}
    lost = frame["row"].isin(rows)
    if not lost.any():
        return frame, findings
    message = f"left out because of drop = {list(settings.drop)}"
    note = Finding("note", "dropped", message, tuple(int(r) for r in frame["row"][lost]))
    return frame[~lost].reset_index(drop=True), findings.adding(note)
