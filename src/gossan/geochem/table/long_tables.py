"""Bring a table with one row per sample and analyte to one row per sample."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.errors import SurveyError, must
from gossan.geochem.findings import Finding
from gossan.geochem.table.axes import axis_columns, find_axes
from gossan.geochem.table.columns import nearest, read_header
from gossan.geochem.table.companions import find_companions
from gossan.geochem.table.reading import SurveyTable
from gossan.geochem.table.settings import SurveySettings

_ANALYTE = re.compile(
    r"(chem_?code|analyte|analyte_?(name|code|symbol|abbrev(iation)?|desc)|variable|element|elements?_?(name|code|symbol)"
    r"|parameter|param|determinand|species|analito|elemento|élément|parametro|parámetro|parâmetro"
    r"|pierwiastek|элемент|元素|分析项目|chemical|constituent|symbol)",
    re.I,
)
_VALUE = re.compile(
    r"((chem|data|analyte|analysis|analytical|assay|best|reported|final|lab|numeric|result|mess)_?)?"
    r"(values?|quantity|amount|results?|assays?|contents?|conc(entration)?|valor|resultado|valeur|wert|"
    r"gehalt|teor|ley|zawartość|значение|содержание|值|含量)(_?(num|numeric|reported|text))?",
    re.I,
)
_KEY = re.compile(
    r"(field_?|lab_?|station_?)?(sample|samp|specimen|muestra|amostra|probe[n]?|проба|样品|样号)"
    r"_?(id|no|num|number|name|nr|编号|code)?|id|(field|lab|sample)_?(id|no)|nr|№",
    re.I,
)


def widen(table: SurveyTable, settings: SurveySettings, elements: Sequence[str]) -> SurveyTable:
    """Turn a long table into a wide one; a table that is not long is given back.

    The contents of an analyte become a column of its name (with the method where an analyte was
    measured by several), its qualifier, unit and detection limit columns beside it.

    Raises
    ------
    SurveyError
        If a stated column is missing, or nothing tells which rows are one sample.
    """
    names = list(table.frame.columns)
    analyte = settings.analyte or _find_analyte(table, settings, elements)
    if analyte is None or analyte == "none":
        return table
    value = settings.value or _find_value(names)
    for key, name in (("analyte", analyte), ("value", value)):
        if name not in names:
            cure = nearest(str(name), names)
            raise SurveyError(must(key, "a column of the table", repr(name), cure))
    return _pivot(table, analyte, str(value), _key(table, settings, analyte))


def _find_analyte(
    table: SurveyTable, settings: SurveySettings, elements: Sequence[str]
) -> str | None:
    names = list(table.frame.columns)
    if set(elements) <= set(settings.columns) or _find_value(names) is None:
        return None
    axes = axis_columns(names)
    if any(read_header(name).sure for name in names if name not in axes):
        return None
    for name in names:
        if not _ANALYTE.fullmatch(_plain(name)):
            continue
        words = set(table.texts(name)) - {""}
        if words and np.mean([bool(read_header(str(word)).species) for word in words]) > 0.5:
            return name
    return None


def _plain(name: str) -> str:
    return re.sub(r"[\s.\-]+", "_", name.strip())


def _find_value(names: Sequence[str]) -> str | None:
    found = [name for name in names if _VALUE.fullmatch(_plain(name))]
    return found[0] if len(found) == 1 else next(
        (name for name in found if _plain(name).lower() in ("value", "result")), None
    )  # fmt: skip


def _key(table: SurveyTable, settings: SurveySettings, analyte: str) -> list[str]:
    """Name the columns that tell one sample from another."""
    names = [name for name in table.frame.columns if name != analyte]
    if settings.id is not None:
        return [settings.id]
    found = [name for name in names if _KEY.fullmatch(_plain(name))]
    if found:
        return found[:1]
    axes = [settings.x, settings.y] if settings.x and settings.y else list(find_axes(names) or ())
    if axes:
        return [str(name) for name in axes]
    cure = 'Name the column of the samples: id = "..."'
    raise SurveyError(must("id", "stated for a table with one row per analyte", "none", cure))


def _pivot(table: SurveyTable, analyte: str, value: str, key: list[str]) -> SurveyTable:
    companions = find_companions(list(table.frame.columns))
    roles = {role: companions.of(value, role, True) for role in ("qualifier", "unit", "limit")}
    beside = {role: name for role, name in roles.items() if name is not None}
    labels = _labels(table, analyte)
    samples = pd.Series(["\x1f".join(parts) for parts in zip(*(table.texts(k) for k in key))])
    again = pd.Series(samples + "\x1e" + labels).groupby(samples + "\x1e" + labels).cumcount()
    at = pd.factorize(samples + "\x1e" + again.astype(str))[0]
    first = ~pd.Series(at).duplicated().to_numpy()
    fixed = [n for n in table.frame.columns if n not in {analyte, value, *beside.values()}]
    frame = table.frame.loc[first, fixed].reset_index(drop=True)
    parts = {
        label: _spread(table, value, beside, label, labels == label, at)
        for label in dict.fromkeys(labels)
    }
    wide = pd.DataFrame({name: column for part in parts.values() for name, column in part.items()})
    message = (
        f"a long table: {len(labels)} rows of {len(parts)} analytes (column {analyte!r}) make "
        f"{len(frame)} samples by {' and '.join(key)}"
    )
    note = Finding("note", "long-table", message)
    coordinates = None if table.coordinates is None else table.coordinates[first]
    return SurveyTable(
        pd.concat([frame, wide], axis=1), table.rows[first], table.evidence, table.delimiter,
        table.stated, table.units, table.limits, table.upper_limits, table.crs, coordinates,
        table.findings.adding(note),
    )  # fmt: skip


def _labels(table: SurveyTable, analyte: str) -> pd.Series[str]:
    """Name each row's analyte, with its method where an analyte has several."""
    words = pd.Series(table.texts(analyte).astype(str))
    method = next(
        (n for n in table.frame.columns if re.fullmatch(r"(\w+_)?methods?(_\w+)?", n, re.I)), None
    )
    if method is None:
        return words
    methods = pd.Series(table.texts(method).astype(str))
    several = methods.groupby(words).transform("nunique") > 1
    return words.where(~several, words + " " + methods).str.strip()


def _spread(
    table: SurveyTable,
    value: str,
    beside: dict[str, str],
    label: str,
    mine: pd.Series[bool],
    at: NDArray[np.int_],
) -> dict[str, NDArray[np.object_]]:
    """Return the columns of one analyte, one cell per sample."""
    words = {"qualifier": "qualifier", "unit": "unit", "limit": "detection_limit"}
    names = {label: value} | {f"{label}_{words[role]}": name for role, name in beside.items()}
    result = {}
    chosen = mine.to_numpy()
    for name, source in names.items():
        column = np.full(int(at.max()) + 1, "", object)
        column[at[chosen]] = table.frame[source].to_numpy(object)[chosen]
        result[name] = column
    return result
