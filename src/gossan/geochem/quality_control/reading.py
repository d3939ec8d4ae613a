"""Read the laboratory's controls among the rows of a survey, and the certified contents."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.errors import SurveyError
from gossan.geochem.table.axes import axis_columns
from gossan.geochem.table.columns import Columns
from gossan.geochem.table.controls import kinds_of_rows
from gossan.geochem.table.reading import SurveyTable, read_table
from gossan.geochem.table.settings import SurveySettings
from gossan.geochem.table.survey import read_chosen, read_elements

_MARKS = re.compile(
    r"^\*?\s*(rep|dup|duplicate|repeat)\b[\s:_\-]*|[\s_\-]+(dup|duplicate|rep|chk)\d?$", re.I
)


@dataclass(frozen=True, eq=False)
class Controls:
    """All rows of a survey's table in the order of analysis, samples among controls.

    Parameters
    ----------
    frame
        ``row``, ``name``, ``kind`` ("sample", "standard", "blank", "duplicate", "repeat"),
        ``batch``, ``original`` (index of the sample that a duplicate or repeat is one of, -1: not
        known), and for each element its contents (limits halved) and ``<element>_limit``.
    elements, units
        Elements read, with the unit of each.
    certified
        Certified contents by standard and element, in these units.
    """

    frame: pd.DataFrame
    elements: tuple[str, ...]
    units: Mapping[str, str]
    certified: Mapping[str, Mapping[str, float]]

    def of(self, kind: str) -> pd.DataFrame:
        """Return the rows of one kind."""
        return self.frame[self.frame["kind"] == kind]

    def pairs(
        self, kind: str, element: str, chosen: pd.Series | None = None
    ) -> NDArray[np.float64]:
        """Return the contents of originals and their duplicates or repeats, (n, 2).

        ``chosen`` marks the rows whose duplicates or repeats are taken; all by default.
        """
        own = self.of(kind) if chosen is None else self.frame[chosen & (self.frame["kind"] == kind)]
        own = own[own["original"] >= 0]
        contents = self.frame[element].to_numpy(float)
        limits = self.frame[f"{element}_limit"].to_numpy(float)
        contents = np.where(np.isfinite(limits), np.nan, contents)
        both = np.column_stack([contents[own["original"]], contents[own.index]])
        return both[np.isfinite(both).all(axis=1)]


def read_controls(
    settings: SurveySettings, elements: Sequence[str], base_folder: str | Path = "."
) -> Controls | None:
    """Read the controls of a survey; None where its table has none.

    Parameters
    ----------
    settings
        The survey.
    elements
        Elements wanted; those that the table lacks are left out.
    base_folder
        Folder that relative paths start from.
    """
    base = Path(base_folder)
    table = read_chosen(settings, elements, base)
    kinds = kinds_of_rows(table, settings)
    if kinds is None or (kinds.kinds == "sample").all():
        return None
    names = _names(table, settings)
    taken = [*axis_columns(list(table.frame.columns)), *filter(None, [settings.x, settings.y])]
    values, _ = read_elements(settings, table, elements, taken)
    data: dict[str, object] = {
        "row": table.rows,
        "name": names,
        "kind": kinds.kinds,
        "batch": "" if settings.batch is None else table.texts(settings.batch),
        "original": _originals(table, settings, names, kinds.kinds),
    }
    for element, value in values.items():
        data[element] = value.values
        data[f"{element}_limit"] = np.where(value.below, value.limits, np.nan)
    units = {element: value.column.target_unit for element, value in values.items()}
    frame = _ordered(pd.DataFrame(data), table, settings)
    certified = _certified(settings, tuple(values), base)
    return Controls(frame, tuple(values), units, certified)


def _names(table: SurveyTable, settings: SurveySettings) -> NDArray[np.object_]:
    if settings.id is not None:
        return table.texts(settings.id)
    return np.array([f"row {row}" for row in table.rows], object)


def _originals(
    table: SurveyTable,
    settings: SurveySettings,
    names: NDArray[np.object_],
    kinds: NDArray[np.object_],
) -> NDArray[np.int_]:
    """Find the sample of every duplicate and repeat: as stated, or by its name without marks."""
    stated = None if settings.qc.original is None else table.texts(settings.qc.original)
    samples = {str(n): i for i, (n, kind) in enumerate(zip(names, kinds)) if kind == "sample"}
    result = np.full(len(names), -1)
    for i in np.flatnonzero(np.isin(kinds.astype(str), ("duplicate", "repeat"))):
        wanted = _MARKS.sub("", str(names[i])) if stated is None else str(stated[i])
        result[i] = samples.get(wanted, -1)
    return result


def _ordered(frame: pd.DataFrame, table: SurveyTable, settings: SurveySettings) -> pd.DataFrame:
    """Sort by the date of analysis; the originals move along."""
    if settings.qc.date is None:
        return frame
    dates = pd.to_datetime(
        pd.Series(table.texts(settings.qc.date)), errors="coerce", format="mixed"
    )
    order = np.argsort(dates.to_numpy(), kind="stable")
    place = np.empty(len(order), int)
    place[order] = np.arange(len(order))
    moved = frame.iloc[order].reset_index(drop=True)
    known = moved["original"] >= 0
    moved.loc[known, "original"] = place[moved.loc[known, "original"]]
    return moved


def _certified(
    settings: SurveySettings, elements: Sequence[str], base: Path
) -> dict[str, dict[str, float]]:
    stated = settings.qc.certified
    if not isinstance(stated, str):
        return dict(stated or {})
    table = read_table(base / stated)
    names = table.texts(str(table.frame.columns[0]))
    columns = Columns(list(table.frame.columns)[1:])
    found: dict[str, dict[str, float]] = {str(name): {} for name in names}
    for element in elements:
        try:
            column = columns.find(element, None, settings.unit, table.units)
        except SurveyError:
            continue
        numbers = table.cells(column.column, "concentration").number * column.factor
        for name, number in zip(names, numbers):
            if np.isfinite(number):
                found[str(name)][element] = float(number)
    return found
