"""Sensors that an ``[[imagery]]`` may name: a new one is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any

from pydantic import AfterValidator

from gossan.errors import must

__all__ = ["SENSORS", "Sensor", "SensorEntry"]


@dataclass(frozen=True)
class SensorEntry:
    """Where the function that opens a sensor's scenes is; it is imported when it is needed.

    The function takes the settings of the imagery, the folder that paths are relative to, a folder
    for scratch, and the engine; it returns a list of :class:`gossan.imagery.open_scene.OpenScene`.
    """

    module: str
    opener: str
    says: str
    sees_light: bool = True
    """Its bands are light, for which there are indices, masks and composites."""

    def load(self) -> Callable[..., Any]:
        """Import the function."""
        return getattr(import_module(self.module), self.opener)  # type: ignore[no-any-return]


SENSORS: dict[str, SensorEntry] = {
    "bands": SensorEntry(
        "gossan.imagery.openers", "open_plain_rasters", "any rasters as they are", False
    ),
    "aster": SensorEntry("gossan.imagery.openers", "open_aster_scenes", "ASTER as downloaded"),
    "sentinel2": SensorEntry(
        "gossan.imagery.openers", "open_sentinel2_products", "Sentinel-2 as downloaded"
    ),
    "terrain": SensorEntry(
        "gossan.imagery.terrain.opener",
        "open_terrain",
        "heights, seen as slope, drainage ...",
        False,
    ),
    "classes": SensorEntry(
        "gossan.imagery.categories.opener", "open_map_of_classes", "geology, soil ...", False
    ),
}
"""Sensors by the word of the project file."""


def _known(word: str) -> str:
    if word not in SENSORS:
        allowed = " | ".join(map(repr, SENSORS))
        raise ValueError(must("sensor", allowed, repr(word), 'Use "bands" for any other raster'))
    return word


Sensor = Annotated[str, AfterValidator(_known)]
"""Word of a sensor; others are refused when a project is read."""
