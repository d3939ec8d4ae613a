"""What a project file may say about the atmosphere of a scene."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from gossan.settings import Settings

AtmosphereWord = Literal[
    "none",
    "6s",
    "dos",
    "cost",
    "iarr",
    "log_residual",
    "flat_field",
    "empirical_line",
    "sen2cor",
]
Aerosol = Literal[
    "none", "continental", "maritime", "urban", "desert", "biomass_burning", "stratospheric"
]


RELATIVE: tuple[AtmosphereWord, ...] = ("iarr", "log_residual", "flat_field")
"""Methods that give relative reflectance, about 1."""


class AtmosphereSettings(Settings):
    """Correction from reflectance at the top of the atmosphere to surface reflectance.

    Examples
    --------
    >>> AtmosphereSettings(method="6s", aerosol="desert").aot550
    'auto'
    """

    method: AtmosphereWord = "none"
    """``none``; ``6s``; ``dos`` and ``cost`` (dark object); ``iarr``, ``log_residual`` and
    ``flat_field`` (relative reflectance); ``empirical_line`` (field spectra); ``sen2cor``
    (Sentinel-2 L1C, by an installed Sen2Cor)."""

    aerosol: Aerosol = "continental"
    """6s: aerosol model."""

    aot550: Annotated[float, Field(ge=0, le=3)] | Literal["auto"] = "auto"
    """6s: aerosol optical thickness at 550 nm; "auto" estimates it from dark vegetation or dark
    targets of the scene, else takes that of 40 km visibility."""

    water_g_cm2: Annotated[float, Field(ge=0, le=10)] | Literal["auto"] = "auto"
    """6s: water vapour column in g/cm2 at the mean height of the ground (0.3 to 1 over high, dry
    ground); "auto" estimates it from Sentinel-2 bands 9 and 8A, else takes that of the standard
    atmosphere of latitude and month."""

    ozone_cm_atm: Annotated[float, Field(ge=0, le=1)] = 0.3
    """6s: ozone column in cm-atm (300 Dobson units are 0.3)."""

    altitude_m: Annotated[float, Field(ge=-450, le=8800)] | Literal["dem"] = 0.0
    """6s: mean height of the ground above the sea in metres; or "dem": the height of each pixel in
    the imagery's terrain model."""

    dem: Path | None = None
    """6s with altitude_m = "dem": heights in metres; default: dem of the imagery."""

    angles: Literal["pixel", "scene"] = "pixel"
    """6s: sun and view angles of each pixel where the scene has them, or the scene's means."""

    adjacency: bool = False
    """6s: remove the light that the air scatters in from the surroundings of each pixel."""

    dark_share: Annotated[float, Field(gt=0, lt=0.5)] = 1e-4
    """dos, cost: share of the pixels that are as dark as the dark object."""

    dark_reflectance: Annotated[float, Field(ge=0, lt=1)] = 0.01
    """dos, cost: reflectance of the dark object (1 %, Chavez 1996)."""

    flat_field: tuple[float, float, float, float] | None = None
    """flat_field: left, bottom, right, top of ground without features, in the scene's CRS."""

    targets: Path | None = None
    """empirical_line: CSV of easting, northing and one column of reflectance per band."""
