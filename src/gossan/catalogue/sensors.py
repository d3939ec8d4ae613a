"""The sensors: bands, gains, solar irradiance, thermal constants, spectral responses.

The numbers are data (CSV beside this file); this module reads them.

==========================  ========================================================
``aster_bands.csv``         limits: ASTER User Handbook; centre and width: measured response;
                            solar irradiance at 1 AU: Thome et al. (MODTRAN), within 2 % of ASTM
                            E490 convolved with the response; thermal constants: Planck's law at
                            the effective wavelength
``aster_gains.csv``         Abrams & Hook, ASTER User Handbook, Table 9; band 10 is 0.006882 (the
                            widespread 0.006822 is a misprint: 28.17 / 4093 settles it)
``sentinel2_bands.csv``     ESA Sentinel-2 Spectral Response Functions; band ids as in the product
                            metadata
``sentinel2_responses.csv`` ESA responses of S2A and S2B at 2.5 nm
==========================  ========================================================
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gossan.errors import ImageryError, must

Gain = Literal["HGH", "NOR", "LO1", "LO2"]
Unit = Literal["S2A", "S2B", "S2C"]


@dataclass(frozen=True)
class Band:
    """Describe a band: name in layers and formulas, printed label, group, pixel, wavelength.

    ``centre_um`` and ``width_um`` (full width at half maximum) are in micrometres.
    """

    name: str
    label: str
    group: str
    pixel_m: int
    centre_um: float
    width_um: float


@dataclass(frozen=True)
class AsterBand(Band):
    """Describe an ASTER band.

    Attributes
    ----------
    low_um, high_um
        Nominal limits (um).
    dataset, suffix
        Name in an L1T V003 HDF file; ending of the file name in V004.
    saturated
        Digital number of a saturated pixel (255 or 4095).
    solar_irradiance
        Band-mean at 1 AU (W m-2 um-1); None for thermal bands.
    sixs_code
        Number of the band in 6S; None for thermal bands.
    effective_um, k1, k2
        Effective wavelength (um) and constants of ``T = k2 / ln(k1 / L + 1)`` with L in
        W m-2 sr-1 um-1; None for bands that see sunlight.
    """

    low_um: float
    high_um: float
    dataset: str
    suffix: str
    saturated: int
    solar_irradiance: float | None
    sixs_code: int | None
    effective_um: float | None
    k1: float | None
    k2: float | None


@dataclass(frozen=True)
class Sentinel2Band(Band):
    """Describe a Sentinel-2 band of one satellite (``unit``).

    ``band_id`` is the number in the product's metadata, ``asset`` the usual STAC name,
    ``folders`` where an L2A product keeps it, coarsest last (empty: not in L2A).
    """

    band_id: int
    asset: str
    folders: tuple[str, ...]
    unit: str


@dataclass(frozen=True)
class UnitConversion:
    """Convert digital numbers: radiance per DN and the radiance at saturation (W m-2 sr-1 um-1)."""

    per_dn: float
    max_radiance: float


def _rows(name: str) -> list[dict[str, str]]:
    text = resources.files("gossan.catalogue").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _number(text: str) -> float | None:
    return float(text) if text else None


@cache
def aster_bands() -> tuple[AsterBand, ...]:
    """List the fourteen bands of an L1T scene (3B, the backward view, is not in it).

    >>> [band.name for band in aster_bands() if band.group == "SWIR"]
    ['b4', 'b5', 'b6', 'b7', 'b8', 'b9']
    """
    return tuple(
        AsterBand(
            name=row["name"],
            label=row["label"],
            group=row["group"],
            pixel_m=int(row["pixel_m"]),
            centre_um=float(row["centre_um"]),
            width_um=float(row["width_um"]),
            low_um=float(row["low_um"]),
            high_um=float(row["high_um"]),
            dataset=row["dataset"],
            suffix=row["suffix"],
            saturated=int(row["saturated"]),
            solar_irradiance=_number(row["solar_irradiance"]),
            sixs_code=int(row["sixs_code"]) if row["sixs_code"] else None,
            effective_um=_number(row["effective_um"]),
            k1=_number(row["k1"]),
            k2=_number(row["k2"]),
        )
        for row in _rows("aster_bands.csv")
    )


def aster_band(name: str) -> AsterBand:
    """Find an ASTER band by name (``b3``) or label (``3N``).

    Raises
    ------
    ImageryError
        ASTER has no such band.

    >>> aster_band("3N").name, aster_band("b10").group
    ('b3', 'TIR')
    """
    for band in aster_bands():
        if name in (band.name, band.label):
            return band
    known = ", ".join(band.name for band in aster_bands())
    raise ImageryError(must("an ASTER band", f"one of {known}", repr(name), "Name a band of it"))


@cache
def _conversions() -> dict[tuple[str, str], UnitConversion]:
    return {
        (row["band"], row["gain"]): UnitConversion(
            float(row["unit_conversion"]), float(row["max_radiance"])
        )
        for row in _rows("aster_gains.csv")
    }


def unit_conversion(band: str, gain: str) -> UnitConversion:
    """Return the conversion of an ASTER band under a gain word.

    ``LOW`` means ``LO1``; thermal bands have one gain, ``NOR``.

    Errors: ImageryError for an unknown word, a band that was off, or a gain it lacks.

    Raises
    ------
    ImageryError
        The band has no such gain.

    >>> unit_conversion("b10", "NOR").per_dn
    0.006882
    """
    word = gain.strip().upper()
    word = "LO1" if word == "LOW" else word
    found = _conversions().get((aster_band(band).name, word))
    if found is None:
        known = [key[1] for key in _conversions() if key[0] == aster_band(band).name]
        raise ImageryError(
            must(
                f"the gain of ASTER band {aster_band(band).label}",
                f"one of {', '.join(known)}",
                repr(gain),
                "Correct it in the metadata, or give gains in the settings",
            )
        )
    return found


@cache
def sentinel2_bands(unit: Unit = "S2A") -> tuple[Sentinel2Band, ...]:
    """List the thirteen bands as one satellite measures them.

    For S2C the wavelengths of S2A stand in: its own were not at hand. Nothing but the atmosphere
    word ``6s`` uses them.

    >>> [band.name for band in sentinel2_bands() if band.pixel_m == 10]
    ['b02', 'b03', 'b04', 'b08']
    """
    column = "s2b" if unit == "S2B" else "s2a"
    return tuple(
        Sentinel2Band(
            name=row["name"],
            label=row["label"],
            group=f"{row['pixel_m']}m",
            pixel_m=int(row["pixel_m"]),
            centre_um=float(row[f"{column}_centre_um"]),
            width_um=float(row[f"{column}_width_um"]),
            band_id=int(row["band_id"]),
            asset=row["asset"],
            folders=tuple(row["folders"].split()),
            unit=unit,
        )
        for row in _rows("sentinel2_bands.csv")
    )


def sentinel2_band(name: str, unit: Unit = "S2A") -> Sentinel2Band:
    """Find a Sentinel-2 band by name (``b8a``) or label (``B8A``).

    Raises
    ------
    ImageryError
        Sentinel-2 has no such band.

    >>> sentinel2_band("B11").centre_um
    1.6137
    """
    for band in sentinel2_bands(unit):
        if name in (band.name, band.label):
            return band
    known = ", ".join(band.name for band in sentinel2_bands(unit))
    raise ImageryError(must("a Sentinel-2 band", f"one of {known}", repr(name), "Name one of them"))


def native_pixels_m(sensor: str) -> dict[str, int]:
    """List the pixel size of each band as the sensor measures it; nothing for plain rasters.

    >>> native_pixels_m("aster")["b13"], native_pixels_m("bands")
    (90, {})
    """
    bands: dict[str, tuple[Band, ...]] = {"aster": aster_bands(), "sentinel2": sentinel2_bands()}
    return {band.name: band.pixel_m for band in bands.get(sensor, ())}


@cache
def spectral_response(unit: Unit, band: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return wavelength (n,) in um, 2.5 nm apart, and relative response (n,) of a Sentinel-2 band.

    S2C is answered with S2A.

    >>> wavelength, response = spectral_response("S2B", "b12")
    >>> bool(2.1 < (wavelength * response).sum() / response.sum() < 2.3)
    True
    """
    column = "S2B" if unit == "S2B" else "S2A"
    wanted = sentinel2_band(band, unit).name
    rows = [
        (float(row["wavelength_um"]), float(row["response"]))
        for row in _rows("sentinel2_responses.csv")
        if row["unit"] == column and row["band"] == wanted
    ]
    table = np.array(rows)
    table.setflags(write=False)
    return table[:, 0], table[:, 1]
