"""Layers of a QGIS project: where they come from, how they look, and in which group they are."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass, field

from pyproj import CRS

__all__ = ["BASEMAP", "GROUPS", "Item", "Label", "basemap"]

TARGETS, FIELD, BEST, DOUBT, KRIGING, OTHERS, HALOS, IMAGERY, BASEMAP = GROUPS = (
    "Targets",
    "Field data",
    "Best map",
    "Its error and applicability",
    "Kriging",
    "Other maps",
    "All elements together",
    "Imagery",
    "Basemap (needs a network)",
)
"""Groups of layers, the topmost first."""
OPEN = (TARGETS, FIELD, BEST)
"""Groups whose layers are listed when the project is opened."""


@dataclass(frozen=True)
class Label:
    """What the features of a vector layer say of themselves.

    ``text`` is the column written beside each feature; ``aliases`` are column names for people, in
    the order in which the map tip lists them.
    """

    text: str = ""
    aliases: Mapping[str, str] = field(default_factory=dict)

    @property
    def tip(self) -> str:
        """HTML shown when the pointer rests on a feature."""
        rows = "".join(
            f"<tr><td>{alias}</td><td>[% coalesce(\"{name}\", '') %]</td></tr>"
            for name, alias in self.aliases.items()
        )
        return f"<table>{rows}</table>" if rows else ""


@dataclass(frozen=True, eq=False)
class Item:
    """One layer of the project: its title, place and style."""

    key: str
    title: str
    group: str
    source: str
    """Relative to the project's folder, or an address for the provider ``wms``."""
    provider: str
    style: ET.Element
    visible: bool = False
    geometry: str = ""
    """"Point" or "Polygon" for a vector layer."""
    label: Label | None = None
    crs: CRS | None = None
    """Where it differs from that of the project."""

    @property
    def identity(self) -> str:
        """Identity of the layer in the project; QGIS ignores those of ten characters or fewer."""
        return f"gossan_layer_{self.key}"

    @property
    def address(self) -> str:
        """Source as QGIS writes it."""
        return self.source if self.provider == "wms" else f"./{self.source}"

    @property
    def vector(self) -> bool:
        """True for points and polygons."""
        return self.provider == "ogr"


def basemap() -> Item:
    """OpenStreetMap as tiles, for orientation; it is off until the user switches it on."""
    tiles = "https://tile.openstreetmap.org/%7Bz%7D/%7Bx%7D/%7By%7D.png"
    source = f"type=xyz&url={tiles}&zmin=0&zmax=19"
    return Item(
        "openstreetmap", "OpenStreetMap", BASEMAP, source, "wms", ET.Element("qgis"),
        crs=CRS.from_epsg(3857),
    )  # fmt: skip
