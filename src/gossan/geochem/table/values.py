"""Read the column of one element: limits, codes and units sorted out, every doubt reported."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gossan.catalogue.elements import species_of_word, unit_factor, unit_of_word, usual_range
from gossan.errors import SurveyError, must
from gossan.geochem.censoring import treat_censored
from gossan.geochem.findings import Finding, Findings, rows_where
from gossan.geochem.table.cells import Cells, Meaning, Words, parse_cells
from gossan.geochem.table.codes import sort_codes
from gossan.geochem.table.columns import ElementColumn
from gossan.geochem.table.notation import open_example
from gossan.geochem.table.qualifiers import apply_qualifiers, meanings, qualifier_findings
from gossan.geochem.table.reading import SurveyTable
from gossan.geochem.table.settings import SurveySettings


@dataclass(frozen=True)
class Beside:
    """Columns that say something about a column of contents, row by row."""

    qualifier: str | None = None
    limit: str | None = None
    unit: str | None = None


@dataclass(frozen=True, eq=False)
class MeasuredElement:
    """One element of all samples in the delivered unit; each array is (n,).

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

    column: ElementColumn
    values: NDArray[np.float64]
    limits: NDArray[np.float64]
    below: NDArray[np.bool_]
    above: NDArray[np.bool_]


def read_numbers(
    table: SurveyTable, name: str, missing: Sequence[str | float]
) -> tuple[NDArray[np.float64], Findings]:
    """Read a column of plain numbers; anything beyond a limit counts as text."""
    cells = table.cells(name, "number", Words(tuple(missing)))
    text = cells.text | cells.below | cells.above
    found = [*_open_signs(table, name), *_text(table, name, text, "numbers")]
    return cells.number, Findings(tuple(found))


def read_values(
    table: SurveyTable, column: ElementColumn, settings: SurveySettings, beside: Beside
) -> tuple[MeasuredElement, list[Finding]]:
    """Read one element.

    Parameters
    ----------
    table
        The survey's rows.
    column
        The element's column, unit and factor.
    settings
        What negative numbers, zeros and limits mean.
    beside
        Columns that hold qualifiers, limits and units of the column, row by row.

    Returns
    -------
    The values, and findings: errors "decimal", "text", "qualifier", "code", "no-limit",
    "no-values", "one-sample", "all-censored", "constant", "impossible", "mixed-units"; warnings
    "negative", "zero", "cell-unit", "doubtful"; notes "missing", "below", "above".
    """
    raw = table.frame[column.column].tolist()
    known = species_of_word(column.element) is not None
    meaning: Meaning = "concentration" if known else "number"
    element, rows, words = column.element, table.rows, settings.words()
    cells = table.cells(column.column, meaning, words)
    found = list(_open_signs(table, column.column, element))
    found += _text(table, column.column, cells.text, "numbers or limits", element)
    cells, more = _qualified(cells, table, beside.qualifier, words, element)
    found += more
    if known:
        cells, more = sort_codes(cells, raw, rows, element, words.numbers("missing"))
        found += more
    found += _missing_codes(cells, raw, rows, element)
    cells, more = _negatives_and_zeros(cells, rows, settings, element)
    found += more
    limits, more = _limits(cells, table, column, settings, beside.limit)
    found += more
    cells, limits, more = _in_one_unit(cells, limits, table, column, beside.unit)
    found += more
    limits = limits * column.factor
    found += _limit_notes(cells, limits, rows, column)
    found += _impossible(cells, limits, rows, column)
    if known:
        measured = np.where(cells.measured, limits, np.nan)
        found += mixed_units(measured, rows, element)
        found += doubtful(measured, cells, column)
        found += substituted(measured, rows, column)
    values, more = _treated(limits, cells, settings, element)
    found += more
    found += _too_few(limits, cells, settings, element, rows)
    return MeasuredElement(column, values, limits, cells.below, cells.above), found


def unit_in_cells(table: SurveyTable, column: str, beside: str | None) -> str:
    """Detect the unit that most rows state, in a column beside the contents or in the cells."""
    if beside is not None:
        units = [unit_of_word(text) or "" for text in table.texts(beside)]
    else:
        units = [str(unit) for unit in table.cells(column, "concentration").unit]
    counts = Counter(filter(None, units))
    if not counts or (beside is None and sum(counts.values()) < 0.5 * len(units)):
        return ""
    return counts.most_common(1)[0][0]


def _open_signs(table: SurveyTable, name: str, element: str = "") -> Iterator[Finding]:
    """Ask where a column's numbers can be read two ways, a thousandfold apart."""
    notation = table.notation(name)
    example = open_example(table.frame[name].tolist(), notation)
    if example is None:
        return
    sign = "comma" if "," in example else "point"
    decimal, thousands = example.replace(",", "."), re.sub("[,.]", "", example)
    message = must(
        f"column {name!r}",
        "readable in one way",
        f"{example!r}, which is {decimal} or {thousands}",
        f'Set decimal = "{sign}" for {decimal}, or thousands = "{sign}" for {thousands}',
    )
    yield Finding("error", "decimal", message, element=element)


def _qualified(
    cells: Cells, table: SurveyTable, name: str | None, words: Words, element: str
) -> tuple[Cells, list[Finding]]:
    if name is None:
        return cells, []
    codes = table.texts(name)
    known, unknown = meanings(codes, name, cells.number, words)
    found = qualifier_findings(name, codes, known, unknown, table.rows, element)
    return (cells if unknown else apply_qualifiers(cells, codes, known)), found


def _in_one_unit(
    cells: Cells,
    limits: NDArray[np.float64],
    table: SurveyTable,
    column: ElementColumn,
    name: str | None,
) -> tuple[Cells, NDArray[np.float64], list[Finding]]:
    """Convert rows whose unit, in the cell or in a column beside it, is not the column's."""
    units = np.array([str(unit) for unit in cells.unit], object)
    found: list[Finding] = []
    if name is not None:
        texts = table.texts(name)
        beside = np.array([unit_of_word(text) or "" for text in texts], object)
        units = np.where(units == "", beside, units)
        unread = (texts != "") & (beside == "") & np.isfinite(limits)
        found += _unread_units(name, texts, unread, table.rows, column.element)
    other = (units != "") & (units != column.unit) & np.isfinite(limits)
    if not other.any() or not column.unit:
        return cells, limits, found
    factors = [unit_factor(str(u), column.unit) if o else 1.0 for u, o in zip(units, other)]
    shown = ", ".join(sorted(set(units[other])))
    source = f"column {name!r} names" if name is not None else "the cells name"
    message = (
        f"{_values(other, column.element)} converted from {shown} to "
        f"{column.unit}: {source} their unit"
    )
    where = rows_where(table.rows, other)
    found.append(Finding("warning", "cell-unit", message, where, column.element))
    return cells, limits * np.array(factors), found


def _unread_units(
    name: str,
    texts: NDArray[np.object_],
    mask: NDArray[np.bool_],
    rows: NDArray[np.int_],
    element: str,
) -> list[Finding]:
    if not mask.any():
        return []
    shown = ", ".join(repr(str(word)) for word in sorted(set(texts[mask]))[:4])
    cure = 'Correct the cells, or set unit_column = "none" to leave the column unused'
    message = must(f"units in column {name!r}", "known", shown, cure)
    return [Finding("error", "cell-unit", message, rows_where(rows, mask), element)]


_DATE = re.compile(
    r"\b(19|20)\d\d-\d\d-\d\d\b|\b\d{1,2}[-. ](jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)",
    re.I,
)


def _text(
    table: SurveyTable, name: str, mask: NDArray[np.bool_], allowed: str, element: str = ""
) -> Iterator[Finding]:
    if mask.any():
        words = Counter(str(cell) for cell in table.frame[name][mask])
        shown = ", ".join(repr(word) for word, _ in words.most_common(4))
        cure = "Correct the cells, or list the words in missing = [...] or below = [...]"
        if any(_DATE.search(word) for word in words):
            cure = "A spreadsheet turned numbers into dates: take them from the laboratory's file"
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


def _negatives_and_zeros(
    cells: Cells, rows: NDArray[np.int_], settings: SurveySettings, element: str
) -> tuple[Cells, list[Finding]]:
    found: list[Finding] = []
    zero = cells.measured & (cells.number == 0)
    where = rows_where(rows, cells.negative)
    if where and settings.negative == "refuse":
        message = must(element, "0 or more", "negative numbers", "Correct the rows")
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
        message = f"{_values(zero, element)} 0, {how}{cure}"
        found.append(Finding("warning", "zero", message, rows_where(rows, zero), element))
    return replace(cells, number=number, below=below, missing=missing), found


def _limits(
    cells: Cells,
    table: SurveyTable,
    column: ElementColumn,
    settings: SurveySettings,
    by_row: str | None,
) -> tuple[NDArray[np.float64], list[Finding]]:
    """Complete limits that cells do not state: by row, as stated, else that of batch or column."""
    number = cells.number.copy()
    element = column.element
    found: list[Finding] = []
    stated = settings.detection_limits.get(element)
    name = stated if isinstance(stated, str) else by_row
    if name is not None:
        number = _limits_by_row(cells, number, table, name)
    lost = cells.below & ~np.isfinite(number)
    if lost.any():
        limit = (
            stated
            if isinstance(stated, (int, float))
            else _limit_of_row(table.limits, table, column)
        )
        if limit is not None and np.isfinite(limit):
            number[lost] = limit
        else:
            number = _limits_of_batch(number, lost, cells.below & ~lost, table, settings.batch)
    lost = cells.above & ~np.isfinite(number)
    upper = _limit_of_row(table.upper_limits, table, column)
    if lost.any() and upper is not None:
        number[lost] = upper
    for mask, side in ((cells.below, "below"), (cells.above, "above")):
        lost = mask & ~np.isfinite(number)
        if lost.any():
            cure = (
                f"Add detection_limits = {{ {element} = ... }} with the limit or its column, or "
                "list the word in missing"
                if side == "below"
                else "Write the limit into the cells, as >10000"
            )
            message = must(f"limit of {element}", "known", f"values {side} one not stated", cure)
            found.append(
                Finding("error", "no-limit", message, rows_where(table.rows, lost), element)
            )
    return number, found


def _limits_by_row(
    cells: Cells, number: NDArray[np.float64], table: SurveyTable, name: str
) -> NDArray[np.float64]:
    """Take the limits of rows from a column; "<5" and "5" mean the same there."""
    limits = np.abs(table.cells(name, "number").number)
    lost = cells.below & ~np.isfinite(number) & (limits > 0)
    return np.where(lost, limits, number)


def _limit_of_row(
    limits: dict[str, str], table: SurveyTable, column: ElementColumn
) -> float | None:
    """Read the limit that a row beside the header states for a column."""
    if column.column not in limits:
        return None
    cells = parse_cells([limits[column.column]], "concentration", table.notation(column.column))
    return float(cells.number[0])


def _limits_of_batch(
    number: NDArray[np.float64],
    lost: NDArray[np.bool_],
    stated: NDArray[np.bool_],
    table: SurveyTable,
    batch: str | None,
) -> NDArray[np.float64]:
    batches = np.zeros(len(number), object) if batch is None else table.frame[batch].to_numpy()
    for name in dict.fromkeys(batches[lost]):
        same = batches == name
        for part in (stated & same, stated):
            limits = np.unique(number[part])
            if len(limits) == 1:
                number[lost & same] = limits[0]
                break
    return number


def _limit_notes(
    cells: Cells, limits: NDArray[np.float64], rows: NDArray[np.int_], column: ElementColumn
) -> Iterator[Finding]:
    for mask, side in ((cells.below, "below"), (cells.above, "above")):
        if mask.any():
            shown = ", ".join(f"{limit:.4g}" for limit in np.unique(limits[mask])[:5])
            share = 100 * mask.sum() / max(1, int(np.isfinite(limits).sum()))
            message = (
                f"{_values(mask, column.element)} {side} the "
                f"limit {shown} {column.target_unit}".rstrip()
                + f" ({share:.0f} %)"
            )
            yield Finding("note", side, message, rows_where(rows, mask), column.element)


def _impossible(
    cells: Cells, limits: NDArray[np.float64], rows: NDArray[np.int_], column: ElementColumn
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
        'Correct the rows, or set accept = ["mixed-units"] if the values are right',
    )
    return [Finding("error", "mixed-units", message, rows_where(rows, odd), element)]


def doubtful(measured: NDArray[np.float64], cells: Cells, column: ElementColumn) -> list[Finding]:
    """Doubt contents that no ground has: their median is far from the crust's mean.

    Elements that are mostly below the limit are left out: their median shows the limit.
    """
    known = measured[np.isfinite(measured) & (measured > 0)]
    species = species_of_word(column.element) or column.species
    usual = usual_range(species, column.target_unit)
    if len(known) < 5 or usual is None or cells.below.sum() > len(known):
        return []
    crust, low, high = usual
    median = float(np.median(known))
    if low <= median <= high:
        return []
    message = (
        f"the median of {column.element} is {median:.3g} {column.target_unit}; the crust holds "
        f"{crust:.3g} on average: check the unit of column {column.column!r} "
        f"(read as {column.unit})"
    )
    return [Finding("warning", "doubtful", message, element=column.element)]


SUBSTITUTED_SHARE = 0.05
"""Share of the values, and at least five, that a substituted limit takes."""
SUBSTITUTED_GAP = 1.3
"""Least step from it to the next value: the root of 2, with room for rounding."""


def substituted(
    measured: NDArray[np.float64], rows: NDArray[np.int_], column: ElementColumn
) -> list[Finding]:
    """Find limits that somebody replaced by half of them before the table was sent.

    The lowest value then occurs many times and stands apart from all others. Where contents are
    so coarse that one step of rounding is as wide, nothing can be told.

    >>> from gossan.geochem.table.columns import ElementColumn
    >>> column = ElementColumn("Cu", "Cu_ppm", "Cu", "ppm", "ppm", 1.0, True)
    >>> values = np.array([2.5] * 6 + [5.1, 5.4, 6.2, 7.7, 9.3, 12.0])
    >>> substituted(values, np.arange(2, 14), column)[0].message[:47]
    '6 values of Cu are 2.5 ppm, the next higher is '
    >>> substituted(np.array([1.0] * 6 + [2.0, 3.0, 4.0, 5.0]), np.arange(10), column)
    []
    """
    known = np.unique(measured[np.isfinite(measured) & (measured > 0)])
    if len(known) < 5:
        return []
    lowest, after = known[0], known[1]
    same = measured == lowest
    fewest = max(5, SUBSTITUTED_SHARE * np.isfinite(measured).sum())
    rounding = np.diff(known[1:]).min()
    if same.sum() < fewest or after < SUBSTITUTED_GAP * lowest or after - lowest < 2 * rounding:
        return []
    unit, stated = column.target_unit, lowest / column.factor
    message = (
        f"{_values(same, column.element)} {lowest:g} {unit}, the next higher is "
        f"{after:g} {unit}: they look like a limit of detection that was halved. "
        f"below = [{stated:g}] reads them as below a limit"
    )
    return [Finding("warning", "substituted", message, rows_where(rows, same), column.element)]


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


def _values(chosen: NDArray[np.bool_], element: str) -> str:
    """Begin a sentence on the chosen values of an element."""
    count = int(chosen.sum())
    return f"1 value of {element} is" if count == 1 else f"{count} values of {element} are"
