"""Set the coarse map, the imagery, the fused map and the truth side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from numpy.typing import NDArray

from gossan.errors import InputError, must
from gossan.geo.grid import Grid
from gossan.geo.raster import atomic_path, open_raster, read_overview
from gossan.report.maps import Panel, panel_figure
from gossan.report.palette import common_scale
from gossan.report.read import MAP_PIXELS, Map, open_results, stretched


def side_by_side(
    run: Path | str,
    element: str,
    products: Sequence[str],
    truth_path: Path | str | None,
    out_png: Path | str,
    imagery_path: Path | str | None = None,
) -> Path:
    """Draw products of one element, and the truth if it is known, under one colour scale.

    Parameters
    ----------
    run
        Run folder.
    element, products
        Whose maps, in this order; the imagery comes after the first.
    truth_path
        Raster of true contents in the maps' unit (its first band, or the band named after the
        element), or None.
    out_png
        Picture to write.
    imagery_path
        Raster whose first three bands are shown in colour (one band: in grey); None takes the
        run's first colour composite, if there is one.

    Raises
    ------
    InputError
        The run has no such map.
    """
    results = open_results(run)
    missing = [name for name in products if (name, element) not in results.maps]
    if missing:
        known = ", ".join(one.product for one in results.of(element)) or "none"
        raise InputError(must("products", f"maps of {element} ({known})", missing, "Check names"))
    maps = [results.maps[name, element] for name in products]
    shown = [(one.product, one.values, one.grid) for one in maps]
    truth = []
    if truth_path is not None:
        values, grid = _truth(truth_path, element)
        inner = grid.covering(maps[0].grid.bounds)
        truth = [("truth", values[inner.slices], grid.crop(inner))]
    scale = common_scale([v for _, v, _ in [*shown, *truth]], f"{element} ({maps[0].unit})")
    panels: list[Panel] = [(title, values, grid, scale) for title, values, grid in [*shown, *truth]]
    picture = _picture(results.pictures, imagery_path)
    if picture is not None:
        panels.insert(1, picture)
    figure, _ = panel_figure(panels, scale, maps[0].grid.bounds, columns=len(panels))
    figure.set_size_inches(
        2.9 * len(panels),
        2.9
        * maps[0].grid.height
        * maps[0].grid.pixel_height
        / (maps[0].grid.width * maps[0].grid.pixel_width)
        + 0.95,
    )
    FigureCanvasAgg(figure)
    out = Path(out_png)
    with atomic_path(out) as temporary:
        figure.savefig(temporary, format="png", dpi=150)
    return out


def _truth(path: Path | str, element: str) -> tuple[NDArray[np.float32], Grid]:
    """Read the truth's band of an element; of a file with one band, that one."""
    bands = open_raster(path).bands
    values, grid = read_overview(path, MAP_PIXELS)
    return values[bands.index(element) if element in bands else 0], grid


def _picture(pictures: Sequence[Map], path: Path | str | None) -> Panel | None:
    """Give the imagery as a panel: named raster, else the run's composite, else none."""
    if path is None:
        return ("imagery", pictures[0].values, pictures[0].grid, None) if pictures else None
    values, grid = read_overview(path, MAP_PIXELS)
    three = values[:3] if len(values) >= 3 else np.repeat(values[:1], 3, axis=0)
    return "imagery", stretched(three), grid, None
