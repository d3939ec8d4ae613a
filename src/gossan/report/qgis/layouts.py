"""A print layout of the targets of one element: one page each, at 1:25,000."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gossan.report.maps import Bounds
from gossan.report.qgis.items import Item

__all__ = ["SCALE", "target_layout"]

SCALE = 25_000
"""Denominator of the scale of the pages."""
MAP_MM = (190.0, 170.0)
_TEMPLATES = Path(__file__).parents[1] / "templates"


def target_layout(
    title: str, targets: Item, shown: Sequence[Item], place: tuple[float, float]
) -> ET.Element:
    """Lay out an atlas: each page is centred on one point of a layer.

    Parameters
    ----------
    title
        Name of the layout.
    targets
        Layer of points with the columns of the field folder's targets.
    shown
        Layers of the map, the topmost first, whatever else is switched on.
    place
        Easting and northing of the first target.
    """
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True,
    )  # fmt: skip
    text = environment.get_template("layout.xml.j2").render(
        title=title, targets=targets, shown=shown, frame=_frame(place), map_mm=MAP_MM, scale=SCALE
    )
    return ET.fromstring(text)


def _frame(place: tuple[float, float]) -> Bounds:
    """Ground that the map covers about a place."""
    wide, tall = (side / 1000 * SCALE / 2 for side in MAP_MM)
    return place[0] - wide, place[1] - tall, place[0] + wide, place[1] + tall
