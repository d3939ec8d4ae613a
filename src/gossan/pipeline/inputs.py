"""Open everything that a run is made of: surveys, imagery, the grid, and their hashes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import CRS

from gossan.arrays.spacing import sample_spacing
from gossan.errors import GridError, SettingsError, SurveyError, must
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.remote import is_remote
from gossan.geochem.table.coordinates import check_extent
from gossan.imagery.rasters.paths import items_among, resolve_all
from gossan.imagery.settings import ImagerySettings
from gossan.io.contract import GridRecord
from gossan.io.file_hashes import FileHashes
from gossan.io.run_folder import fingerprint
from gossan.io.vectors import read_points
from gossan.pipeline.catchment_supports import with_catchments
from gossan.pipeline.drainage import terrain_paths
from gossan.pipeline.feature_sets import FeatureSets, component_notes, feature_errors
from gossan.pipeline.imagery import Imagery, open_imagery
from gossan.pipeline.options.products import baseline_notes
from gossan.pipeline.options.project import Project
from gossan.pipeline.output_grid import choose_grid, project_crs
from gossan.pipeline.preflight import late_errors
from gossan.pipeline.surveys import Surveys, read_surveys
from gossan.pipeline.training_sets import training_errors
from gossan.pipeline.under_samples import look_under


@dataclass(frozen=True, eq=False)
class RunInputs:
    """The surveys, the imagery on the output grid, and what they were read from."""

    surveys: Surveys
    features: FeatureSets
    hashes: dict[str, str]
    of_surveys: dict[str, str] = field(default_factory=dict)
    """Hashes of the files that samples are read from, among all."""
    occurrences: pd.DataFrame | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def grid(self) -> Grid:
        """Grid of the maps."""
        return self.features.grid


def grid_record(grid: Grid, samples: NDArray[np.float64]) -> GridRecord:
    """Record the grid of the maps and the spacing of samples at (n, 2)."""
    authority = grid.crs.to_authority()
    return GridRecord(
        crs=":".join(authority) if authority else grid.crs.to_wkt(),
        bounds=grid.bounds,
        height=grid.height,
        width=grid.width,
        pixel_m=(grid.pixel_width, grid.pixel_height),
        sample_spacing_m=sample_spacing(samples),
    )


def open_inputs(project: Project, store: Path, blocks: Blocks) -> RunInputs:
    """Read the surveys and open the imagery on one grid.

    Raises
    ------
    InputError
        A file is missing or unfit, systems or extents do not fit together.
    """
    imagery = [
        open_imagery(s, project.base, store, blocks, project.project.crs) for s in project.imagery
    ]
    wrong = feature_errors(project, imagery)
    if wrong:
        raise SettingsError("\n".join(wrong))
    surveys, grid = place(project, imagery)
    late = late_errors(project, imagery, grid, blocks)
    late = late or training_errors(project, surveys, imagery, grid)
    if late:
        raise SettingsError("\n".join(late))
    seen = [look_under(one, surveys.coordinates, grid.crs) for one in imagery]
    placed = {one.settings.name: one.on(grid) for one in imagery}
    known = FileHashes(store / "hashes.json")
    hashes = known.of_inputs(input_paths(project))
    place_of_maps = [grid.crs.to_wkt(), list(grid.transform), grid.shape]
    keys = {
        one.name: fingerprint(
            {
                "files": known.of_inputs(imagery_paths(one, project)),
                "imagery": one.model_dump(mode="json"),
                "crs": project.project.crs,
                "grid": place_of_maps,
            }
        )[:12]
        for one in project.imagery
    }
    names = dict.fromkeys(n for s in project.survey if s.role == "fit" for n in s.covariates)
    features = FeatureSets(grid, placed, blocks, store, keys, tuple(names))
    inside = grid.contains(surveys.coordinates[:, 0], surveys.coordinates[:, 1])
    notes = [f"{one.settings.name}: {note}" for one in imagery for note in one.notes]
    notes += [*component_notes(project, imagery), *baseline_notes(project)]
    notes += [*surveys.warnings, *(line for found in seen for line in found.lines())]
    for samples in surveys.fit:
        notes += check_extent(samples, grid.bounds, grid.crs).lines()
    if not inside.all():
        share = f"{int((~inside).sum())} of {len(inside)}"
        notes.append(f"{share} samples lie off the imagery; they serve kriging only.")
    mines = project.project.occurrences
    occurrences = read_points(project.path(mines), grid.crs) if mines else None
    of_surveys = known.of_inputs(survey_paths(project))
    return RunInputs(surveys, features, hashes, of_surveys, occurrences, notes)


def place(project: Project, imagery: list[Imagery]) -> tuple[Surveys, Grid]:
    """Read the surveys in the CRS of the maps and choose the output grid.

    Raises
    ------
    SurveyError
        The surveys to fit have no samples, or these do not suit the maps.
    """
    layers = [one.bands for one in imagery]
    crs: CRS = project_crs(project.project.crs, layers)
    surveys = read_surveys(project, crs)
    if not len(surveys.coordinates):
        raise SurveyError(must("the surveys to fit", "samples", "none", "Check where and drop"))
    surveys = with_catchments(surveys, project, crs)
    coordinates = surveys.extent
    wanted = project.project.pixel_m, project.project.extent
    try:
        return surveys, choose_grid(crs, layers, coordinates, *wanted)
    except GridError:
        for samples in surveys.fit:  # explains why, where it can
            grid = layers[0].grid
            check_extent(samples, grid.bounds, grid.crs).raise_errors(samples.name)
        raise


def input_paths(project: Project) -> list[Path]:
    """List the files that the run reads."""
    paths = survey_paths(project)
    paths += [path for one in project.imagery for path in imagery_paths(one, project)]
    if project.project.occurrences:
        paths.append(project.path(project.project.occurrences))
    return [path for path in paths if path.exists() or is_remote(path)]


def survey_paths(project: Project) -> list[Path]:
    """List the files that samples, and what they stand for, are read from."""
    paths = [project.path(survey.path) for survey in project.survey]
    sites = (survey.sites_table for survey in project.survey)
    paths += [project.path(one.path) for one in sites if one is not None]
    certified = (survey.qc.certified for survey in project.survey)
    paths += [project.path(one) for one in certified if isinstance(one, str)]
    return [*paths, *terrain_paths(project.terrain, project.base)]


def imagery_paths(one: ImagerySettings, project: Project) -> list[Path]:
    """List the files and folders of an imagery, and what corrects and masks it."""
    found = [*resolve_all(one.paths, project.base, one.name)]
    found += [item.path for item in items_among(one.paths, project.base, one.name)]
    quality = one.quality.path if one.quality is not None else None
    given = (quality,) if isinstance(quality, Path) else (quality or ())
    own = (one.cover, one.faults, one.legend, one.dem, one.atmosphere.dem, one.atmosphere.targets)
    return found + [project.path(path) for path in (*own, *given) if path is not None]
