"""Give the samples of streams the ground that drains to them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from pyproj import CRS

from gossan.errors import SurveyError, must
from gossan.geo.grounds import LEAST_SLOPE
from gossan.geo.samples import Samples
from gossan.geochem.findings import Finding
from gossan.imagery.terrain.catchments import Catchments, delineate
from gossan.imagery.terrain.drainage import DEEP_M
from gossan.imagery.terrain.settings import TerrainSettings
from gossan.pipeline.drainage import open_drainage
from gossan.pipeline.surveys import Surveys

if TYPE_CHECKING:
    from gossan.pipeline.options.project import Project

__all__ = ["doubts_of", "placed_on_streams", "with_catchments"]

FEWEST = 3
SUNKEN, FLAT = 0.05, 0.5
"""Shares of a catchment from which closed basins and flat ground are a finding."""


def with_catchments(surveys: Surveys, project: Project, crs: CRS) -> Surveys:
    """Find the catchments of the survey that asks for them; other surveys stay as they are.

    Samples that lie near no stream are left out; a finding names their rows. The square that
    stands in for a catchment where a model knows squares alone has the median area, unless the
    survey states ``support_m``.

    Raises
    ------
    SurveyError
        Hardly any sample lies near a stream.
    """
    asked = {one.name for one in project.survey if one.support == "catchment"}
    found = [samples for samples in surveys.fit if samples.name in asked]
    if not found:
        return surveys
    samples = found[0]
    catchments = placed_on_streams(samples, project, crs)
    placed = catchments.placed
    if placed.sum() < FEWEST:
        near = _near(project.terrain)
        got, cure = f"{int(placed.sum())} of {len(samples)}", "Check crs, snap_m and stream_km2"
        raise SurveyError(must(f"samples of {samples.name!r}", f"near {near}", got, cure))
    grounds = catchments.grounds()
    side = samples.support_m or round(min(grounds.side_m, _width(samples) / 2), 1)
    fit = replace(samples.subset(placed), support_m=side)
    findings = dict(surveys.findings)
    doubts = doubts_of(catchments, samples, project.terrain)
    findings[samples.name] = findings[samples.name].adding(*doubts)
    return replace(surveys, fit=(fit,), findings=findings, grounds=grounds)


def placed_on_streams(samples: Samples, project: Project, crs: CRS) -> Catchments:
    """Place the samples of a survey on the streams of ``[terrain]``."""
    wanted = project.terrain
    drainage = open_drainage(wanted, project.base, crs)
    return delineate(drainage, samples.coordinates, wanted.snap_m, wanted.stream_km2)


def _width(samples: Samples) -> float:
    return float(np.ptp(samples.coordinates, axis=0).max())


def _near(settings: TerrainSettings) -> str:
    return f"a stream of {settings.stream_km2:g} km2 within {settings.snap_m:g} m"


def doubts_of(
    found: Catchments, samples: Samples, settings: TerrainSettings
) -> tuple[Finding, ...]:
    """Say what makes catchments doubtful, with the rows of the samples."""
    large = f"catchments of more than {settings.largest_km2:g} km2 say little about their ground"
    with np.errstate(invalid="ignore"):
        doubts = {
            f"samples not near {_near(settings)} have no catchment": ~found.placed,
            "catchments reach the edge of the terrain model and may be cut": found.cut,
            large: found.area_km2 > settings.largest_km2,
            f"catchments hold closed basins deeper than {DEEP_M:g} m, which D8 drains all the "
            "same": found.sunken_share > SUNKEN,
            f"most of the catchment is flatter than {100 * LEAST_SLOPE:g} %, such as fans and "
            "plains, where D8 means little": found.flat_share > FLAT,
            "samples in one cell of the terrain model share a catchment": found.sharing_a_cell,
        }
    rows = np.asarray(samples.frame["row"] if "row" in samples.frame else np.arange(len(samples)))
    return tuple(
        Finding("warning", "catchment", text, tuple(int(row) for row in rows[which]))
        for text, which in doubts.items()
        if which.any()
    )
