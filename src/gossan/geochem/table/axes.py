"""Find the columns of coordinates, and what the axes of a CRS are called."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pyproj import CRS

from gossan.geochem.table.datums import datum_fits

AXES = (
    ("easting", "northing"), ("east", "north"), ("x", "y"), ("lon", "lat"), ("long", "lat"),
    ("longitude", "latitude"), ("xcoord", "ycoord"), ("x_coord", "y_coord"), ("coord_x", "coord_y"),
    ("utm_e", "utm_n"), ("utme", "utmn"), ("x_utm", "y_utm"), ("utm_x", "utm_y"),
    ("utm_east", "utm_north"), ("utm_easting", "utm_northing"), ("eastings", "northings"),
    ("easting_m", "northing_m"), ("e", "n"), ("mga_e", "mga_n"), ("amg_e", "amg_n"),
    ("mga_east", "mga_north"), ("amg_east", "amg_north"), ("grid_e", "grid_n"),
    ("longitude_dd", "latitude_dd"), ("lon_dd", "lat_dd"), ("lng", "lat"), ("point_x", "point_y"),
    ("dec_long", "dec_lat"), ("declong", "declat"), ("decimal_longitude", "decimal_latitude"),
    ("long_dec", "lat_dec"), ("longdd", "latdd"), ("wgs84_lon", "wgs84_lat"),
    ("rechtswert", "hochwert"), ("rw", "hw"), ("ostwert", "nordwert"), ("este", "norte"),
    ("est", "nord"), ("leste", "norte"), ("longitud", "latitud"), ("coordenada_x", "coordenada_y"),
    ("coord_este", "coord_norte"), ("utm_este", "utm_norte"), ("utm_leste", "utm_norte"),
    ("laenge", "breite"), ("länge", "breite"), ("dlugosc", "szerokosc"), ("długość", "szerokość"),
    ("восток", "север"), ("долгота", "широта"), ("横坐标", "纵坐标"), ("经度", "纬度"),
    ("東経", "北緯"), ("経度", "緯度"), ("經度", "緯度"), ("경도", "위도"),
    ("boylam", "enlem"), ("délka", "šířka"),
    ("东经", "北纬"), ("东坐标", "北坐标"), ("x坐标", "y坐标"), ("x座標", "y座標"),
)  # fmt: skip
"""Usual names of a pair of coordinate columns, in the order in which they are looked for."""

_MORE_AXES = (
    ("ost", "nord"), ("rechts", "hoch"), ("abscisse", "ordonnée"), ("abscissa", "ordinate"),
    ("abscisa", "ordenada"), ("e", "n"), ("longitudine", "latitudine"), ("sağa", "yukarı"),
    ("bujur", "lintang"), ("شرق", "شمال"), ("خط_الطول", "خط_العرض"), ("طول", "عرض"),
    ("kinh_độ", "vĩ_độ"), ("itä", "pohjoinen"),
)  # fmt: skip
"""Pairs that are looked for only where no usual name is found."""
_AXIS_WORDS = {w for pair in (*AXES, *_MORE_AXES) for w in pair if w.isalpha()} - {
    "xcoord",
    "ycoord",
}
_LENGTHS = frozenset(("m", "metre", "metres", "meter", "meters", "metros", "mts"))
_FILLERS = _LENGTHS | frozenset(
    (
        *("utm", "mga", "amg", "bng", "osgb", "itm", "ig", "ing", "irish", "grid", "nat"),
        *("national", "orig", "original", "coord", "coords", "coordinate", "coordinates"),
        *("coordenada", "coordenadas", "coor", "coo", "koord", "koordinate", "euref", "etrs"),
        *("wgs", "gda", "nad", "agd", "psad", "sad", "sirgas", "jgd", "map", "field", "gps"),
        *("km", "kilometre", "kilometres", "kilometer", "kilometers", "l93", "lambert", "lamb"),
        *("współrzędna", "współrzędne", "wspolrzedna", "souřadnice", "coordonnée", "coordonnee"),
        *("proj", "projected", "zone", "zona", "dd", "dec", "decimal", "pos", "position"),
    )
)
"""Words beside the axis in a column's name: datum, grid, unit."""
_JOINTS = re.compile(r"(?<=[a-zа-я])(?=[A-ZА-Я])|(?<=[^\W\d])(?=\d)|(?<=\d)(?=[^\W\d])")
"""Places where a name is parted without a sign: EastUTM, UTM38."""
_GLUED = "|".join(sorted(_FILLERS - {"m", "ig", "dd"}, key=len, reverse=True))
_GLUED_AXIS = re.compile(rf"(?P<before>{_GLUED})?(?P<axis>[^\W\d_]+?)(?P<after>{_GLUED})?")

_ANGLES = re.compile(
    r"bujur|خط_الطول|طول|kinh_|(wgs84_)?l(o?ng|on)|dec_?l|decimal_l|долгота|经度|东经|経度|東経|경도|經度|boylam|délka|l(ä|ae)nge|d[lł]ugo"
)
_LATITUDES = re.compile(r"lat|breite|enlem|širka|šířka|широта|纬|北纬|緯")
_SIDES = frozenset(
    ("n", "s", "e", "w", "north", "south", "east", "west", "norte", "sur", "sul", "este", "oeste")
)
"""Words beside latitude or longitude that say on which side of zero they count."""
_PLAIN_X = re.compile(
    r"((coord(enada|inate|onn[ée]e)?s?|wsp[óo][łl]rz[ęe]dn[ae]|sou[řr]adnice|koordinat[ea]?)_)?x(_?coord|坐标|座標)?(_(m|19\d\d|2000|pl))?"
)
_DATUMS = re.compile(
    r"_((l93|l2e|cc\d\d|rgf93|lambert_?(93|2e?)|gda|wgs|agd|nad|sirgas|psad|sad|jgd|etrs|ed|mga|amg|puwg)_?\d{0,4}[a-z]?|(19|20)\d\d)$"
)


def find_axes(
    names: Sequence[str], degrees: bool = False, crs: CRS | None = None
) -> tuple[str, str] | None:
    """Find a pair of coordinate columns by their usual names; None where there is none.

    Parameters
    ----------
    names
        Columns of the table.
    degrees
        Which pair is wanted where a table has both: degrees or metres.
    crs
        System of the coordinates: of several pairs, the one that names its datum is taken.

    Examples
    --------
    >>> find_axes(["SAMPLE", "Easting", "Northing", "Cu"])
    ('Easting', 'Northing')
    >>> find_axes(["№", "Восток, м", "Север, м", "EASTING_GDA2020"])
    ('Восток, м', 'Север, м')
    >>> find_axes(["UTME83", "UTMN83"]), find_axes(["LAT_NAD27", "LONG_NAD27"])
    (('UTME83', 'UTMN83'), ('LONG_NAD27', 'LAT_NAD27'))
    >>> names = ["LAT_NAD27", "LONG_NAD27", "LAT_NAD83", "LONG_NAD83"]
    >>> find_axes(names, degrees=True, crs=CRS("EPSG:4269"))
    ('LONG_NAD83', 'LAT_NAD83')
    """
    pairs = _pairs(names)
    wanted = [pair for pair in pairs if are_angles(pair) == degrees] or pairs
    if crs is not None:
        wanted = sorted(wanted, key=lambda pair: -datum_fits(pair[0], crs))
    return next(iter(wanted), None)


def axis_columns(names: Sequence[str]) -> set[str]:
    """List every column that is one of a pair of coordinates: none of them is an element.

    >>> sorted(axis_columns(["X", "Y", "Y_ppm", "LON", "LAT"]))
    ['LAT', 'LON', 'X', 'Y']
    """
    return {name for pair in _pairs(names) for name in pair}


def _pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    known: dict[str, str] = {}
    for name in names:
        for short in _short_names(name):
            known.setdefault(short, name)
    usual = [(known[x], known[y]) for x, y in AXES if x in known and y in known]
    return list(dict.fromkeys([*usual, *_pairs_by_words(names)]))


def _pairs_by_words(names: Sequence[str]) -> list[tuple[str, str]]:
    """Pair columns whose names agree but for the axis: UTM38_E with UTM38_N, GRIDX with GRIDY."""
    read = {name: words for name in names if (words := _axis_and_rest(name)) is not None}
    by_words = {words: name for name, words in reversed(read.items())}
    found = []
    for name, (axis, rest) in read.items():
        others = [by_words.get((y, rest)) for x, y in (*AXES, *_MORE_AXES) if x == axis]
        found += [(name, other) for other in others if other is not None]
    return found


def _axis_and_rest(name: str) -> tuple[str, frozenset[str]] | None:
    """Part a name into the word of its axis and the words beside it; None for other names.

    >>> _axis_and_rest("NAT_Grid_East") == ("east", frozenset({"nat", "grid"}))
    True
    >>> _axis_and_rest("LONG_W") == ("long", frozenset()), _axis_and_rest("Y_ppm")
    (True, None)
    >>> _axis_and_rest("East Pit")
    """
    apart = re.sub(
        r"(?<=[a-zа-я])(?=[A-ZА-Я])|(?<=[^\W\d])(?=\d)|(?<=\d)(?=[^\W\d])", " ", name.strip()
    )
    axes, rest, sides = [], [], []
    for token in re.findall(r"[^\W\d_]+|\d+", apart.lower()):
        glued = re.fullmatch(
            rf"(?P<before>{_GLUED})?(?P<axis>[^\W\d_]+?)(?P<after>{_GLUED})?", token
        )
        if token in _SIDES:
            sides.append(token)
        elif token in _AXIS_WORDS:
            axes.append(token)
        elif token in _FILLERS or token.isdigit():
            rest.append(token)
        elif glued is not None and glued["axis"] in _AXIS_WORDS:
            axes.append(glued["axis"])
            rest += filter(None, (glued["before"], glued["after"]))
        else:
            return None
    if not any(map(_ANGLES.match, axes)) and not any(map(_LATITUDES.match, axes)):
        axes += sides  # LONG_W is a longitude; E alone is an easting
    if (
        len(axes) != 1
        or axes[0] not in _AXIS_WORDS
        or (_ANGLES.match(axes[0]) and _LENGTHS & set(rest))
    ):
        return None  # minutes of longitude are no longitude
    return axes[0], frozenset(rest)


def _short_names(name: str) -> list[str]:
    """Return a column's name as it is looked for: plain, without brackets, without its datum."""
    plain = [_underscored(name), _underscored(re.split(r"[(\[,]", name)[0].strip() or name)]
    return [*plain, *(_DATUMS.sub("", word) for word in plain)]


def _underscored(name: str) -> str:
    return re.sub(r"[\s.\-]+", "_", name.strip().lower()).strip("_")


def are_angles(axes: tuple[str, str]) -> bool:
    """Return whether the names of a pair of columns are those of longitude and latitude.

    >>> are_angles(("Longitude_DD", "Latitude_DD")), are_angles(("x", "y"))
    (True, False)
    """
    return bool(_ANGLES.match(_underscored(axes[0])))


def x_points_north(crs: CRS) -> bool:
    """Detect the systems that call their first coordinate y: x is north, or south, there.

    >>> x_points_north(CRS("EPSG:2180")), x_points_north(CRS("EPSG:32638"))
    (True, False)
    >>> x_points_north(CRS("EPSG:2048")), x_points_north(CRS("EPSG:5513"))
    (True, False)
    """
    axes = crs.axis_info[:2]
    if len(axes) < 2 or not crs.is_projected:
        return False
    ordered = axes[::-1] if [a.direction for a in axes] == ["north", "east"] else axes
    return [axis.abbrev.upper() for axis in ordered] == ["Y", "X"]


def are_plain_xy(axes: tuple[str, str]) -> bool:
    """Recognise columns that are called x and y, without saying which is the easting.

    >>> are_plain_xy(("X", "Y")), are_plain_xy(("X_2000", "Y_2000"))
    (True, True)
    >>> are_plain_xy(("POINT_X", "POINT_Y"))
    False
    """
    x, y = ({re.sub("[xy]", letter, s) for s in _short_names(n)} for n, letter in zip(axes, "xx"))
    named = "x" in axes[0].lower() and "y" in axes[1].lower()
    return named and all(any(_PLAIN_X.fullmatch(s) for s in short) for short in (x, y))
