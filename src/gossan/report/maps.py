"""Draw maps as a survey would print them: scale bar, north arrow, CRS, unit, one scale."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gossan.geo.grid import Grid
from gossan.report.palette import EMPTY, Scale, dress_bar
from gossan.report.read import Map

Bounds = tuple[float, float, float, float]
Panel = tuple[str, NDArray[Any], Grid, Scale | None]
ANOMALY_INK = "#e8332a"
INK, QUIET = "#1d2b2f", "#5d6b6f"
LETTERS = 15.0
"""Letters of a title in an inch."""


def round_length(width: float) -> float:
    """Return a round length near a quarter of a map's width.

    >>> round_length(25_000.0), round_length(900.0)
    (5000.0, 200.0)
    """
    wish = width / 4
    power = 10.0 ** np.floor(np.log10(wish))
    return float(max(d * power for d in (1, 2, 5) if d * power <= wish))


def length_text(metres: float) -> str:
    """Word a length.

    >>> length_text(5000.0), length_text(200.0)
    ('5 km', '200 m')
    """
    return f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"


def crs_text(grid: Grid) -> str:
    """Name a coordinate system: its code, or its name."""
    authority = grid.crs.to_authority()
    return ":".join(authority) if authority else str(grid.crs.name)


def extent(grid: Grid) -> Bounds:
    """Return left, right, bottom, top, as matplotlib wants them."""
    left, bottom, right, top = grid.bounds
    return left, right, bottom, top


def draw(
    axes: Axes, values: NDArray[Any], grid: Grid, scale: Scale | None, title: str = ""
) -> None:
    """Draw a map, or a picture (row, column, 3), on axes without ticks."""
    axes.set_facecolor(EMPTY)
    if scale is None:
        shown = np.where(np.isfinite(values), values, 0.92)
        axes.imshow(shown, extent=extent(grid), interpolation="antialiased")
    else:
        axes.imshow(scale.pixels(values), extent=extent(grid), interpolation="antialiased")
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_linewidth(0.5)
        side.set_color(QUIET)
    if title:
        axes.set_title(title, fontsize=8.5, color=INK, loc="left", pad=4)


def furnish(axes: Axes, grid: Grid, bounds: Bounds | None = None) -> None:
    """Add scale bar and north arrow inside, and the CRS below."""
    left, bottom, right, top = bounds or grid.bounds
    width, height = right - left, top - bottom
    length = round_length(width)
    x, y = left + 0.04 * width, bottom + 0.045 * height
    pale = {"facecolor": "white", "alpha": 0.82, "edgecolor": "none", "boxstyle": "square,pad=0.3"}
    axes.plot([x, x + length], [y, y], color="white", lw=4.4, solid_capstyle="butt", zorder=5)
    axes.plot([x, x + length], [y, y], color=INK, lw=2.2, solid_capstyle="butt", zorder=6)
    points: dict[str, Any] = {
        "textcoords": "offset points",
        "ha": "center",
        "color": INK,
        "zorder": 6,
    }
    axes.annotate(
        length_text(length), (x + length / 2, y), xytext=(0, 5), va="bottom", fontsize=6.5,
        bbox=pale, **points,
    )  # fmt: skip
    corner: dict[str, Any] = {
        "xy": (0.95, 0.985),
        "xycoords": "axes fraction",
        "va": "top",
        **points,
    }
    axes.annotate("▲\nN", xytext=(0, 0), fontsize=7, fontweight="bold", linespacing=0.95, bbox=pale,
                  **corner)  # fmt: skip
    axes.set_xlabel(crs_text(grid), fontsize=6, color=QUIET, loc="right", labelpad=2)
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)


def panel_figure(
    shown: Sequence[Panel],
    scale: Scale | None,
    bounds: Bounds | None = None,
    columns: int = 0,
) -> tuple[Figure, list[Axes]]:
    """Lay maps side by side under one colour bar.

    ``shown`` are (title, values, grid, scale) with scale None for a colour picture; ``scale`` is
    what the colour bar shows.
    """
    columns = columns or min(len(shown), 3 if len(shown) != 4 else 2)
    rows = -(-len(shown) // columns)
    left, bottom, right, top = bounds or shown[0][2].bounds
    wide = 7.6 / columns if columns > 1 else 5.6
    tall = wide * float(np.clip((top - bottom) / (right - left), 0.3, 1.9)) + 0.36
    figure = Figure(figsize=(wide * columns, tall * rows + 0.62), layout="constrained")
    grid_of_axes = figure.subplots(rows, columns, squeeze=False)
    axes = list(grid_of_axes.ravel())
    for place, (title, values, grid, own) in zip(axes, shown):
        draw(place, values, grid, own, "\n".join(textwrap.wrap(title, int(LETTERS * wide))))
        furnish(place, grid, bounds)
        if not np.isfinite(values).any():
            place.text(0.5, 0.5, "no values", transform=place.transAxes, ha="center", color=INK)
    for spare in axes[len(shown) :]:
        spare.set_axis_off()
    if scale is not None:
        add_bar(figure, axes[: len(shown)], scale)
    return figure, axes[: len(shown)]


def add_bar(figure: Figure, axes: Sequence[Axes], scale: Scale) -> None:
    """Add one horizontal colour bar below axes."""
    source = ScalarMappable(scale.norm, scale.colour_map)
    bar = figure.colorbar(
        source, ax=list(axes), orientation="horizontal", shrink=0.6, aspect=38, pad=0.03,
        extend="both",
    )  # fmt: skip
    dress_bar(bar, scale)
    bar.ax.tick_params(labelsize=7, length=2)
    bar.ax.xaxis.label.set_fontsize(7.5)


def single(one: Map, scale: Scale | None, title: str) -> tuple[Figure, Axes]:
    """Draw one map with its own colour bar."""
    figure, axes = panel_figure([(title, one.values, one.grid, scale)], scale)
    return figure, axes[0]


def draw_outlines(
    axes: Axes, rings: Sequence[NDArray[np.float64]], width: float, frame: Bounds | None = None
) -> None:
    """Draw the outlines of anomalies in red on white.

    Parameters
    ----------
    axes
        Axes in the maps' CRS; their limits stay.
    rings
        Outlines, each (n, 2).
    width
        Width of the red lines in points.
    frame
        Left, bottom, right, top: outlines that do not reach into it are left out.
    """
    if frame is not None:
        rings = [ring for ring in rings if _reaches_into(ring, frame)]
    for colour, wide in (("white", 2 * width), (ANOMALY_INK, width)):
        lines = LineCollection(list(rings), colors=colour, linewidths=wide, zorder=3)
        axes.add_collection(lines, autolim=False)


def _reaches_into(ring: NDArray[np.float64], frame: Bounds) -> bool:
    return bool((ring.max(axis=0) > frame[:2]).all() and (ring.min(axis=0) < frame[2:]).all())
