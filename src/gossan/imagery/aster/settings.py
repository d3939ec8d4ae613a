"""What a project file may say about an ASTER scene."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field, field_validator

from gossan.catalogue.sensors import Gain, aster_bands
from gossan.errors import must
from gossan.imagery.atmosphere.settings import AtmosphereSettings
from gossan.settings import Settings


class LeakSettings(Settings):
    """Describe one ghost of band 4 (see :mod:`gossan.imagery.aster.crosstalk`)."""

    band: str
    """Band that receives the light."""

    share: float
    """Radiance received per unit of blurred band 4 radiance."""

    shift_m: float
    """Displacement along the direction of flight, m."""

    sigma_m: float = 450.0
    """Blur, m."""


class AsterSettings(Settings):
    """Options of the steps from an ASTER scene's files to its stack of bands.

    >>> AsterSettings(gains={"b4": "NOR"}).thermal
    'bring'
    """

    atmosphere: AtmosphereSettings = AtmosphereSettings()
    """How top-of-atmosphere reflectance becomes that of the surface."""

    crosstalk: Literal["none", "supplied", "fitted"] = "none"
    """Removal of band 4 light from the other short-wave bands. Off by default: L1T is listed as
    corrected already, and the published coefficients are not open."""

    leaks: tuple[LeakSettings, ...] = ()
    """crosstalk = "supplied": the ghosts to remove."""

    swir_after_2008: Literal["refuse", "accept", "leave_out"] = "refuse"
    """Short-wave bands after the detector failed (April 2008), or mostly saturated ones."""

    saturated_limit: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Share of saturated pixels (median of the short-wave bands) that marks a failed detector."""

    saturated_pixels: Literal["empty", "keep"] = "empty"
    """Saturated pixels: empty, because their radiance is unknown, or kept at the limit."""

    thermal: Literal["bring", "temperature", "leave"] = "bring"
    """Thermal bands, where the scene has them: their radiance, their brightness temperature, or
    leave them out."""

    gains: dict[str, Gain] = Field(default_factory=dict)
    """Gain words by band (b4 = "NOR"), for files that do not say; they win over the files."""

    time: datetime | None = None
    """When the scene was taken (UTC), for files that do not say."""

    sun_azimuth: Annotated[float, Field(ge=0, le=360)] | None = None
    """Degrees; none takes the file's."""

    sun_elevation: Annotated[float, Field(gt=0, le=90)] | None = None
    """Degrees; none takes the file's, or works it out from time and place."""

    track_azimuth: Annotated[float, Field(ge=0, le=360)] | None = None
    """Direction of flight for crosstalk, degrees from north; none takes the file's."""

    seen_from: Literal["west", "east"] = "west"
    """Side of the scene that the satellite passed on, which the files do not say in a way that
    could be checked: where its footprint lies west of the track, it was seen from the east."""

    @field_validator("time")
    @classmethod
    def _utc(cls, value: datetime | None) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value

    @field_validator("gains")
    @classmethod
    def _known_bands(cls, value: dict[str, Gain]) -> dict[str, Gain]:
        known = [band.name for band in aster_bands()]
        for name in value:
            if name not in known:
                raise ValueError(
                    must("gains", f"by band: {', '.join(known)}", repr(name), "Use one of these")
                )
        return value
