"""Read the column of one element: limits, codes and units sorted out, every doubt reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gossan.catalogue.elements import species_of_word, unit_factor
from gossan.errors import SurveyError, must
from gossan.geochem.censoring import treat_censored
from gossan.geochem.table.cells import Cells, Meaning, parse_cells
from gossan.geochem.table.columns import Column
from gossan.geochem.table.findings import Finding, Findings, rows_where
from gossan.geochem.table.reading import Table
from gossan.geochem.table.settings import SurveySettings


@dataclass(frozen=True, eq=False)
class ElementValues:
    """Hold one element of all samples in the delivered unit; each array is (n,).

    Parameters
    ----------
    column
        Where it came from.
    values
        Values, estimates in place of limits; NaN: not analysed.
    limits
        Values and limits as the laboratory gave them.
    below, above
        Which of them are limits.
    """

    column: Column
    values: NDArray[np.float64]
    limits: NDArray[np.float64]
    below: NDArray[np.bool_]
    above: NDArray[np.bool_]


def read_numbers(
    table: Table, name: str, missing: Sequence[str | float]
) -> tuple[NDArray[np.float64], Findings]:
    """Read a column of plain numbers; anything beyond a limit counts as text."""
    cells = parse_cells(table.frame[name].tolist(), "number", table.decimal, missing)
    text = cells.text | cells.below | cells.above
    return cells.number, Findings(tuple(_text(table, name, text, "numbers")))


def read_values(
    table: Table, column: Column, settings: SurveySettings
) -> tuple[ElementValues, list[Finding]]:
    """Read one element.

    Parameters
    ----------
    table
        The survey's rows.
    column
        The element's column, unit and factor.
    settings
        What negative numbers, zeros and limits mean.

    Returns
    -------
    The values, and findings: errors "text", "no-limit", "no-values", "one-sample", "all-censored",
    "constant", "impossible", "mixed-units"; warnings "negative", "zero", "cell-unit"; notes
    "missing", "below", "above".
    """
    raw = table.frame[column.column].tolist()
    known = species_of_word(column.element) is not None
    meaning: Meaning = "concentration" if known else "number"
    cells = parse_cells(raw, meaning, table.decimal, settings.missing, settings.below)
    element, rows = column.element, table.rows
    found = list(_text(table, column.column, cells.text, "numbers or limits", element))
    found += _missing_codes(cells, raw, rows, element)
    cells, more = _cell_units(cells, rows, column)
    found += more
    cells, more = _negatives_and_zeros(cells, rows, settings, element)
    found += more
    limits, more = _limits(cells, table, column, settings)
    found += more
    limits = limits * column.factor
    found += _limit_notes(cells, limits, rows, column)
    found += _impossible(cells, limits, rows, column)
    if known:
        found += mixed_units(np.where(cells.measured, limits, np.nan), rows, element)
    values, more = _treated(limits, cells, settings, element)
    found += more
    found += _too_few(limits, cells, settings, element, rows)
    return ElementValues(column, values, limits, cells.below, cells.above), found


def _text(
    table: Table, name: str, mask: NDArray[np.bool_], allowed: str, element: str = ""
) -> Iterator[Finding]:
    if mask.any():
        words = Counter(str(cell) for cell in table.frame[name][mask])
        shown = ", ".join(repr(word) for word, _ in words.most_common(4))
        cure = "Mend the cells, or list the words in missing = [...] or below = [...]"
        message = must(f"column {name!r}", allowed, shown, cure)
        yield Finding("error", "text", message, rows_where(table.rows, mask), element)


def _missing_codes(
    cells: Cells, raw: Sequence[object], rows: NDArray[np.int_], element: str
) -> Iterator[Finding]:
    if cells.missing.any():
        codes = Counter(str(cell) for cell, lost in zip(raw, cells.missing) if lost)
        shown = ", ".join(f"{code} ({n})" for code, n in codes.most_common(4))
        message = f"missing codes of {element} left empty: {shown}"
        yield Finding("note", "missing", message, rows_where(rows, cells.missing), element)
    if cells.blank.any():
        message = f"{element} was not analysed in {int(cells.blank.sum())} of {len(rows)} samples"
        yield Finding("note", "blank", message, rows_where(rows, cells.blank), element)


def _cell_units(
    cells: Cells, rows: NDArray[np.int_], column: Column
) -> tuple[Cells, list[Finding]]:
    """Convert cells that name another unit than their column."""
    other = np.array([bool(unit) and unit != column.unit for unit in cells.unit])
    if not other.any():
        return cells, []
    factors = [
        unit_factor(u, column.unit) if o and column.unit else 1.0 for u, o in zip(cells.unit, other)
    ]
    message = f"cells of {column.element} name another unit than {column.unit} and were converted"
    finding = Finding("warning", "cell-unit", message, rows_where(rows, other), column.element)
    return replace(cells, number=cells.number * np.array(factors)), [finding]


def _negatives_and_zeros(
    cells: Cells, rows: NDArray[np.int_], settings: SurveySettings, element: str
) -> tuple[Cells, list[Finding]]:
    found: list[Finding] = []
    zero = cells.measured & (cells.number == 0)
    where = rows_where(rows, cells.negative)
    if where and settings.negative == "refuse":
        message = must(element, "0 or more", "negative numbers", "Mend the rows")
        found.append(Finding("error", "negative", message, where, element))
    elif where:
        how = "detection limits" if settings.negative == "below" else "missing"
        message = f"{len(where)} negative numbers of {element} are read as {how}"
        found.append(Finding("warning", "negative", message, where, element))
    number, below, missing = cells.number.copy(), cells.below.copy(), cells.missing.copy()
    if settings.negative == "missing":
        number[cells.negative], below[cells.negative] = np.nan, False
        missing |= cells.negative
    if settings.zero == "missing":
        number[zero] = np.nan
        missing |= zero
    elif settings.zero == "below":
        number[zero] = np.nan
        below |= zero
    if zero.any():
        how = {
            "keep": "kept as 0: a log refuses them",
            "missing": "read as missing",
            "below": "read as below the detection limit",
        }[settings.zero]
        cure = ' (zero = "missing" or "below" changes that)' if settings.zero == "keep" else ""
        message = f"{int(zero.sum())} values of {element} are 0, {how}{cure}"
        found.append(Finding("warning", "zero", message, rows_where(rows, zero), element))
    return replace(cells, number=number, below=below, missing=missing), found


def _limits(
    cells: Cells, table: Table, column: Column, settings: SurveySettings
) -> tuple[NDArray[np.float64], list[Finding]]:
    """Complete limits that cells do not tell: as stated, else the one limit of batch or column."""
    number = cells.number.copy()
    lost = cells.below & ~np.isfinite(number)
    element = column.element
    found: list[Finding] = []
    if lost.any():
        stated = settings.detection_limits.get(element)
        if stated is None and column.column in table.limits:
            row_limit = parse_cells([table.limits[column.column]], "concentration", table.decimal)
            stated = float(row_limit.number[0])
        if stated is not None and np.isfinite(stated):
            number[lost] = stated
        else:
            number = _limits_of_batch(number, lost, cells.below & ~lost, table, settings.batch)
    for mask, side in ((cells.below, "below"), (cells.above, "above")):
        lost = mask & ~np.isfinite(number)
        if lost.any():
            cure = (
                f"Add detection_limits = {{ {element} = ... }}"
                if side == "below"
                else ("Write the limit into the cells, as >10000")
            )
            message = must(f"limit of {element}", "known", f"values {side} one not told", cure)
            found.append(
                Finding("error", "no-limit", message, rows_where(table.rows, lost), element)
            )
    return number, found


def _limits_of_batch(
    number: NDArray[np.float64],
    lost: NDArray[np.bool_],
    told: NDArray[np.bool_],
    table: Table,
    batch: str | None,
) -> NDArray[np.float64]:
    batches = np.zeros(len(number), object) if batch is None else table.frame[batch].to_numpy()
    for name in dict.fromkeys(batches[lost]):
        same = batches == name
        for part in (told & same, told):
            limits = np.unique(number[part])
            if len(limits) == 1:
                number[lost & same] = limits[0]
                break
    return number


def _limit_notes(
    cells: Cells, limits: NDArray[np.float64], rows: NDArray[np.int_], column: Column
) -> Iterator[Finding]:
    for mask, side in ((cells.below, "below"), (cells.above, "above")):
        if mask.any():
            shown = ", ".join(f"{limit:.4g}" for limit in np.unique(limits[mask])[:5])
            share = 100 * mask.sum() / max(1, int(np.isfinite(limits).sum()))
            message = (
                f"{int(mask.sum())} values of {column.element} ({share:.0f} %) are {side} the "
                f"limit {shown} {column.target_unit}".rstrip()
            )
            yield Finding("note", side, message, rows_where(rows, mask), column.element)


def _impossible(
    cells: Cells, limits: NDArray[np.float64], rows: NDArray[np.int_], column: Column
) -> Iterator[Finding]:
    if not column.target_unit or species_of_word(column.element) is None:
        return
    with np.errstate(invalid="ignore"):
        over = (cells.measured | cells.below) & (
            limits > unit_factor("percent", column.target_unit) * 100
        )
    if over.any():
        got = f"{np.nanmax(limits[over]):g} {column.target_unit}"
        cure = f"Check the unit of column {column.column!r} (read as {column.unit})"
        message = must(column.element, "at most 100 percent of a sample", got, cure)
        yield Finding("error", "impossible", message, rows_where(rows, over), column.element)


def mixed_units(values: NDArray[np.float64], rows: NDArray[np.int_], element: str) -> list[Finding]:
    """Find two units in one column: two groups without a value between, 1000 or 10000 apart.

    The gap must span a factor of 30, each group hold 3 % of the values (at least 3), and their
    medians differ by a factor of 1000 or 10000, give or take a factor of 3.

    >>> v = np.concatenate([np.linspace(20, 60, 30), np.linspace(0.002, 0.006, 10)])
    >>> mixed_units(v, np.arange(2, 42), "Cu")[0].rows[:2]
    (32, 33)
    """
    usable = np.isfinite(values) & (values > 0)
    logs = np.sort(np.log10(values[usable]))
    if len(logs) < 10:
        return []
    gaps = np.diff(logs)
    at = int(np.argmax(gaps)) + 1
    fewest = max(3, 0.03 * len(logs))
    apart = np.median(logs[at:]) - np.median(logs[:at])
    near = min(abs(apart - 3), abs(apart - 4)) < np.log10(3)
    if gaps[at - 1] < np.log10(30) or min(at, len(logs) - at) < fewest or not near:
        return []
    low = usable & (values < 10 ** ((logs[at - 1] + logs[at]) / 2))
    odd = low if low.sum() <= usable.sum() / 2 else usable & ~low
    message = must(
        element,
        "in one unit",
        f"two groups of values about {10**apart:.0f} times apart",
        'Mend the rows, or set accept = ["mixed-units"] if the values are right',
    )
    return [Finding("error", "mixed-units", message, rows_where(rows, odd), element)]


def _treated(
    limits: NDArray[np.float64], cells: Cells, settings: SurveySettings, element: str
) -> tuple[NDArray[np.float64], list[Finding]]:
    below, above = cells.below & np.isfinite(limits), cells.above & np.isfinite(limits)
    if not (cells.measured & np.isfinite(limits)).any():
        return limits, []
    try:
        return treat_censored(limits, below, above, settings.censoring), []
    except SurveyError as error:
        return limits, [Finding("error", "censored", f"{element}: {error}", element=element)]


def _too_few(
    limits: NDArray[np.float64], cells: Cells, settings: SurveySettings, element: str,
    rows: NDArray[np.int_],
) -> Iterator[Finding]:  # fmt: skip
    if cells.text.any():
        return
    known = np.isfinite(limits)
    at = rows_where(rows, known)
    measured = limits[cells.measured & known]
    name = f"values of {element}"
    if not (np.isfinite(limits)).any():
        message = must(name, "in the table", "an empty column", "Leave the element out")
        yield Finding("error", "no-values", message, element=element)
    elif not len(measured):
        message = must(name, "measured in some sample", "all beyond a limit", "Leave it out")
        yield Finding("error", "all-censored", message, at, element)
    elif settings.role == "fit" and len(measured) == 1:
        message = must(name, "at least 2", 1, "A survey of one sample makes no map")
        yield Finding("error", "one-sample", message, at, element)
    elif settings.role == "fit" and np.ptp(measured) == 0 and not cells.below.any():
        message = must(
            name, "different from each other", f"{measured[0]:g} everywhere", "Leave it out"
        )
        yield Finding("error", "constant", message, at, element)
    elif cells.below.sum() > 0.5 * (cells.below.sum() + len(measured)):
        message = (
            f"more than half of {element} is below the limit: maps of it mostly show the limit"
        )
        yield Finding("warning", "mostly-censored", message, element=element)
