"""Tell numbers, limits, missing codes, blanks and text apart in one column of a table."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.catalogue.elements import unit_of_word

Decimal = Literal["point", "comma"]
Meaning = Literal["concentration", "number"]

# fmt: off
MISSING_WORDS = frozenset({
    "na", "n/a", "n.a.", "n.a", "nan", "null", "none", "-", "--", "---", ".", "*", "?", "#n/a",
    "#na", "#value!", "#div/0!", "is", "i.s.", "ins", "lnr", "ns", "nss", "no_sample", "x",
    "not_analysed", "not_analyzed", "not_measured", "missing",
})
"""Words, in lower case, for a value that was never measured."""

BELOW_WORDS = frozenset({
    "bdl", "bld", "bd", "b.d.l.", "b.d.", "<dl", "<lod", "<lld", "<mdl", "<lor", "<rl", "<d.l.",
    "nd", "n.d.", "n.d", "not_detected", "lld", "tr", "trace", "dl", "<", "below",
    "below_detection", "udl", "bql", "blq",
})
"""Words, in lower case, for a value below a limit that the word does not tell."""

ABOVE_WORDS = frozenset({
    "adl", ">dl", ">uld", ">udl", ">", "over", "ol", "o/l", "over_range", "above",
})
"""Words, in lower case, for a value above a limit that the word does not tell."""
# fmt: on

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_CELL = re.compile(
    rf"^(?P<sign><=?|>=?|≤|≥|L(?=\d)|G(?=\d))?\s*(?P<number>{_NUMBER})\s*"
    rf"(?P<after><|>)?\s*(?P<unit>[%‰A-Za-zµμ][\w/%µμ ]*)?$"
)
_THOUSANDS = re.compile(r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$")
_NINES = re.compile(r"^-9{2,}(\.(0+|9+))?$|^-1(\.0*)?[eE]\+?(3\d|[12]\d)$|^-1\.7\d*[eE]\+?308$")


@dataclass(frozen=True, eq=False)
class Cells:
    """Hold one parsed column: each array is (n,).

    ``number`` is the value or the limit (NaN where neither is told), in the column's unit. At most
    one of the masks holds in a cell; none holds in an ordinary number.

    Parameters
    ----------
    number
        Values and limits.
    blank
        Empty cells and words for "not analysed".
    missing
        Missing codes such as -9999.
    below, above
        Beyond a limit; ``number`` is the limit, NaN where the cell does not tell it.
    text
        Text that is none of these.
    negative
        Negative numbers of a concentration, read as "below" with the limit turned positive.
    unit
        Unit that the cell names itself ("1200 ppb"), else "".
    """

    number: NDArray[np.float64]
    blank: NDArray[np.bool_]
    missing: NDArray[np.bool_]
    below: NDArray[np.bool_]
    above: NDArray[np.bool_]
    text: NDArray[np.bool_]
    negative: NDArray[np.bool_]
    unit: NDArray[np.object_]

    @property
    def measured(self) -> NDArray[np.bool_]:
        """Ordinary numbers."""
        return ~(self.blank | self.missing | self.below | self.above | self.text)


def parse_cells(
    cells: Sequence[object],
    meaning: Meaning = "concentration",
    decimal: Decimal = "point",
    missing: Sequence[str | float] = (),
    below: Sequence[str] = (),
) -> Cells:
    """Parse a column of text or numbers.

    Parameters
    ----------
    cells
        The column as it stands in the file.
    meaning
        "concentration": a negative number is a detection limit, as many laboratories write it;
        "number": it is a number (a coordinate, a covariate).
    decimal
        The decimal sign of the file.
    missing
        Further words or numbers for "not analysed".
    below
        Further words for "below the detection limit".

    Examples
    --------
    >>> parsed = parse_cells(["12.5", "<0.5", "-0.5", ">10000", "BDL", "-9999", "", "n/a", "oops"])
    >>> parsed.number.tolist()
    [12.5, 0.5, 0.5, 10000.0, nan, nan, nan, nan, nan]
    >>> parsed.below.tolist()
    [False, True, True, False, True, False, False, False, False]
    >>> parsed.missing.nonzero()[0].tolist(), parsed.blank.nonzero()[0].tolist()
    ([5], [6, 7])
    >>> parsed.text.nonzero()[0].tolist()
    [8]
    """
    n = len(cells)
    words = np.array([_plain(cell) for cell in cells], dtype=object)
    blank, codes, under, over, text, negative = (np.zeros(n, bool) for _ in range(6))
    units = np.full(n, "", dtype=object)
    record = Cells(np.full(n, np.nan), blank, codes, under, over, text, negative, units)
    fast = _numbers(words, decimal)
    record.number[:] = fast
    numeric_missing = [float(word) for word in missing if _is_number(word)]
    word_missing = {_key(str(word)) for word in missing}
    more_below = {_key(word) for word in below}
    for i in np.flatnonzero(~np.isfinite(fast)).tolist():
        _parse_word(record, i, words[i], decimal, word_missing, more_below)
    plain = np.isfinite(fast)
    minus = plain & (fast < 0)
    coded = plain & np.isin(fast, numeric_missing)
    for i in np.flatnonzero(minus).tolist():
        coded[i] |= bool(_NINES.match(_with_point(words[i], decimal)))
    _apply_codes(record, coded, minus & ~coded, meaning)
    return record


def _apply_codes(
    record: Cells, codes: NDArray[np.bool_], negative: NDArray[np.bool_], meaning: Meaning
) -> None:
    record.missing[codes] = True
    record.number[codes] = np.nan
    if meaning == "concentration":
        record.negative[negative] = True
        record.below[negative] = True
        record.number[negative] *= -1.0


def _plain(cell: object) -> str:
    if cell is None or cell is pd.NA:
        return ""
    if isinstance(cell, float):
        return "" if np.isnan(cell) else repr(cell)
    if isinstance(cell, str):
        if cell.isascii():
            return cell.strip()
        return unicodedata.normalize("NFKC", cell).replace("−", "-").strip()
    return str(cell).strip()


def _numbers(words: NDArray[np.object_], decimal: Decimal) -> NDArray[np.float64]:
    series = pd.Series(words, dtype=object)
    if decimal == "comma":
        series = series.map(lambda word: _with_point(word, "comma"))
    numbers = np.asarray(pd.to_numeric(series, errors="coerce"), dtype=float)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _with_point(word: str, decimal: Decimal) -> str:
    if decimal == "comma":
        return word.replace(".", "").replace(",", ".") if "," in word else word
    return word.replace(",", "") if _THOUSANDS.match(word) else word


def _key(word: str) -> str:
    return "_".join(word.lower().split())


def _is_number(word: str | float) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _parse_word(
    record: Cells,
    i: int,
    word: str,
    decimal: Decimal,
    missing: set[str],
    below: set[str],
) -> None:
    lower = _key(word)
    if not word or lower in missing or (lower in MISSING_WORDS and lower not in below):
        record.blank[i] = True
    elif lower in below or lower in BELOW_WORDS:
        record.below[i] = True
    elif lower in ABOVE_WORDS:
        record.above[i] = True
    else:
        _parse_limit(record, i, word, decimal)


def _parse_limit(record: Cells, i: int, word: str, decimal: Decimal) -> None:
    head = word.lstrip("<>=≤≥LG ")
    match = _CELL.match(word[: len(word) - len(head)] + _with_point(head, decimal))
    if match is None:
        record.text[i] = True
        return
    unit = unit_of_word(match["unit"]) if match["unit"] else ""
    if unit is None:
        record.text[i] = True
        return
    record.number[i] = abs(float(match["number"]))
    record.unit[i] = unit
    sign = match["sign"] or match["after"] or ""
    if sign[:1] in ("<", "≤", "L"):
        record.below[i] = True
    elif sign[:1] in (">", "≥", "G"):
        record.above[i] = True
    else:
        record.number[i] = float(match["number"])
