"""What the files of an ASTER scene say about it: time, sun, view, gains, place, level."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from gossan.catalogue.sensors import aster_band, aster_bands, unit_conversion
from gossan.errors import ImageryError, must
from gossan.imagery.aster.odl import Values

EARTH_RADIUS_KM = 6371.0
ORBIT_HEIGHT_KM = 705.0
NAME = re.compile(r"(AST_?[A-Z0-9]+)_(\d{3})(\d{14})", re.IGNORECASE)
SURFACE_PRODUCTS = ("AST_07", "AST_07XT")
SURFACE_SCALE = 0.001
"""Reflectance of one digital number in these products."""
OTHER_PRODUCTS = {
    "AST_05": "surface emissivity of the thermal bands",
    "AST_08": "surface temperature",
    "AST_09": "radiance leaving the surface",
    "AST_09XT": "radiance leaving the surface",
    "AST_09T": "thermal radiance leaving the surface",
    "AST_L1A": "raw data without geometric correction",
    "AST_L1AE": "raw data without geometric correction",
    "AST_L1B": "radiance in the satellite's swath, without terrain correction",
    "AST_L1BE": "radiance in the satellite's swath, without terrain correction",
    "AST_14DEM": "heights",
    "AST_14DMO": "orthorectified radiance with heights",
    "AST_14OTH": "orthorectified radiance",
}
"""Products that share names and layout with those read here, and hold something else."""
GAIN = re.compile(r"\b(\d{1,2}N?)\W+(HGH|NOR|LO1|LO2|LOW|OFF)\b", re.IGNORECASE)


class Conversion(NamedTuple):
    """Conversion of digital numbers to radiance: ``L = per_dn * DN + offset`` (W m-2 sr-1 um-1)."""

    per_dn: float
    offset: float


@dataclass(frozen=True)
class AsterMetadata:
    """Metadata of one scene that readers and calibration need.

    Attributes
    ----------
    name
        Granule or file name, for messages.
    product, version
        ``AST_L1T``, ``AST_07XT`` ...; ``003``, ``031``, ``004``.
    time
        Start of the observation, UTC.
    sun_azimuth, sun_elevation
        Degrees; None when the files do not say.
    view_zenith
        Degrees at the ground, from the pointing angle; 0 when the files do not say.
    gains
        Gain word of each band, as far as the files say.
    conversions
        Unit conversions found in the files.
    track_azimuth
        Direction of flight, degrees clockwise from north; None when unknown.
    seen_from
        Side of the scene that the satellite passed on, as the user states it.
    """

    name: str
    product: str
    version: str
    time: datetime
    sun_azimuth: float | None = None
    sun_elevation: float | None = None
    view_zenith: float = 0.0
    gains: Mapping[str, str] = field(default_factory=dict)
    conversions: Mapping[str, Conversion] = field(default_factory=dict)
    track_azimuth: float | None = None
    seen_from: Literal["west", "east"] = "west"

    @property
    def is_surface_reflectance(self) -> bool:
        """Whether the product is of level 2 (AST_07, AST_07XT)."""
        return self.product in SURFACE_PRODUCTS

    def conversion(self, band: str) -> Conversion:
        """Return the conversion of a band: that of the file first, the handbook's table else.

        Raises
        ------
        ImageryError
            The files state neither a conversion nor a known gain.
        """
        if band in self.conversions:
            return self.conversions[band]
        sensor = aster_band(band)
        gain = "NOR" if sensor.group == "TIR" else self.gains.get(band)
        if gain is None:
            raise ImageryError(
                must(
                    f"{self.name}: the gain of band {sensor.label}",
                    "named in the metadata",
                    "nothing",
                    f'Put the .met file beside the bands, or set gains = {{ {band} = "NOR" }}',
                )
            )
        per_dn = unit_conversion(band, gain).per_dn
        return Conversion(per_dn, -per_dn)


def read_metadata(values: Values, name: str, time: datetime | None = None) -> AsterMetadata:
    """Collect the metadata of a scene from flattened values and its file name.

    Parameters
    ----------
    values
        ``{NAME: values}`` as :func:`gossan.imagery.aster.odl.parse_odl` gives them.
    name
        File or granule name; it holds product, version and time where the values do not.
    time
        When the scene was taken, for files that do not say.

    Raises
    ------
    ImageryError
        A product that is not read here, missing time, an unknown gain word, or an unreadable
        number.
    """
    named, version, named_time = _from_name(name)
    product = _known_product(named, _product(values), name)
    version = version or (values["VERSIONID"][0].zfill(3) if "VERSIONID" in values else "")
    azimuth, elevation = _sun(values, name)
    return AsterMetadata(
        name=name,
        product=product,
        version=version,
        time=_time(values, name, named_time or time),
        sun_azimuth=azimuth,
        sun_elevation=elevation,
        view_zenith=_view_zenith(values, name),
        gains=_gains(values),
        conversions=_conversions(values, name),
        track_azimuth=_track(values, name),
    )


def _from_name(name: str) -> tuple[str, str, datetime | None]:
    found = NAME.search(name)
    if not found:
        return "", "", None
    try:
        time = datetime.strptime(found[3], "%m%d%Y%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        time = None
    return product_of(found[1]), found[2], time


def _known_product(named: str, stated: str, name: str) -> str:
    """Return the product, which file name and metadata must agree on."""
    for product in (named, stated):
        refuse_other_product(product, name)
    if (named in SURFACE_PRODUCTS) != (stated in SURFACE_PRODUCTS) and named and stated:
        raise ImageryError(
            must(
                f"{name}: the ASTER product",
                "the same by its name and in its metadata",
                f"{named} and {stated}",
                "Keep the names as downloaded, and each scene in its own folder",
            )
        )
    return named or stated or "AST_L1T"


def _product(values: Values) -> str:
    short = product_of(values.get("SHORTNAME", ("",))[0])
    return short if short.startswith("AST_") else ""


def product_of(name: str) -> str:
    """Write the name of a product one way.

    Examples
    --------
    >>> product_of("AST14OTH"), product_of("ASTL1T"), product_of("ast_07xt")
    ('AST_14OTH', 'AST_L1T', 'AST_07XT')
    """
    return re.sub("^AST_?", "AST_", name.upper())


def refuse_other_product(product: str, name: str) -> None:
    """Refuse a product that is not read here, and say what it is.

    Raises
    ------
    ImageryError
        The product is one of ``OTHER_PRODUCTS``.
    """
    if product in OTHER_PRODUCTS:
        raise ImageryError(
            must(
                f"{name}: the ASTER product",
                "AST_L1T, AST_07 or AST_07XT",
                f"{product}, which is {OTHER_PRODUCTS[product]}",
                "Order AST_L1T (radiance at the sensor) or AST_07XT (surface reflectance)",
            )
        )


def numbers(values: Values, key: str, count: int, name: str) -> tuple[float, ...] | None:
    """Read ``count`` numbers of a key; None where the key is missing.

    Raises
    ------
    ImageryError
        The metadata hold another count of numbers.
    """
    if key not in values:
        return None
    texts = [piece for value in values[key] for piece in value.split(",")]
    try:
        found = tuple(float(text) for text in texts)
    except ValueError:
        found = ()
    if len(found) < count or not all(map(math.isfinite, found)):
        raise ImageryError(
            must(
                f"{name}: {key}",
                f"{count} numbers",
                ", ".join(values[key]),
                "The metadata is damaged: download the scene again",
            )
        )
    return found[:count]


def _sun(values: Values, name: str) -> tuple[float | None, float | None]:
    pair = numbers(values, "SOLARDIRECTION", 2, name)
    if pair is None:
        azimuth = numbers(values, "SOLARAZIMUTHANGLE", 1, name)
        elevation = numbers(values, "SOLARELEVATIONANGLE", 1, name)
        if azimuth is None or elevation is None:
            return None, None
        pair = (azimuth[0], elevation[0])
    if not -90 <= pair[1] <= 90:
        raise ImageryError(
            must(
                f"{name}: the sun's elevation",
                "-90 to 90 degrees",
                pair[1],
                "The metadata is damaged: download the scene again",
            )
        )
    return pair[0] % 360.0, pair[1]


def _view_zenith(values: Values, name: str) -> float:
    """Turn the pointing angle at the satellite into the zenith angle at the ground."""
    for key in ("POINTINGANGLE2", "POINTINGANGLE1", "POINTINGANGLE"):
        angle = numbers(values, key, 1, name)
        if angle is not None:
            ratio = (EARTH_RADIUS_KM + ORBIT_HEIGHT_KM) / EARTH_RADIUS_KM
            return math.degrees(math.asin(min(ratio * math.sin(math.radians(abs(angle[0]))), 1)))
    return 0.0


def _time(values: Values, name: str, named: datetime | None) -> datetime:
    date = re.sub(r"\D", "", values.get("CALENDARDATE", ("",))[0])
    clock = re.sub(r"\D", "", values.get("TIMEOFDAY", ("",))[0])[:6].ljust(6, "0")
    if len(date) == 8:
        try:
            return datetime.strptime(date + clock, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        except ValueError:
            pass
    if named is not None:
        return named
    raise ImageryError(
        must(
            f"{name}: the time of the scene",
            "in the metadata or in the file name",
            "neither",
            "Keep the name AST_L1T_00{3,4}MMDDYYYYhhmmss_..., add the .met file, or set aster = "
            '{ time = "2004-07-15T07:52:31Z" }',
        )
    )


def _gains(values: Values) -> dict[str, str]:
    """Read gain words; the value itself names its band.

    The product has one value for each band, ("01", "HGH"); the archive's metadata have them all
    in one, ASTERGains = "01 HGH, 02 HGH, 3N NOR, ...".
    """
    found = {}
    labels = {band.label.zfill(2): band.name for band in aster_bands()}
    for key, value in values.items():
        if key == "ASTERGAINS":
            pairs = GAIN.findall(" , ".join(value))
        elif key.startswith("GAIN") and len(value) >= 2:
            pairs = [(value[0], value[1])]
        else:
            continue
        for label, word in pairs:
            name = labels.get(label.upper().zfill(2))
            if name is not None and word.upper() != "OFF":
                unit_conversion(name, word)
                found[name] = word.upper()
    return found


def _conversions(values: Values, name: str) -> dict[str, Conversion]:
    found = {}
    for band in aster_bands():
        factor = numbers(values, f"INCL{band.label}", 1, name)
        if factor is None or factor[0] <= 0:
            continue
        offset = numbers(values, f"OFFSET{band.label}", 1, name)
        found[band.name] = Conversion(factor[0], -factor[0] if offset is None else offset[0])
    return found


def _track(values: Values, name: str) -> float | None:
    """Return the direction of flight from the scene's left corners (latitude, longitude).

    A descending scene has its first line in the north. None when the corners are those of the
    map frame (due south to 0.5 degree) or missing.
    """
    first, last = (numbers(values, key, 2, name) for key in ("UPPERLEFT", "LOWERLEFT"))
    if first is None or last is None:
        return None
    north = last[0] - first[0]
    east = (last[1] - first[1]) * math.cos(math.radians((first[0] + last[0]) / 2))
    if not north and not east:
        return None
    azimuth = math.degrees(math.atan2(east, north)) % 360.0
    return None if min(azimuth % 180.0, 180.0 - azimuth % 180.0) < 0.5 else azimuth
