"""Read how a Sentinel-2 product counts: quantification, offsets, special numbers, the sun."""

from __future__ import annotations

import re
from typing import Literal
from xml.etree import ElementTree

from gossan.catalogue.sensors import sentinel2_bands
from gossan.imagery.sentinel2.safe import elements, number, number_of, refuse, text_of, whole_number

Level = Literal["L1C", "L2A"]
OFFSET_BASELINE = 4.0
"""From processing baseline 04.00 on, products are written with a radiometric offset."""


def scaling(main: ElementTree.Element, level: Level, name: str) -> tuple[float, dict[str, float]]:
    """Read quantification and offsets: always from the metadata, never from the date.

    Raises
    ------
    ImageryError
        Quantification value or offsets are missing.
    """
    word = "BOA" if level == "L2A" else "RADIO"
    tags = ("BOA_QUANTIFICATION_VALUE", "L2A_BOA_QUANTIFICATION_VALUE", "QUANTIFICATION_VALUE")
    quantification = next((number_of(main, tag) for tag in tags if text_of(main, tag, "")), None)
    if not quantification or quantification <= 0:
        raise refuse(
            name, "a product that states its quantification value", "none", "Download it again"
        )
    by_id = {band.band_id: band.name for band in sentinel2_bands()}
    offsets = dict.fromkeys(by_id.values(), 0.0)
    tag = f"{word}_ADD_OFFSET"
    stated = list(elements(main, tag))
    for element in stated:
        band_id = whole_number(element.get("band_id", element.get("bandId")), f"band_id of {tag}")
        if band_id not in by_id:
            raise refuse(
                name, "a product with offsets for band_id 0 to 12", band_id, "Download it again"
            )
        offsets[by_id[band_id]] = number(element.text, tag)
    if not stated:
        _check_baseline(text_of(main, "PROCESSING_BASELINE", ""), word, name)
    return quantification, offsets


def _check_baseline(baseline: str, word: str, name: str) -> None:
    """Refuse to guess: no stated offset is right only before baseline 04.00."""
    known = re.fullmatch(r"\d\d\.\d\d", baseline)
    if known and float(baseline) < OFFSET_BASELINE:
        return
    raise refuse(
        name,
        f"a product that states {word}_ADD_OFFSET, or of a baseline before 04.00",
        f"baseline {baseline or 'unknown'} without offsets",
        "Download it again, or open its bands as plain rasters with scale and offset",
    )


def special_values(main: ElementTree.Element) -> dict[str, float]:
    """Read the DN that mean no data and saturated."""
    found = {}
    for block in elements(main, "Special_Values"):
        word = text_of(block, "SPECIAL_VALUE_TEXT", "")
        found[word] = number_of(block, "SPECIAL_VALUE_INDEX")
    return found


def sun(main: ElementTree.Element) -> tuple[float, dict[str, float]]:
    """Read U and the solar irradiance of each band."""
    by_id = {str(band.band_id): band.name for band in sentinel2_bands()}
    irradiance = {
        by_id[e.get("bandId", "")]: number(e.text, e.tag)
        for e in elements(main, "SOLAR_IRRADIANCE")
        if e.get("bandId", "") in by_id
    }
    return (number_of(main, "U") if text_of(main, "U", "") else 1.0), irradiance
