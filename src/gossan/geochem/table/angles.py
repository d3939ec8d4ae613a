"""Read degrees as surveyors write them: signs, letters, words, blanks, packed digits."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gossan.geochem.table.columns import header_tokens

_SIGNS = str.maketrans(
    dict.fromkeys("º˚∘⁰度", "°") | dict.fromkeys("’‘´`ʹ′ʼ分", "'") | dict.fromkeys("”“″ʺ秒", '"')
    | {"\ufffd": "°", "Â": None}  # as wrongly decoded degree signs
    | {"−": "-", "–": "-", "\u00a0": " ", "\u202f": " ", "\u2009": " ", ",": "."}
)  # fmt: skip
_SIDES = {
    "N": ["n", "north", "norte", "nord", "с.ш.", "с.", "с.ш", "сш", "北纬", "北緯", "北"],
    "S": [
        "s",
        "south",
        "sur",
        "sul",
        "sud",
        "süd",
        "ю.ш.",
        "ю.",
        "ю.ш",
        "юш",
        "南纬",
        "南緯",
        "南",
    ],
    "E": [
        "e",
        "east",
        "este",
        "est",
        "leste",
        "l",
        "ost",
        "в.д.",
        "в.",
        "в.д",
        "вд",
        "东经",
        "東経",
        "東",
        "东",
    ],
    "W": ["w", "west", "oeste", "ouest", "з.д.", "з.", "з.д", "зд", "西经", "西経", "西"],
}
_SIDE_OF = {word: side for side, words in _SIDES.items() for word in words}
_SIDE = r"(?:" + "|".join(sorted(map(re.escape, [*_SIDE_OF, "o"]), key=len, reverse=True)) + r")\.?"
_PARTS = re.compile(
    rf"(?P<before>{_SIDE})?\s*(?P<sign>[+-])?\s*(?P<d>\d{{1,3}}(?:\.\d+)?)\s*(?:°|deg|d|[:\s-](?=\s*\d))?\s*"
    rf"(?:(?P<m>\d{{1,2}}(?:\.\d+)?)\s*(?:'|min|m|[:\s-](?=\s*\d))?\s*)?"
    rf"(?:(?P<s>\d{{1,2}}(?:\.\d+)?)\s*(?:\"|''|sec)?\s*)?"
    rf"[\"']?\s*(?P<after>{_SIDE})?",
    re.I,
)
_LETTERS = re.compile(r"(\d)\s*d\s*(\d[\d.]*)\s*m\s*(\d[\d.]*)\s*s", re.I)
_PACKED = re.compile(
    rf"(?P<before>{_SIDE})?\s*(?P<d>\d{{2,3}})(?P<m>\d{{2}})(?P<s>\d{{2}}(?:\.\d+)?)\s*(?P<after>{_SIDE})?",
    re.I,
)
_STAR = re.compile(r"(?<=\d)\s*\*\s*(?=\d)")
"""A star between degrees and minutes stands for the degree sign, which keyboards lack."""
_POINTS = re.compile(r"(?<![\d.])(\d{1,3})\.(\d{2})\.(\d{2}(?:\.\d+)?)(?![\d.])")
"""Degrees, minutes and seconds parted by points: 45.18.53.55."""
_NMEA = re.compile(r"(?<![\d.])(\d{2,3})(\d{2}\.\d+)(?=\s*[NSEWO]\b)", re.I)
"""Degrees and decimal minutes without a sign between them, as GPS receivers log: 4518.8925N."""
_GERMAN = re.compile(r"länge|breite|ostwert|rechtswert|hochwert|probe|höhe", re.I)


def parse_angle(word: str, o_is_east: bool = False) -> float:
    """Turn degrees, minutes and seconds into degrees; NaN where the text is none.

    Parameters
    ----------
    word
        Text such as ``23°58'54.1'' S``, ``43 46 25 E``, ``W 69º30,3'`` or ``0693018W``.
    o_is_east
        Whether O stands for the German Ost; else it is the west of Romance languages.

    Examples
    --------
    >>> round(parse_angle("23°58'54.1'' S"), 5), round(parse_angle("43 46 25 E"), 3)
    (-23.98169, 43.774)
    >>> round(parse_angle("69º 30’ 18,72” O"), 4), round(parse_angle("0693018W"), 4)
    (-69.5052, -69.505)
    >>> parse_angle("23 29 59.97 S") < 0 < parse_angle("23d29m59.97s")
    True
    >>> round(parse_angle("235145.53N"), 5), round(parse_angle("44*47'41.6'' E"), 5)
    (23.86265, 44.79489)
    >>> round(parse_angle("45.18.53.55 N"), 5), round(parse_angle("7450.6611W"), 5)
    (45.31488, -74.84435)
    >>> parse_angle("479 480"), parse_angle("23 75 10")
    (nan, nan)
    """
    plain = _LETTERS.sub("\\1°\\2'\\3\"", word.translate(_SIGNS).strip())
    plain = _NMEA.sub("\\1°\\2'", _POINTS.sub("\\1°\\2'\\3\"", _STAR.sub("°", plain)))
    match = None if _PACKED.fullmatch(plain) else _PARTS.fullmatch(plain)
    if match is None or not (match["m"] or match["before"] or match["after"] or "°" in plain):
        match = _PACKED.fullmatch(plain)
        if match is None or not (match["before"] or match["after"]):
            return float("nan")
    degrees, minutes, seconds = (float(match[part] or 0) for part in "dms")
    whole = all("." not in (match[part] or "") for part in ("d", "m")[: 2 if match["s"] else 1])
    if minutes >= 60 or seconds >= 60 or degrees > 180 or (match["m"] and not whole):
        return float("nan")
    size = degrees + minutes / 60 + seconds / 3600
    side = _side(match["before"] or match["after"] or "", o_is_east)
    negative = side in ("S", "W") or (match.groupdict().get("sign") == "-")
    return -size if negative else size


def _side(word: str, o_is_east: bool) -> str:
    plain = word.lower()
    if plain.strip(".") == "o":
        return "E" if o_is_east else "W"
    return _SIDE_OF.get(plain) or _SIDE_OF.get(plain.strip("."), "")


def parse_angles(words: Sequence[str], name: str, names: Sequence[str] = ()) -> NDArray[np.float64]:
    """Read a column of angles in text; NaN where a cell is none.

    O is the west of Spanish, Portuguese and French unless W also occurs or the table is German.

    >>> parse_angles(["69 30 O", "70 15 O"], "LONGITUD").tolist()
    [-69.5, -70.25]
    """
    other = any(re.search(r"\bW\b|\d\s*W$", word.upper()) for word in words)
    german = other or any(_GERMAN.search(each) for each in (name, *names))
    return np.array([parse_angle(word, german) for word in words])


def hemisphere_of(name: str) -> int:
    """Return -1 where a column's name says west or south, else 1.

    >>> hemisphere_of("LONG_W"), hemisphere_of("Latitud Sur"), hemisphere_of("Longitude")
    (-1, -1, 1)
    """
    sides = {_SIDE_OF.get(token.lower()) for token in header_tokens(name)[1:]}
    return -1 if sides & {"W", "S"} else 1


def unpack(packed: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Turn packed DDMMSS.ss or DDMM.mm into degrees; None where some number cannot be such.

    >>> unpack(np.array([-232959.97, -693018.72, 233000, 240159, 120000])).round(5)[:2].tolist()
    [-23.49999, -69.5052]
    """
    size = np.abs(packed[np.isfinite(packed)])
    if len(size) < 5:
        return None
    for most, divisor in ((18060.0, 100.0), (1806060.0, 10000.0)):
        if (size <= most).all():
            return _degrees(packed, divisor)
    return None


def _degrees(packed: NDArray[np.float64], divisor: float) -> NDArray[np.float64] | None:
    size = np.abs(packed)
    degrees = np.floor(size / divisor)
    rest = size - degrees * divisor
    minutes = rest if divisor == 100.0 else np.floor(rest / 100.0)
    seconds = 0.0 * rest if divisor == 100.0 else rest - minutes * 100.0
    known = np.isfinite(packed)
    if (minutes[known] >= 60).any() or (seconds[known] >= 60).any():
        return None
    return np.sign(packed) * (degrees + minutes / 60 + seconds / 3600)
