"""Magnify all maps of an element around its strongest anomaly (Ding et al. 2023, Figure 13)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from gossan.geo.grid import Grid
from gossan.geo.raster import open_raster, read_overview
from gossan.io.contract import BASELINE
from gossan.io.tables import Column, Table
from gossan.report.maps import ANOMALY_INK, INK, Bounds, Panel, draw_outlines, panel_figure
from gossan.report.palette import Scale
from gossan.report.read import MAP_PIXELS, Map, Results, full_grid

MOST_PANELS = 8


def strongest_place(results: Results, element: str, product: str) -> tuple[float, float, str]:
    """Find where to look: the best anomaly's peak, else the highest value; and say which."""
    table = results.table(Table.ANOMALIES, element)
    if len(table):
        own = table[table[Column.PRODUCT] == product]
        own = own if len(own) else table
        best = own.sort_values(Column.RANK).iloc[0]
        title = results.title(str(best[Column.PRODUCT]), element)
        label = f"anomaly {best[Column.ANOMALY]} ({title})"
        return float(best[Column.PEAK_EASTING]), float(best[Column.PEAK_NORTHING]), label
    one = results.maps[product, element]
    row, col = np.unravel_index(np.nanargmax(one.values), one.values.shape)
    east, north = one.grid.coordinates()
    return (
        float(east[col]),
        float(north[row]),
        f"highest value ({results.title(product, element)})",
    )


def around(one: Map, easting: float, northing: float, share: float = 0.2) -> Bounds:
    """Return a square-like frame about a place, inside the map: left, bottom, right, top."""
    left, bottom, right, top = one.grid.bounds
    side = max(share * np.sqrt((right - left) * (top - bottom)), 40 * full_grid(one).pixel_width)
    wide, tall = min(side * 1.15, right - left), min(side, top - bottom)
    x = float(np.clip(easting, left + wide / 2, right - wide / 2))
    y = float(np.clip(northing, bottom + tall / 2, top - tall / 2))
    return x - wide / 2, y - tall / 2, x + wide / 2, y + tall / 2


def magnified(
    results: Results, element: str, product: str, scale: Scale
) -> tuple[Figure, str] | None:
    """Draw the frame on the map and every product within it; None where there is no value."""
    one = results.maps.get((product, element))
    if one is None or one.empty:
        return None
    easting, northing, label = strongest_place(results, element, product)
    frame = around(one, easting, northing)
    shown: list[Panel] = [
        (f"(a) where: {results.title(product, element)}", one.values, one.grid, scale)
    ]
    names = [product]
    for other in sorted(results.of(element), key=_first(product))[: MOST_PANELS - 1]:
        values, grid = cut(other, frame)
        title = f"({chr(97 + len(shown))}) {results.title(other.product, element)}"
        shown.append((title, values, grid, scale))
        names.append(other.product)
    figure, axes = panel_figure(shown, scale, frame, columns=min(3, len(shown)))
    _locate(axes[0], one, frame)
    samples = results.samples
    for place, name in zip(axes[1:], names[1:]):
        draw_outlines(place, results.outlines(name, element), 0.9, frame)
        place.plot(samples[Column.EASTING], samples[Column.NORTHING], ".", ms=2.6, color="white",
                   mec=INK, mew=0.3, zorder=4)  # fmt: skip
        place.set_xlim(frame[0], frame[2])
        place.set_ylim(frame[1], frame[3])
    return figure, label


def _first(best: str) -> Callable[[Map], int]:
    """Order maps: the best one, then kriging, then the others."""
    order = {best: 0, BASELINE: 1}
    return lambda one: order.get(one.product, 2)


def cut(one: Map, frame: Bounds) -> tuple[NDArray[np.float32], Grid]:
    """Read a map within a frame at full detail, unless that is more than an eye can take."""
    layer = open_raster(one.path)
    window = layer.grid.covering(frame)
    if window.height * window.width > 4 * MAP_PIXELS:
        values, grid = read_overview(one.path, 16 * MAP_PIXELS)
        inner = grid.covering(frame)
        return values[0][inner.slices], grid.crop(inner)
    return layer.read(window)[0], layer.grid.crop(window)


def _locate(axes: Axes, one: Map, frame: Bounds) -> None:
    left, bottom, right, top = one.grid.bounds
    for artist in [*axes.lines, *axes.collections, *axes.texts]:
        artist.remove()
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    for colour, width in (("white", 2.6), (ANOMALY_INK, 1.3)):
        axes.add_patch(
            Rectangle(frame[:2], frame[2] - frame[0], frame[3] - frame[1], fill=False,
                      ec=colour, lw=width, zorder=7)
        )  # fmt: skip
