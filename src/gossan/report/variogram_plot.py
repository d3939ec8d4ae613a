"""Draw variograms: classes of distance by number of pairs, and the models that were tried."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gossan.geo.raster import atomic_path
from gossan.io.run_folder import RunFolder
from gossan.io.tables import Column, Table
from gossan.names import file_name

_KEYS = [Column.SURVEY, Column.ELEMENT, Column.OF]
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#333333")


def draw_variogram(points: pd.DataFrame, rows: pd.DataFrame, path: Path) -> None:
    """Draw the variogram of one element of one survey as PNG.

    Parameters
    ----------
    points
        ``lag`` (m), ``gamma``, ``pairs``, ``direction`` (degrees, NaN: all) and ``model``, the
        semivariance of the model in use at each class.
    rows
        One row for each form tried, the one in use first: ``description``, ``nugget``, ``sill``,
        ``practical_range_m``; where known ``survey``, ``element`` and ``cv_rmse``.
    path
        The file to write.
    """
    import matplotlib

    matplotlib.use("Agg", force=False)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.2), layout="constrained", dpi=150)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    ways = () if points.empty else points.groupby("direction", dropna=False, sort=True)
    for number, (direction, own) in enumerate(ways):
        pooled = bool(np.isnan(float(str(direction))))
        colour = COLOURS[-1] if pooled else COLOURS[number % (len(COLOURS) - 1)]
        _draw_way(axes, own, "all directions" if pooled else f"{direction:.0f}\N{DEGREE SIGN}",
                  colour, pooled)  # fmt: skip
    chosen = rows.iloc[0]
    axes.axhline(float(chosen[Column.SILL]), color="0.7", linewidth=0.8, zorder=0)
    if float(chosen[Column.PRACTICAL_RANGE_M]) > 0 and len(points):
        reach = float(chosen[Column.PRACTICAL_RANGE_M])
        if reach < 1.1 * points["lag"].max():
            axes.axvline(reach, color="0.7", linewidth=0.8, zorder=0)
    axes.set(xlabel="distance (m)", ylabel="semivariance", xlim=(0, None), ylim=(0, None))
    axes.set_title(_title(chosen), fontsize=9)
    if len(axes.collections) > 1:  # several directions
        axes.legend(fontsize=7, frameon=False, ncols=2)
    with atomic_path(Path(path)) as temporary:
        figure.savefig(temporary, format="png")


def _draw_way(axes: Any, own: pd.DataFrame, label: str, colour: str, pooled: bool) -> None:
    own = own.sort_values("lag")
    size = 8 + 60 * own["pairs"] / own["pairs"].max()
    axes.scatter(own["lag"], own["gamma"], s=size, color=colour, label=label, alpha=0.8, zorder=2)
    if "model" in own.columns:
        axes.plot(own["lag"], own["model"], color=colour, linewidth=1.6 if pooled else 0.9)


def _title(chosen: pd.Series) -> str:
    about = [str(chosen[name]) for name in _KEYS if name in chosen.index]
    title = ", ".join(filter(None, about))
    line = str(chosen["description"])
    if "cv_rmse" in chosen.index and np.isfinite(float(chosen["cv_rmse"])):
        title += f"; cross-validated error {float(chosen['cv_rmse']):.3g}"
    return "\n".join(filter(None, [title.removeprefix("; "), *textwrap.wrap(line, 84)]))


def draw_variograms(run: Path) -> list[Path]:
    """Draw every variogram of a folder that ``gossan krige`` wrote, into its ``figures``."""
    folder = RunFolder(run)
    rows, points = folder.table(Table.VARIOGRAM_FITS), folder.table(Table.VARIOGRAM_POINTS)
    found = []
    known = dict(list(points.groupby(_KEYS)))
    for key, own in rows.groupby(_KEYS, sort=False):
        survey, element, of = (str(part).replace(" + ", "-").replace(" ", "-") for part in key)
        path = folder.figures / f"{file_name('variogram', of, survey, element)}.png"
        empty = points.iloc[:0]
        draw_variogram(known.get(key, empty), own.sort_values(Column.CHOSEN, ascending=False), path)
        found.append(path)
    return found
