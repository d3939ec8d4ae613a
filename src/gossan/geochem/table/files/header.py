"""Find where the header of a table stands, and the rows of units, methods and limits around it.

Laboratories send certificates as they print them: titles, then rows of methods, analytes, units and
detection limits in any order, then the samples, with footers and page headers between.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from gossan.catalogue.elements import unit_of_word
from gossan.catalogue.words import words
from gossan.errors import SurveyError, must
from gossan.geochem.findings import Finding
from gossan.geochem.table.columns import header_tokens, read_header
from gossan.geochem.table.files.sheets import Cell, Rows

Kind = Literal["units", "lower", "upper", "methods", "data"]

_LABELS: dict[Kind, re.Pattern[str]] = {
    "lower": re.compile(
        r"(lower )?(l?detection( limits?)?|limits? of (detection|reporting|quantification)|lod|lld"
        r"|ldl|mdl|lor|loq|dl|d\.l\.|l\.?d\.?l?\.?|lower( limits?)?|(lower )?reporting limits?"
        r"|min(imum)?"
        r"|nachweisgrenze|bestimmungsgrenze|nwg|bg|l[ií]mites?( de| inferior)?.*|limite.*|"
        r"l\.? ?inf(erior)?\.?|предел.*|检出限|檢出限|検出限界|定量下限|granica.*)( ?\(.*\))?:?",
        re.I,
    ),
    "upper": re.compile(
        r"(upper( detection| reporting)? limits?|udetection|udl|uld|upper|max(imum)?|threshold"
        r"|l\.? ?sup(erior)?\.?|l[ií]mite superior|limite supérieure)( ?\(.*\))?:?",
        re.I,
    ),
    "units": re.compile(
        r"(units?( of measure(ment)?)?|uom|einheit(en)?|unités?|unidad(e?s)?|unidade|jednostk[ai]"
        r"|ед\.? ?изм\.?|единиц[аы].*|单位|單位|単位)( ?\(.*\))?:?",
        re.I,
    ),
    "methods": re.compile(
        r"(analytical |lab(oratory)? )?(methods?|analysis|technique|scheme|digestion|package"
        r"|procedure"
        r"|m[ée]tod[oe]|méthode|methode|verfahren|метод.*|方法|分析方法)( codes?)?:?",
        re.I,
    ),
}
NAMELESS = "column "
"""How columns without a name in the file are called, before their number."""
_METHOD = re.compile(
    r"[A-Za-z]{0,4}[-_ /]?[A-Za-z]{1,6}[-_ /]?\d{1,4}[A-Za-z]{0,3}\d{0,2}([-_/]\w+)?"
    r"|\d?[A-Z]{1,3}\d{0,3}/[A-Z]{2,4}\d{0,2}"
    r"|I?NAA|INA|ICP([-/ ]?(MS|AES|OES|ES))?|([GHC][FGV])?AAS|XRF|FA([-/ ]\w+)?|ISE|LECO|GRAV|DCP"
)
_NUMBER = re.compile(r"[<>≤≥+-]?\s*\d*[.,]?\d+(e[+-]?\d+)?", re.I)
_KEY = re.compile(
    r"(field |lab )?samples?( ?(id|nos?|numbers?|names?|codes?))?\.?|id|description|ident.*"
    r"|(muestra|amostra|próbka|probe|échantillon|echantillon|проба|campione)[sn]?",
    re.I,
)


@dataclass(frozen=True)
class Header:
    """Where the header stands and what stands around it.

    Parameters
    ----------
    row
        Index of the row that names the columns.
    start
        Index of the first row of data.
    names
        Name of each column, no two alike.
    units, limits, upper_limits
        Unit, lower and upper limit by column, as their rows state them.
    findings
        What was understood.
    """

    row: int
    start: int
    names: list[str]
    units: dict[str, str] = field(default_factory=dict)
    limits: dict[str, str] = field(default_factory=dict)
    upper_limits: dict[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def find_header(rows: Rows, numbers: Sequence[int], stated: int | None = None) -> Header:
    """Find the header of a table and the rows that belong to it.

    Parameters
    ----------
    rows
        Cells of the rows that are not blank.
    numbers
        Number of each row in its file.
    stated
        Number of the header's row, where the user states it.

    Raises
    ------
    SurveyError
        If the stated row does not exist.
    """
    head = _keyed_row(rows) if stated is None else _stated(numbers, stated)
    head = _best_row(rows) if head is None else head
    first, kinds, start = _block(rows, head)
    start, names_below = _names_below(rows, head, start)
    width = max(len(row) for row in rows[head:])
    methods = next((rows[i] for i, kind in kinds.items() if kind == "methods"), [])
    names, found = _names(_merged(rows, first, head, names_below, width), methods)
    stated_rows = {kind: _by_name(rows, kinds, kind, names) for kind in ("lower", "upper")}
    units = {
        name: unit
        for name, cell in _by_name(rows, kinds, "units", names).items()
        if (unit := unit_of_word(cell)) is not None
    }
    units = {**_units_above(rows, first, names), **units}
    found += _notes(numbers, head, kinds, stated)
    lower, upper = stated_rows["lower"], stated_rows["upper"]
    return Header(head, start, names, units, lower, upper, tuple(found))


def _units_above(rows: Rows, first: int, names: Sequence[str]) -> dict[str, str]:
    """Take the unit of a heading that stands over several columns, as "ICP-MS (ppm)" does.

    It holds to the next heading of that row; columns before the first have none.
    """
    if first == 0:
        return {}
    found: dict[str, str] = {}
    unit = ""
    for name, cell in zip(names, [*rows[first - 1], *[""] * len(names)]):
        if cell != "":
            words = header_tokens(str(cell))
            unit = next(filter(None, map(unit_of_word, words)), "") if len(words) < 8 else ""
        if unit and read_header(name).species and not read_header(name).unit:
            found[name] = unit
    return found


def _stated(numbers: Sequence[int], stated: int) -> int:
    if stated not in numbers:
        raise SurveyError(must("header_row", "a row of the file", stated, "Count from 1"))
    return list(numbers).index(stated)


def _keyed_row(rows: Rows) -> int | None:
    """Find the row of names in the format of Australian statutory reports: it begins with H1000."""
    keys = [str(row[0]).strip() for row in rows[:200]]
    return keys.index("H1000") if "H1000" in keys and "D" in keys else None


def _words(row: Sequence[Cell]) -> list[str]:
    return [str(cell) for cell in row if cell != ""]


def _is_number(cell: Cell) -> bool:
    return not isinstance(cell, str) or bool(_NUMBER.fullmatch(cell))


def _best_row(rows: Rows) -> int:
    """Find the first row that names most columns, or the one just below that names more elements.

    A row of methods also looks like a header, but names few elements.
    """
    widest = max(sum(cell != "" for cell in row) for row in rows[:200])
    for i, row in enumerate(rows[:80]):
        if not _names_columns(row, widest):
            continue
        near = []
        for k in range(i, min(i + 6, len(rows))):
            if _names_columns(rows[k], widest):
                near.append(k)
            elif _kind(rows, k, set()) == "data":
                break
        return max(near, key=lambda k: (_species(rows[k]), -k))
    return 0


def _names_columns(row: Sequence[Cell], widest: int) -> bool:
    filled = [cell for cell in row if cell != ""]
    numeric = sum(map(_is_number, filled))
    different = len({str(cell) for cell in filled})
    return (
        len(filled) >= max(2, 0.6 * widest)
        and numeric <= 0.2 * len(filled)
        and (different >= 0.5 * len(filled) or _species(row) > 1)
    )


def _species(row: Sequence[Cell]) -> int:
    """Count the cells that name an element and hold no method code."""
    return sum(_names_species(cell) for cell in _words(row))


def _names_species(cell: str) -> bool:
    header = read_header(cell)
    return header.sure and not (header.method and not header.unit and _METHOD.fullmatch(cell))


def _block(rows: Rows, head: int) -> tuple[int, dict[int, Kind], int]:
    """Find the rows of units, methods and limits above and below the header."""
    kinds: dict[int, Kind] = {}
    first = head
    while first > 0 and (kind := _kind(rows, first - 1, set(kinds.values()))) != "data":
        first -= 1
        kinds[first] = kind
    start = head + 1
    while start < min(len(rows), head + 8):
        kind = _kind(rows, start, set(kinds.values()))
        if kind == "data":
            break
        kinds[start] = kind
        start += 1
    return first, kinds, start


_KEYED: dict[str, Kind] = {"H1001": "units", "H1002": "methods", "H1003": "lower"}
"""Rows of statutory reports by their key; what begins with D are data."""


def _kind(rows: Rows, i: int, known: set[Kind]) -> Kind:
    row = rows[i]
    if re.fullmatch(r"H1\d{3}", str(row[0]).strip()):
        return _KEYED.get(str(row[0]).strip(), "methods")
    label = next((str(cell) for cell in row[:4] if cell != ""), "")
    for kind, pattern in _LABELS.items():
        if pattern.fullmatch(label.strip()):
            return kind
    filled = _words(row)
    units = sum(_is_unit(cell) for cell in filled)
    if any(map(unit_of_word, filled)) and units >= 0.6 * len(filled):
        return "units"
    values = _words(row[1:])
    codes = sum(bool(_METHOD.fullmatch(cell)) for cell in values)
    share = 0.5 if not any(map(_is_number, filled)) else 0.7
    if len(values) >= 2 and codes >= share * len(values):
        return "methods" if _species(row) <= 0.5 * len(values) else "data"
    return "lower" if _is_bare_limits(rows, i, known) else "data"


def _is_unit(cell: str) -> bool:
    return bool(unit_of_word(cell)) or cell.strip("()[]").lower() in words("other_unit")


def _is_bare_limits(rows: Rows, i: int, known: set[Kind]) -> bool:
    """Recognise limits without a label: numbers below the units, where samples have a name."""
    row, below = rows[i], rows[i + 1 : i + 11]
    if "units" not in known or "lower" in known or not below or row[0] != "":
        return False
    filled = [cell for cell in row if cell != ""]
    named = sum(bool(other) and other[0] != "" for other in below)
    return bool(filled) and all(map(_is_number, filled)) and named >= 0.8 * len(below)


def _names_below(rows: Rows, head: int, start: int) -> tuple[int, dict[int, str]]:
    """Read a row such as "Sample, Type" below the block, which names the first columns only."""
    if start >= len(rows) - 1 or start == head + 1:
        return start, {}
    row = rows[start]
    filled = {k: str(cell) for k, cell in enumerate(row) if cell != ""}
    after = sum(cell != "" for cell in rows[start + 1])
    if filled and len(filled) <= 4 and len(filled) < after and _KEY.fullmatch(filled[min(filled)]):
        return start + 1, filled
    return start, {}


def _merged(rows: Rows, first: int, head: int, below: dict[int, str], width: int) -> list[str]:
    """Name columns by the row below, the header, else the nearest row above it."""
    above = [
        rows[i] for i in range(head - 1, max(first, head - 2) - 1, -1) if len(_words(rows[i])) > 1
    ]
    result = []
    for k in range(width):
        cells = [row[k] for row in (rows[head], *above) if k < len(row) and row[k] != ""]
        if len(cells) > 1 and _is_unit(str(cells[0])) and not _names_species(str(cells[0])):
            cells = cells[1:]  # EAST above m
        result.append(below.get(k) or (str(cells[0]) if cells else ""))
    return result


def _names(header: list[str], methods: Sequence[Cell]) -> tuple[list[str], list[Finding]]:
    """Make the names different: by the method where a row states it, else by numbers."""
    plain = [" ".join(name.split()) or f"{NAMELESS}{i + 1}" for i, name in enumerate(header)]
    names: list[str] = []
    used: set[str] = set()
    repeated: list[str] = []
    again = {name for name, count in Counter(plain).items() if count > 1}
    for i, base in enumerate(plain):
        method = str(methods[i]) if i < len(methods) else ""
        name = stem = f"{base} {method}" if base in again and method else base
        k = 2
        while name in used:
            name, k = f"{stem}.{k}", k + 1
        if name != base:
            repeated.append(name)
        used.add(name)
        names.append(name)
    if not repeated:
        return names, []
    message = f"columns with a repeated name are called {', '.join(repeated[:20])}"
    return names, [Finding("warning", "repeated-column", message)]


def _by_name(
    rows: Rows, kinds: dict[int, Kind], wanted: str, names: Sequence[str]
) -> dict[str, str]:
    found: dict[str, str] = {}
    for i, kind in kinds.items():
        if kind == wanted:
            found |= {name: str(cell) for name, cell in zip(names, rows[i]) if cell != ""}
    return found


_KIND_WORDS = {
    "units": "units",
    "lower": "detection limits",
    "upper": "upper limits",
    "methods": "methods",
}


def _notes(
    numbers: Sequence[int], head: int, kinds: dict[int, Kind], stated: int | None
) -> list[Finding]:
    found = []
    if numbers[head] != 1 and stated is None:
        message = f"the header is row {numbers[head]} (header_row changes that)"
        found.append(Finding("note", "header", message, (numbers[head],)))
    if kinds:
        parts = [f"{_KIND_WORDS[kind]} in row {numbers[i]}" for i, kind in sorted(kinds.items())]
        rows = tuple(numbers[i] for i in sorted(kinds))
        found.append(Finding("note", "header", ", ".join(parts), rows))
    return found


def drop_footers(
    rows: Rows, numbers: Sequence[int], header: Header
) -> tuple[Rows, list[int], list[Finding]]:
    """Leave out what is no sample: lines of text at the end, and headers repeated on each page."""
    title = [str(cell) for cell in rows[header.row]]
    last = len(rows)
    while last > header.start + 1 and len(header.names) > 2 and _is_footer(rows[last - 1]):
        last -= 1
    repeated = [[str(cell) for cell in row] == title for row in rows[header.start : last]]
    kept = [i for i, again in enumerate(repeated, header.start) if not again]
    lost = tuple(
        [numbers[i] for i, again in enumerate(repeated, header.start) if again] + [*numbers[last:]]
    )
    found = []
    if lost:
        message = "lines that are no samples (footers, repeated headers) are left out"
        found.append(Finding("note", "footer", message, lost))
    return [rows[i] for i in kept], [numbers[i] for i in kept], found


def _is_footer(row: Sequence[Cell]) -> bool:
    filled = _words(row)
    if filled == ["EOF"]:
        return True
    return len(filled) == 1 and bool(re.search(r"[^\W\d_]{2,}.*[\s*]|^[*\-=#]", filled[0]))
