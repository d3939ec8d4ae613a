"""Find the catchments of stream samples: polygons, a table and a map for each survey."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pyproj import CRS

from gossan.geo.raster import write_array
from gossan.geo.samples import Samples
from gossan.geochem.findings import Finding
from gossan.imagery.terrain.catchments import Catchments, delineate
from gossan.io.field_files import write_kml
from gossan.io.geometry_tables import geometry_table, write_csv, write_geopackage
from gossan.io.qgis_styles import catchment_style
from gossan.names import file_name
from gossan.pipeline.catchment_supports import doubts_of
from gossan.pipeline.drainage import open_drainage
from gossan.pipeline.options.project import Project
from gossan.pipeline.surveys import read_surveys

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


def catchments_project(project: Project, out: Path | str) -> CatchmentsMade:
    """Write the catchments of every fitted survey.

    Files: ``catchments_<survey>.gpkg``, ``.kml`` and ``.csv``, and for each element
    ``catchments_<survey>_<element>.tif``, in which each sample's own ground has its content; ground
    that drains past all samples is empty.

    Columns: ``area_km2`` and ``own_km2`` (whole catchment, and the part that drains to no other
    sample first), ``moved_m``, ``below`` (the next sample downstream), ``cut`` (it reaches the edge
    of the terrain model), and for each element its content, ``_own`` (content of the own ground if
    sediment mixes by area), ``_residual`` (content less the survey's median) and
    ``_productivity`` (residual times area, km2; Hawkes 1976).

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
        _write(Path(out), samples, found)
        rows.append(_summary(samples, found))
        findings += [f"{samples.name}: {_line(one)}" for one in doubts_of(found, samples, settings)]
    return CatchmentsMade(pd.DataFrame(rows), tuple(findings))


def _write(out: Path, samples: Samples, found: Catchments) -> None:
    table = geometry_table(_columns(samples, found), found.polygons(), samples.crs)
    table = table[found.placed]
    stem = out / file_name("catchments", samples.name)
    out.mkdir(parents=True, exist_ok=True)
    styles = {CATCHMENTS: catchment_style()}
    write_geopackage(stem.with_suffix(".gpkg"), {CATCHMENTS: table}, styles)
    write_kml(stem.with_suffix(".kml"), table, f"Catchments of {samples.name}")
    write_csv(stem.with_suffix(".csv"), pd.DataFrame(table.drop(columns="geometry")))
    for element in samples.elements:
        content = samples.frame[element].to_numpy(np.float64)
        drawn = np.where(found.owner >= 0, content[np.maximum(found.owner, 0)], math.nan)
        path = out / f"{file_name('catchments', samples.name, element)}.tif"
        unit = samples.units[element]
        write_array(path, found.drainage.grid, (element,), drawn[None].astype(np.float32), unit)


def _columns(samples: Samples, found: Catchments) -> dict[str, object]:
    columns: dict[str, object] = {
        "sample": np.arange(1, len(samples) + 1),
        "moved_m": found.moved_m.round(1),
        "area_km2": found.area_km2.round(4),
        "own_km2": found.own_km2.round(4),
        "below": np.where(found.below >= 0, found.below + 1, 0),
        "cut": found.cut,
        "shares_cell": found.sharing_a_cell,
    }
    for element in samples.elements:
        content = samples.frame[element].to_numpy(np.float64)
        residual = content - np.nanmedian(content)
        columns |= {
            element: content,
            f"{element}_own": found.own_content(content),
            f"{element}_residual": residual,
            f"{element}_productivity": residual * found.area_km2,
        }
    return columns


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
