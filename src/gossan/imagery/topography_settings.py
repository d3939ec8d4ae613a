"""What a project file may say about the correction for slopes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gossan.settings import Settings


class TopographySettings(Settings):
    """Say how reflectance is corrected for the slope of the ground; ``dem`` gives the heights.

    >>> TopographySettings(method="auto").greatest_factor
    3.0
    """

    method: Literal["none", "auto", "cosine", "c", "minnaert", "scs_c"] = "none"
    """Correction for slopes with a DEM; "auto" takes the one that leaves the least correlation
    with illumination."""

    flattest_deg: Annotated[float, Field(ge=0, lt=45)] = 5.0
    """Slopes from which on pixels serve to fit and to choose, degrees."""

    least_illumination: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Cosine of the sun's angle on the slope below which light counts as grazing."""

    greatest_factor: Annotated[float, Field(gt=1, le=20)] = 3.0
    """Largest number that reflectance is multiplied by."""

    sun_elevation: Annotated[float, Field(gt=0, le=90)] | None = None
    """Plain rasters: degrees above the horizon; scenes know it."""

    sun_azimuth: Annotated[float, Field(ge=0, le=360)] | None = None
    """Plain rasters: degrees clockwise from north; scenes know it."""
