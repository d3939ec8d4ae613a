"""Find the catchments of stream samples: polygons, a table and a map for each survey."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gossan.errors import ImageryError, SettingsError, must
from gossan.geo.raster import open_raster, write_array
from gossan.geo.samples import Samples
from gossan.imagery.rasters.open_rasters import open_rasters
from gossan.imagery.rasters.paths import resolve
from gossan.imagery.settings import ImagerySettings
from gossan.imagery.terrain.catchments import Catchments, delineate
from gossan.imagery.terrain.drainage import (
    Drainage,
    drainage_of_directions,
    drainage_of_heights,
)
from gossan.imagery.terrain.settings import TerrainSettings
from gossan.io.field_files import write_kml
from gossan.io.geometry_tables import geometry_table, write_csv, write_geopackage
from gossan.names import file_name
from gossan.pipeline.options.project import Project
from gossan.pipeline.surveys import read_surveys


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
    drainage = open_drainage(project.terrain, project.base)
    surveys = read_surveys(project, drainage.grid.crs)
    rows, findings = [], []
    for samples in surveys.fit:
        wanted = project.terrain
        found = delineate(drainage, samples.coordinates, wanted.snap_m, wanted.stream_km2)
        _write(Path(out), samples, found)
        rows.append(_summary(samples, found))
        findings += [f"{samples.name}: {line}" for line in _findings(found, wanted)]
    return CatchmentsMade(pd.DataFrame(rows), tuple(findings))


def open_drainage(settings: TerrainSettings, base: Path) -> Drainage:
    """Open the drainage that ``[terrain]`` names."""
    if settings.flow is not None:
        layer = open_raster(resolve(settings.flow, base, "[terrain]"))
        codes = layer.read(layer.grid.whole)[0]
        return drainage_of_directions(layer.grid, np.nan_to_num(codes, nan=247).astype(int))
    if settings.dem is None:
        cure = 'Add [terrain] with dem = "heights.tif", or flow = "d8.tif"'
        raise SettingsError(must("[terrain]", "in the project file", "none", cure))
    paths = settings.dem if isinstance(settings.dem, tuple) else (settings.dem,)
    tiles = open_rasters(ImagerySettings(name="terrain", paths=paths), base).tiles
    if len(tiles) > 1:
        cure = "Join them first, such as by gdalbuildvrt dem.vrt tiles/*.tif"
        raise ImageryError(must("[terrain] dem", "one raster", f"{len(tiles)} tiles", cure))
    return drainage_of_heights(tiles[0].layer)


def _write(out: Path, samples: Samples, found: Catchments) -> None:
    table = geometry_table(_columns(samples, found), found.polygons(), samples.crs)
    table = table[found.placed]
    stem = out / file_name("catchments", samples.name)
    out.mkdir(parents=True, exist_ok=True)
    write_geopackage(stem.with_suffix(".gpkg"), {"catchments": table})
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


def _findings(found: Catchments, settings: TerrainSettings) -> list[str]:
    """What makes a catchment doubtful, with the rows of the samples."""
    near = f"no stream of {settings.stream_km2:g} km2 within {settings.snap_m:g} m"
    large = f"catchments of more than {settings.largest_km2:g} km2 say little about their ground"
    with np.errstate(invalid="ignore"):
        doubts = {
            f"{near}: not placed": ~found.placed,
            "catchments reach the edge of the terrain model and may be cut": found.cut,
            large: found.area_km2 > settings.largest_km2,
            "several samples in one cell: the first has the ground": found.sharing_a_cell,
        }
    return [
        f"{text} ({int(which.sum())}: samples {_some(np.flatnonzero(which) + 1)})"
        for text, which in doubts.items()
        if which.any()
    ]


def _some(numbers: np.ndarray, most: int = 8) -> str:
    text = ", ".join(str(one) for one in numbers[:most])
    return f"{text} ..." if len(numbers) > most else text
