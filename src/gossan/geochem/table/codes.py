"""Distinguish numbers that are codes from contents and limits, by the contents around them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gossan.errors import must
from gossan.geochem.findings import Finding, rows_where
from gossan.geochem.table.cells import Cells

FAR = 5.0
"""A negative number this many times the largest measured value is a code, not a limit."""
FAR_ABOVE = 10.0
"""A number of nines this many times the largest other value may be a code."""


def sort_codes(
    cells: Cells,
    raw: Sequence[object],
    rows: NDArray[np.int_],
    element: str,
    stated: Sequence[float] = (),
) -> tuple[Cells, list[Finding]]:
    """Read negative numbers far above all contents as missing; report other likely codes.

    Parameters
    ----------
    cells
        The parsed column.
    raw
        Its cells as they stand in the file.
    rows
        (n,) rows of the file.
    element
        The element concerned.
    stated
        Numbers that the user states to be missing codes.

    Examples
    --------
    >>> from gossan.geochem.table.cells import parse_cells
    >>> raw = [12, 30, 25, 41, 18, -8888, -5]
    >>> cells, found = sort_codes(parse_cells(raw), raw, np.arange(2, 9), "Cu")
    >>> cells.missing.nonzero()[0].tolist(), cells.below.nonzero()[0].tolist()
    ([5], [6])
    """
    measured = cells.number[cells.measured & np.isfinite(cells.number)]
    if len(measured) < 5:
        return cells, []
    top = float(measured.max())
    codes = cells.negative & _far(cells.number, top)
    found = _code_findings(cells, codes, rows, element)
    if -99 not in stated:
        found += _open_codes(cells, raw, rows, element)
    found += _high_codes(cells, measured, rows, element)
    number = np.where(codes, np.nan, cells.number)
    below, negative = cells.below & ~codes, cells.negative & ~codes
    missing = cells.missing | codes
    return replace(cells, number=number, below=below, negative=negative, missing=missing), found


def _far(numbers: NDArray[np.float64], top: float) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        far = np.asarray(numbers > FAR * top, bool)
        above = np.flatnonzero((numbers > top) & ~far)
    far[above] = [_one_digit(number, 2) or number == 9 for number in numbers[above].tolist()]
    return far


def _one_digit(number: float, digits: int) -> bool:
    """Recognise numbers such as 8888 and 99: at least so many digits, all the same."""
    if not np.isfinite(number) or abs(number) > 1e12 or number != int(number):
        return False
    word = str(abs(int(number)))
    return len(word) >= digits and len(set(word)) == 1 and word[0] != "0"


def _code_findings(
    cells: Cells, codes: NDArray[np.bool_], rows: NDArray[np.int_], element: str
) -> list[Finding]:
    if not codes.any():
        return []
    shown = ", ".join(f"-{number:g}" for number in np.unique(cells.number[codes])[:4])
    first = f"-{cells.number[codes][0]:g}"
    message = (
        f"{shown} of {element} lies far above all contents and is read as a missing code "
        f"(below = [{first}] makes it a limit)"
    )
    return [Finding("warning", "code", message, rows_where(rows, codes), element)]


def _open_codes(
    cells: Cells, raw: Sequence[object], rows: NDArray[np.int_], element: str
) -> list[Finding]:
    """Ask where -99 may be a missing code or one of the limits around it."""
    limits = cells.number[cells.negative]
    if not len(limits) or not cells.missing.any():
        return []
    words = np.array([str(cell).strip() for cell in raw], object)
    nines = np.array([bool(re.fullmatch(r"-9{2}(\.0+)?", word)) for word in words])
    doubtful = nines & cells.missing
    if not doubtful.any() or not limits.min() < 99 <= 1.5 * limits.max():
        return []
    message = must(
        f"-99 of {element}",
        "a missing code or a limit",
        f"other negative numbers from -{limits.min():g} to -{limits.max():g}",
        "State it: missing = [-99] or below = [-99]",
    )
    return [Finding("error", "code", message, rows_where(rows, doubtful), element)]


def _high_codes(
    cells: Cells, measured: NDArray[np.float64], rows: NDArray[np.int_], element: str
) -> list[Finding]:
    """Ask where 9999 stands far above all other contents."""
    top = float(measured.max())
    others = measured[measured < top]
    count = int((measured == top).sum())
    nines = _one_digit(top, 3) and (top >= 9999 or count >= 3)
    if not nines or not len(others) or top < FAR_ABOVE * others.max():
        return []
    message = must(
        f"{top:g} of {element}",
        "a content or a code",
        f"{count} of them, all other contents being at most {others.max():g}",
        f'Set missing = [{top:g}], or accept = ["code"] if it is measured',
    )
    where = rows_where(rows, cells.measured & (cells.number == top))
    return [Finding("error", "code", message, where, element)]
