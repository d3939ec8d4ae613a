"""Read delimited text as laboratories send it: any encoding, delimiter and decimal sign."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gossan.errors import SurveyError, must
from gossan.geochem.table.cells import Decimal

DELIMITERS: dict[str, str] = {
    "comma": ",",
    "semicolon": ";",
    "tab": "\t",
    "pipe": "|",
    "space": " ",
}


@dataclass(frozen=True)
class Text:
    """Hold the rows of a text file with how it was read.

    Parameters
    ----------
    rows
        Cells of every line that is not blank.
    numbers
        Line number of each row in the file, the first line being 1.
    encoding, delimiter, decimal
        As stated or as found.
    """

    rows: list[list[str]]
    numbers: list[int]
    encoding: str
    delimiter: str
    decimal: Decimal


def read_text(
    path: Path, delimiter: str = "auto", decimal: str = "auto", encoding: str = "auto"
) -> Text:
    """Read a delimited text file into rows of cells.

    Parameters
    ----------
    path
        File.
    delimiter
        "auto", a word of ``DELIMITERS``, or the sign itself.
    decimal
        "auto", "point" or "comma".
    encoding
        "auto" or any name that Python knows ("utf-8", "cp1252", "gb18030", ...).

    Raises
    ------
    SurveyError
        If the file cannot be decoded, or is empty.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        cure = "Close it in other programs and check your rights"
        raise SurveyError(must(path.name, "readable", error.strerror, cure)) from error
    name = find_encoding(data) if encoding == "auto" else encoding
    try:
        text = data.decode(name)
    except (UnicodeDecodeError, LookupError) as error:
        cure = 'Set encoding = "cp1252", "gb18030" or what the sender used'
        raise SurveyError(must(f"encoding of {path.name}", "the file's own", name, cure)) from error
    sign = find_delimiter(text) if delimiter == "auto" else DELIMITERS.get(delimiter, delimiter)
    rows, numbers = _split(text, sign)
    if not rows:
        raise SurveyError(must(path.name, "a table", "an empty file", "Check the path"))
    found = find_decimal(rows, sign) if decimal == "auto" else decimal
    return Text(rows, numbers, name, sign, "comma" if found == "comma" else "point")


def find_encoding(data: bytes) -> str:
    """Tell the encoding of a file from its bytes.

    A byte order mark decides; else UTF-8 if all of it decodes; else GB18030 where the bytes above
    127 stand in pairs, as Chinese signs do; else a Cyrillic one where they stand in words; else
    Windows-1252.

    >>> find_encoding("Cu (µg/g)".encode("cp1252")), find_encoding("样品铜".encode("gb18030"))
    ('cp1252', 'gb18030')
    >>> find_encoding("Медь (г/т)".encode("cp1251")), find_encoding("Проба; медь".encode("cp866"))
    ('cp1251', 'cp866')
    """
    if data.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if data[:2000].count(0) > len(data[:2000]) // 4:
        return "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
    try:
        data.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError:
        runs = [len(run) for run in re.findall(rb"[\x81-\xfe]+", data)]
    cyrillic = _cyrillic(data)
    if cyrillic is not None:
        return cyrillic
    if all(run % 2 == 0 for run in runs) and _decodes(data, "gb18030"):
        return "gb18030"
    return "cp1252" if _decodes(data, "cp1252") else "latin-1"


def _cyrillic(data: bytes) -> str | None:
    """Tell Windows-1251 or DOS 866 by where their letters lie; None where it is neither.

    Small letters make most of a text: 0xE0-0xFF in Windows-1251, where the first byte of a usual
    Chinese sign never lies; 0xA0-0xAF and 0xE0-0xEF in DOS 866. Western letters stand alone.
    """
    words = re.findall(rb"[\x80-\xff]+", data)
    high = b"".join(words)
    if 2 * sum(len(word) for word in words if len(word) >= 3) <= len(high):
        return None
    share = {
        name: sum(map(high.count, map(bytes, zip(codes)))) / len(high)
        for name, codes in {
            "windows": [0xA8, 0xB8, 0xB9, *range(0xC0, 0x100)],
            "small": range(0xE0, 0x100),
            "dos": [*range(0x80, 0xB0), *range(0xE0, 0xF2), 0xFC],
        }.items()
    }
    if share["windows"] > 0.95 and share["small"] > 0.45:
        return "cp1251"
    return "cp866" if share["dos"] > 0.95 and share["windows"] < 0.6 else None


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def find_delimiter(text: str) -> str:
    """Tell the delimiter: the sign that splits most lines into the same, largest number of cells.

    A sign that no number holds wins over comma and space where nearly all lines agree on it: with
    decimal commas, commas may agree too.

    >>> find_delimiter("id;Cu;Zn\\n1;12,5;80,1\\n2;13,0;77,2\\n")
    ';'
    """
    head = text[:200_000].splitlines()[:200]
    best, best_score = ",", 0.0
    for sign in DELIMITERS.values():
        counts = [len(row) for row in _split("\n".join(head), sign)[0]]
        if not counts:
            continue
        width, times = Counter(counts).most_common(1)[0]
        score = (width - 1) * (times / len(counts)) ** 2
        if sign not in ", " and width >= 3 and times >= 0.9 * len(counts):
            score += 1e6
        if score > best_score * (1.5 if sign == " " else 1.0):
            best, best_score = sign, score
    return best


def find_decimal(rows: Sequence[Sequence[str]], delimiter: str) -> str:
    """Tell the decimal sign: "comma" where cells such as 12,5 occur and none such as 12.5 does.

    >>> find_decimal([["id", "Cu"], ["1", "12,5"]], ";")
    'comma'
    """
    if delimiter == ",":
        return "comma" if _votes(rows[1:])[0] > _votes(rows[1:])[1] else "point"
    commas, points = _votes(rows)
    return "comma" if commas > points else "point"


def _votes(rows: Sequence[Sequence[str]]) -> tuple[int, int]:
    comma = re.compile(r"^[<>\s+-]*(\d+,(?!\d{3}$)\d+|0,\d+|\d{4,},\d+)$")
    point = re.compile(r"^[<>\s+-]*\d*\.\d+$")
    cells = [cell for row in rows[:500] for cell in row if cell]
    return sum(bool(comma.match(c)) for c in cells), sum(bool(point.match(c)) for c in cells)


def _split(text: str, delimiter: str) -> tuple[list[list[str]], list[int]]:
    csv.field_size_limit(2**31 - 1)
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        skipinitialspace=delimiter == " ",
        strict=False,
    )
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
