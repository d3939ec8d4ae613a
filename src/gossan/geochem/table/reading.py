"""Read a table of any usual format into text cells with the row numbers that the user sees."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pyogrio
from numpy.typing import NDArray
from pyproj import CRS

from gossan.catalogue.elements import unit_of_word
from gossan.errors import SurveyError, must
from gossan.geochem.table.cells import Decimal
from gossan.geochem.table.delimited import read_text
from gossan.geochem.table.findings import Finding, Findings
from gossan.geochem.table.sheets import read_sheet

TEXT_ENDINGS = (".csv", ".txt", ".tsv", ".tab", ".dat", ".asc")
SHEET_ENDINGS = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods")
VECTOR_ENDINGS = (".gpkg", ".geojson", ".json", ".shp", ".mif", ".fgb", ".kml")


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
        Sheet of a spreadsheet or layer of a GeoPackage; default: the first that holds a table.
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
    if ending in TEXT_ENDINGS and not (ending == ".tab" and _is_mapinfo(path)):
        text = read_text(path, delimiter, decimal, encoding)
        note = f"read as {text.encoding} text, delimiter {text.delimiter!r}, decimal {text.decimal}"
        findings = Findings((Finding("note", "read", note), *_long_cells(text.numbers)))
        return _tabulate(path, text.rows, text.numbers, text.decimal, header_row, findings)
    if ending in SHEET_ENDINGS:
        return _read_sheet(path, sheet, header_row, "comma" if decimal == "comma" else "point")
    if ending in (*VECTOR_ENDINGS, ".tab"):
        return _read_vector(path, sheet)
    known = ", ".join((*TEXT_ENDINGS, *SHEET_ENDINGS, *VECTOR_ENDINGS))
    raise SurveyError(must("path", f"a table ({known})", path.name, "Save it as CSV"))


def _is_mapinfo(path: Path) -> bool:
    """Tell a MapInfo table from text parted by tabs: both end in .tab."""
    with path.open("rb") as stream:
        return stream.read(16).lstrip().lower().startswith(b"!table")


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
    rows, numbers, said = read_sheet(path, sheet)
    findings = Findings((Finding("note", "read", said),))
    return _tabulate(path, rows, numbers, decimal, header_row, findings)


def _read_vector(path: Path, layer: str | None) -> Table:
    try:
        names = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
        frame = geopandas.read_file(path, layer=layer or names[0])
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
    others = f" (layer {names[0]!r}; others: {', '.join(names[1:])})"
    more = others if len(names) > 1 and layer is None else ""
    message = f"read {len(table)} features; rows count features from 1{more}"
    note = Finding("note", "read", message)
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
_UNIT_ROW = re.compile(
    r"(units?|einheit(en)?|unités?|unidade?s?|ед\.? ?изм\.?|единиц[аы].*|单位)( ?\(.*\))?:?",
    re.I,
)
_AXIS_UNITS = frozenset(
    (
        "m",
        "metre",
        "metres",
        "meter",
        "meters",
        "dd",
        "deg",
        "degree",
        "degrees",
        "°",
        "м",
        "米",
        "度",
    )
)
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
        words = [unit_of_word(c) or c.strip("()[]").lower() in _AXIS_UNITS for c in named.values()]
        if _UNIT_ROW.fullmatch(first) or sum(map(bool, words)) >= max(1, 0.6 * len(words)):
            found = ((name, unit_of_word(cell)) for name, cell in named.items())
            units |= {name: unit for name, unit in found if unit is not None}
        elif _LIMIT_ROW.fullmatch(first):
            limits |= named
        elif not _METHOD_ROW.fullmatch(first):
            break
        start += 1
    return units, limits, start
