"""Rules that look at one pixel's reflectance: vegetation, water, snow, cloud, shadow.

Thresholds are choices, stated in ``MaskSettings``. Sen2Cor's scene classes, where a product has
them, decide on cloud, cloud shadow and snow. Bright bare rock is often called cloud or unclassified
by either, so look at the shares that each mask reports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gossan.settings import Settings

Flags = NDArray[np.bool_]
Reflectance = Mapping[str, NDArray[np.floating]]

ROLES: dict[str, dict[str, str]] = {
    "aster": {"green": "b1", "red": "b2", "nir": "b3", "swir1": "b4"},
    "sentinel2": {"blue": "b02", "green": "b03", "red": "b04", "nir": "b08", "swir1": "b11"},
}
"""Which band of a sensor plays which part in a rule."""

CLASSES: dict[str, tuple[int, ...]] = {
    "nodata": (0,),
    "saturated": (1,),
    "topographic_shadow": (2,),
    "cloud_shadow": (3,),
    "cloud": (8, 9, 10),
    "snow": (11,),
}
"""Sen2Cor scene classes of each mask; vegetation and water are decided by indices."""

DECIDES: dict[str, dict[str, tuple[int, ...]]] = {
    "scl": CLASSES,
    "classi": {"cloud": (1, 2, 3, 5, 6, 7), "snow": (4, 5, 6, 7)},
    "clouds": {"cloud": (1, 2, 3)},
    "cldprb": {},
}
"""Codes of each mask in each band of classes that a product contains."""


class MaskSettings(Settings):
    """Set the thresholds of the mask rules; the defaults suit reflectance from 0 to 1.

    >>> MaskSettings(ndvi=0.2).stabilised
    1.8
    """

    ndvi: Annotated[float, Field(gt=-1, lt=1)] = 0.25
    """vegetation: NDVI above this (0.2 to 0.3 is usual; a quarter to a third of plant cover)."""

    stabilised: Annotated[float, Field(gt=0)] = 1.8
    """stabilised_vegetation: (nir / red) (green / red) above this; red soils stay low."""

    ndwi: Annotated[float, Field(gt=-1, lt=1)] = 0.0
    """water: NDWI above this, where the near infrared is dark."""

    water_nir: Annotated[float, Field(gt=0, le=1)] = 0.15
    """water: near-infrared reflectance below this."""

    ndsi: Annotated[float, Field(gt=-1, lt=1)] = 0.4
    """snow: (green - swir) / (green + swir) above this, where green is bright."""

    snow_green: Annotated[float, Field(gt=0, le=1)] = 0.2
    """snow: green reflectance above this."""

    cloud_visible: Annotated[float, Field(gt=0, le=2)] = 0.3
    """cloud: mean visible reflectance above this."""

    cloud_whiteness: Annotated[float, Field(gt=0, le=1)] = 0.15
    """cloud: no band from green to swir further than this share from their mean."""

    shadow_nir: Annotated[float, Field(gt=0, le=1)] = 0.08
    """cloud_shadow, topographic_shadow: nir and swir both below this, and no water."""

    illumination: Annotated[float, Field(ge=0, lt=1)] = 0.2
    """topographic_shadow with a DEM: cosine of the sun's angle on the slope below this."""

    shadow_reach_m: Annotated[float, Field(gt=0)] = 3000.0
    """topographic_shadow with a DEM: how far a shadow may be cast, m."""

    classes: Literal["use", "ignore"] = "use"
    """Whether Sen2Cor's scene classes, or the cloud mask of L1C, decide where they are at hand."""

    cloud_probability: Annotated[float, Field(ge=0, lt=100)] | None = None
    """cloud, Sentinel-2 L2A: Sen2Cor's probability above this, in per cent, instead of classes."""


def vegetation(band: Reflectance, settings: MaskSettings) -> Flags:
    """NDVI above a threshold (Rouse et al. 1974)."""
    return _contrast(band["nir"], band["red"]) > settings.ndvi


def stabilised_vegetation(band: Reflectance, settings: MaskSettings) -> Flags:
    """(nir / red) (green / red) above a threshold (Ninomiya 2003): blind to red soil."""
    red = np.where(band["red"] > 1e-6, band["red"], np.nan)
    stabilised: Flags = (band["nir"] / red) * (band["green"] / red) > settings.stabilised
    return stabilised


def water(band: Reflectance, settings: MaskSettings) -> Flags:
    """NDWI above a threshold over a dark near infrared (McFeeters 1996)."""
    wet = _contrast(band["green"], band["nir"]) > settings.ndwi
    return wet & (band["nir"] < settings.water_nir)


def snow(band: Reflectance, settings: MaskSettings) -> Flags:
    """NDSI above a threshold where green is bright (Hall et al. 1995)."""
    cold = _contrast(band["green"], band["swir1"]) > settings.ndsi
    return cold & (band["green"] > settings.snow_green)


def cloud(band: Reflectance, settings: MaskSettings) -> Flags:
    """Bright and white from the visible to the short-wave infrared; snow is not.

    White salt, gypsum and marble look the same: use scene classes where there are any.
    """
    visible = np.stack([band[name] for name in ("blue", "green", "red") if name in band])
    wide = np.concatenate([visible, [band["nir"], band["swir1"]]])
    mean = wide.mean(axis=0)
    white = np.abs(wide - mean).max(axis=0) < settings.cloud_whiteness * mean
    return white & (visible.mean(axis=0) > settings.cloud_visible)


def shadow(band: Reflectance, settings: MaskSettings) -> Flags:
    """Dark in the near and short-wave infrared, and no water."""
    dark = (band["nir"] < settings.shadow_nir) & (band["swir1"] < settings.shadow_nir)
    return dark & ~water(band, settings)


Rule = Callable[[Reflectance, MaskSettings], Flags]

RULES: dict[str, tuple[Rule, tuple[str, ...]]] = {
    "vegetation": (vegetation, ("red", "nir")),
    "stabilised_vegetation": (stabilised_vegetation, ("green", "red", "nir")),
    "water": (water, ("green", "nir")),
    "snow": (snow, ("green", "swir1")),
    "cloud": (cloud, ("green", "red", "nir", "swir1")),
    "cloud_shadow": (shadow, ("green", "nir", "swir1")),
    "topographic_shadow": (shadow, ("green", "nir", "swir1")),
}
"""The rule of each mask, and the parts of the spectrum that it needs."""


def _contrast(above: NDArray[np.floating], below: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return (a - b) / (a + b); NaN where the sum is near zero."""
    total = above + below
    return np.where(total > 1e-6, (above - below) / np.where(total > 1e-6, total, 1), np.nan)
