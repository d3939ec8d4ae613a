"""Recognise which band of a sensor a plain raster holds, by the words that people write."""

from __future__ import annotations

import re

from gossan.catalogue.sensors import aster_bands, sentinel2_bands

BAND_TOKEN = re.compile(
    r"(?:^|[^a-z0-9])(?:vnir|swir|tir)?_?(?:b|band|imagedata)[ _-]?0*(\d{1,2})([abn]?)"
    r"(?=[^a-z0-9]|$)"
)
PIXEL_TOKEN = re.compile(r"(?:^|[^a-z0-9])(?:10|15|20|30|60|90)m(?=[^a-z0-9]|$)")
DERIVED = re.compile(
    r"ratio|index|ndvi|ndwi|ndsi|savi|evi|bsi|pca?\d*|std|stdev|var|texture|glcm|diff|minus|div|"
    r"divided|over|sum|mask|log|smooth(?:ed)?|filter(?:ed)?|median|gauss(?:ian)?|gradient|sobel|"
    r"lowpass|highpass|residuals?|anomaly|zscore"
)
"""Words of rasters that were computed from bands and are none themselves."""

QUALITY = re.compile(
    r"(?:^|_)(?:qa(?:60|10|20)|b?qa|(?:\w+_)?qa_\w+|pixel_qa|radsat_qa|sr_aerosol|cloud_qa|scl|fmask|"
    r"msk_cldprb|msk_snwprb|msk_classi_\w+|cloudmask|cloud_mask)$"
)
"""Names of bands of quality bits and classes, in Landsat, HLS, Sentinel-2 and Earth Engine."""

_ASTER = {band.label.lower(): band.name for band in aster_bands()} | {"3": "b3"}
_SENTINEL2 = {band.label.lower().removeprefix("b0").removeprefix("b"): band.name
              for band in sentinel2_bands()}  # fmt: skip
_ASSETS = {band.asset: band.name for band in sentinel2_bands() if band.asset}


def band_name(text: str) -> str:
    """Turn any text into a band name that formulas can use.

    Examples
    --------
    >>> band_name("Silica Index (B11/B10)"), band_name("667.4 Nanometers")
    ('silica_index_b11_b10', 'b667_4_nanometers')
    """
    plain = re.sub(r"[^0-9a-z]+", "_", text.lower()).strip("_") or "band"
    return f"b{plain}" if plain[0].isdigit() else plain


def is_quality(name: str) -> bool:
    """Whether a band of this name holds quality bits or classes, which are no measurement.

    Examples
    --------
    >>> is_quality("lc08_l2sp_140035_qa_pixel"), is_quality("QA60"), is_quality("sr_b4")
    (True, True, False)
    """
    return QUALITY.search(band_name(name)) is not None


def sensor_band(sensor: str, text: str) -> str | None:
    """Recognise a band of a sensor in a file's name or a band's description.

    Returns
    -------
    The band's name in formulas; ``scl`` for Sentinel-2's scene classes; None for anything that
    names no band, several bands, or something computed from bands.

    Examples
    --------
    >>> sensor_band("sentinel2", "T38QKJ_20230811_B8A_20m"), sensor_band("sentinel2", "B4")
    ('b8a', 'b04')
    >>> sensor_band("sentinel2", "ratio_b4_b11"), sensor_band("aster", "FLAASH (Band 3N)")
    (None, 'b3')
    >>> sensor_band("sentinel2", "swir16"), sensor_band("sentinel2", "SCL")
    ('b11', 'scl')
    """
    lower = text.lower()
    words = re.findall(r"[a-z0-9]+", lower)
    if any(DERIVED.fullmatch(word) for word in words):
        return None
    if sensor == "sentinel2" and "scl" in words:
        return "scl"
    known = _ASTER if sensor == "aster" else _SENTINEL2
    tokens = {number + letter for number, letter in BAND_TOKEN.findall(lower)}
    if len(tokens) == 1:
        return known.get(tokens.pop())
    if tokens:
        return None
    assets = {_ASSETS[word] for word in words if word in _ASSETS} if sensor == "sentinel2" else ()
    return next(iter(assets)) if len(assets) == 1 else None


def band_of_wavelength(sensor: str, wavelength_um: float | None) -> str | None:
    """Recognise a band of a sensor by its central wavelength; None when none is near.

    Examples
    --------
    >>> band_of_wavelength("aster", 2.167), band_of_wavelength("sentinel2", 0.8647)
    ('b5', 'b8a')
    >>> band_of_wavelength("aster", 0.49), band_of_wavelength("aster", None)
    (None, None)
    """
    if wavelength_um is None:
        return None
    bands = aster_bands() if sensor == "aster" else sentinel2_bands()
    nearest = min(bands, key=lambda band: abs(band.centre_um - wavelength_um))
    near = abs(nearest.centre_um - wavelength_um) <= nearest.width_um / 2
    return nearest.name if near else None


def canonical(sensor: str, name: str) -> str:
    """Write a band's name as formulas do; names of plain rasters stay as they are.

    >>> canonical("aster", "3N"), canonical("sentinel2", "B2"), canonical("bands", "B2")
    ('b3', 'b02', 'B2')
    """
    if sensor == "bands":
        return name
    return sensor_band(sensor, f"b{name}" if name[:1].isdigit() else name) or band_name(name)


def scene_key(text: str) -> str:
    """Strip band and pixel size off a file's name: what is left tells scenes apart.

    >>> scene_key("T38QKJ_20230811_B8A_20m"), scene_key("T38QKJ_20230811_B04_10m")
    ('t38qkj_20230811', 't38qkj_20230811')
    """
    return band_name(PIXEL_TOKEN.sub("_", BAND_TOKEN.sub("_", text.lower())))
