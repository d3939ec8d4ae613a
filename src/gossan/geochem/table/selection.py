"""Choose rows by their columns, and refuse to mix what was sampled differently."""

from __future__ import annotations

import fnmatch
import operator
import re
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.errors import SurveyError, must
from gossan.geochem.findings import Finding, Findings
from gossan.geochem.table.reading import SurveyTable
from gossan.geochem.table.settings import SurveySettings

Condition = str | float | list[str | float]

_COMPARISONS: dict[str, Callable[[NDArray[np.float64], float], NDArray[np.bool_]]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


def select_rows(table: SurveyTable, where: Mapping[str, Condition]) -> tuple[SurveyTable, Findings]:
    """Keep the rows that meet every condition.

    Parameters
    ----------
    table
        The survey's table.
    where
        Condition by column: a word (``*`` and ``?`` stand for any signs), a list of words, or a
        comparison such as ``"<= 30"``.

    Raises
    ------
    SurveyError
        If no row is left.
    """
    keep = np.ones(len(table), bool)
    for column, condition in where.items():
        meets = _meets(table, column, condition)
        if not meets.any():
            shown = ", ".join(repr(str(w)) for w in table.frame[column].unique()[:8])
            cure = f"The column holds {shown}"
            raise SurveyError(
                must(f"where {column!r}", "a condition that some row meets", condition, cure)
            )
        keep &= meets
    if not keep.any():
        raise SurveyError(must("where", "met by some row", "no row meets all", "Loosen it"))
    if keep.all():
        return table, table.findings
    note = Finding("note", "where", f"kept {keep.sum()} of {len(keep)} rows that meet where")
    return table.kept(keep), table.findings.adding(note)


def _meets(table: SurveyTable, column: str, condition: Condition) -> NDArray[np.bool_]:
    if isinstance(condition, list):
        parts = [_meets(table, column, word) for word in condition]
        return np.logical_or.reduce(parts)
    compared = re.fullmatch(r"(<=|>=|<|>)\s*([+-]?[\d.]+(?:[eE][+-]?\d+)?)", str(condition).strip())
    if compared:
        numbers = table.cells(column).number
        with np.errstate(invalid="ignore"):
            return np.asarray(_COMPARISONS[compared[1]](numbers, float(compared[2])), bool)
    if isinstance(condition, (int, float)):
        return table.cells(column).number == condition
    words = [word.lower() for word in table.texts(column)]
    pattern = condition.strip().lower()
    return np.array([fnmatch.fnmatchcase(word, pattern) for word in words], bool)


def conditions(settings: SurveySettings, table: SurveyTable) -> dict[str, Condition]:
    """Collect the conditions of ``where`` and ``horizon``.

    Raises
    ------
    SurveyError
        If a horizon is asked for and no column holds it.
    """
    found: dict[str, Condition] = dict(settings.where)
    if settings.horizon is not None:
        column = settings.horizon_column or find_horizon_column(list(table.frame.columns))
        if column is None or column not in table.frame.columns:
            cure = "Name the column, or leave horizon out"
            got = "none" if column is None else repr(column)
            raise SurveyError(must("horizon_column", "a column of the table", got, cure))
        found[column] = settings.horizon
    return found


def find_horizon_column(names: list[str]) -> str | None:
    """Find the column of soil horizons by its name; None where there is none or several.

    >>> find_horizon_column(["ID", "Soil Horizon", "Cu"])
    'Soil Horizon'
    """
    pattern = re.compile(
        r"(soil[\s_]?)?(horizon|horizonte?|horiz|hor)s?|горизонт|层位|poziom", re.I
    )
    found = [name for name in names if pattern.fullmatch(name.strip())]
    return found[0] if len(found) == 1 else None


def find_depth_column(names: list[str]) -> str | None:
    """Find the column of the depths that samples begin at; None where there is none.

    >>> find_depth_column(["ID", "DEPTH_FROM", "DEPTH_TO"]), find_depth_column(["Depth (cm)"])
    ('DEPTH_FROM', 'Depth (cm)')
    """
    pattern = re.compile(
        r"(sample[\s_]?|upper[\s_]?|top[\s_]?)?(depth|prof(undidad|undidade|ondeur)?|tiefe|глубина|深度)"
        r"([\s_]*(from|top|upper|min|de|desde|von|от))?([\s_]*[(\[]?(m|cm|ft)[)\]]?)?"
        r"|(from|top|desde|von)([\s_]*[(\[]?(m|cm|depth)[)\]]?)",
        re.I,
    )
    found = [name for name in names if pattern.fullmatch(name.strip())]
    return found[0] if found else None


def check_mixture(frame: pd.DataFrame, settings: SurveySettings) -> list[Finding]:
    """Refuse several media or horizons in one survey unless the settings state what to do."""
    found: list[Finding] = []
    columns = {"medium": settings.medium_column, "horizon": settings.horizon_column}
    for word, column in columns.items():
        if word not in frame.columns:
            continue
        counts = frame[word].value_counts()
        if len(counts) < 2:
            continue
        shown = ", ".join(f"{n} {name or 'unnamed'}" for name, n in counts.items())
        if settings.mixture != "refuse":
            message = f"several kinds of {word} are used together: {shown}"
            found.append(Finding("warning", "mixture", message))
            continue
        most = counts.index[0]
        cure = f'Add where = {{ {column} = "{most}" }}, or mixture = "level" or "accept"'
        message = must(word, "one for a survey", shown, cure)
        rows = tuple(int(r) for r in frame["row"][frame[word] != most])
        found.append(Finding("error", "mixture", message, rows))
    return found
