"""Check a column of datums against the CRS: the wrong one moves samples by 100 to 300 m."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

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


def _agrees(datum: str, own: str) -> bool:
    alike = datum in _ALIKE and any(own.startswith(name) for name in _ALIKE)
    return datum in own or alike
