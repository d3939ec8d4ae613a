"""Read qualifiers that stand in a column of their own: N, L, G, <, BDL, 0/1 beside the value."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gossan.catalogue.words import words as words_of
from gossan.errors import must
from gossan.geochem.findings import Finding, rows_where
from gossan.geochem.table.cells import (
    ABOVE_WORDS,
    BELOW_WORDS,
    MISSING_WORDS,
    Cells,
    CodeMeaning,
    Words,
)
from gossan.geochem.table.columns import header_tokens

_YES = frozenset(("1", "1.0", "true", "t", "y", "yes", "x", "*", "sí", "si", "oui", "ja", "да"))
_NO = frozenset(("0", "0.0", "false", "f", "n", "no", "non", "nein", "нет", ""))


def meanings(
    codes: NDArray[np.object_], name: str, numbers: NDArray[np.float64], words: Words
) -> tuple[dict[str, CodeMeaning], list[str]]:
    """Return what each code of a qualifier column means.

    Yes/no columns are understood by their name ("Cu_bdl", "Cu_detected"), else by the values that
    they mark: those of limits are few and small.

    Parameters
    ----------
    codes
        (n,) cells of the column as text.
    name
        Its name.
    numbers
        (n,) numbers that the codes stand beside.
    words
        What the user adds.

    Returns
    -------
    The meaning by code in lower case, and the codes that remain unknown.
    """
    found = sorted({str(code).lower() for code in codes})
    if not any(words.meaning(code) for code in found if code in (words.codes or {})):
        yes = [code for code in found if code in _YES]
        flags = yes and all(code in _YES | _NO for code in found)
        if flags:
            return _flags(found, codes, name, numbers)
    result: dict[str, CodeMeaning] = {}
    unknown = []
    for code in found:
        meaning = _meaning(code, words)
        if meaning is None:
            unknown.append(code)
        else:
            result[code] = meaning
    return result, unknown


_SILENT = frozenset(("", "-", "--", ".", "na", "n/a", "nan", "none", "null", "(null)", "interval"))
"""Cells of a qualifier column that say nothing: exports write empty cells so."""


def _meaning(code: str, words: Words) -> CodeMeaning | None:
    if code in _SILENT and words.meaning(code) is None:
        return "measured"
    known = words.meaning(code)
    key = "_".join(code.split())
    if known is not None:
        return known
    if key in (*BELOW_WORDS, "left", "less_than") or key in words.words("below"):
        return "below"
    if key in (*ABOVE_WORDS, "right", "greater_than"):
        return "above"
    return "missing" if key in MISSING_WORDS or key in words.words("missing") else None


def _flags(
    found: list[str], codes: NDArray[np.object_], name: str, numbers: NDArray[np.float64]
) -> tuple[dict[str, CodeMeaning], list[str]]:
    tokens = {token.lower() for token in header_tokens(name)}
    marked = np.array([str(code).lower() in _YES for code in codes])
    if tokens & words_of("measured_flag"):
        below = "no"
    elif tokens & words_of("below_flag") or _look_like_limits(numbers, marked):
        below = "yes"
    elif _look_like_limits(numbers, ~marked):
        below = "no"
    else:
        return {}, [code for code in found if code]
    return {c: "below" if (c in _YES) == (below == "yes") else "measured" for c in found}, []


def _look_like_limits(numbers: NDArray[np.float64], marked: NDArray[np.bool_]) -> bool:
    """Return whether marked values repeat a few numbers at the low end of the others."""
    inside, outside = (
        numbers[marked & np.isfinite(numbers)],
        numbers[~marked & np.isfinite(numbers)],
    )
    if len(inside) < 3 or len(outside) < 3:
        return False
    return bool(
        len(np.unique(inside)) <= max(3, 0.2 * len(inside))
        and np.median(inside) <= np.quantile(outside, 0.25)
    )


def apply_qualifiers(
    cells: Cells, codes: NDArray[np.object_], known: dict[str, CodeMeaning]
) -> Cells:
    """Turn values into limits, or leave them out, as their qualifiers say.

    >>> from gossan.geochem.table.cells import parse_cells
    >>> codes = np.array(["L", "", "G"], object)
    >>> cells = apply_qualifiers(parse_cells(["25", "40", "70"]), codes,
    ...     {"l": "below", "": "measured", "g": "above"})
    >>> cells.below.tolist(), cells.above.tolist(), cells.number.tolist()
    ([True, False, False], [False, False, True], [25.0, 40.0, 70.0])
    """
    meaning = np.array([known.get(str(code).lower(), "measured") for code in codes], object)
    usable = ~cells.text
    below, above = usable & (meaning == "below"), usable & (meaning == "above")
    lost = usable & (meaning == "missing")
    number = np.where((below | above) & (cells.number == 0), np.nan, cells.number)
    number[lost] = np.nan
    beyond = below | above | lost
    return replace(
        cells,
        number=number,
        blank=(cells.blank & ~below & ~above) | lost,
        missing=cells.missing & ~beyond,
        below=(cells.below & ~above & ~lost) | below,
        above=(cells.above & ~below & ~lost) | above,
        negative=cells.negative & ~beyond,
    )


def qualifier_findings(
    name: str,
    codes: NDArray[np.object_],
    known: dict[str, CodeMeaning],
    unknown: list[str],
    rows: NDArray[np.int_],
    element: str,
) -> list[Finding]:
    """Report how a qualifier column was read, or which of its codes are unknown."""
    if unknown:
        shown = ", ".join(repr(code) for code in unknown[:6])
        key = re.sub(r"[^A-Za-z0-9_-]", "", unknown[0]) or "?"
        cure = (
            f'State them: qualifier_codes = {{ {key} = "below" }} (or "above", "missing", '
            f'"measured"), or set qualifiers = "none"'
        )
        message = must(f"codes of the qualifier column {name!r}", "known", shown, cure)
        bad = np.isin([str(code).lower() for code in codes], unknown)
        return [Finding("error", "qualifier", message, rows_where(rows, bad), element)]
    counts = Counter(str(code) for code in codes if known.get(str(code).lower()) != "measured")
    if not counts:
        return []
    parts = [f"{code} {known[code.lower()]} ({n})" for code, n in counts.most_common(6)]
    message = f"qualifiers of {element} read from column {name!r}: {', '.join(parts)}"
    return [Finding("note", "qualifier", message, element=element)]


def marks_limits(codes: NDArray[np.object_], words: Words) -> bool:
    """Return whether a column holds codes of limits and nothing else.

    >>> marks_limits(np.array(["<", "", "N"], object), Words())
    True
    >>> marks_limits(np.array(["A", "<", "old"], object), Words())
    False
    """
    known = set()
    for code in {str(code).lower() for code in codes}:
        meaning = _meaning(code, words)
        if meaning is None:
            return False
        known.add(meaning)
    return bool({"below", "above"} & known)
