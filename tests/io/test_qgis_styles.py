"""Styles are XML that names every zone and status, in colours that a printer keeps in order."""

from __future__ import annotations

import re

import numpy as np
from defusedxml import ElementTree

from gossan.io.qgis_styles import (
    ZONE_COLOURS,
    anomaly_style,
    point_style,
    zone_colour,
    zone_style,
)


def lightness(colour: str) -> float:
    """Relative luminance of the web's accessibility guidelines."""
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_zones_darken_with_the_content() -> None:
    steps = [lightness(colour) for colour in ZONE_COLOURS]
    assert steps == sorted(steps, reverse=True)
    zones = (1.0, 2.0, 4.0, 8.0, 16.0)
    assert zone_colour(16.0, zones) == ZONE_COLOURS[-1]  # more zones than colours


def test_every_zone_has_a_class_with_a_symbol_of_its_own() -> None:
    root = ElementTree.fromstring(zone_style((1.0, 2.5, 4.0)))
    categories = root.findall(".//category")
    assert [one.get("value") for one in categories] == ["1", "2.5", "4"]
    assert [one.get("label") for one in categories][1] == "2.5 x threshold"
    symbols = {one.get("name"): one for one in root.findall(".//symbol")}
    drawn = [symbols[str(one.get("symbol"))] for one in categories]
    colours = [one.find(".//Option[@name='color']").get("value") for one in drawn]
    assert len(set(colours)) == 3
    assert all(re.fullmatch(r"\d+,\d+,\d+,190", colour) for colour in colours)


def test_anomalies_differ_by_status_and_one_without_is_drawn_too() -> None:
    root = ElementTree.fromstring(anomaly_style())
    values = [one.get("value") for one in root.findall(".//category")]
    assert values == ["known", "extended", "new", ""]
    assert root.find(".//renderer-v2").get("attr") == "status"
    assert root.findtext("layerGeometryType") == "2"


def test_points_are_circles_of_the_colour() -> None:
    root = ElementTree.fromstring(point_style("#010203"))
    options = {one.get("name"): one.get("value") for one in root.findall(".//Option[@name]")}
    assert options["color"] == "1,2,3,255" and options["name"] == "circle"
    assert root.findtext("layerGeometryType") == "0"
