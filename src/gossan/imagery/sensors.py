"""Sensors that an ``[[imagery]]`` may name: a new one is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any

from pydantic import AfterValidator
from pydantic.fields import FieldInfo

from gossan.errors import must

__all__ = [
    "RASTERS",
    "SENSORS",
    "ReadBy",
    "Sensor",
    "SensorEntry",
    "readers_in_words",
    "readers_of",
]

RASTERS = "plain rasters"
"""Source of keys that a scene of a sensor reads where it comes as plain rasters."""


@dataclass(frozen=True)
class ReadBy:
    """Mark a key of ``[[imagery]]`` that not every sensor reads: ``Annotated[str, ReadBy("aster")]``.

    A key without the mark is read by all of them, and a sensor that no mark names reads all keys.

    Parameters
    ----------
    *sources
        Words of sensors, and ``RASTERS``.

    Examples
    --------
    >>> ReadBy("aster", "sentinel2").sources
    ('aster', 'sentinel2')
    """  # noqa: E501

    sources: tuple[str, ...]

    def __init__(self, *sources: str) -> None:
        """Store the words."""
        object.__setattr__(self, "sources", sources)


def readers_of(field: FieldInfo) -> tuple[str, ...]:
    """Return the sources for which a key is read; none where it always is.

    Parameters
    ----------
    field
        Key of ``ImagerySettings``.
    """
    return next((mark.sources for mark in field.metadata if isinstance(mark, ReadBy)), ())


def readers_in_words(field: FieldInfo) -> str:
    """Word for which sensors a key is read; empty where it always is.

    Parameters
    ----------
    field
        Key of any settings.

    Examples
    --------
    >>> from typing import Annotated
    >>> marked = [ReadBy("aster"), ReadBy("bands", RASTERS, "aster", "sentinel2", "terrain")]
    >>> [readers_in_words(FieldInfo.from_annotation(Annotated[str, mark])) for mark in marked]
    ['only for aster', 'not for classes']
    """
    sources = readers_of(field)
    others = [word for word in (*SENSORS, RASTERS) if word not in sources]
    if not sources or not others:
        return ""
    return f"only for {', '.join(sources)}" if len(others) > 2 else f"not for {', '.join(others)}"


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
    takes_rasters: bool = False
    """Its scenes may also come as plain rasters."""

    def sources(self, word: str) -> tuple[str, ...]:
        """What its scenes may come as: its own products, and plain rasters."""
        return (word, RASTERS) if self.takes_rasters else (word,)

    def load(self) -> Callable[..., Any]:
        """Import the function."""
        return getattr(import_module(self.module), self.opener)  # type: ignore[no-any-return]


SENSORS: dict[str, SensorEntry] = {
    "bands": SensorEntry(
        "gossan.imagery.openers", "open_plain_rasters", "any rasters as they are", False
    ),
    "aster": SensorEntry(
        "gossan.imagery.openers", "open_aster_scenes", "ASTER as downloaded", takes_rasters=True
    ),
    "sentinel2": SensorEntry(
        "gossan.imagery.openers",
        "open_sentinel2_products",
        "Sentinel-2 as downloaded",
        takes_rasters=True,
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
