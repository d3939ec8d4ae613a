"""Join a table to a second one that holds the positions of its samples."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.errors import SurveyError, must
from gossan.geochem.findings import Finding, rows_where
from gossan.geochem.table.axes import find_axes
from gossan.geochem.table.columns import nearest
from gossan.geochem.table.files.sheets import sheet_names
from gossan.geochem.table.reading import SHEET_ENDINGS, SurveyTable, read_table
from gossan.geochem.table.settings import SitesSettings, SurveySettings


def read_sites(
    table: SurveyTable, settings: SurveySettings, base_folder: Path
) -> tuple[SurveyTable, NDArray[np.int_], list[Finding]]:
    """Read the table of sites and find the site of every row.

    Parameters
    ----------
    table
        The survey's rows; ``settings.id`` names its samples.
    settings
        Where the sites are.
    base_folder
        Folder that relative paths start from.

    Returns
    -------
    The table of sites, (n,) index of each row's site (-1: none), and what was found.

    Raises
    ------
    SurveyError
        If the sites cannot be read, or none of them belongs to a row.
    """
    stated = settings.sites_table
    assert stated is not None
    key = str(settings.id)
    wanted = table.texts(key)
    sites = _read(stated, settings, base_folder, wanted)
    column, found = _key_column(sites, stated, key, wanted)
    index, how = _match(wanted, sites.texts(column), stated.path, (key, column))
    found += how
    lost = index < 0
    if lost.all():
        mine, theirs = wanted[0], sites.texts(column)[0]
        cure = f"Here {key} is {mine!r}, there {column} is {theirs!r}: make them agree"
        raise SurveyError(must(f"{key} of some row", f"in {stated.path}", "none", cure))
    if lost.any():
        example = wanted[lost][0]
        message = (
            f"{int(lost.sum())} rows have no site in {stated.path}: there is no {example!r}, but "
            f"{sites.texts(column)[0]!r}"
        )
        found.append(Finding("warning", "no-site", message, rows_where(table.rows, lost)))
    return sites, index, found


def _read(
    stated: SitesSettings, settings: SurveySettings, base: Path, wanted: NDArray[np.object_]
) -> SurveyTable:
    """Read the sites; of a workbook the sheet that has coordinates and the names wanted."""
    path, options = base / stated.path, stated.file_options()
    if stated.sheet is not None or path.suffix.lower() not in SHEET_ENDINGS or not path.is_file():
        return read_table(path, options)
    same = path.resolve() == (base / settings.path).resolve()
    best: tuple[float, SurveyTable] | None = None
    for name in sheet_names(path):
        if same and name == settings.sheet:
            continue
        try:
            sites = read_table(path, stated.model_copy(update={"sheet": name}).file_options())
        except SurveyError:
            continue
        worth = _worth(sites, settings, wanted)
        if best is None or worth > best[0]:
            best = worth, sites
    return best[1] if best is not None and best[0] > 0 else read_table(path, options)


def _worth(sites: SurveyTable, settings: SurveySettings, wanted: NDArray[np.object_]) -> float:
    names = list(sites.frame.columns)
    axes = find_axes(names) if settings.x is None else {settings.x, settings.y} <= set(names)
    return max(_overlap(wanted, sites.texts(name)) for name in names) * bool(axes)


def _key_column(
    sites: SurveyTable, stated: SitesSettings, key: str, wanted: NDArray[np.object_]
) -> tuple[str, list[Finding]]:
    """Name the column of the sites' names: as stated, of the same name, or of the same names."""
    names = list(sites.frame.columns)
    if stated.id is not None:
        if stated.id in names:
            return stated.id, []
        cure = nearest(stated.id, names)
        raise SurveyError(must("id of sites", f"a column of {stated.path}", repr(stated.id), cure))
    if key in names:
        return key, []
    shares = {name: _overlap(wanted, sites.texts(name)) for name in names}
    best = max(shares, key=lambda name: shares[name])
    if shares[best] >= 0.3:
        message = f"{key} is joined to column {best!r} of {stated.path}, whose names agree"
        return best, [Finding("note", "site-names", message)]
    cure = f'State it: sites = {{ path = "{stated.path}", id = "..." }}. {nearest(key, names)}'
    raise SurveyError(must("id", f"a column of {stated.path}", repr(key), cure))


def _overlap(wanted: NDArray[np.object_], names: NDArray[np.object_]) -> float:
    """Return the share of rows whose name is among the sites', read loosely."""
    known = {plain_name(name) for name in names} - {""}
    return float(np.mean([plain_name(name) in known for name in wanted])) if known else 0.0


def plain_name(name: object) -> str:
    """Reduce a sample's name to what cannot be written two ways.

    >>> plain_name("00001"), plain_name("1.0"), plain_name("ss-007 a")
    ('1', '1', 'SS7A')
    """
    word = re.sub(r"\.0+$", "", str(name).strip()) if re.fullmatch(r"\d+\.0+", str(name)) else name
    return re.sub(r"0*(\d+)", r"\1", re.sub(r"[\s\-_/.]+", "", str(word).upper()))


def _match(
    wanted: NDArray[np.object_], names: NDArray[np.object_], path: str, keys: tuple[str, str]
) -> tuple[NDArray[np.int_], list[Finding]]:
    """Find the first site of every name; names that only agree loosely are reported."""
    exact = _positions(wanted, names)
    loose = _positions(
        np.array([plain_name(name) for name in wanted], object),
        np.array([plain_name(name) for name in names], object),
    )
    change = (exact < 0) & (loose >= 0)
    if not change.any() or _ambiguous(names):
        return exact, []
    k = int(np.flatnonzero(change)[0])
    message = (
        f"{int(change.sum())} names agree but for zeros, case or signs: {keys[0]} {wanted[k]!r} is "
        f"{keys[1]} {names[loose[k]]!r} of {path}"
    )
    return np.where(change, loose, exact), [Finding("warning", "site-names", message)]


def _positions(wanted: NDArray[np.object_], names: NDArray[np.object_]) -> NDArray[np.int_]:
    index = pd.Index(names)
    first = pd.Series(np.arange(len(names)), index=index)[~index.duplicated()]
    first = first[first.index != ""]
    return first.reindex(wanted).fillna(-1).to_numpy().astype(int)


def _ambiguous(names: NDArray[np.object_]) -> bool:
    """Return whether different names would become one if read loosely."""
    different = {str(name) for name in names}
    return len({plain_name(name) for name in different}) < len(different)
