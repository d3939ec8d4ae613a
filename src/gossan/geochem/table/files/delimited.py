"""Read delimited text as laboratories send it: any encoding and delimiter."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from gossan.errors import SurveyError, must
from gossan.geochem.table.files.encodings import find_encoding

DELIMITERS: dict[str, str] = {
    "comma": ",",
    "semicolon": ";",
    "tab": "\t",
    "pipe": "|",
    "space": " ",
}
LARGEST_FILE = 2 * 1024**3
"""Bytes of the largest table that is read."""


@dataclass(frozen=True)
class DelimitedText:
    """The rows of a text file, with how it was read.

    Parameters
    ----------
    rows
        Cells of every line that is not blank.
    numbers
        Line number of each row in the file, the first line being 1.
    encoding, delimiter
        As stated or as found.
    """

    rows: list[list[str]]
    numbers: list[int]
    encoding: str
    delimiter: str


def read_text(path: Path, delimiter: str = "auto", encoding: str = "auto") -> DelimitedText:
    """Read a delimited text file into rows of cells.

    Parameters
    ----------
    path
        File.
    delimiter
        "auto", a word of ``DELIMITERS``, or the sign itself.
    encoding
        "auto" or any name that Python knows ("utf-8", "cp1252", "gb18030", ...).

    Raises
    ------
    SurveyError
        If the file cannot be decoded, is empty or is too large.
    """
    data = read_bytes(path)
    name = find_encoding(data) if encoding == "auto" else encoding
    try:
        text = data.decode(name)
    except (UnicodeDecodeError, LookupError) as error:
        cure = 'Set encoding = "cp1252", "gb18030" or whatever the sender used'
        raise SurveyError(must(f"encoding of {path.name}", "the file's own", name, cure)) from error
    sign = find_delimiter(text) if delimiter == "auto" else DELIMITERS.get(delimiter, delimiter)
    if len(sign) != 1:
        known = ", ".join(DELIMITERS)
        raise SurveyError(must("delimiter", f"one sign, or {known}", repr(sign), "Use one of them"))
    rows, numbers = _split(text, sign)
    if not rows:
        raise SurveyError(must(path.name, "a table", "an empty file", "Check the path"))
    return DelimitedText(rows, numbers, name, sign)


def read_bytes(path: Path) -> bytes:
    """Read a whole file.

    Raises
    ------
    SurveyError
        If it cannot be read or is larger than ``LARGEST_FILE``.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            got = f"{path.stat().st_size / 1024**3:.1f} GiB"
            raise SurveyError(must(path.name, "at most 2 GiB", got, "Split the table"))
        return path.read_bytes()
    except OSError as error:
        cure = "Close it in other programs and check your rights"
        raise SurveyError(must(path.name, "readable", error.strerror, cure)) from error


def find_delimiter(text: str) -> str:
    """Detect the delimiter: the sign that splits most lines into the same, largest number of cells.

    A sign that no number holds wins over the comma where nearly all lines agree on it: with
    decimal commas, commas may agree too. Blanks part cells only where no other sign does: they
    also stand in titles, names and degrees.

    >>> find_delimiter("id;Cu;Zn\\n1;12,5;80,1\\n2;13,0;77,2\\n")
    ';'
    >>> find_delimiter("ID,lon,lat\\nS1,69 30 18 W,23 29 59 S\\nS2,69 28 42 W,23 29 38 S\\n")
    ','
    """
    head = "\n".join(text[:200_000].splitlines()[:200])
    scores = {sign: _consistency(head, sign) for sign in DELIMITERS.values() if sign != " "}
    best = max(scores, key=lambda sign: scores[sign])
    if scores[best] > 0:
        return best
    return " " if _consistency(head, " ") > 0 else ","


def _consistency(text: str, sign: str) -> float:
    """Score a delimiter; 0 where most lines do not hold it or disagree on the number of cells."""
    counts = Counter(len(row) for row in _split(text, sign)[0])
    if not counts:
        return 0.0
    total = sum(counts.values())
    width, times = max(counts.items(), key=lambda item: ((item[0] - 1) * item[1] ** 2, item[0]))
    near = sum(n for w, n in counts.items() if w > 1)
    if width < 2 or near < 0.4 * total:
        return 0.0
    score = (width - 1) * (times / total) ** 2
    safe = sign not in ", " and (width >= 3 or "," not in text) and times >= 0.8 * total
    return score + 1e6 * safe


def _split(text: str, delimiter: str) -> tuple[list[list[str]], list[int]]:
    csv.field_size_limit(2**31 - 1)
    lines = io.StringIO(re.sub("\r\n?", "\n", text), newline="\n")
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=False)
    rows: list[list[str]] = []
    numbers: list[int] = []
    start = 1
    for row in reader:
        cells = [cell.strip() for cell in row]
        if any(cells):
            rows.append(cells)
            numbers.append(start)
        start = reader.line_num + 1
    return rows, numbers
