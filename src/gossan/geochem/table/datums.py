"""Check a column of datums against the CRS: the wrong one moves samples by 100 to 300 m."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError

from gossan.errors import must
from gossan.geochem.findings import Finding, rows_where

_NAME = re.compile(
    r"(geodetic_|coord(inate)?_|horiz(ontal)?_)?(datum|datum_(name|code)|datum_h)", re.I
)
_KNOWN = frozenset((
    "GDA94", "GDA2020", "AGD66", "AGD84", "WGS84", "NAD27", "NAD83", "SAD69", "PSAD56",
    "SIRGAS2000", "CORREGOALEGRE", "ED50", "ETRS89", "TOKYO", "JGD2000", "JGD2011", "PULKOVO1942",
    "BEIJING1954", "XIAN1980", "CGCS2000", "ARC1950", "ARC1960", "CAPE", "MINNA", "OSGB36",
    "ADINDAN", "NZGD2000", "NZGD1949", "AINELABD1970", "HARTEBEESTHOEK94",
))  # fmt: skip
_ALIKE = ("WGS84", "GDA94", "GDA2020", "SIRGAS2000", "ETRS89", "NAD83", "JGD2000", "JGD2011",
          "CGCS2000", "NZGD2000")  # fmt: skip
"""Datums that agree within 2 m: one for the other does no harm here."""


def find_datum_column(names: Sequence[str]) -> str | None:
    """Find the column of datums by its name; None where there is none or several.

    >>> find_datum_column(["ID", "DATUM", "Cu"])
    'DATUM'
    """
    found = [n for n in names if _NAME.fullmatch(re.sub(r"[\s.\-]+", "_", n.strip()))]
    return found[0] if len(found) == 1 else None


def find_code_column(names: Sequence[str]) -> str | None:
    """Find the column of EPSG codes by its name; None where there is none or several.

    >>> find_code_column(["ID", "SRID", "Cu"]), find_code_column(["EPSG Code"])
    ('SRID', 'EPSG Code')
    """
    word = re.compile(r"((coord(inate)?_|xy_)?(epsg|srid|crs|srs|wkid))(_?(code|no|id))?", re.I)
    found = [n for n in names if word.fullmatch(re.sub(r"[\s.\-]+", "_", n.strip()))]
    return found[0] if len(found) == 1 else None


def check_datums(
    column: str, words: NDArray[np.object_], rows: NDArray[np.int_], crs: CRS
) -> list[Finding]:
    """Report rows whose datum is not that of the CRS.

    >>> words = np.array(["AGD66", "GDA94"], object)
    >>> check_datums("DATUM", words, np.array([2, 3]), CRS("EPSG:28353"))[0].rows
    (2,)
    """
    plain = np.array([re.sub(r"[^A-Z0-9]", "", str(word).upper()) for word in words], object)
    own = re.sub(r"[^A-Z0-9]", "", crs.name.upper())
    wrong = np.array([datum in _KNOWN and not _agrees(str(datum), own) for datum in plain], bool)
    if not wrong.any():
        return []
    shown = ", ".join(sorted({str(word) for word in words[wrong]})[:4])
    cure = 'Convert these rows, correct crs, or set accept = ["datum"] if the column is wrong'
    message = must(f"column {column!r}", f"the datum of {crs.name}", shown, cure)
    return [Finding("error", "datum", message, rows_where(rows, wrong))]


def datum_fits(name: str, crs: CRS) -> int:
    """Return whether the name of a coordinate column states the datum of a CRS.

    Returns
    -------
    1: it states this datum; 0: it states none; -1: it states another one.

    >>> [datum_fits(name, CRS("EPSG:4269")) for name in ("LAT_NAD83", "LAT", "LAT_NAD27")]
    [1, 0, -1]
    """
    plain = re.sub(r"[^A-Z0-9]", "", name.upper())
    stated = [datum for datum in _KNOWN if datum in plain and datum[-1].isdigit()]
    if not stated:
        return 0
    own = re.sub(r"[^A-Z0-9]", "", crs.name.upper())
    return 1 if any(_agrees(datum, own) for datum in stated) else -1


def check_axis_datum(names: Sequence[str], crs: CRS) -> list[Finding]:
    """Report coordinate columns whose names state another datum than that of the CRS."""
    wrong = [name for name in names if datum_fits(name, crs) < 0]
    if not wrong:
        return []
    cure = 'Correct crs or name other columns; accept = ["datum"] if the names are wrong'
    shown = " and ".join(map(repr, wrong))
    return [Finding("error", "datum", must("x and y", f"in the datum of {crs.name}", shown, cure))]


def check_codes(
    column: str, words: NDArray[np.object_], rows: NDArray[np.int_], crs: CRS
) -> list[Finding]:
    """Report rows whose EPSG code is not that of the CRS.

    >>> check_codes("EPSG", np.array(["32638", "32637"], object), np.array([2, 3]),
    ...     CRS("EPSG:32638"))[0].rows
    (3,)
    """
    own = crs.to_epsg()
    known = {str(word): _code(str(word)) for word in set(words)}
    codes = np.array([known[str(word)] for word in words])
    wrong = (codes > 0) & (codes != own)
    if own is None or not wrong.any():
        return []
    shown = ", ".join(f"EPSG:{code}" for code in sorted(set(codes[wrong].tolist()))[:4])
    cure = 'Correct crs, give each system a survey of its own (where), or accept = ["datum"]'
    message = must(f"column {column!r}", f"that of crs, EPSG:{own}", shown, cure)
    return [Finding("error", "datum", message, rows_where(rows, wrong))]


def _code(word: str) -> int:
    """Read a code or the name of a system; 0 where it is neither."""
    match = re.fullmatch(r"(?:EPSG:{1,2})?(\d{4,5})(?:\.0+)?", word.strip(), re.I)
    if match:
        return int(match[1])
    try:
        return CRS.from_user_input(word).to_epsg() or 0 if word.strip() else 0
    except CRSError:
        return 0


def _agrees(datum: str, own: str) -> bool:
    alike = datum in _ALIKE and any(own.startswith(name) for name in _ALIKE)
    return datum in own or alike
