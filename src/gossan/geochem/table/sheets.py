"""Read a sheet of a workbook into rows of text cells."""

from __future__ import annotations

from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook

from gossan.errors import SurveyError, must


def read_sheet(path: Path, sheet: str | None = None) -> tuple[list[list[str]], list[int], str]:
    """Read a sheet of a workbook (xlsx, xls, ods).

    Parameters
    ----------
    path
        The workbook.
    sheet
        Name of the sheet; default: the first that holds a table.

    Returns
    -------
    The rows that are not blank as text cells, their numbers in the sheet (the first is 1), and
    one line that says which sheet was read.

    Raises
    ------
    SurveyError
        If the workbook is damaged, or the sheet is missing or empty.
    """
    try:
        book = CalamineWorkbook.from_path(str(path))
    except (CalamineError, OSError) as error:
        cure = "Open it in a spreadsheet program and save it again"
        raise SurveyError(must(path.name, "a readable spreadsheet", error, cure)) from error
    names = book.sheet_names
    if sheet is not None and sheet not in names:
        raise SurveyError(must("sheet", " or ".join(map(repr, names)), repr(sheet), "Name one"))
    used = sheet or _first_table(book)
    rows = _rows(book, used)
    numbers = [i + 1 for i, row in enumerate(rows) if any(row)]
    rows = [row for row in rows if any(row)]
    if not rows:
        raise SurveyError(must(f"sheet {used!r}", "a table", "an empty sheet", "Name another"))
    others = [name for name in names if name != used]
    more = f"; other sheets: {', '.join(others)}" if others and sheet is None else ""
    return rows, numbers, f"read sheet {used!r}{more}"


def _rows(book: CalamineWorkbook, sheet: str) -> list[list[str]]:
    cells = book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    return [[_cell(cell) for cell in row] for row in cells]


def _first_table(book: CalamineWorkbook) -> str:
    """Name the first sheet that holds a table, not a cover page: three rows of three cells."""
    names: list[str] = book.sheet_names
    for name in names:
        full = [row for row in _rows(book, name) if sum(map(bool, row)) >= 3]
        if len(full) >= 3:
            return name
    return names[0]


def _cell(cell: object) -> str:
    if isinstance(cell, bool):
        return str(cell)
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    return str(cell).strip()
