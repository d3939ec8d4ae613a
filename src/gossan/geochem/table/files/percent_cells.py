"""Find the cells that a workbook shows in percent: their numbers are fractions of one.

The reader of workbooks gives numbers without their formats; the formats are looked up here, in
xlsx by openpyxl, in ods by the cells' own type, and in xls by the records of its stream (BIFF8).
"""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import openpyxl
from defusedxml.ElementTree import iterparse

Place = tuple[int, int]
"""Row and column, from 0."""

_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_FORMAT, _XF, _SHEET, _END = 0x041E, 0x00E0, 0x0085, 0x000A
_NUMBER, _RK, _FORMULA, _MANY = 0x0203, 0x027E, 0x0006, 0x00BD
MOST_ALIKE = 10_000
"""Repeats of a cell or row that are followed: sheets repeat their empty rest a million times."""


def percent_cells(path: Path, sheet: str) -> Iterator[Place]:
    """List the cells of a sheet that are shown in percent.

    Parameters
    ----------
    path
        Workbook: xlsx, xlsm, ods or xls; of other kinds nothing is known.
    sheet
        Name of the sheet.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        if "content.xml" in names:
            yield from _of_ods(path, sheet)
        elif "xl/styles.xml" in names and _has_percent(path):
            yield from _of_xlsx(path, sheet)
    else:
        yield from _of_xls(path, sheet)


def _has_percent(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        styles = archive.read("xl/styles.xml")
    custom = re.findall(rb'<numFmt [^>]*numFmtId="(\d+)"[^>]*formatCode="[^"]*%', styles)
    used = styles.partition(b"<cellXfs")[2].partition(b"</cellXfs>")[0]
    return any(b'numFmtId="%s"' % number in used for number in (b"9", b"10", *custom))


def _of_xlsx(path: Path, sheet: str) -> Iterator[Place]:
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        for row in book[sheet].iter_rows():
            for cell in row:
                if "%" in (getattr(cell, "number_format", "") or "") and cell.value != "":
                    yield cell.row - 1, cell.column - 1
    finally:
        book.close()


def _of_ods(path: Path, sheet: str) -> Iterator[Place]:
    """Follow rows and cells, which ods repeats by number."""
    here, row = "", 0
    with zipfile.ZipFile(path) as archive, archive.open("content.xml") as stream:
        for event, element in iterparse(stream, events=("start", "end")):
            if event == "start" and element.tag == f"{_TABLE}table":
                here, row = element.get(f"{_TABLE}name", ""), 0
            elif event == "end" and element.tag == f"{_TABLE}table-row":
                repeats = int(element.get(f"{_TABLE}number-rows-repeated", "1"))
                columns = list(_percent_columns(element)) if here == sheet else []
                for again in range(min(repeats, MOST_ALIKE) if columns else 0):
                    yield from ((row + again, column) for column in columns)
                row += repeats
                element.clear()


def _percent_columns(row: object) -> Iterator[int]:
    column = 0
    for cell in row:  # type: ignore[attr-defined]
        repeats = int(cell.get(f"{_TABLE}number-columns-repeated", "1"))
        if cell.get(f"{_OFFICE}value-type") == "percentage":
            yield from range(column, column + min(repeats, MOST_ALIKE))
        column += repeats


def _of_xls(path: Path, sheet: str) -> Iterator[Place]:
    """Follow the records of the workbook's stream; those of a damaged file end where they do."""
    data = path.read_bytes()
    if not data.startswith(_OLE):
        return
    try:
        stream = _workbook_stream(data)
        formats, starts = _globals(stream)
        yield from _shown_in_percent(stream, starts[sheet], formats)
    except (struct.error, IndexError, KeyError, UnicodeDecodeError):
        return


def _workbook_stream(data: bytes) -> bytes:
    """Take the stream called Workbook out of a compound file."""
    size = 1 << struct.unpack_from("<H", data, 30)[0]
    (fat_count,) = struct.unpack_from("<I", data, 44)
    (directory,) = struct.unpack_from("<I", data, 48)
    cutoff, mini_start = struct.unpack_from("<II", data, 56)
    next_table, _ = struct.unpack_from("<II", data, 68)
    tables = list(struct.unpack_from("<109I", data, 76))
    while len(tables) < fat_count:
        more = struct.unpack_from(f"<{size // 4}I", data, (next_table + 1) * size)
        tables += more[:-1]
        next_table = more[-1]
    fat = [n for t in tables[:fat_count] for n in _sector_numbers(data, t, size)]
    entries = _chain(data, fat, directory, size, size)
    root, book = _entry(entries, "Root Entry"), _entry(entries, "Workbook")
    if book[1] >= cutoff:
        return _chain(data, fat, book[0], size, size)[: book[1]]
    mini = _chain(data, fat, mini_start, size, size)
    mini_fat = list(struct.unpack(f"<{len(mini) // 4}I", mini))
    inner = _chain(data, fat, root[0], size, size)
    return _chain(inner, mini_fat, book[0], 64, 0)[: book[1]]


def _sector_numbers(data: bytes, sector: int, size: int) -> tuple[int, ...]:
    return struct.unpack_from(f"<{size // 4}I", data, (sector + 1) * size)


def _chain(data: bytes, fat: list[int], start: int, size: int, offset: int) -> bytes:
    """Join the sectors of a stream; ``offset``: where sector 0 begins."""
    parts: list[bytes] = []
    sector = start
    while sector < 0xFFFFFFFA and len(parts) <= len(fat):
        parts.append(data[offset + sector * size : offset + (sector + 1) * size])
        sector = fat[sector]
    return b"".join(parts)


def _entry(directory: bytes, name: str) -> tuple[int, int]:
    """Find start and size of a stream by its name."""
    for at in range(0, len(directory) - 127, 128):
        (length,) = struct.unpack_from("<H", directory, at + 64)
        if directory[at : at + max(length - 2, 0)].decode("utf-16-le") == name:
            start, size = struct.unpack_from("<II", directory, at + 116)
            return start, size
    raise KeyError(name)


def _records(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Read records up to the end of a sheet."""
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        if kind == _END:
            return
        yield kind, stream[at + 4 : at + 4 + length]
        at += 4 + length


def _globals(stream: bytes) -> tuple[list[bool], dict[str, int]]:
    """Read which formats are in percent, and where each sheet begins."""
    percent, formats, starts = {9, 10}, [], {}
    for kind, body in _records(stream, 0):
        if kind == _FORMAT and "%" in _text(body[2:], "<H"):
            percent.add(struct.unpack_from("<H", body)[0])
        elif kind == _XF:
            formats.append(struct.unpack_from("<H", body, 2)[0])
        elif kind == _SHEET:
            starts[_text(body[6:], "<B")] = struct.unpack_from("<I", body)[0]
    return [number in percent for number in formats], starts


def _text(body: bytes, count: str) -> str:
    """Read a string behind its number of letters and a flag of their width."""
    (length,) = struct.unpack_from(count, body)
    at = struct.calcsize(count)
    wide = bool(body[at] & 1)
    raw = body[at + 1 : at + 1 + length * (1 + wide)]
    return raw.decode("utf-16-le" if wide else "latin-1")


def _shown_in_percent(stream: bytes, start: int, formats: list[bool]) -> Iterator[Place]:
    for kind, body in _records(stream, start):
        if kind in (_NUMBER, _RK, _FORMULA):
            row, column, form = struct.unpack_from("<HHH", body)
            if formats[form]:
                yield row, column
        elif kind == _MANY:
            row, first = struct.unpack_from("<HH", body)
            for k in range((len(body) - 6) // 6):
                if formats[struct.unpack_from("<H", body, 4 + 6 * k)[0]]:
                    yield row, first + k
