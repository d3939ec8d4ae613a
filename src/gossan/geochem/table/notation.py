"""Decide what commas, points, blanks and apostrophes mean in the numbers of a table.

Most cells prove it themselves: ``12,5`` has a decimal comma, ``1.234.567`` has thousands points.
Only ``22,349`` and ``1.711`` can be read two ways, a thousandfold apart. They are decided by the
other cells of their column, then by the rest of the table; what remains open is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal

import numpy as np

Decimal = Literal["auto", "point", "comma"]
Thousands = Literal["auto", "none", "point", "comma"]
Role = Literal["decimal", "thousands", "open"]

_SHAPE = re.compile(
    r"(?:[<>≤≥=~+\-\s]|lt|gt|[LGN](?=[\d.,]))*"
    r"(?P<body>[\d.,'’ ]*\d[.,]?)\s*(?:[<>*]|[A-Za-z%‰µ/]{1,6})?",
    re.I,
)
_CODE = re.compile(r"-(\d)\1+(\.0+)?")
"""Numbers such as -9999 and -8888: they say nothing of the size of contents."""
_GAPS = re.compile(r"\d{1,3}(?:[ '’]\d{3})+(?:[.,]\d+)?")
_GROUPS = {sign: re.compile(rf"\d{{1,3}}(?:{re.escape(sign)}\d{{3}})+") for sign in ",."}
_INDIAN = re.compile(r"\d{1,2}(?:,\d{2})+,\d{3}")
_EITHER = {sign: re.compile(rf"[1-9]\d{{0,2}}{re.escape(sign)}\d{{3}}") for sign in ",."}


@dataclass(frozen=True)
class Notation:
    """How the cells that allow two readings are read.

    Parameters
    ----------
    comma
        What the comma of ``22,349`` is.
    point
        What the point of ``1.711`` is.
    strict
        Whether a decimal comma such as ``12,5`` is refused (``decimal = "point"`` was stated).
    """

    comma: Role = "thousands"
    point: Role = "decimal"
    strict: bool = False


POINT = Notation()
"""Decimal point, thousands comma."""
COMMA = Notation("decimal", "thousands")
"""Decimal comma, thousands point."""


@dataclass(frozen=True)
class NotationEvidence:
    """Number of different cells that prove the meaning of a sign, or leave it open.

    ``comma_open`` and ``point_open`` count the cells that allow two readings; ``sum_open`` and
    ``sum_plain`` hold the sums of ln of these (as decimals) and of all other positive numbers.
    """

    comma_decimal: int = 0
    point_decimal: int = 0
    comma_groups: int = 0
    point_groups: int = 0
    comma_open: int = 0
    point_open: int = 0
    plain: int = 0
    sum_open: float = 0.0
    sum_plain: float = 0.0

    def __add__(self, other: NotationEvidence) -> NotationEvidence:
        names = (f.name for f in fields(self))
        return NotationEvidence(**{n: getattr(self, n) + getattr(other, n) for n in names})

    @property
    def decimal(self) -> Literal["point", "comma"]:
        """The decimal sign that most cells prove."""
        return "comma" if self.comma_decimal > self.point_decimal else "point"


def gather(cells: Iterable[object]) -> NotationEvidence:
    """Collect what the text cells of a column prove; numbers of workbooks prove nothing.

    >>> found = gather(["12,5", "22,349", "<0,5", "818"])
    >>> found.comma_decimal, found.comma_open, found.plain
    (2, 1, 3)
    """
    counts = dict.fromkeys((f.name for f in fields(NotationEvidence)), 0.0)
    for cell in set(cells):
        if isinstance(cell, (int, float, np.number)):
            _add_plain(counts, float(cell))
        elif isinstance(cell, str) and cell:
            _add_text(counts, cell)
    whole = {name: int(count) for name, count in counts.items() if not name.startswith("sum")}
    return NotationEvidence(**whole, sum_open=counts["sum_open"], sum_plain=counts["sum_plain"])


def _add_plain(counts: dict[str, float], number: float) -> None:
    if 0 < number < np.inf:
        counts["plain"] += 1
        counts["sum_plain"] += np.log(number)


def _add_text(counts: dict[str, float], cell: str) -> None:
    match = _SHAPE.fullmatch(cell.strip())
    if match is None or _CODE.fullmatch(cell.strip()):
        return
    body = match["body"]
    if _GAPS.fullmatch(body):
        body = re.sub("[ '’]", "", body)
    kind = kind_of(body)
    if kind == "":
        return
    for part in kind.split("+"):
        if part != "plain":
            counts[part] += 1
    if kind.endswith("_open"):
        counts["sum_open"] += np.log(float(body.replace(",", ".")))
    else:
        _add_plain(counts, read_number(body, POINT))


def kind_of(body: str) -> str:
    """Say what a number's own signs prove: names of ``NotationEvidence``, joined by +; "" for no number.

    >>> [kind_of(word) for word in ("12,5", "0.123", "1.234,5", "1,234,567", "22,349", "1.2.3")]
    ['comma_decimal', 'point_decimal', 'comma_decimal+point_groups', 'comma_groups', 'comma_open', '']
    """  # noqa: E501
    commas, points = body.count(","), body.count(".")
    if not commas and not points:
        return "plain" if body.isdigit() else ""
    if commas and points:
        return _both_signs(body, commas, points)
    sign, name, count = (",", "comma", commas) if commas else (".", "point", points)
    if count > 1:
        grouped = _GROUPS[sign].fullmatch(body) or (sign == "," and _INDIAN.fullmatch(body))
        return f"{name}_groups" if grouped else ""
    if _EITHER[sign].fullmatch(body):
        return f"{name}_open"
    return f"{name}_decimal" if body.replace(sign, "").isdigit() else ""


def _both_signs(body: str, commas: int, points: int) -> str:
    sign, group = (",", ".") if body.rfind(",") > body.rfind(".") else (".", ",")
    whole, _, rest = body.rpartition(sign)
    grouped = _GROUPS[group].fullmatch(whole) or (group == "," and _INDIAN.fullmatch(whole))
    if not grouped or (rest and not rest.isdigit()) or body.count(sign) > 1:
        return ""
    names = {",": "comma", ".": "point"}
    return f"{names[sign]}_decimal+{names[group]}_groups"


def read_number(body: str, notation: Notation) -> float:
    """Turn an unsigned number into a float; NaN where it is none.

    >>> [read_number(word, COMMA) for word in ("12,5", "1.711", "1 234,5", "1.234.567", "1e3")]
    [12.5, 1711.0, 1234.5, 1234567.0, 1000.0]
    >>> [read_number(word, POINT) for word in ("22,349", "1.711", "1'711.5", "1,2,3")]
    [22349.0, 1.711, 1711.5, nan]
    """
    base, mark, power = body.lower().partition("e")
    if _GAPS.fullmatch(base):
        base = re.sub("[ '’]", "", base)
    kind = kind_of(base)
    if kind == "" or (notation.strict and kind.startswith("comma_decimal")):
        return float("nan")
    try:
        return float(_plain(base, kind, notation) + mark + power)
    except ValueError:
        return float("nan")


def _plain(base: str, kind: str, notation: Notation) -> str:
    if kind == "comma_open":
        return base.replace(",", "" if notation.comma == "thousands" else ".")
    if kind == "point_open":
        return base.replace(".", "") if notation.point == "thousands" else base
    if kind.startswith("comma_decimal"):
        return base.replace(".", "").replace(",", ".")
    if kind.startswith("point_decimal"):
        return base.replace(",", "")
    return base.replace(",", "").replace(".", "")


def stated_notation(decimal: Decimal, thousands: Thousands) -> Notation | None:
    """Return the notation that the settings state; None where they leave it to the table.

    >>> stated_notation("comma", "auto") == COMMA, stated_notation("auto", "auto")
    (True, None)
    """
    if decimal == "auto" and thousands == "auto":
        return None
    if thousands == "none":
        return Notation("decimal", "decimal", strict=decimal == "point")
    if decimal == "comma" or (decimal == "auto" and thousands == "point"):
        return COMMA
    return replace(POINT, strict=decimal == "point")


def find_notation(
    column: NotationEvidence, table: NotationEvidence, delimiter: str = ""
) -> Notation:
    """Decide the open cells of a column.

    Parameters
    ----------
    column, table
        What the cells of the column and of the whole table prove.
    delimiter
        Delimiter of a text file: semicolons go with decimal commas.

    Examples
    --------
    A file with semicolons whose contents all have three decimals:

    >>> cells = gather(["22,349", "143,553"])
    >>> find_notation(cells, cells, ";").comma
    'decimal'

    Thousands points beside a decimal comma, and a table that does not say:

    >>> find_notation(gather(["1.711", "818,1"]), NotationEvidence()).point
    'thousands'
    >>> find_notation(cells, cells, ",").comma
    'open'
    """
    return Notation(_comma(column, table, delimiter), _point(column, table))


def _comma(column: NotationEvidence, table: NotationEvidence, delimiter: str) -> Role:
    own = _role(column.comma_decimal, column.comma_groups + column.point_decimal)
    near = _nearness(column)
    if own is not None:
        return own
    wide = _role(table.comma_decimal, table.comma_groups)
    if wide is None and delimiter == ";" and not table.point_decimal:
        wide = "decimal"
    if near is not None and wide is not None and near != wide:
        return "open"
    return wide or near or "open"


def _point(column: NotationEvidence, table: NotationEvidence) -> Role:
    own = _role(column.point_decimal, column.point_groups + column.comma_decimal)
    near = _nearness(column)
    if own is not None:
        return own
    wide = _role(table.point_decimal, table.point_groups)
    if wide is None and not table.comma_decimal and not table.point_groups:
        wide = "decimal"
    if near is not None and wide is not None and near != wide:
        return "open"
    return wide or near or "open"


def _role(decimal: int, thousands: int) -> Role | None:
    """Detect the role that the proofs agree on; "open" where they contradict each other."""
    if decimal and thousands:
        return "open"
    return "decimal" if decimal else "thousands" if thousands else None


def _nearness(column: NotationEvidence) -> Role | None:
    """Return which reading of the open cells is of the size of the column's other numbers."""
    count = column.comma_open + column.point_open
    if not count or not column.plain:
        return None
    apart = column.sum_plain / column.plain - column.sum_open / count
    if abs(apart) < np.log(30):
        return "decimal"
    return "thousands" if abs(apart - np.log(1000)) < np.log(30) else None


def open_example(cells: Sequence[object], notation: Notation) -> str | None:
    """Find a cell that the notation leaves open; None where there is none.

    >>> open_example(["3", "22,349"], Notation("open", "decimal"))
    '22,349'
    """
    left = {f"{name}_open" for name in ("comma", "point") if getattr(notation, name) == "open"}
    if not left:
        return None
    for cell in cells:
        match = _SHAPE.fullmatch(cell.strip()) if isinstance(cell, str) else None
        if match and kind_of(match["body"]) in left:
            return match["body"]
    return None
