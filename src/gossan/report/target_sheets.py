"""One page per target, to print or to take along: maps, samples, numbers, how to get there."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from gossan.geo.raster import atomic_path
from gossan.io.contract import BASELINE
from gossan.io.tables import Column, Table
from gossan.names import file_name
from gossan.report.answer import (
    NOTHING,
    Target,
    mark_targets,
    plan_on,
    shade_outside,
    targets_of,
    within,
)
from gossan.report.magnify import cut
from gossan.report.maps import INK, QUIET, Bounds, draw, draw_outlines, furnish
from gossan.report.palette import Scale, dress_bar
from gossan.report.read import Map, Results
from gossan.report.tables import number_text
from gossan.report.why import change_text, why_text

__all__ = [
    "SHEETS",
    "bearing",
    "facts_of",
    "target_frame",
    "target_maps",
    "target_sheet",
    "write_target_sheets",
]

SHEETS = 10
"""Targets of an element that get a sheet."""
A4_INCHES = (8.27, 11.69)
MAP_WIDTH_M = 3.6 * 0.0254 * 25_000
"""Ground across a map panel of 3.6 inches at 1:25,000."""
NEAREST = 8
MOST_LABELS = 60
"""Samples on a sheet that are labelled with their content."""
PALE = {"facecolor": "white", "alpha": 0.7, "lw": 0, "pad": 0.4}
POINTS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")


def write_target_sheets(results: Results, element: str, scale: Scale) -> Path | None:
    """Write ``targets/<element>.pdf``: a page for each of the first targets of the best map.

    Returns
    -------
    The file, or None where there is no target.
    """
    targets = targets_of(results, element, SHEETS)
    if not targets:
        return None
    path = results.run.root / "targets" / f"{file_name(element)}.pdf"
    with (
        atomic_path(path) as temporary,
        PdfPages(temporary, metadata={"CreationDate": None}) as pdf,
    ):
        for target in targets:
            sheet = target_sheet(results, element, target, targets, scale)
            pdf.savefig(sheet)
            sheet.clear()
    return path


def target_sheet(
    results: Results, element: str, target: Target, targets: Sequence[Target], scale: Scale
) -> Figure:
    """Draw the A4 page of one target."""
    figure = Figure(figsize=A4_INCHES)
    _heading(figure, element, target)
    left = figure.add_axes((0.06, 0.50, 0.435, 0.34))
    right = figure.add_axes((0.515, 0.50, 0.435, 0.34))
    _draw_maps((left, right), results, element, target, targets, scale)
    bar = figure.add_axes((0.12, 0.485, 0.32, 0.012))
    dress_bar(
        figure.colorbar(
            ScalarMappable(scale.norm, scale.colour_map), cax=bar, orientation="horizontal"
        ),
        scale,
    )
    _write_facts(figure, facts_of(results, element, target))
    return figure


def target_maps(
    results: Results, element: str, target: Target, targets: Sequence[Target], scale: Scale
) -> Figure:
    """Draw the two maps of a target alone, for the page."""
    figure = Figure(figsize=(7.2, 3.75), layout="constrained")
    left, right = figure.subplots(1, 2)
    _draw_maps((left, right), results, element, target, targets, scale)
    return figure


def _draw_maps(
    axes: tuple[Axes, Axes], results: Results, element: str, target: Target,
    targets: Sequence[Target], scale: Scale,
) -> None:  # fmt: skip
    """Draw the best map and the composite, or kriging, about a target."""
    best = results.maps[str(results.best(element)), element]
    frame = target_frame(best, target)
    left, right = axes
    values, grid = cut(best, frame)
    draw(left, values, grid, scale, results.title(best.product, element))
    _second(results, right, element, frame, scale)
    for one in (left, right):
        _dress(results, one, best, element, frame)
        mark_targets(one, [other for other in targets if _inside(other, frame)])


def target_frame(best: Map, target: Target) -> Bounds:
    """Return a frame of 1:25,000 about the target, wider where the target is."""
    area_m2 = 1e6 * float(target.row[Column.AREA_KM2])
    side = max(MAP_WIDTH_M, 1.6 * math.sqrt(area_m2), 30 * best.grid.pixel_width)
    half = side / 2
    return (target.easting - half, target.northing - half,
            target.easting + half, target.northing + half)  # fmt: skip


def _inside(target: Target, frame: Bounds) -> bool:
    left, bottom, right, top = frame
    return left < target.easting < right and bottom < target.northing < top


def _heading(figure: Figure, element: str, target: Target) -> None:
    figure.text(0.06, 0.945, f"Target {target.name}", fontsize=20, fontweight="bold", color=INK)
    figure.text(0.06, 0.918, f"{element}, rank {target.rank}, {target.status}", color=QUIET)
    figure.text(0.06, 0.890, target.place + ("\n" + target.degrees if target.degrees else ""),
                fontsize=10, va="center", color=INK)  # fmt: skip


def _second(results: Results, axes: Axes, element: str, frame: Bounds, scale: Scale) -> None:
    """Draw the first colour composite within the frame, or the kriged map where there is none."""
    one = next(iter(results.pictures), None)
    if one is not None:
        window = one.grid.covering(frame)
        name = one.name.replace("_", " ")
        draw(axes, one.values[window.slices], one.grid.crop(window), None, name)
        return
    kriged = results.maps.get((BASELINE, element)) or results.of(element)[0]
    values, grid = cut(kriged, frame)
    draw(axes, values, grid, scale, results.title(kriged.product, element))


def _dress(results: Results, axes: Axes, best: Map, element: str, frame: Bounds) -> None:
    """Add samples with their values, outlines, applicability, scale bar and frame."""
    draw_outlines(axes, results.outlines(best.product, element), 0.8, frame)
    shade_outside(axes, results, frame)
    near = _within(results.samples, frame)
    axes.plot(near[Column.EASTING], near[Column.NORTHING], "o", ms=3.2, color="white", mec=INK,
              mew=0.5, zorder=4)  # fmt: skip
    for row in near.head(MOST_LABELS).to_dict("records"):
        place = (row[Column.EASTING], row[Column.NORTHING])
        value = row.get(element)
        if value is not None and np.isfinite(value):
            axes.annotate(number_text(float(value)), place, xytext=(3, 2), fontsize=5.5,
                          textcoords="offset points", color=INK, zorder=5, clip_on=True,
                          bbox=PALE)  # fmt: skip
    plan_on(axes, results.plan)
    _contour(axes, results, element, frame)
    furnish(axes, best.grid, frame)


def _contour(axes: Axes, results: Results, element: str, frame: Bounds) -> None:
    """Contour the probability of exceedance: half, and nine in ten."""
    if element not in results.probabilities:
        return
    values, grid = within(results.probabilities[element], frame)
    filled = values[np.isfinite(values)]
    if min(values.shape) < 2 or not filled.size or not filled.min() < 0.5 < filled.max():
        return
    axes.contour(*grid.coordinates(), values, levels=[0.5, 0.9], colors=["white"],
                 linewidths=[0.5, 0.9], linestyles=["dotted", "solid"], zorder=3)  # fmt: skip


def _within(table: pd.DataFrame, frame: Bounds) -> pd.DataFrame:
    left, bottom, right, top = frame
    inside = table[Column.EASTING].between(left, right)
    return table[inside & table[Column.NORTHING].between(bottom, top)]


def facts_of(results: Results, element: str, target: Target) -> list[tuple[str, str]]:
    """Say what is expected, why, what speaks against it, and how to get there."""
    found = [
        ("Expected (90 % interval)", target.expected),
        ("Probability", target.probability),
        ("Area", target.area),
        ("For it", target.supports or NOTHING),
        ("Against it", target.against or NOTHING),
        ("Why the map says so", why_text(results, element, target.name)),
        ("What would change it", change_text(results, element, target.name)),
        ("Nearest samples", _nearest_samples(results, element, target)),
        ("How to get there", _way(results, target)),
    ]
    return [(head, text or "not known") for head, text in found]


def _write_facts(figure: Figure, facts: Sequence[tuple[str, str]]) -> None:
    top = 0.43
    for head, text in facts:
        wrapped = _wrapped(text)
        figure.text(0.06, top, head, fontsize=9, fontweight="bold", color=INK, va="top")
        figure.text(0.34, top, wrapped, fontsize=9, color=INK, va="top")
        top -= 0.014 + 0.0150 * (wrapped.count("\n") + 1)


def _wrapped(text: str) -> str:
    return "\n".join(textwrap.wrap(text, 78)) or text


def _nearest_samples(results: Results, element: str, target: Target) -> str:
    table = results.samples
    if element not in table:
        return ""
    own, here = table[table[element].notna()], (target.easting, target.northing)
    away = np.hypot(*(own[[Column.EASTING, Column.NORTHING]].to_numpy() - here).T)
    order = np.argsort(away, kind="stable")[:NEAREST]
    parts = []
    for number in order:
        row = own.iloc[int(number)]
        way = bearing(target.easting, target.northing, row[Column.EASTING], row[Column.NORTHING])
        parts.append(f"{number_text(float(row[element]))} at {way}")
    return "; ".join(parts)


def _way(results: Results, target: Target) -> str:
    """Word distance and bearing of the target from the nearest occurrence, else sample."""
    for table, name in (
        (results.table(Table.OCCURRENCES), "known occurrence"),
        (results.samples, "sample"),
    ):
        if not len(table):
            continue
        east, north = (table[c].to_numpy(float) for c in (Column.EASTING, Column.NORTHING))
        nearest = int(np.argmin(np.hypot(east - target.easting, north - target.northing)))
        way = bearing(east[nearest], north[nearest], target.easting, target.northing)
        place = f"{east[nearest]:.0f} E, {north[nearest]:.0f} N"
        return f"{way} of the nearest {name} ({place})"
    return ""


def bearing(from_east: float, from_north: float, to_east: float, to_north: float) -> str:
    """Word the distance and grid bearing from one place to another.

    >>> bearing(0.0, 0.0, 0.0, 250.0), bearing(0.0, 0.0, -3000.0, 0.0)
    ('250 m N (0°)', '3.0 km W (270°)')
    """
    east, north = float(to_east - from_east), float(to_north - from_north)
    away = math.hypot(east, north)
    angle = math.degrees(math.atan2(east, north)) % 360
    point = POINTS[round(angle / 45) % 8]
    length = f"{away:.0f} m" if away < 1000 else f"{away / 1000:.1f} km"
    return f"{length} {point} ({angle:.0f}°)"
