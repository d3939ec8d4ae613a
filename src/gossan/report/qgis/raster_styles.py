"""QGIS styles of maps, classes and colour composites."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Mapping

from gossan.report.palette import Scale

VERSION = "3.22.0-Białowieża"
_FINE = (1, 1.5, 2, 3, 5, 7)
"""Leading digits of the stops of a logarithmic scale: near enough for straight lines between."""
_STEPS = 8


def round_stops(scale: Scale) -> list[float]:
    """Return round values that span a scale, close enough to interpolate colours between.

    >>> round_stops(Scale(9.0, 60.0, True, "ppm"))
    [7.0, 10.0, 15.0, 20.0, 30.0, 50.0, 70.0]
    >>> round_stops(Scale(0.13, 0.58, False, ""))
    [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    """
    if scale.logarithmic:
        powers = range(math.floor(math.log10(scale.low)) - 1, math.ceil(math.log10(scale.high)) + 1)
        found = [float(f"{digit}e{power}") for power in powers for digit in _FINE]
    else:
        wish = (scale.high - scale.low) / _STEPS
        power = 10.0 ** math.floor(math.log10(wish))
        step = next(d * power for d in (1, 2, 5, 10) if d * power >= wish * 0.999)
        count = range(math.floor(scale.low / step), math.ceil(scale.high / step - 1e-9) + 1)
        found = [float(f"{step * number:.9g}") for number in count]
    below = max((v for v in found if v <= scale.low), default=found[0])
    above = min((v for v in found if v >= scale.high), default=found[-1])
    return [v for v in found if below <= v <= above]


def ramp_style(scale: Scale, unit: str, band: int = 1) -> ET.Element:
    """Colour one band by the report's scale, with a legend of round values and their unit."""
    stops = round_stops(scale)
    limits = {"low": f"{stops[0]:.9g}", "high": f"{stops[-1]:.9g}"}
    root, pipe = _raster_style()
    renderer = ET.SubElement(
        pipe, "rasterrenderer", type="singlebandpseudocolor", band=str(band), opacity="1",
        alphaBand="-1", nodataColor="",
        classificationMin=limits["low"], classificationMax=limits["high"],
    )  # fmt: skip
    shader = ET.SubElement(
        ET.SubElement(renderer, "rastershader"), "colorrampshader",
        colorRampType="INTERPOLATED", classificationMode="1", clip="0", labelPrecision="4",
        minimumValue=limits["low"], maximumValue=limits["high"],
    )  # fmt: skip
    for value in stops:
        label = f"{value:g} {unit}".strip()
        ET.SubElement(
            shader, "item", value=f"{value:.9g}", color=scale.colour(value), alpha="255",
            label=label,
        )  # fmt: skip
    ET.SubElement(shader, "rampLegendSettings", useContinuousLegend="0")
    ET.SubElement(root, "blendMode").text = "0"
    return root


def class_style(
    band: int, legend: Mapping[int, str], colours: Mapping[int, tuple[str, str]]
) -> ET.Element:
    """Colour classes, each with its label, colour and opacity (0 to 255)."""
    root, pipe = _raster_style()
    renderer = ET.SubElement(
        pipe, "rasterrenderer", type="paletted", band=str(band), opacity="0.7",
        alphaBand="-1", nodataColor="",
    )  # fmt: skip
    palette = ET.SubElement(renderer, "colorPalette")
    for value, label in legend.items():
        colour, alpha = colours[value]
        ET.SubElement(
            palette, "paletteEntry", value=str(value), color=colour, alpha=alpha, label=label
        )
    return root


def composite_style() -> ET.Element:
    """Show three bands as red, green and blue, stretched by QGIS between its cuts."""
    root, pipe = _raster_style()
    ET.SubElement(
        pipe, "rasterrenderer", type="multibandcolor", redBand="1", greenBand="2", blueBand="3",
        opacity="1", alphaBand="-1", nodataColor="",
    )  # fmt: skip
    return root


def _raster_style() -> tuple[ET.Element, ET.Element]:
    root = ET.Element("qgis", version=VERSION, styleCategories="AllStyleCategories")
    return root, ET.SubElement(root, "pipe")
