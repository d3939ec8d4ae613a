"""Find the catchments of stream samples: polygons, a table and a map for each survey."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from pyproj import CRS

from gossan.arrays.array_type import Array
from gossan.fusion.features.ground_means import ground_means
from gossan.geo.blocks import Blocks
from gossan.geo.grid import same_crs
from gossan.geo.layer import Layer, SelectedLayer
from gossan.geo.raster import write_array
from gossan.geo.samples import Samples
from gossan.geo.warp import to_grid
from gossan.geochem.findings import Finding
from gossan.imagery.terrain.catchments import Catchments, delineate
from gossan.imagery.terrain.settings import TerrainSettings
from gossan.io.field_files import write_kml
from gossan.io.finished_run import open_run
from gossan.io.geometry_tables import geometry_table, write_csv, write_geopackage
from gossan.io.qgis_styles import catchment_style
from gossan.names import file_name
from gossan.pipeline.catchment_supports import doubts_of
from gossan.pipeline.class_backgrounds import class_bands
from gossan.pipeline.drainage import open_drainage
from gossan.pipeline.imagery import open_imagery
from gossan.pipeline.options.project import Project
from gossan.pipeline.sediment_map import write_sediment
from gossan.pipeline.surveys import read_surveys
from gossan.targets.upstream_background import background_of_classes, hawkes

CATCHMENTS = "catchments"
"""Name of the layer of outlines in its GeoPackage."""


@dataclass(frozen=True)
class CatchmentsMade:
    """What ``gossan catchments`` found.

    Attributes
    ----------
    table
        A row for each survey: samples, placed, median area and so on.
    findings
        What should be looked at, a line each.
    """

    table: pd.DataFrame
    findings: tuple[str, ...]


def catchments_project(
    project: Project, out: Path | str, run: Path | str | None = None
) -> CatchmentsMade:
    """Write the catchments of every fitted survey.

    Files: ``catchments_<survey>.gpkg``, ``.kml`` and ``.csv``, and for each element
    ``catchments_<survey>_<element>.tif``, in which each sample's own ground has its content; ground
    that drains past all samples is empty.

    Columns: ``sample`` (number of the sample, from 1), ``row`` of its table and, where the survey
    has an ``id``, ``sample_id``; ``area_km2`` and ``own_km2`` (whole catchment, and the part that
    drains to no other sample first), ``moved_m``, ``below`` (the next sample downstream), ``cut``
    (it reaches the edge of the terrain model), and for each element its content, ``_own`` (content
    of the own ground if sediment mixes by area), ``_background`` (by the classes of ground
    upstream, where the project has a map of classes, else the survey's median), ``_residual``
    (content less background), ``_productivity`` (residual times area, km2), ``_undiluted`` (content
    of a source of ``source_km2``; Hawkes 1976) and ``_rank`` (by the productivity of the own
    ground, 1 the largest). ``backgrounds_<survey>.csv``: the content of each class, with n and
    interval.
    With ``run``, a finished run, also ``sediment_<element>.tif``: what a sample of sediment would
    hold along the streams.

    Raises
    ------
    SettingsError
        The project file has no [terrain].
    ImageryError
        The terrain model cannot be read, or is not in metres.
    """
    wanted = project.project.crs
    crs = None if wanted is None else CRS.from_user_input(wanted)
    drainage = open_drainage(project.terrain, project.base, crs)
    surveys = read_surveys(project, drainage.grid.crs)
    rows, findings = [], []
    for samples in surveys.fit:
        settings = project.terrain
        found = delineate(drainage, samples.coordinates, settings.snap_m, settings.stream_km2)
        classes = _classes(project, samples, found)
        _write(Path(out), samples, found, settings, classes)
        rows.append(_summary(samples, found))
        findings += [f"{samples.name}: {_line(one)}" for one in doubts_of(found, samples, settings)]
    if run is not None:
        write_sediment(open_run(run), drainage, project.terrain, Path(out))
    return CatchmentsMade(pd.DataFrame(rows), tuple(findings))


@dataclass(frozen=True, eq=False)
class UpstreamClasses:
    """Names of the classes of ground, and their shares (n, k) in catchments."""

    names: tuple[str, ...]
    shares: Array


def _classes(project: Project, samples: Samples, found: Catchments) -> UpstreamClasses | None:
    """Find the shares of the classes of all maps of classes in the catchments."""
    maps = [one for one in project.imagery if one.sensor == "classes"]
    if not maps or not found.placed.any():
        return None
    names: list[str] = []
    shares = []
    for settings in maps:
        with TemporaryDirectory(prefix="gossan_") as scratch:
            blocks = Blocks()
            one = open_imagery(settings, project.base, Path(scratch), blocks, str(samples.crs))
            bands = class_bands(one.bands.bands)
            layer: Layer = SelectedLayer(one.bands, bands)
            if not same_crs(layer.grid.crs, found.drainage.grid.crs):
                layer = to_grid(layer, found.drainage.grid)
            shares.append(ground_means(layer, found.grounds(), blocks))
            names += [f"{settings.name}.{name}" for name in bands]
    whole = np.full((len(samples), len(names)), math.nan)
    whole[found.placed] = np.column_stack(shares)
    return UpstreamClasses(tuple(names), whole)


def _write(
    out: Path, samples: Samples, found: Catchments, settings: TerrainSettings,
    classes: UpstreamClasses | None,
) -> None:  # fmt: skip
    columns, backgrounds = _columns(samples, found, settings, classes)
    table = geometry_table(columns, found.polygons(), samples.crs)
    table = table[found.placed]
    stem = out / file_name("catchments", samples.name)
    out.mkdir(parents=True, exist_ok=True)
    styles = {CATCHMENTS: catchment_style()}
    write_geopackage(stem.with_suffix(".gpkg"), {CATCHMENTS: table}, styles)
    write_kml(stem.with_suffix(".kml"), table, f"Catchments of {samples.name}")
    write_csv(stem.with_suffix(".csv"), pd.DataFrame(table.drop(columns="geometry")))
    if len(backgrounds):
        write_csv(out / f"{file_name('backgrounds', samples.name)}.csv", backgrounds)
    for element in samples.elements:
        content = samples.frame[element].to_numpy(np.float64)
        drawn = np.where(found.owner >= 0, content[np.maximum(found.owner, 0)], math.nan)
        path = out / f"{file_name('catchments', samples.name, element)}.tif"
        unit = samples.units[element]
        write_array(path, found.drainage.grid, (element,), drawn[None].astype(np.float32), unit)


def _columns(
    samples: Samples, found: Catchments, settings: TerrainSettings, classes: UpstreamClasses | None
) -> tuple[dict[str, object], pd.DataFrame]:
    """Return the columns of the table, and the contents of classes of ground."""
    names = [name for name in ("row", "sample_id") if name in samples.frame.columns]
    columns: dict[str, object] = {
        "sample": np.arange(1, len(samples) + 1),
        **{name: samples.frame[name].to_numpy() for name in names},
        "moved_m": found.moved_m.round(1),
        "area_km2": found.area_km2.round(4),
        "own_km2": found.own_km2.round(4),
        "below": np.where(found.below >= 0, found.below + 1, 0),
        "cut": found.cut,
        "shares_cell": found.sharing_a_cell,
    }
    tables = []
    for element in samples.elements:
        content = samples.frame[element].to_numpy(np.float64)
        expected = np.full(len(content), np.nanmedian(content))
        if classes is not None:
            known = background_of_classes(content, classes.shares, classes.names, found.area_km2)
            expected = np.where(np.isfinite(known.expected), known.expected, expected)
            tables.append(known.table.assign(element=element, unit=samples.units[element]))
        columns |= _numbers(element, content, expected, found, settings.source_km2)
    return columns, pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _numbers(
    element: str, content: Array, expected: Array, found: Catchments, source_km2: float
) -> dict[str, object]:
    """Return the columns of one element."""
    residual = content - expected
    productivity = residual * found.area_km2
    return {
        element: content,
        f"{element}_own": found.own_content(content),
        f"{element}_background": expected,
        f"{element}_residual": residual,
        f"{element}_productivity": productivity,
        f"{element}_undiluted": hawkes(residual, expected, found.area_km2, source_km2),
        f"{element}_rank": _ranks(found.own_part(productivity)),
    }


def _ranks(values: Array) -> Array:
    """Rank values, 1 the largest; NaN stays."""
    ranks = pd.Series(values).rank(ascending=False, method="min")
    return np.asarray(ranks, np.float64)


def _summary(samples: Samples, found: Catchments) -> dict[str, object]:
    placed = found.placed
    ground = found.owner >= 0
    return {
        "survey": samples.name,
        "samples": len(samples),
        "placed": int(placed.sum()),
        "median_moved_m": float(np.nanmedian(found.moved_m)) if placed.any() else math.nan,
        "median_km2": float(np.nanmedian(found.area_km2)) if placed.any() else math.nan,
        "nested": int((found.below >= 0).sum()),
        "sampled_km2": float(ground.sum() * found.drainage.cell_km2),
        "unsampled_km2": float((found.drainage.known & ~ground).sum() * found.drainage.cell_km2),
    }


def _line(finding: Finding) -> str:
    return finding.line().removeprefix("warning: ")
