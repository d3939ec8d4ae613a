"""The answer for one element: the best map beside the kriged one, and where to go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gossan.geo.grid import Grid
from gossan.io.contract import BASELINE
from gossan.io.tables import Column, Table
from gossan.pipeline.anomaly_evidence import sampled_ground
from gossan.report.maps import (
    ANOMALY_INK,
    INK,
    Bounds,
    Panel,
    crs_text,
    draw_outlines,
    panel_figure,
)
from gossan.report.palette import Scale
from gossan.report.read import Map, Results
from gossan.report.tables import number_text

__all__ = [
    "NOTHING",
    "TARGETS",
    "Target",
    "answer_figure",
    "area_text",
    "degrees_text",
    "edge_of_sampling",
    "mark_targets",
    "plan_on",
    "samples_on",
    "shade_outside",
    "targets_of",
]

NOTHING = "nothing found"
"""What speaks for or against a target where nothing does."""
TARGETS = 5
"""Targets of an element on the first screen."""


@dataclass(frozen=True)
class Target:
    """One anomaly of the best map, in words."""

    rank: int
    name: str
    status: str
    easting: float
    northing: float
    place: str
    degrees: str
    area: str
    expected: str
    probability: str
    supports: str
    against: str
    row: dict[str, Any] = field(repr=False)


def targets_of(results: Results, element: str, count: int = TARGETS) -> list[Target]:
    """Return the first anomalies of an element's best map, best first.

    Parameters
    ----------
    results
        A finished run.
    element
        One of its elements.
    count
        At most so many.
    """
    product = results.best(element)
    table = results.table(Table.ANOMALIES, element)
    own = table[table[Column.PRODUCT] == product].sort_values(Column.RANK).head(count)
    crs = crs_text(results.maps[str(product), element].grid) if len(own) else ""
    unit = results.maps[str(product), element].unit if len(own) else ""
    rows = own.to_dict("records")
    return [_target({str(key): row[key] for key in row}, crs, unit) for row in rows]


def _target(row: dict[str, Any], crs: str, unit: str) -> Target:
    easting, northing = float(row[Column.PEAK_EASTING]), float(row[Column.PEAK_NORTHING])
    return Target(
        rank=int(row[Column.RANK]),
        name=str(row[Column.ANOMALY]),
        status=_text(row.get(Column.STATUS)),
        easting=easting,
        northing=northing,
        place=f"{easting:.0f} E, {northing:.0f} N ({crs})",
        degrees=_degrees(row),
        area=area_text(float(row[Column.AREA_KM2])),
        expected=_expected(row, unit),
        probability=_percent(row.get(Column.PROBABILITY)),
        supports=_text(row.get(Column.SUPPORTS)),
        against=_text(row.get(Column.AGAINST)),
        row=row,
    )


def area_text(km2: float) -> str:
    """Write an area in square kilometres, a small one in hectares.

    >>> area_text(1.234), area_text(0.0336)
    ('1.23 km²', '3.36 ha')
    """
    return f"{number_text(km2)} km²" if km2 >= 0.1 else f"{number_text(100 * km2)} ha"


def _degrees(row: dict[str, Any]) -> str:
    longitude, latitude = row.get(Column.PEAK_LONGITUDE), row.get(Column.PEAK_LATITUDE)
    if longitude is None or latitude is None or not np.isfinite([longitude, latitude]).all():
        return ""
    return degrees_text(longitude, latitude)


def degrees_text(longitude: float, latitude: float) -> str:
    """Write a place in degrees.

    >>> degrees_text(-43.77385, 23.981697)
    '23.98170° N, 43.77385° W'
    """
    north, east = "N" if latitude >= 0 else "S", "E" if longitude >= 0 else "W"
    return f"{abs(latitude):.5f}° {north}, {abs(longitude):.5f}° {east}"


def _expected(row: dict[str, Any], unit: str) -> str:
    """Word the content at the peak with its 90 % interval, where the map tells its error."""
    peak = f"{number_text(float(row[Column.PEAK]))} {unit}"
    low, high = row.get(Column.PEAK_LOWER90), row.get(Column.PEAK_UPPER90)
    if low is None or high is None or not np.isfinite([low, high]).all():
        return peak
    return f"{peak} ({number_text(float(low))} to {number_text(float(high))})"


def _percent(value: Any) -> str:
    if value is None or not np.isfinite(value):
        return ""
    return "> 99 %" if value > 0.99 else f"{100 * value:.0f} %"


def _text(value: Any) -> str:
    return "" if value is None or value is pd.NA or value != value else str(value)


def answer_figure(results: Results, element: str, scale: Scale) -> tuple[Figure, list[Axes]] | None:
    """Draw the best map beside the kriged one, with the same numbered targets on both.

    Ground that looks like no sample is hatched, the other way ground that drains past all of them;
    the sampled ground has a dashed edge.
    """
    best = results.best(element)
    names = dict.fromkeys([str(best), BASELINE])
    maps = [results.maps[name, element] for name in names if (name, element) in results.maps]
    maps = [one for one in maps if not one.empty]
    if not maps:
        return None
    panels: list[Panel] = [
        (results.title(one.product, element), one.values, one.grid, scale) for one in maps
    ]
    figure, axes = panel_figure(panels, scale)
    targets = targets_of(results, element)
    for place, one in zip(axes, maps):
        edge_of_sampling(place, results, element)
        if one.product == best:
            shade_outside(place, results)
            draw_outlines(place, results.outlines(one.product, element), 0.6)
        else:
            samples_on(place, results.run.samples)
        mark_targets(place, targets)
    return figure, axes


def within(one: Map, frame: Bounds | None) -> tuple[NDArray[np.float32], Grid]:
    """Cut a thinned map to a frame; the whole of it without one."""
    if frame is None:
        return one.values, one.grid
    window = one.grid.covering(frame)
    return one.values[window.slices], one.grid.crop(window)


def samples_on(axes: Axes, table: pd.DataFrame) -> None:
    """Dot the places of samples."""
    axes.plot(table[Column.EASTING], table[Column.NORTHING], ".", ms=1.8, color="white", mec=INK,
              mew=0.25, zorder=4, scalex=False, scaley=False)  # fmt: skip


def edge_of_sampling(axes: Axes, results: Results, element: str) -> None:
    """Draw the hull of the samples, half a spacing wider: beyond it the map extrapolates."""
    hull = sampled_ground(results.run, element).hull
    if hull.geom_type == "Polygon":
        edge = np.asarray(hull.exterior.coords)  # type: ignore[attr-defined]
        for colour, width, style in (("white", 1.4, "-"), (INK, 0.8, "--")):
            axes.plot(*edge.T, style, color=colour, lw=width, zorder=3, scalex=False, scaley=False)


def plan_on(axes: Axes, plan: pd.DataFrame) -> None:
    """Mark where to sample next, if there is a plan."""
    if len(plan):
        axes.plot(plan[Column.EASTING], plan[Column.NORTHING], "s", ms=3.6, color="#1b7837",
                  mec="white", mew=0.5, zorder=6, scalex=False, scaley=False,
                  label=f"where to sample next (n = {len(plan)})")  # fmt: skip


def mark_targets(axes: Axes, targets: list[Target]) -> None:
    """Put the numbers of targets at their peaks."""
    for target in targets:
        axes.annotate(
            str(target.rank), (target.easting, target.northing), ha="center", va="center",
            fontsize=6.5, fontweight="bold", color=INK, zorder=8,
            bbox={"boxstyle": "circle,pad=0.18", "facecolor": "white", "edgecolor": ANOMALY_INK},
        )  # fmt: skip


def shade_outside(axes: Axes, results: Results, frame: Bounds | None = None) -> None:
    """Hatch ground that looks like no sample, and the other way ground of no catchment."""
    inside = results.applicability[1] if results.applicability is not None else None
    for one, told, hatch in ((inside, 0, "////"), (results.unsampled, 1, "\\\\\\\\")):
        if one is None:
            continue
        values, grid = within(one, frame)
        if min(values.shape) < 2 or not (values == told).any():
            continue
        easting, northing = grid.coordinates()
        outside = np.where(values == told, 1.0, 0.0)
        limits = axes.get_xlim(), axes.get_ylim()
        axes.contourf(easting, northing, outside, levels=[0.5, 1.5], colors="none", hatches=[hatch])
        axes.set_xlim(*limits[0])
        axes.set_ylim(*limits[1])
