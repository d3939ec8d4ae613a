"""Read positions that a table writes in one cell: grid references with letters, and pairs.

``SK 1234 5678`` (Great Britain), ``J 345 740`` (Ireland), ``18TVR 12345 67890`` (MGRS) and
``45.31, -74.84``. A reference names the south-west corner of a square, as any converter gives it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import CRS, Transformer

_LETTERS = "ABCDEFGHJKLMNOPQRSTUVWXYZ"
"""Letters of grids: I is left out."""
_BANDS = "CDEFGHJKLMNPQRSTUVWX"
_BRITISH = re.compile(r"([HJNOST][A-HJ-Z]) ?((?:\d\d){1,5}|\d{1,5} \d{1,5})")
_IRISH = re.compile(r"(?:I(?=[A-HJ-Z]))?([A-HJ-Z]) ?((?:\d\d){1,5}|\d{1,5} \d{1,5})")
_MILITARY = re.compile(
    r"(\d{1,2}) ?([C-HJ-NP-X]) ?([A-HJ-NP-Z][A-HJ-NP-V]) ?((?:\d\d){1,5}|\d{1,5} \d{1,5})"
)
_PAIR = re.compile(r"\(?\s*([+-]?\d+(?:\.\d+)?)\s*[,;\s]\s*([+-]?\d+(?:\.\d+)?)\s*\)?")
_PAIR_NAME = re.compile(
    r"(lat(itude)?[\s_,/;-]*lo?ng?(itude)?|lo?ng?(itude)?[\s_,/;-]*lat(itude)?|coord(inate|enada)?s?"
    r"|gps|location|position|posici[oó]n|xy|x[\s_,/;-]+y|site_?coord(inate)?s?)",
    re.I,
)
Place = tuple[float, float]


@dataclass(frozen=True, eq=False)
class OneCellPlaces:
    """Positions that a column holds: its name, (n, 2) coordinates, and the system of a grid."""

    column: str
    coordinates: NDArray[np.float64]
    crs: CRS | None = None


def find_references(frame: pd.DataFrame) -> OneCellPlaces | None:
    """Read the first column of grid references or of pairs; None where there is none.

    >>> frame = pd.DataFrame({"id": [1, 2], "NGR": ["SK 1234 5678", "SK1335"]})
    >>> found = find_references(frame)
    >>> found.coordinates.tolist(), found.crs.to_epsg()
    ([[412340.0, 356780.0], [413000.0, 335000.0]], 27700)
    """
    readers: tuple[Callable[[str, list[str]], OneCellPlaces | None], ...] = (
        _british, _irish, _military, _pairs,
    )  # fmt: skip
    for name in frame.columns:
        cells = [" ".join(str(cell).upper().split()) for cell in frame[name]]
        for read in readers:
            if found := read(str(name), cells):
                return found
    return None


def _british(name: str, cells: Sequence[str]) -> OneCellPlaces | None:
    places = _all(cells, _BRITISH, _british_place)
    return None if places is None else OneCellPlaces(name, places, CRS.from_epsg(27700))


def _irish(name: str, cells: Sequence[str]) -> OneCellPlaces | None:
    """Read Irish references where the column's name says that it holds such."""
    if not re.search(r"grid|ref|irish|ngr|\big", name, re.I):
        return None
    places = _all(cells, _IRISH, _irish_place)
    return None if places is None else OneCellPlaces(name, places, CRS.from_epsg(29902))


def _military(name: str, cells: Sequence[str]) -> OneCellPlaces | None:
    """Read references of MGRS into the zone of UTM that most of them lie in."""
    degrees = _all(cells, _MILITARY, military_place)
    if degrees is None:
        return None
    matches = [match for cell in cells if (match := _MILITARY.fullmatch(cell))]
    zone, band = Counter((int(m[1]), m[2]) for m in matches).most_common(1)[0][0]
    crs = CRS.from_epsg((32600 if band >= "N" else 32700) + zone)
    moved = Transformer.from_crs(4326, crs, always_xy=True).transform(*degrees.T)
    return OneCellPlaces(name, np.where(np.isfinite(degrees), np.column_stack(moved), np.nan), crs)


def _pairs(name: str, cells: Sequence[str]) -> OneCellPlaces | None:
    """Read two numbers in one cell: latitude first in degrees, unless name or numbers say else."""
    if not _PAIR_NAME.fullmatch(name.strip()):
        return None
    places = _all(cells, _PAIR, lambda match: (float(match[1]), float(match[2])))
    if places is None:
        return None
    first, second = np.nanmax(np.abs(places), axis=0)
    said = re.match(r"lat|lo?ng?", name.strip(), re.I)
    latitude = (
        max(first, second) <= 180 and first <= 90 and not (said and said[0][:2].lower() == "lo")
    )
    return OneCellPlaces(name, places[:, ::-1] if latitude else places)


def _all(
    cells: Sequence[str], pattern: re.Pattern[str], read: Callable[[re.Match[str]], Place | None]
) -> NDArray[np.float64] | None:
    """Read every cell that is filled; None where one is something else, or all are empty."""
    places = np.full((len(cells), 2), np.nan)
    for number, cell in enumerate(cells):
        if not cell:
            continue
        match = pattern.fullmatch(cell)
        place = read(match) if match else None
        if place is None:
            return None
        places[number] = place
    return None if np.isnan(places).all() else places


def _within(digits: str) -> Place | None:
    """Read the digits of a reference: metres east and north of the corner of its 100 km.

    >>> _within("1234 5678"), _within("12"), _within("123 45")
    ((12340.0, 56780.0), (10000.0, 20000.0), None)
    """
    half = len(digits) // 2
    east, north = digits.split() if " " in digits else (digits[:half], digits[half:])
    if len(east) != len(north):
        return None
    step = 10.0 ** (5 - len(east))
    return step * int(east), step * int(north)


def _british_place(match: re.Match[str]) -> Place | None:
    large, small = (_LETTERS.index(letter) for letter in match[1])
    within = _within(match[2])
    if within is None:
        return None
    east = (large - 2) % 5 * 5 + small % 5
    north = 19 - large // 5 * 5 - small // 5
    return 1e5 * east + within[0], 1e5 * north + within[1]


def _irish_place(match: re.Match[str]) -> Place | None:
    letter, within = _LETTERS.index(match[1]), _within(match[2])
    if within is None:
        return None
    return 1e5 * (letter % 5) + within[0], 1e5 * (4 - letter // 5) + within[1]


def military_place(match: re.Match[str]) -> Place | None:
    """Return longitude and latitude of a reference of MGRS.

    >>> place = military_place(_MILITARY.fullmatch("15TWG0000049776"))
    >>> [round(value, 4) for value in place]
    [-93.0, 42.0]
    """
    zone, band, column, row = int(match[1]), match[2], match[3][0], match[3][1]
    within = _within(match[4])
    columns = ("STUVWXYZ", "ABCDEFGH", "JKLMNPQR")[zone % 3]
    if within is None or not 1 <= zone <= 60 or column not in columns:
        return None
    rows = "ABCDEFGHJKLMNPQRSTUV"
    north = 1e5 * ((rows.index(row) - (0 if zone % 2 else 5)) % 20) + within[1]
    back = Transformer.from_crs((32600 if band >= "N" else 32700) + zone, 4326, always_xy=True)
    south = 8.0 * _BANDS.index(band) - 80.0
    for turn in range(5):  # rows repeat every 2000 km
        place = back.transform(1e5 * (columns.index(column) + 1) + within[0], north + 2e6 * turn)
        if south - 0.9 <= place[1] <= south + (12.9 if band == "X" else 8.9):
            return float(place[0]), float(place[1])
    return None
