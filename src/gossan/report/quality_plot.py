"""Draw what the laboratory's controls show: control charts, and precision by content."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gossan.geo.raster import atomic_path
from gossan.io.run_folder import RunFolder
from gossan.io.tables import Column, Table
from gossan.names import file_name


@dataclass(frozen=True)
class QualityFigure:
    """A picture of the laboratory's controls: name of its file, figure and caption."""

    name: str
    figure: Any
    caption: str


IN_CONTROL, BROKEN = "#0072b2", "#d55e00"


def draw_quality(folder: Path | str) -> list[Path]:
    """Draw the tables that ``gossan survey`` wrote of the controls.

    Parameters
    ----------
    folder
        Run folder with ``tables/qc_chart.csv`` and ``tables/qc_precision.csv``; without them
        nothing is drawn.

    Returns
    -------
    ``figures/qc_chart_<survey>_<standard>_<element>.png`` and
    ``figures/qc_precision_<survey>.png``.
    """
    run = RunFolder(Path(folder))
    made = []
    for drawn in quality_figures(run):
        made.append(run.figures / f"{drawn.name}.png")
        _save(drawn.figure, made[-1])
    return made


def quality_figures(run: RunFolder) -> Iterator[QualityFigure]:
    """Draw a control chart of each standard and element, and the precision of each survey."""
    for keys, own in _groups(run, Table.QC_CHART, [Column.SURVEY, "standard", Column.ELEMENT]):
        what = " ".join(keys[1:])
        yield QualityFigure(file_name(Table.QC_CHART, *keys), _chart(own, what), _said(own, what))
    for keys, own in _groups(run, Table.QC_PRECISION, [Column.SURVEY]):
        text = f"Precision of the laboratory of {keys[0]}, from duplicates, by content."
        yield QualityFigure(file_name(Table.QC_PRECISION, *keys), _precision(own), text)


def _said(own: pd.DataFrame, what: str) -> str:
    broken = int(own[Column.RULE].notna().sum())
    return f"Control chart of {what}: {broken} of {len(own)} results break a control rule."


def _groups(run: RunFolder, name: str, keys: list[str]) -> list[tuple[list[str], pd.DataFrame]]:
    path = run.tables / f"{name}.csv"
    if not path.exists():
        return []
    table = pd.read_csv(path, keep_default_na=False, na_values=[""])
    return [([str(k) for k in found], own) for found, own in table.groupby(keys, sort=False)]


def _figure() -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.6), layout="constrained", dpi=150)
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def _chart(own: pd.DataFrame, title: str) -> Any:
    """Draw results of one standard in the order of analysis between their control limits."""
    figure, axes = _figure()
    order, values = np.arange(1, len(own) + 1), own[Column.VALUE].to_numpy(float)
    centre, sd = float(own["centre"].iloc[0]), float(own["sd"].iloc[0])
    for width, style in ((0, "-"), (2, ":"), (3, "--")):
        for side in {-width, width}:
            axes.axhline(centre + side * sd, color="0.6", linewidth=0.8, linestyle=style)
    broken = own[Column.RULE].notna().to_numpy()
    axes.plot(order, values, color="0.75", linewidth=0.8, zorder=1)
    for rows, colour, label in (
        (~broken, IN_CONTROL, "in control"),
        (broken, BROKEN, "breaks a control rule"),
    ):
        axes.scatter(order[rows], values[rows], s=16, color=colour, label=label, zorder=2)
    for start in np.flatnonzero(own["batch"].astype(str).ne(own["batch"].astype(str).shift()))[1:]:
        axes.axvline(start + 0.5, color="0.85", linewidth=0.8, zorder=0)
    axes.set(xlabel="order of analysis (lines: batches)", ylabel="content")
    axes.set_title(f"{title}: centre, 2 and 3 standard deviations", fontsize=9)
    axes.legend(fontsize=7, frameon=False, ncols=2)
    return figure


def _precision(own: pd.DataFrame) -> Any:
    """Draw the precision of each element by content (Thompson and Howarth)."""
    figure, axes = _figure()
    for _, row in own.iterrows():
        s0, k, median = float(row["s0"]), float(row["k"]), float(row["median"])
        content = np.geomspace(median / 30, median * 30, 200)
        label = f"{row[Column.ELEMENT]}, {row[Column.OF]}"
        line = axes.plot(content, 200 * (s0 / content + k), linewidth=1.2, label=label)[0]
        axes.plot(median, 200 * (s0 / median + k), "o", color=line.get_color(), markersize=4)
    axes.axhline(100, color="0.6", linewidth=0.8, linestyle="--")
    axes.set(xscale="log", yscale="log", xlabel="content (dot: median of the survey)",
             ylabel="precision, 2 sd (%)")  # fmt: skip
    axes.set_title("Precision by content; 100 %: detection limit", fontsize=9)
    axes.legend(fontsize=7, frameon=False)
    return figure


def _save(figure: Any, path: Path) -> None:
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png")
