"""Legends are round numbers in order that span the scale, whatever its size."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from gossan.report.palette import Scale
from gossan.report.qgis.raster_styles import (
    class_style,
    composite_style,
    ramp_style,
    round_stops,
)

SCALES = [
    Scale(low * 10.0**power, high * 10.0**power, logarithmic, "ppm")
    for power in (-6, 0, 5)
    for low, high, logarithmic in ((0.9, 61.0, True), (1.0, 1000.0, True), (2.0, 3.1, False))
]


@pytest.mark.parametrize("scale", SCALES, ids=str)
def test_stops_are_round_rising_and_span_the_scale(scale: Scale) -> None:
    stops = round_stops(scale)
    assert stops == sorted(set(stops)) and 4 <= len(stops) <= 25
    assert stops[0] <= scale.low and stops[-1] >= scale.high
    assert all(float(f"{stop:.2g}") == pytest.approx(stop) for stop in stops)


def test_a_ramp_has_the_colours_of_the_report_and_the_unit_in_its_legend() -> None:
    scale = Scale(1.0, 100.0, True, "Cu (ppm)")
    items = list(ramp_style(scale, "ppm").iter("item"))
    assert [one.get("label") for one in items][:2] == ["1 ppm", "1.5 ppm"]
    for one in items:
        wanted = np.array(to_rgb(scale.colour(float(str(one.get("value"))))))
        np.testing.assert_allclose(to_rgb(str(one.get("color"))), wanted)


def test_classes_keep_label_colour_and_opacity() -> None:
    style = class_style(2, {0: "none", 1: "all"}, {0: ("#112233", "255"), 1: ("#445566", "0")})
    entries = {one.get("value"): one for one in style.iter("paletteEntry")}
    assert entries["1"].get("label") == "all" and entries["1"].get("alpha") == "0"
    assert [one.get("band") for one in style.iter("rasterrenderer")] == ["2"]


def test_a_composite_shows_three_bands() -> None:
    (renderer,) = composite_style().iter("rasterrenderer")
    bands = [renderer.get(f"{colour}Band") for colour in ("red", "green", "blue")]
    assert bands == ["1", "2", "3"]
