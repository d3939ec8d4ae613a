"""Layers of a folder as a GIS shows them: title, group, style, and whether they start visible."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from gossan.geo.raster import open_raster, read_overview
from gossan.io.finished_run import open_run
from gossan.io.tables import Column
from gossan.pipeline.commands.catchments import CATCHMENTS
from gossan.report.answer import targets_of
from gossan.report.palette import ERROR, common_scale
from gossan.report.qgis.field_layers import field_tables
from gossan.report.qgis.items import GROUPS, TARGETS, Item
from gossan.report.qgis.project import write_xml
from gossan.report.qgis.raster_styles import ramp_style
from gossan.report.qgis.run_project import PROJECT, run_items
from gossan.report.read import MAP_PIXELS, open_results

TARGET_COLUMNS = (
    "rank", "name", "status", "easting", "northing", "place", "area", "expected", "probability",
    "supports", "against",
)  # fmt: skip
MOST_TARGETS = 50
"""Targets of an element that a list in a GIS shows."""


@dataclass(frozen=True)
class ShownLayer:
    """One layer for a GIS to load.

    Parameters
    ----------
    path
        File of the layer, absolute.
    sublayer, subset
        Name of the layer within a GeoPackage, and a filter of its rows in SQL; "" for neither.
    title, group
        Name for people, and the group it belongs to; the first of all layers is drawn on top.
    style
        QGIS style beside the file; None where there is none.
    identity
        Identity of the layer in ``RUN/gossan.qgs``, which has its full style; "" for none.
    """

    path: Path
    sublayer: str
    kind: Literal["raster", "vector"]
    title: str
    group: str
    style: Path | None
    visible: bool
    subset: str = ""
    identity: str = ""

    def record(self) -> dict[str, Any]:
        """Return the layer as plain values."""
        return {**asdict(self), "path": str(self.path), "style": self.style and str(self.style)}


def layers_of_run(run: Path | str) -> list[ShownLayer]:
    """List the layers of a finished run in the order and groups of its QGIS project.

    Raises
    ------
    InputError
        The folder is no finished run.
    """
    results = open_results(Path(run).resolve())
    if not results.maps:
        return []
    crs = next(iter(results.maps.values())).grid.crs
    items = run_items(results, field_tables(results, crs))
    items.sort(key=lambda item: GROUPS.index(item.group))
    listed = [_shown(item, results.run.root) for item in items]
    return [layer for layer in listed if layer.path.exists()]  # field data come with the report


def _shown(item: Item, root: Path) -> ShownLayer:
    name, *rest = item.source.split("|")
    parts = dict(part.split("=", 1) for part in rest)
    return ShownLayer(
        root / name,
        parts.get("layername", ""),
        "vector" if item.vector else "raster",
        item.title,
        item.group,
        None if item.vector else (root / name).with_suffix(".qml"),
        item.visible,
        parts.get("subset", ""),
        item.identity if (root / PROJECT).exists() else "",
    )


def proposed_samples(run: Path | str) -> ShownLayer:
    """Describe the layer that ``gossan sample`` writes."""
    path = Path(run).resolve() / "anomalies" / "sample_next.gpkg"
    return ShownLayer(path, "samples", "vector", "Where to sample next", TARGETS, None, True)


def targets_of_run(run: Path | str) -> pd.DataFrame:
    """List the targets on the best map of every element, best first, in words."""
    results = open_results(Path(run))
    rows = [
        {
            str(Column.ELEMENT): element,
            str(Column.AREA_KM2): float(target.row[Column.AREA_KM2]),
            **{name: getattr(target, name) for name in TARGET_COLUMNS},
        }
        for element in results.elements
        if results.of(element)
        for target in targets_of(results, element, MOST_TARGETS)
    ]
    return pd.DataFrame(rows, columns=[str(Column.ELEMENT), str(Column.AREA_KM2), *TARGET_COLUMNS])


def verdicts_of_run(run: Path | str) -> list[str]:
    """Say for every element which map to trust, and why."""
    verdicts = open_run(run).manifest.verdicts
    return [f"{element}: {one.sentence}" for element, one in verdicts.items()]


def catchment_layers(folder: Path | str) -> list[ShownLayer]:
    """List what ``gossan catchments`` wrote: outlines on top of the maps, which get a style."""
    base = Path(folder).resolve()
    outlines = [
        ShownLayer(path, CATCHMENTS, "vector", _words(path), "Catchments", None, True)
        for path in sorted(base.glob("catchments_*.gpkg"))
    ]
    return [*outlines, *styled_layers(sorted(base.glob("catchments_*.tif")), "Catchments")]


def _words(path: Path) -> str:
    return path.stem.replace("_", " ")


def styled_layers(paths: Iterable[Path], group: str) -> list[ShownLayer]:
    """Write a style beside rasters that no report has styled; the first one starts visible."""
    found: list[ShownLayer] = []
    for path in map(Path.resolve, paths):
        values, _ = read_overview(path, MAP_PIXELS)
        if len(values) == 1:
            write_xml(
                path.with_suffix(".qml"),
                ramp_style(common_scale([values[0]], "", _colours(path)), ""),
            )
        title = " ".join([_words(path), *_only(open_raster(path).bands)])
        style = path.with_suffix(".qml") if len(values) == 1 else None
        found.append(ShownLayer(path, "", "raster", title, group, style, not found))
    return found


def _colours(path: Path) -> str:
    return ERROR if path.stem.endswith("_se") else "viridis"


def _only(bands: Sequence[str]) -> list[str]:
    """Name the band of a layer that has several; nothing where one says what the title says."""
    return [f"({len(bands)} bands)"] if len(bands) > 1 else []
