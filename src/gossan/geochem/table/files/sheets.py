"""Read a sheet of a workbook into rows of cells: numbers stay numbers, the rest becomes text."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import openpyxl
from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from gossan.errors import SurveyError, must
from gossan.geo.child_process import in_child_process
from gossan.geochem.table.files.percent_cells import percent_cells

Cell = str | int | float
Rows = list[list[Cell]]

LARGEST_MEMBER = 2 * 1024**3
"""Bytes that the parts of a workbook may unpack to."""
MOST_CELLS = 20_000_000
"""Cells of the rectangle that a sheet may span to be read at once; larger ones are read sparsely,
and refused where as many are filled."""


@dataclass(frozen=True)
class Sheet:
    """One sheet: its rows that are not blank, their numbers (the first is 1), and its name.

    ``others`` are the other sheets of the workbook.
    """

    rows: Rows
    numbers: list[int]
    name: str
    others: tuple[str, ...] = ()


def read_sheet(path: Path, sheet: str | None = None) -> Sheet:
    """Read a sheet of a workbook (xlsx, xls, ods).

    A cell merged over several rows fills them all. Cells that a workbook shows in percent become
    text such as "5.2%".

    Parameters
    ----------
    path
        The workbook.
    sheet
        Name of the sheet; default: the first visible one that holds a table.

    Raises
    ------
    SurveyError
        If the workbook is damaged or too large, or the sheet is missing or empty.
    """
    return in_child_process(path.name, SurveyError, _read_sheet, path, sheet)


def _read_sheet(path: Path, sheet: str | None) -> Sheet:
    sparse = _is_sparse(path)
    names, visible = _names(path)
    if sheet is not None and sheet not in names:
        raise SurveyError(must("sheet", " or ".join(map(repr, names)), repr(sheet), "Name one"))
    used = sheet if sheet is not None else _first_table(path, visible or names, sparse)
    rows = _read(path, used, sparse)
    filled = [(i, row) for i, row in rows if any(cell != "" for cell in row)]
    if not filled:
        raise SurveyError(must(f"sheet {used!r}", "a table", "an empty sheet", "Name another"))
    others = tuple(name for name in names if name != used)
    return Sheet([row for _, row in filled], [i for i, _ in filled], used, others)


def sheet_names(path: Path) -> list[str]:
    """List the sheets of a workbook."""
    return in_child_process(path.name, SurveyError, _names, path)[0]


def _names(path: Path) -> tuple[list[str], list[str]]:
    """List all sheets and the visible ones."""
    book = _open(path)
    seen = [s.name for s in book.sheets_metadata if s.visible == SheetVisibleEnum.Visible]
    return list(book.sheet_names), seen


def _open(path: Path) -> CalamineWorkbook:
    try:
        return CalamineWorkbook.from_path(str(path))
    except (CalamineError, OSError) as error:
        cure = "Open it in a spreadsheet program and save it again, without a password"
        raise SurveyError(must(path.name, "a readable spreadsheet", error, cure)) from error


def _first_table(path: Path, names: list[str], sparse: bool) -> str:
    """Name the first sheet that holds a table, not a cover page: three rows of three cells."""
    for name in names:
        full = (sum(cell != "" for cell in row) >= 3 for _, row in _read(path, name, sparse))
        if sum(full) >= 3:
            return name
    return names[0]


def _read(path: Path, sheet: str, sparse: bool) -> list[tuple[int, list[Cell]]]:
    if sparse:
        return list(_sparse_rows(path, sheet))
    found = _open(path).get_sheet_by_name(sheet)
    try:
        raw = found.to_python(skip_empty_area=False)
        merged = found.merged_cell_ranges or []
    except CalamineError as error:
        cure = "Open it in a spreadsheet program and save it again"
        raise SurveyError(must(path.name, "a readable spreadsheet", error, cure)) from error
    rows = [[_cell(cell) for cell in row] for row in raw]
    for (top, left), (bottom, _) in merged:
        _fill_down(rows, top, left, bottom)
    _show_percent(path, sheet, rows)
    return [(i + 1, row) for i, row in enumerate(rows)]


def _fill_down(rows: Rows, top: int, left: int, bottom: int) -> None:
    for row in rows[top + 1 : bottom + 1]:
        if left < len(row) and left < len(rows[top]) and row[left] == "":
            row[left] = rows[top][left]


def _cell(cell: object) -> Cell:
    if isinstance(cell, bool):
        return str(cell)
    if isinstance(cell, float):
        return int(cell) if cell.is_integer() and abs(cell) < 1e15 else cell
    return cell if isinstance(cell, int) else str(cell).strip()


def _is_sparse(path: Path) -> bool:
    """Return whether a sheet spans too large a rectangle, as one stray cell at the far end does."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist())
        if size > LARGEST_MEMBER:
            got = f"{size / 1024**3:.1f} GiB unpacked"
            raise SurveyError(must(path.name, "at most 2 GiB", got, "Save the table as CSV"))
        sheets = [m for m in archive.namelist() if re.match(r"xl/worksheets/[^/]+\.xml$", m)]
        return any(_span(archive, member) > MOST_CELLS for member in sheets)


def _span(archive: zipfile.ZipFile, member: str) -> int:
    """Multiply the highest row and column that cells of a sheet name."""
    rows, columns = 1, 1
    with archive.open(member) as stream:
        tail = b""
        while chunk := stream.read(1 << 20):
            found = re.findall(rb' r="([A-Z]{1,3})(\d{1,7})"', tail + chunk)
            rows = max([rows, *(int(row) for _, row in found[-1:])])
            columns = max([columns, *(_column(letters) for letters in {c for c, _ in found})])
            tail = chunk[-20:]
    return rows * columns


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number


def _sparse_rows(path: Path, sheet: str) -> Iterator[tuple[int, list[Cell]]]:
    """Read the filled cells only; columns beyond the widest of the first rows are left out."""
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        page = book[sheet]
        page.reset_dimensions()
        count, width = 0, 0
        for number, row in enumerate(page.iter_rows(values_only=True), start=1):
            cells = ["" if cell is None else _cell(cell) for cell in row]
            filled = [i for i, cell in enumerate(cells) if cell != ""]
            if not filled:
                continue
            count += len(filled)
            width = max(width, filled[-1] + 1) if number <= 200 else width
            if count > MOST_CELLS:
                got = f"more than {MOST_CELLS} cells"
                raise SurveyError(must(f"sheet {sheet!r}", "smaller", got, "Save it as CSV"))
            yield number, cells[:width]
    finally:
        book.close()


def _show_percent(path: Path, sheet: str, rows: Rows) -> None:
    """Write numbers that the workbook shows in percent as such."""
    for row, column in percent_cells(path, sheet):
        _as_percent(rows, row, column)


def _as_percent(rows: Rows, i: int, k: int) -> None:
    if i < len(rows) and k < len(rows[i]) and isinstance(rows[i][k], (int, float)):
        rows[i][k] = f"{100 * float(rows[i][k]):.12g}%"
