"""Read a table of any usual format into text cells with the row numbers that the user sees."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import CRS

from gossan.catalogue.elements import unit_of_word
from gossan.errors import SurveyError, must
from gossan.geochem.cells import Decimal
from gossan.geochem.delimited import read_text
from gossan.geochem.findings import Finding, Findings

TEXT_ENDINGS = (".csv", ".txt", ".tsv", ".tab", ".dat", ".asc")
SHEET_ENDINGS = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods")
VECTOR_ENDINGS = (".gpkg", ".geojson", ".json", ".shp")


@dataclass(frozen=True, eq=False)
class Table:
    """Hold a table as it stands in its file.

    Parameters
    ----------
    frame
        Cells; text and spreadsheet files as they are written, vector files typed.
    rows
        (n,) row of the file of each record; features of vector files are counted from 1.
    decimal
        Decimal sign of text cells.
    units, limits
        Unit and detection limit by column, from rows below the header that state them.
    crs, coordinates
        Of vector files: their CRS and the (n, 2) positions.
    findings
        How the file was understood.
    """

    frame: pd.DataFrame
    rows: NDArray[np.int_]
    decimal: Decimal = "point"
    units: dict[str, str] = field(default_factory=dict)
    limits: dict[str, str] = field(default_factory=dict)
    crs: CRS | None = None
    coordinates: NDArray[np.float64] | None = None
    findings: Findings = field(default_factory=Findings)

    def __len__(self) -> int:
        return len(self.frame)

    def kept(self, mask: NDArray[np.bool_]) -> Table:
        """Keep some records."""
        coordinates = None if self.coordinates is None else self.coordinates[mask]
        return Table(
            self.frame[mask].reset_index(drop=True),
            self.rows[mask],
            self.decimal,
            self.units,
            self.limits,
            self.crs,
            coordinates,
            self.findings,
        )


def read_table(
    path: Path,
    sheet: str | None = None,
    delimiter: str = "auto",
    decimal: str = "auto",
    encoding: str = "auto",
    header_row: int | None = None,
) -> Table:
    """Read CSV or other delimited text, a spreadsheet, or a vector file.

    Parameters
    ----------
    path
        The file; its ending tells the format.
    sheet
        Sheet of a spreadsheet or layer of a GeoPackage; default: the first.
    delimiter, decimal, encoding
        Of text files; "auto" finds them.
    header_row
        Row of the header, 1 being the first; default: the first row that looks like one.

    Raises
    ------
    SurveyError
        If the file is missing, of another format, damaged or empty.
    """
    if not path.is_file():
        raise SurveyError(must("path", "a file that exists", str(path), _cure_missing(path)))
    ending = path.suffix.lower()
    if ending in TEXT_ENDINGS:
        text = read_text(path, delimiter, decimal, encoding)
        note = f"read as {text.encoding} text, delimiter {text.delimiter!r}, decimal {text.decimal}"
        findings = Findings((Finding("note", "read", note), *_long_cells(text.numbers)))
        return _tabulate(path, text.rows, text.numbers, text.decimal, header_row, findings)
    if ending in SHEET_ENDINGS:
        return _read_sheet(path, sheet, header_row, "comma" if decimal == "comma" else "point")
    if ending in VECTOR_ENDINGS:
        return _read_vector(path, sheet)
    known = ", ".join((*TEXT_ENDINGS, *SHEET_ENDINGS, *VECTOR_ENDINGS))
    raise SurveyError(must("path", f"a table ({known})", path.name, "Save it as CSV"))


def _long_cells(numbers: Sequence[int]) -> list[Finding]:
    """Find rows that run over many lines, as after a quote that is never closed."""
    steps = np.diff(numbers)
    long = tuple(int(n) for n, step in zip(numbers, steps) if step > 5)
    if not long:
        return []
    message = "a row runs over many lines: check for a quote that is not closed"
    return [Finding("warning", "long-row", message, long)]


def _cure_missing(path: Path) -> str:
    import difflib

    if not path.parent.is_dir():
        return f"The folder {path.parent} does not exist; paths are relative to the project file"
    names = [entry.name for entry in path.parent.iterdir()]
    near = difflib.get_close_matches(path.name, names, 1, 0.6)
    return f"Did you mean {near[0]!r}" if near else "Paths are relative to the project file"


def _read_sheet(path: Path, sheet: str | None, header_row: int | None, decimal: Decimal) -> Table:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(str(path))
    except (CalamineError, OSError) as error:
        cure = "Open it in a spreadsheet program and save it again"
        raise SurveyError(must(path.name, "a readable spreadsheet", error, cure)) from error
    names = book.sheet_names
    if sheet is not None and sheet not in names:
        raise SurveyError(must("sheet", " or ".join(map(repr, names)), repr(sheet), "Name one"))
    used = sheet or names[0]
    cells = book.get_sheet_by_name(used).to_python(skip_empty_area=False)
    rows = [[_sheet_cell(cell) for cell in row] for row in cells]
    numbers = [i + 1 for i, row in enumerate(rows) if any(row)]
    rows = [row for row in rows if any(row)]
    if not rows:
        raise SurveyError(must(f"sheet {used!r}", "a table", "an empty sheet", "Name another"))
    others = [name for name in names if name != used]
    more = f"; other sheets: {', '.join(others)}" if others and sheet is None else ""
    findings = Findings((Finding("note", "read", f"read sheet {used!r}{more}"),))
    return _tabulate(path, rows, numbers, decimal, header_row, findings)


def _sheet_cell(cell: object) -> str:
    if isinstance(cell, bool):
        return str(cell)
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    return str(cell).strip()


def _read_vector(path: Path, layer: str | None) -> Table:
    try:
        frame = geopandas.read_file(path, layer=layer) if layer else geopandas.read_file(path)
    except Exception as error:  # pyogrio raises many kinds; all mean an unreadable file
        raise SurveyError(
            must(path.name, "a readable vector file", str(error).splitlines()[0], "Check the file")
        ) from error
    if not isinstance(frame, geopandas.GeoDataFrame):
        return Table(pd.DataFrame(frame), np.arange(1, len(frame) + 1))
    frame = frame.set_geometry(_single_points(path, frame.geometry))
    coordinates = np.column_stack([frame.geometry.x.to_numpy(), frame.geometry.y.to_numpy()])
    crs = None if frame.crs is None else CRS.from_user_input(frame.crs)
    table = pd.DataFrame(frame.drop(columns=frame.geometry.name)).reset_index(drop=True)
    rows = np.arange(1, len(table) + 1)
    note = Finding("note", "read", f"read {len(table)} features; rows count features from 1")
    return Table(table, rows, crs=crs, coordinates=coordinates, findings=Findings((note,)))


def _single_points(path: Path, geometry: geopandas.GeoSeries) -> geopandas.GeoSeries:
    kinds = set(geometry.geom_type.dropna())
    if "MultiPoint" in kinds and all(
        len(g.geoms) == 1 for g in geometry if g is not None and g.geom_type == "MultiPoint"
    ):
        return geopandas.GeoSeries(
            [g.geoms[0] if g is not None and g.geom_type == "MultiPoint" else g for g in geometry],
            crs=geometry.crs,
        )
    if kinds - {"Point"}:
        got = ", ".join(sorted(kinds - {"Point"}))
        raise SurveyError(must(path.name, "a layer of points", got, "Give sampling points"))
    return geometry


def _tabulate(
    path: Path,
    rows: list[list[str]],
    numbers: list[int],
    decimal: Decimal,
    header_row: int | None,
    findings: Findings,
) -> Table:
    head = _find_header(rows) if header_row is None else _stated_header(numbers, header_row)
    width = max(len(row) for row in rows[head:])
    names, more = _names(rows[head], width)
    units, limits, start = _rows_below(rows, head, names)
    body = [row + [""] * (width - len(row)) for row in rows[start:]]
    if not body:
        cure = "Check the file, or set header_row"
        raise SurveyError(must(path.name, "a table with rows below its header", "none", cure))
    if numbers[head] != 1:
        findings = findings.adding(
            Finding("note", "header", "the header was taken from", (numbers[head],))
        )
    if start > head + 1:
        said = tuple(numbers[head + 1 : start])
        more.append(Finding("note", "header", "units or limits below the header from", said))
    frame = pd.DataFrame(body, columns=names, dtype=object)
    return Table(frame, np.array(numbers[start:]), decimal, units, limits, findings=findings + more)


def _stated_header(numbers: list[int], header_row: int) -> int:
    if header_row not in numbers:
        raise SurveyError(must("header_row", "a row of the file", header_row, "Count from 1"))
    return numbers.index(header_row)


def _find_header(rows: list[list[str]]) -> int:
    """Find the first row that names most of the columns and holds no number."""
    widest = max(sum(bool(cell) for cell in row) for row in rows[:200])
    for i, row in enumerate(rows[:50]):
        filled = [cell for cell in row if cell]
        numeric = sum(bool(re.fullmatch(r"[<>+-]?\d+([.,]\d+)?", cell)) for cell in filled)
        if len(filled) >= max(2, 0.6 * widest) and numeric <= 0.2 * len(filled):
            return i
    return 0


def _names(header: list[str], width: int) -> tuple[list[str], list[Finding]]:
    names: list[str] = []
    repeated: list[str] = []
    for i in range(width):
        base = " ".join((header[i] if i < len(header) else "").split()) or f"column {i + 1}"
        name, k = base, 2
        while name in names:
            name, k = f"{base}.{k}", k + 1
        if name != base:
            repeated.append(name)
        names.append(name)
    if not repeated:
        return names, []
    said = ", ".join(repeated)
    message = f"columns with a repeated name are called {said}"
    return names, [Finding("warning", "repeated-column", message)]


_LIMIT_ROW = re.compile(
    r"(lower )?(detection limits?|limits? of (detection|reporting)|lod|lld|ldl|mdl|lor|dl|d\.l\.)"
    r"( ?\(.*\))?:?",
    re.I,
)
_UNIT_ROW = re.compile(r"units?:?", re.I)
_METHOD_ROW = re.compile(r"(analytical )?(method|analysis|technique|scheme)( codes?)?:?", re.I)


def _rows_below(
    rows: list[list[str]], head: int, names: Sequence[str]
) -> tuple[dict[str, str], dict[str, str], int]:
    units: dict[str, str] = {}
    limits: dict[str, str] = {}
    start = head + 1
    while start < min(len(rows), head + 6):
        row = rows[start]
        first = next((cell for cell in row if cell), "")
        named = {name: cell for name, cell in zip(names, row) if cell}
        words = [unit_of_word(cell) for cell in named.values()]
        if _UNIT_ROW.fullmatch(first) or sum(word is not None for word in words) >= max(
            1, 0.6 * len(words)
        ):
            found = ((name, unit_of_word(cell)) for name, cell in named.items())
            units |= {name: unit for name, unit in found if unit is not None}
        elif _LIMIT_ROW.fullmatch(first):
            limits |= named
        elif not _METHOD_ROW.fullmatch(first):
            break
        start += 1
    return units, limits, start
