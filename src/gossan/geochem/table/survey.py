"""From a survey table to samples: settings, and the walk through the checks.

Ding et al. 2023, sections 3.1 and 4.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from gossan.geochem.table.columns import Column, find_column, nearest, read_header
from gossan.geochem.table.findings import Finding, Findings
from gossan.geochem.table.positions import place_rows, resolve_duplicates
from gossan.geochem.table.reading import Table, read_table
from gossan.geochem.table.selection import check_mixture, select_rows
from gossan.geochem.table.settings import SurveySettings
from gossan.geochem.table.values import ElementValues, read_numbers, read_values

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
    target = CRS.from_user_input(crs)
    table = read_table(
        Path(base_folder) / settings.path,
        settings.sheet,
        settings.delimiter,
        settings.decimal,
        settings.encoding,
        settings.header_row,
    )
    _check_names(settings, table)
    table, findings = select_rows(table, settings.where)
    placed, more = place_rows(table, settings, target, Path(base_folder))
    findings = _go_on(settings, findings + more)
    kept = placed.kept
    table = table.kept(kept)
    values, more = _read_elements(settings, table, elements)
    findings = _go_on(settings, findings + more)
    frame = _frame(settings, table, placed.coordinates[kept], values, target)
    findings += check_mixture(frame, settings)
    findings = _go_on(settings, findings)
    by = ("medium", "horizon") if settings.mixture == "level" else ("batch",)
    frame, records = level_columns(frame, tuple(values), by, settings.levelling)
    findings = _go_on(settings, findings + records)
    frame, more = resolve_duplicates(frame, tuple(values), settings)
    findings = _go_on(settings, findings + more)
    frame, findings = _drop_rows(frame, findings, settings)
    frame.attrs["source_crs"] = placed.source.to_wkt()
    units = {element: value.column.target_unit for element, value in values.items()}
    medium = settings.medium or _only_word(frame, "medium")
    samples = Samples(
        settings.name, frame, tuple(values), units, settings.support_m, medium, settings.role
    )
    return samples, findings


def _go_on(settings: SurveySettings, findings: Findings) -> Findings:
    """Stop at errors, unless the user accepts them or leaves their rows out."""
    findings = findings.accepting((*settings.accept, *settings.drop))
    findings.raise_errors(settings.name)
    return findings


def _check_names(settings: SurveySettings, table: Table) -> None:
    """Refuse, all at once, columns that the settings name and the table lacks."""
    names = list(table.frame.columns)
    wanted: dict[str, str | None] = {
        "id": settings.id,
        "batch": settings.batch,
        "medium_column": settings.medium_column,
        "horizon_column": settings.horizon_column,
        **{f"columns.{element}": column for element, column in settings.columns.items()},
        **{f"covariates {name!r}": name for name in settings.covariates},
        **{f"where {name!r}": name for name in settings.where},
    }
    if settings.sites is None and table.coordinates is None:
        wanted |= {"x": settings.x, "y": settings.y}
    wrong = [
        must(key, "a column of the table", repr(name), nearest(name, names))
        for key, name in wanted.items()
        if name is not None and name not in names
    ]
    if wrong:
        raise SurveyError("\n".join(f"survey {settings.name!r}: {line}" for line in wrong))


def _read_elements(
    settings: SurveySettings, table: Table, elements: Sequence[str]
) -> tuple[dict[str, ElementValues], Findings]:
    """Find and read the column of every element; collect all mistakes."""
    records: list[Finding] = []
    values: dict[str, ElementValues] = {}
    names = list(table.frame.columns)
    taken = [n for n in (settings.x, settings.y, settings.id, settings.batch) if n is not None]
    for element in elements:
        try:
            column = find_column(
                element, names, settings.columns.get(element), settings.unit, table.units, taken
            )
        except SurveyError as error:
            optional = settings.role == "check" and element not in settings.columns
            severity: Literal["warning", "error"] = "warning" if optional else "error"
            records.append(Finding(severity, "column", str(error), element=element))
            continue
        records += _column_findings(element, column, settings.unit)
        value, more = read_values(table, column, settings)
        records += more
        values[element] = value
    if not values and elements and not any(r.severity == "error" for r in records):
        message = must("elements", "in the table", "none of them", "Check columns")
        records.append(Finding("error", "column", message))
    return values, Findings(tuple(records))


def _column_findings(
    element: str, column: Column, unit: str | Mapping[str, str] | None
) -> list[Finding]:
    records = [Finding("note", "column", column.line(), element=element)]
    said, known = read_header(column.column), species_of_word(element)
    if said.species and known and element_of(said.species) != element_of(known):
        message = f"column {column.column!r} stated for {element} sounds like {said.species}"
        records.append(Finding("warning", "species", message, element=element))
    if isinstance(unit, str) and column.unit and column.unit != unit:
        message = (
            f"unit = {unit!r}, but the name {column.column!r} says {column.unit}: the name wins"
        )
        records.append(Finding("warning", "unit", message, element=element))
    return records


def _frame(
    settings: SurveySettings,
    table: Table,
    coordinates: NDArray[np.float64],
    values: Mapping[str, ElementValues],
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
            data[name] = table.frame[column].astype(str).str.strip().to_numpy()
    for element, value in values.items():
        data[element] = value.values
        data[f"{element}_censored"] = value.below | value.above
        data[f"{element}_limit"] = np.where(value.below | value.above, value.limits, np.nan)
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
