"""Tell numbers, limits, missing codes, blanks and text apart in one column of a table."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.catalogue.elements import unit_of_word
from gossan.geochem.table.notation import POINT, Notation, read_number

Meaning = Literal["concentration", "number"]
CodeMeaning = Literal["below", "above", "missing", "measured"]

# fmt: off
MISSING_WORDS = frozenset({
    "na", "n/a", "n.a.", "n.a", "nan", "null", "none", "-", "--", "---", "–", "—", ".", "..",
    "...", "…", "*", "?", "#n/a", "#na", "#value!", "#div/0!", "#ref!", "#num!", "#name?",
    "#null!", "is", "i.s.", "ins", "insufficient_sample", "lnr", "listed_not_received", "ns",
    "nss", "no_sample", "x", "not_analysed", "not_analyzed", "not_measured", "not_assayed",
    "no_data", "nodata", "missing", "sin_dato", "sin_datos", "s/d", "sem_dado", "pas_de_donnée",
    "non_analysé", "no_analizado", "não_analisado", "nicht_analysiert", "nicht_bestimmt",
    "brak_danych", "н/д", "нет_данных", "не_опр.", "не_определено", "不明", "未测", "未分析",
    "nr", "n.r.", "lost", "sample_lost", "lost_sample", "broken", "not_received", "notrec",
    "pending", "empty", "insuff", "insuff.", "n.s.s.", "nes", "nsr", "missing_sample", "(null)",
    "1.#qnan", "-1.#ind", "1.#ind", "1.#inf", "-nan", "nan(ind)", "-nan(ind)",
    "n/s", "n/r", "contaminated", "未測定", "欠測", "interference",
    "1.70141e+38", "-1.70141e+38", "1.70141e38",
})
"""Words, in lower case, for a value that was never measured."""

BELOW_WORDS = frozenset({
    "bdl", "bld", "bd", "b.d.l.", "b.d.", "<dl", "<lod", "<lld", "<mdl", "<lor", "<rl", "<d.l.",
    "<loq", "<lq", "<ld", "<ldm", "<l.d.", "nd", "n.d.", "n.d", "not_detected", "no_detectado",
    "não_detectado", "non_détecté", "lld", "tr", "tr.", "trace", "traces", "trazas", "dl", "<",
    "below", "below_detection", "below_detection_limit", "below_limit", "below_det", "below_det.",
    "below_lod", "below_dl", "under_lod", "under_dl", "udl", "nil", "ndt", "-dl", "-lod", "<ldd",
    "<x", "<bdl", "<nd", "bql", "blq",
    "bloq", "sld", "n.n.", "n.b.", "nicht_nachweisbar", "u.n.", "unter_ng", "<ng", "<bg",
    "не_обн.", "не_обн", "не_обнаружено", "н/о", "н.о.", "<по", "сл.", "сл", "следы",
    "未检出", "未檢出", "不検出", "検出限界以下", "<检出限", "痕", "痕量", "ппо", "ниже_по",
    "inf._ld", "p.g.o.", "<gw", "<go", "<d", "<det", "<dt",
})
"""Words, in lower case, for a value below a limit that the word does not state."""

ABOVE_WORDS = frozenset({
    "adl", ">dl", ">uld", ">udl", ">", "over", "ol", "o/l", "over_range", "overrange",
    "over_limit", "above", "above_detection", "above_limit", ">lss", ">ls", "e>",
})
"""Words, in lower case, for a value above a limit that the word does not state."""

CODES: dict[str, CodeMeaning] = {
    **dict.fromkeys(("<", "<=", "≤", "lt", "l", "n", "u", "uj", "k", "t", "d<"), "below"),
    **dict.fromkeys((">", ">=", "≥", "gt", "g"), "above"),
    **dict.fromkeys(("b", "h", "i", "r", "m"), "missing"),
    **dict.fromkeys(("=", "==", "j", "e", "v", "~", "ok", "+", "detected", "measured"), "measured"),
}
"""Meaning of the codes that mark a value, beside it or in a column of their own.

N (not detected), L (detected, below the limit), G (greater than), T (trace), H (interference) and
B (no data) are those of the USGS; U, UJ (not detected), J, E (estimated) and R (rejected) those of
environmental laboratories.
"""
# fmt: on

_CELL = re.compile(
    r"(?P<before><=?|>=?|≤|≥|=|~|[LGNU](?=\s?[\d.,(])|<\s?(?:dl|ld|lod|lld|mdl|lor|rl|loq)\b|"
    r"(?:lt|gt|less than|greater than|over|above|below|bdl|bld|bd|b\.d\.?|nd|n\.d\.?)"
    r"(?=[\s\d<>(]))?"
    r"\s*[<>]?\s*(?P<open>\()?(?P<sign>[+-])?"
    r"(?P<number>(?:\d[\d.,'’]*(?: \d{3})*(?:[.,]\d+)?|[.,]\d+)(?:e[+-]?\d+)?)"
    r"(?(open)\))\s*(?P<after><|>|\*)?\s*(?P<unit>[%‰A-Za-zµμ][\w/%µμ ]*)?",
    re.I,
)
_OTHER_SIGNS = str.maketrans(
    {"−": "-", "·": ".", "٫": ".", "٬": None, "\u200b": None, "\u200e": None}
    | {"〈": "<", "〉": ">", "‹": "<", "›": ">"}
)
_POWER = re.compile(r"(\d)\s*(?:[xX×*]\s*10\s*\^?|[dD])\s*([+-]?\d{1,3})$")
"""Powers of ten of old programs (2.6D+01) and of people (2.6x10^-3)."""
_ORDINARY = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
"""Numbers with nothing around them: most cells."""
_SUFFIXES = frozenset(("N", "L", "G", "T", "H", "B", "U", "UJ", "J"))
_WORDS_BELOW = (
    *("lt", "less than", "below", "bdl", "bld", "bd", "b.d", "b.d.", "nd", "n.d", "n.d."),
    *("n", "l", "u"),
)
_WORDS_ABOVE = ("gt", "greater than", "over", "above", "g")
_NINES = re.compile(
    r"-9{2,}(\.(0+|9+))?|-?1(\.0*)?e\+?(3\d|[12]\d)|-1\.7\d*e\+?308|1\.7014\d*e\+?38"
)


@dataclass(frozen=True, eq=False)
class Cells:
    """One parsed column: each array is (n,).

    ``number`` is the value or the limit (NaN where neither is stated), in the column's unit. At
    most one of the masks holds in a cell; none holds in an ordinary number.

    Parameters
    ----------
    number
        Values and limits.
    blank
        Empty cells and words for "not analysed".
    missing
        Missing codes such as -9999.
    below, above
        Beyond a limit; ``number`` is the limit, NaN where the cell does not state it.
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


@dataclass(frozen=True)
class Words:
    """The words, numbers and codes that the user adds to those known.

    Parameters
    ----------
    missing, below
        Words or numbers for "not analysed" and for "below the detection limit"; a number in
        ``below`` is the limit itself.
    codes
        Meaning of further letters beside a number.
    """

    missing: tuple[str | float, ...] = ()
    below: tuple[str | float, ...] = ()
    codes: Mapping[str, CodeMeaning] | None = None

    def numbers(self, name: Literal["missing", "below"]) -> list[float]:
        """Return the numbers among the words."""
        return [float(word) for word in getattr(self, name) if _is_number(word)]

    def words(self, name: Literal["missing", "below"]) -> set[str]:
        """Return the words that are no numbers, as they are compared."""
        return {_key(str(word)) for word in getattr(self, name) if not _is_number(word)}

    def meaning(self, code: str) -> CodeMeaning | None:
        """Return what a code means; None where it is not known."""
        more = {key.lower(): meaning for key, meaning in (self.codes or {}).items()}
        return more.get(code.lower()) or CODES.get(code.lower())


NO_WORDS = Words()


class _Parsed(NamedTuple):
    """One cell that is no plain number: kind, number and unit."""

    kind: Literal["blank", "below", "above", "text", "measured"]
    number: float = float("nan")
    unit: str = ""


def parse_cells(
    cells: Sequence[object],
    meaning: Meaning = "concentration",
    notation: Notation = POINT,
    words: Words = NO_WORDS,
) -> Cells:
    """Parse a column of text or numbers.

    Parameters
    ----------
    cells
        The column as it stands in the file.
    meaning
        "concentration": a negative number is a detection limit, as many laboratories write it;
        "number": it is a number (a coordinate, a covariate).
    notation
        Decimal and thousands signs of text cells.
    words
        What the user adds to the known words.

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
    >>> parse_cells(["25.0N", "70G", "ND (5)", ".0000B"]).number.tolist()
    [25.0, 70.0, 5.0, nan]
    """
    n = len(cells)
    texts = [_plain(cell) for cell in cells]
    blank, codes, under, over, text, negative = (np.zeros(n, bool) for _ in range(6))
    record = Cells(
        _numbers(texts, notation), blank, codes, under, over, text, negative,
        np.full(n, "", dtype=object),
    )  # fmt: skip
    plain = np.isfinite(record.number)
    masks = {"blank": blank, "below": under, "above": over, "text": text}
    missing, below = words.words("missing"), words.words("below")
    for i in np.flatnonzero(~plain).tolist():
        parsed = _parse(texts[i], notation, words, missing, below)
        record.number[i], record.unit[i] = parsed.number, parsed.unit
        if parsed.kind != "measured":
            masks[parsed.kind][i] = True
    _apply_codes(record, texts, plain, meaning, words)
    for part in fields(record):
        getattr(record, part.name).flags.writeable = False
    return record


def _apply_codes(
    record: Cells, texts: Sequence[str], plain: NDArray[np.bool_], meaning: Meaning, words: Words
) -> None:
    """Sort missing codes and negative limits out of the plain numbers."""
    number = record.number
    limit = plain & np.isin(number, words.numbers("below"))
    code = plain & np.isin(number, words.numbers("missing")) & ~limit
    for i in np.flatnonzero(plain & ~limit & ((number < 0) | (number > 1e9))).tolist():
        code[i] |= bool(_NINES.fullmatch(texts[i].lower().replace(",", ".")))
    minus = plain & (number < 0) & ~code & ~limit
    record.missing[code] = True
    number[code] = np.nan
    record.below[limit] = True
    number[limit] = np.abs(number[limit])
    if meaning == "concentration":
        record.negative[minus] = True
        record.below[minus] = True
        number[minus] *= -1.0


def _plain(cell: object) -> str:
    if isinstance(cell, str):
        if _ORDINARY.fullmatch(cell):
            return cell
        if not cell.isascii():
            cell = _ascii_digits(unicodedata.normalize("NFKC", cell))
        return _unwrapped(cell.strip())
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return ""
    if isinstance(cell, (float, np.floating)):
        return "" if np.isnan(cell) else repr(float(cell))
    return str(cell).strip()


def _unwrapped(word: str) -> str:
    """Take off what spreadsheets and web pages put around a cell, and word powers of ten as E.

    >>> _unwrapped('="26.3"'), _unwrapped("'<20"), _unwrapped("&lt;20"), _unwrapped("2.6x10^-3")
    ('26.3', '<20', '<20', '2.6e-3')
    """
    if word[:1] in "='" or "&" in word:
        word = html.unescape(re.sub(r'^="(.*)"$|^\'', r"\1", word)).strip()
    if word[-1:].isdigit() and _POWER.search(word):
        word = _POWER.sub(r"\1e\2", word)
    return word


def _ascii_digits(word: str) -> str:
    """Write minus signs, decimal signs and digits of other scripts as ASCII.

    >>> _ascii_digits("−١٢٫٥"), _ascii_digits("12·5")
    ('-12.5', '12.5')
    """
    plain = word.translate(_OTHER_SIGNS)
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in plain)


def _numbers(texts: Sequence[str], notation: Notation) -> NDArray[np.float64]:
    """Read the plain numbers at once; NaN where a cell is none or its signs need a look."""
    series = pd.Series(texts, dtype=object)
    numbers = np.asarray(pd.to_numeric(series, errors="coerce"), dtype=float).copy()
    numbers[~np.isfinite(numbers)] = np.nan
    unread = np.isnan(numbers)
    doubtful = [] if notation.point == "decimal" else np.flatnonzero(~unread).tolist()
    for i in np.flatnonzero(unread).tolist():
        if texts[i] and texts[i][0] in "+-0123456789.,":
            numbers[i] = _signed(texts[i], notation)
    for i in doubtful:
        if "." in texts[i]:
            numbers[i] = _signed(texts[i], notation)
    return numbers


def _signed(text: str, notation: Notation) -> float:
    body = text.lstrip("+-").strip()
    if len(text) - len(text.lstrip("+-")) > 1:
        return float("nan")
    number = read_number(body, notation)
    return -number if text[0] == "-" else number


def _key(word: str) -> str:
    return re.sub(r"^([<>]=?)_", r"\1", "_".join(word.lower().split()))


def _is_number(word: str | float) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=1 << 16)
def _known_word(word: str) -> _Parsed | None:
    key = _key(word)
    if not word or key in MISSING_WORDS:
        return _Parsed("blank")
    if key in BELOW_WORDS:
        return _Parsed("below")
    return _Parsed("above") if key in ABOVE_WORDS else None


def _parse(
    word: str, notation: Notation, words: Words, missing: set[str], below: set[str]
) -> _Parsed:
    key = _key(word)
    if key in missing:
        return _Parsed("blank")
    if key in below:
        return _Parsed("below")
    return _known_word(word) or _parse_limit(word, notation, words)


def _parse_limit(word: str, notation: Notation, words: Words) -> _Parsed:
    """Read a number with a sign, a word, a code or a unit beside it."""
    match = _CELL.fullmatch(word)
    if match is None or (match["open"] and not (match["before"] or match["after"])):
        return _Parsed("text")
    number = read_number(match["number"], notation)
    suffix = (match["unit"] or "").strip()
    unit = unit_of_word(suffix) if suffix else ""
    kind = _kind(match, word)
    if unit is None:
        meaning = _suffix_meaning(suffix, number, words)
        if meaning is None or kind not in (None, meaning):
            return _Parsed("text")
        kind, unit = meaning, ""
    if np.isnan(number) or match["after"] == "*":
        return _Parsed("text")
    if kind == "missing":
        return _Parsed("blank")
    if kind is None and match["sign"] == "-":
        number = -number
    return _Parsed(kind or "measured", number, unit)


def _suffix_meaning(suffix: str, number: float, words: Words) -> CodeMeaning | None:
    """Tell what letters after a number mean; B is "no data" beside 0 only (else "in the blank")."""
    stated = {code.lower() for code in words.codes or {}}
    if suffix.lower() not in stated and suffix not in _SUFFIXES:
        return None
    if suffix == "B" and "b" not in stated and number != 0:
        return None
    return words.meaning(suffix)


def _kind(match: re.Match[str], word: str) -> CodeMeaning | None:
    before = (match["before"] or "").lower()
    signs = word[: match.start("number")] + (match["after"] or "")
    if before in _WORDS_BELOW or "<" in signs or "≤" in signs:
        return "below"
    return "above" if before in _WORDS_ABOVE or ">" in signs or "≥" in signs else None
