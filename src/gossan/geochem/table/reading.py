"""Read a table of any usual format into cells with the row numbers that the user sees."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import CRS

from gossan.errors import SurveyError, must, reading
from gossan.geochem.findings import Finding, Findings
from gossan.geochem.table.axes import find_axes
from gossan.geochem.table.cells import NO_WORDS, Cells, Meaning, Words, parse_cells
from gossan.geochem.table.files.delimited import read_text
from gossan.geochem.table.files.header import drop_footers, find_header
from gossan.geochem.table.files.markup_sheets import Disguise, cells_of, disguise_of
from gossan.geochem.table.files.sheets import Rows, read_sheet
from gossan.geochem.table.files.vectors import read_layer
from gossan.geochem.table.grid_references import OneCellPlaces, find_references
from gossan.geochem.table.notation import (
    Decimal,
    Notation,
    NotationEvidence,
    Thousands,
    find_notation,
    gather,
    stated_notation,
)
from gossan.geochem.table.written_places import WrittenPoints, find_points, join_degrees

TEXT_ENDINGS = (".csv", ".txt", ".tsv", ".tab", ".dat", ".asc", ".prn")
SHEET_ENDINGS = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods")
VECTOR_ENDINGS = (
    ".gpkg", ".geojson", ".json", ".shp", ".mif", ".fgb", ".kml", ".kmz", ".gml", ".gpx",
    ".gdb", ".zip", ".parquet", ".geoparquet", ".dbf",
)  # fmt: skip


@dataclass(frozen=True)
class FileOptions:
    """How a table's file is read; "auto" and None leave it to the file."""

    sheet: str | None = None
    delimiter: str = "auto"
    decimal: Decimal = "auto"
    thousands: Thousands = "auto"
    encoding: str = "auto"
    header_row: int | None = None


@dataclass(frozen=True, eq=False)
class SurveyTable:
    """A table as it stands in its file.

    Parameters
    ----------
    frame
        Cells; text as it is written, numbers of workbooks and vector files as numbers.
    rows
        (n,) row of the file of each record; features of vector files are counted from 1.
    evidence, delimiter, stated
        What all cells prove about decimal and thousands signs, the delimiter of a text file, and
        the notation where the user states it.
    units, limits, upper_limits
        Unit and detection limits by column, from rows around the header that state them.
    crs, coordinates
        Of vector files: their CRS and the (n, 2) positions.
    findings
        How the file was understood.
    notations
        Signs of the columns that were looked at already; those of all rows hold for some of them.
    """

    frame: pd.DataFrame
    rows: NDArray[np.int_]
    evidence: NotationEvidence = field(default_factory=NotationEvidence)
    delimiter: str = ""
    stated: Notation | None = None
    units: dict[str, str] = field(default_factory=dict)
    limits: dict[str, str] = field(default_factory=dict)
    upper_limits: dict[str, str] = field(default_factory=dict)
    crs: CRS | None = None
    coordinates: NDArray[np.float64] | None = None
    findings: Findings = field(default_factory=Findings)
    notations: dict[str, Notation] = field(default_factory=dict, repr=False)
    _parsed: list[tuple[tuple[str, Meaning, Words], Cells]] = field(
        default_factory=list, init=False, repr=False
    )

    def __len__(self) -> int:
        return len(self.frame)

    def kept(self, mask: NDArray[np.bool_]) -> SurveyTable:
        """Keep some records."""
        coordinates = None if self.coordinates is None else self.coordinates[mask]
        frame = self.frame[mask].reset_index(drop=True)
        return replace(self, frame=frame, rows=self.rows[mask], coordinates=coordinates)

    def notation(self, column: str) -> Notation:
        """Decide the decimal and thousands signs of a column."""
        if self.stated is not None:
            return self.stated
        if column not in self.notations:
            proofs = gather(self.frame[column])
            self.notations[column] = find_notation(proofs, self.evidence, self.delimiter)
        return self.notations[column]

    def cells(self, column: str, meaning: Meaning = "number", words: Words = NO_WORDS) -> Cells:
        """Parse a column; the last one is remembered, as several questions are asked of it."""
        asked = (column, meaning, words)
        if not self._parsed or self._parsed[0][0] != asked:
            cells = self.frame[column].tolist()
            parsed = parse_cells(cells, meaning, self.notation(column), words)
            self._parsed[:] = [(asked, parsed)]
        return self._parsed[0][1]

    def texts(self, column: str) -> NDArray[np.object_]:
        """Return a column as text without blanks at its ends: names, codes, words."""
        cells = self.frame[column]
        pairs = zip(cells.tolist(), cells.isna().tolist())
        return np.array(["" if empty else str(cell).strip() for cell, empty in pairs], object)


def read_table(path: Path, options: FileOptions | None = None) -> SurveyTable:
    """Read CSV or other delimited text, a spreadsheet, or a vector file.

    Parameters
    ----------
    path
        The file; its ending tells the format.
    options
        Sheet, delimiter, signs, encoding and header; by default all are found.

    Raises
    ------
    SurveyError
        If the file is missing, of another format, damaged or empty.
    """
    options = options or FileOptions()
    ending = path.suffix.lower()
    if not (path.is_file() or (path.is_dir() and ending == ".gdb")):
        raise SurveyError(must("path", "a file that exists", str(path), _cure_missing(path)))
    if ending in TEXT_ENDINGS and not (ending == ".tab" and _is_mapinfo(path)):
        return _read_text(path, options)
    if ending in SHEET_ENDINGS:
        kind = disguise_of(path)
        return _read_sheet(path, options) if kind is None else _read_disguised(path, options, kind)
    if ending in (*VECTOR_ENDINGS, ".tab"):
        return _read_vector(path, options)
    known = ", ".join((*TEXT_ENDINGS, *SHEET_ENDINGS, *VECTOR_ENDINGS))
    raise SurveyError(must("path", f"a table ({known})", path.name, "Save it as CSV"))


def _is_mapinfo(path: Path) -> bool:
    """Distinguish a MapInfo table from text parted by tabs: both end in .tab."""
    with path.open("rb") as stream:
        return stream.read(16).lstrip().lower().startswith(b"!table")


def _cure_missing(path: Path) -> str:
    if path.is_dir():
        return f"{path.name} is a folder: name the file in it"
    if not path.parent.is_dir():
        return f"The folder {path.parent} does not exist; paths are relative to the project file"
    names = [entry.name for entry in path.parent.iterdir()]
    near = difflib.get_close_matches(path.name, names, 1, 0.6)
    return f"Did you mean {near[0]!r}" if near else "Paths are relative to the project file"


def _read_text(path: Path, options: FileOptions) -> SurveyTable:
    text = read_text(path, options.delimiter, options.encoding)
    table = _tabulate(path, list(map(list, text.rows)), text.numbers, options, text.delimiter)
    sign = "comma" if _is_comma(table) else "point"
    message = f"read as {text.encoding} text, delimiter {text.delimiter!r}, decimal {sign}"
    notes = (Finding("note", "read", message), *_long_cells(text.numbers))
    return replace(table, findings=Findings(notes) + table.findings)


def _read_disguised(path: Path, options: FileOptions, kind: Disguise) -> SurveyTable:
    """Read text, a page or XML that calls itself a workbook."""
    named = {"text": "text", "html": "a page of the web (HTML)", "xml": "XML of Excel 2003"}
    note = Finding(
        "note", "read", f"{path.name} is no workbook but {named[kind]}, and read as such"
    )
    if kind == "text":
        table = _read_text(path, options)
    else:
        with reading(path, SurveyError):
            cells = cells_of(path, kind)
        rows = [(i, row) for i, row in enumerate(cells, 1) if any(row)]
        if not rows:
            raise SurveyError(must(path.name, "a table", "none in it", "Save it as CSV"))
        table = _tabulate(path, [list(row) for _, row in rows], [i for i, _ in rows], options)
    return replace(table, findings=Findings((note,)) + table.findings)


def _is_comma(table: SurveyTable) -> bool:
    if table.stated is not None:
        return table.stated.comma == "decimal"
    alone = table.evidence.comma_open and not table.evidence.comma_groups
    semicolon = table.delimiter == ";" and bool(alone) and not table.evidence.point_decimal
    return table.evidence.decimal == "comma" or semicolon


def _long_cells(numbers: Sequence[int]) -> list[Finding]:
    """Find rows that run over many lines, as after a quote that is never closed."""
    steps = np.diff(numbers)
    long = tuple(int(n) for n, step in zip(numbers, steps) if step > 5)
    if not long:
        return []
    message = "a row runs over many lines: check for a quote that is not closed"
    return [Finding("warning", "long-row", message, long)]


def _read_sheet(path: Path, options: FileOptions) -> SurveyTable:
    sheet = read_sheet(path, options.sheet)
    others = f"; other sheets: {', '.join(sheet.others)}" if sheet.others else ""
    more = others if options.sheet is None else ""
    table = _tabulate(path, sheet.rows, sheet.numbers, options)
    note = Finding("note", "read", f"read sheet {sheet.name!r}{more}")
    return replace(table, findings=Findings((note,)) + table.findings)


def _read_vector(path: Path, options: FileOptions) -> SurveyTable:
    layer = read_layer(path, options.sheet, options.encoding)
    others = f" (layer {layer.name!r}; others: {', '.join(layer.others)})" if layer.others else ""
    message = f"read {len(layer.frame)} features; rows count features from 1{others}"
    return SurveyTable(
        layer.frame.rename(columns=str),
        np.arange(1, len(layer.frame) + 1),
        _evidence(layer.frame),
        stated=stated_notation(options.decimal, options.thousands),
        crs=layer.crs,
        coordinates=layer.coordinates,
        findings=Findings((Finding("note", "read", message),)),
    )


def _tabulate(
    path: Path, rows: Rows, numbers: list[int], options: FileOptions, delimiter: str = ""
) -> SurveyTable:
    header = find_header(rows, numbers, options.header_row)
    body, kept, more = drop_footers(rows, numbers, header)
    if not body:
        cure = "Check the file, or set header_row"
        raise SurveyError(must(path.name, "a table with rows below its header", "none", cure))
    width = len(header.names)
    filled = [row[:width] + [""] * (width - len(row)) for row in body]
    frame = pd.DataFrame(filled, columns=header.names, dtype=object)
    frame, places, found = _written_places(frame)
    return SurveyTable(
        frame,
        np.array(kept),
        _evidence(frame),
        delimiter,
        stated_notation(options.decimal, options.thousands),
        header.units,
        header.limits,
        header.upper_limits,
        None if places is None else places.crs,
        None if places is None else places.coordinates,
        findings=Findings((*header.findings, *more, *found)),
    )


def _written_places(
    frame: pd.DataFrame,
) -> tuple[pd.DataFrame, WrittenPoints | OneCellPlaces | None, list[Finding]]:
    """Read geometry, grid references and parts of degrees where no usual pair of columns stands."""
    joined, used = join_degrees(frame)
    axes = find_axes(list(frame.columns))
    if axes is not None and not {*axes} & {*used}:  # Lat.S may be seconds
        return frame, None, []
    points = find_points(frame) or find_references(frame)
    if points is not None:
        message = f"positions are read from the points of column {points.column!r}"
        note = Finding("note", "axes", message)
        return frame.drop(columns=points.column), points, [note]
    if not used:
        return frame, None, []
    first = {axis: joined[axis].iloc[0] for axis in ("longitude", "latitude")}
    message = (
        f"{', '.join(map(repr, used))} are joined to degrees: the first row lies at longitude "
        f"{first['longitude']:.5f}, latitude {first['latitude']:.5f}"
    )
    return joined, None, [Finding("note", "angles", message)]


def _evidence(frame: pd.DataFrame, most: int = 200_000) -> NotationEvidence:
    """Collect what the cells of a table prove, from rows spread over all of it."""
    step = max(1, int(np.ceil(frame.size / most)))
    columns = (frame.iloc[::step, k] for k in range(frame.shape[1]))
    texts = (c for c in columns if not pd.api.types.is_numeric_dtype(c))
    return sum(map(gather, texts), NotationEvidence())
