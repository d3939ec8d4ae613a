"""Read what laboratories and databases send as .xls and is none: text, a page, XML of 2003."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Literal

from defusedxml.ElementTree import iterparse

Disguise = Literal["text", "html", "xml"]
Cells = list[list[str]]
_SHEETS = "{urn:schemas-microsoft-com:office:spreadsheet}"
MOST_COLUMNS = 16_384
"""Columns of a sheet: a cell that says that it stands further right is damaged."""


def disguise_of(path: Path) -> Disguise | None:
    """Tell what a file is that calls itself a workbook; None where it is one, or is not readable.

    Text has no zero bytes; workbooks are archives or compound files.
    """
    with path.open("rb") as stream:
        head = stream.read(4096)
    if head[:4] in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0") or head[:2] in (b"\x09\x08", b"\x09\x04"):
        return None
    plain = head.lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if plain.startswith(b"<?xml") or plain.startswith(b"<workbook"):
        return "xml" if b"office:spreadsheet" in plain else "html"
    if plain.startswith(b"<"):
        return "html"
    is_text = b"\0" not in head and sum(byte < 9 for byte in head) == 0
    is_wide = head[:2] in (b"\xff\xfe", b"\xfe\xff")
    return "text" if plain and (is_text or is_wide) else None


def cells_of(path: Path, kind: Disguise) -> Cells:
    """Read the rows of the largest table of a page, or of the first sheet of XML."""
    return list(_of_xml(path)) if kind == "xml" else _of_page(path)


class _Tables(HTMLParser):
    """Collect the tables of a page; a cell over several columns stands in the first of them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[Cells] = []
        self.open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.tables.append([])
        elif tag == "tr" and self.tables:
            self.tables[-1].append([])
        elif tag in ("td", "th") and self.tables and self.tables[-1]:
            span = dict(attrs).get("colspan") or "1"
            wide = min(int(span), MOST_COLUMNS) if span.isdigit() else 1
            self.tables[-1][-1] += [""] * wide
            self.open, self.wide = True, wide
        elif tag == "br" and self.open:
            self.handle_data(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "tr", "table"):
            self.open = False

    def handle_data(self, data: str) -> None:
        if self.open:
            row = self.tables[-1][-1]
            row[-self.wide] = f"{row[-self.wide]}{data}"


def _of_page(path: Path) -> Cells:
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", "replace")
    page = _Tables()
    page.feed(text)
    rows = max(page.tables, key=len, default=[])
    return [[" ".join(cell.split()) for cell in row] for row in rows]


def _of_xml(path: Path) -> Iterator[list[str]]:
    """Follow rows and cells; a cell may name its own column, and a row its number."""
    number = 0
    for _, element in iterparse(path):
        if element.tag == f"{_SHEETS}Row":
            at = int(element.get(f"{_SHEETS}Index", number + 1))
            yield from ([] for _ in range(min(at - number - 1, MOST_COLUMNS)))
            number = at
            yield _xml_row(element)
            element.clear()
        elif element.tag == f"{_SHEETS}Worksheet":
            return


def _xml_row(row: object) -> list[str]:
    cells: list[str] = []
    for cell in row:  # type: ignore[attr-defined]
        if cell.tag != f"{_SHEETS}Cell":
            continue
        at = min(int(cell.get(f"{_SHEETS}Index", len(cells) + 1)), MOST_COLUMNS)
        data = cell.find(f"{_SHEETS}Data")
        cells += [""] * (at - 1 - len(cells))
        cells.append("" if data is None else "".join(data.itertext()).strip())
    return cells
