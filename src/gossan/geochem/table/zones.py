"""Place rows that state their own zone, and check a column of zones against the CRS."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError

from gossan.errors import must
from gossan.geochem.findings import Finding, rows_where

_NAME = re.compile(
    r"(utm|mga|amg|grid|map|gda|gk|datum|coord)?_?(zone?s?|zona|huso|fuso|zono?|зона|带号|帯)"
    r"(_?(utm|mga|amg|gda|wgs|agd|nad|no|number|num|sirgas|psad)_?\d{0,4})?|utm|huso_utm|fuso_utm",
    re.I,
)
_ZONE = re.compile(
    r"(?:utm|mga|amg|zone|zona|huso|fuso|z)?[\s\-_]*0?(?P<number>\d{1,2})(?:\.0+)?"
    r"[\s\-_]*(?P<letter>[A-Z]|north|south|norte|sur|sul)?",
    re.I,
)
_IN_NAME = re.compile(r"zone (\d{1,2})(?=[NS]?\b)")


@dataclass(frozen=True)
class Zone:
    """Zone of a grid: its number and, where it is stated, a band letter or hemisphere."""

    number: int
    letter: str = ""


def find_zone_column(names: Sequence[str]) -> str | None:
    """Find the column of zones by its name; None where there is none or several.

    >>> find_zone_column(["ID", "ZONE_GDA2020", "Cu"]), find_zone_column(["UTM Zone", "Cu"])
    ('ZONE_GDA2020', 'UTM Zone')
    """
    found = [n for n in names if _NAME.fullmatch(re.sub(r"[\s.\-]+", "_", n.strip()))]
    return found[0] if len(found) == 1 else None


def parse_zone(word: str) -> Zone | None:
    """Read a zone; None where the text is none.

    >>> parse_zone("38R"), parse_zone("MGA 54"), parse_zone("north")
    (Zone(number=38, letter='R'), Zone(number=54, letter=''), None)
    """
    match = _ZONE.fullmatch(word.strip())
    if match is None or not 1 <= int(match["number"]) <= 60:
        return None
    return Zone(int(match["number"]), (match["letter"] or "")[:1].upper())


def zone_of(crs: CRS) -> int | None:
    """Return the number of the zone in a CRS's name; None where it has none.

    >>> zone_of(CRS("EPSG:7853")), zone_of(CRS("EPSG:2154"))
    (53, None)
    """
    match = _IN_NAME.search(crs.name)
    return int(match[1]) if match else None


@lru_cache(maxsize=128)
def neighbour(name: str, number: int) -> CRS | None:
    """Return the system of another zone: the one whose name differs by the number only.

    >>> neighbour("GDA2020 / MGA zone 53", 54).to_epsg()
    7854
    """
    try:
        return CRS.from_user_input(_IN_NAME.sub(f"zone {number}", name))
    except CRSError:
        return None


def contradicts(zone: Zone, crs: CRS, northing: float) -> bool:
    """Return whether a band letter or hemisphere contradicts a CRS.

    Bands C to M lie south, N to X north of the equator; S may also mean south.
    """
    north = not re.search(r"zone \d{1,2}S\b|MGA|AMG", crs.name)
    if zone.letter == "S":
        band = 3.5e6 < northing < 4.5e6
        return north and not band
    if zone.letter in ("", "A", "B", "Y", "Z"):
        return False
    return (zone.letter >= "N") != north


@dataclass(frozen=True, eq=False)
class Zoned:
    """Rows by zone: the CRS of each of ``systems`` holds for the rows of its mask."""

    systems: tuple[tuple[CRS, NDArray[np.bool_]], ...]
    findings: tuple[Finding, ...] = ()


def zones_of_rows(
    column: str,
    words: NDArray[np.object_],
    coordinates: NDArray[np.float64],
    rows: NDArray[np.int_],
    crs: CRS,
) -> Zoned:
    """Return every row the CRS of its zone.

    Parameters
    ----------
    column, words
        Name and (n,) cells of the column of zones.
    coordinates
        (n, 2) positions as the table states them.
    rows
        (n,) rows of the file.
    crs
        CRS that the survey states, with a zone in its name.

    Returns
    -------
    The systems, and findings: a warning "zone-column" where rows are placed in other zones, an
    error "zone-column" where the column contradicts the CRS altogether.
    """
    whole = Zoned(((crs, np.ones(len(rows), bool)),))
    own = zone_of(crs)
    zones = [parse_zone(str(word)) for word in words]
    stated = np.array([zone is not None for zone in zones], bool)
    if own is None or stated.sum() < 0.5 * len(rows):
        return whole
    wrong = np.array(
        [z is not None and contradicts(z, crs, y) for z, y in zip(zones, coordinates[:, 1])], bool
    )
    if wrong.any():
        return Zoned(whole.systems, (_contradiction(column, words, wrong, rows, crs),))
    numbers = np.array([zone.number if zone else own for zone in zones])
    if (numbers == own).all():
        return whole
    if not (numbers == own).any():
        return Zoned(whole.systems, (_contradiction(column, words, numbers != own, rows, crs),))
    return _by_zone(column, numbers, rows, crs, own)


def _by_zone(
    column: str, numbers: NDArray[np.int_], rows: NDArray[np.int_], crs: CRS, own: int
) -> Zoned:
    systems = []
    for number in sorted(set(numbers.tolist())):
        system = crs if number == own else neighbour(crs.name, number)
        if system is None:
            cure = 'Split the table by zone, or set zone_column = "none"'
            got = f"zone {number}, of which {crs.name} has no neighbour"
            message = must(f"column {column!r}", "of zones of one system", got, cure)
            where = rows_where(rows, numbers == number)
            return Zoned(
                ((crs, numbers == numbers),), (Finding("error", "zone-column", message, where),)
            )
        systems.append((system, numbers == number))
    others = ", ".join(f"{s.name} ({int(m.sum())} rows)" for s, m in systems if s != crs)
    message = f"column {column!r} holds several zones: placed in {others}"
    warning = Finding("warning", "zone-column", message, rows_where(rows, numbers != own))
    return Zoned(tuple(systems), (warning,))


def _contradiction(
    column: str,
    words: NDArray[np.object_],
    wrong: NDArray[np.bool_],
    rows: NDArray[np.int_],
    crs: CRS,
) -> Finding:
    shown = ", ".join(sorted({str(word) for word in words[wrong]})[:4])
    cure = 'Correct crs, or set zone_column = "none" if the column means something else'
    message = must(f"column {column!r}", f"the zone of {crs.name}", shown, cure)
    return Finding("error", "zone-column", message, rows_where(rows, wrong))
