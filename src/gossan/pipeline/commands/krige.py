"""Make the element layers alone: kriging with its error, alternatives, simulation."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from affine import Affine

from gossan.errors import InputError, must
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.samples import Samples
from gossan.geochem.declustering import CellWeights
from gossan.geochem.kriging.settings import KrigeSettings
from gossan.geochem.transforms import transform_record
from gossan.io.contract import KrigedRecord, KrigeManifest
from gossan.io.finished_run import refuse_folder_of
from gossan.io.run_folder import RunFolder
from gossan.io.tables import Table
from gossan.names import file_name
from gossan.pipeline.engine import blocks_of, engine_at
from gossan.pipeline.imagery import open_imagery
from gossan.pipeline.inputs import grid_record, place
from gossan.pipeline.kriging.doubts import warn_of_extrapolation
from gossan.pipeline.kriging.fit import FittedKriging, fit_kriging
from gossan.pipeline.kriging.layers import LayerWriter, Statistics
from gossan.pipeline.kriging.simulation import simulate_element, simulation_check, write_simulation
from gossan.pipeline.options.project import Project, settings_record
from gossan.pipeline.output_grid import survey_bounds
from gossan.pipeline.progress import Reporter, Silent, collected_warnings
from gossan.pipeline.provenance import peak_memory_mib, versions
from gossan.pipeline.surveys import Surveys, Working, working

NAME = "kriging"


@dataclass(eq=False)
class Krigings:
    """Carry what the steps share, and collect what they find."""

    project: Project
    run: RunFolder
    blocks: Blocks
    reporter: Reporter
    surveys: Surveys
    grid: Grid
    notes: list[str]
    tables: dict[str, list[pd.DataFrame]] = field(default_factory=dict)
    rows: list[dict[str, object]] = field(default_factory=list)
    records: list[KrigedRecord] = field(default_factory=list)

    @property
    def settings(self) -> KrigeSettings:
        """The [kriging] section."""
        return self.project.kriging

    def keep(self, name: str, table: pd.DataFrame, **about: str) -> None:
        """Keep a table's rows, with what they are about in the first columns."""
        named = table.drop(columns=list(about), errors="ignore")
        for column, value in reversed(about.items()):
            named.insert(0, column, value)
        self.tables.setdefault(name, []).append(named)


def krige_project(
    project: Project,
    out: Path | str,
    workers: int | None = None,
    reporter: Reporter | None = None,
    draw: Callable[[Path], object] | None = None,
) -> pd.DataFrame:
    """Write the element layers of the fitted surveys and of every check survey.

    Imagery is opened only where ``[project]`` does not give ``crs`` and ``pixel_m``. For each
    element: ``kriging_<element>.tif`` (median) and ``_se`` (standard error on the working scale),
    ``_distance`` (metres to the nearest sample), ``_samples`` (effective number of samples), and
    ``_mean``, ``_lower90``, ``_upper90`` where asked; the alternatives ``idw_<element>.tif`` and so
    on; ``simulation_<element>.tif`` and ``_exceedance`` where asked. Check surveys have layers of
    their own, ``kriging-<survey>_<element>.tif``. Tables: ``variogram_fits``, ``variogram_points``,
    ``cross_validation``, ``simulation``, ``layers``, ``samples``, ``findings``.

    Parameters
    ----------
    project
        From ``load_project``.
    out
        Folder of the layers.
    workers
        Threads; all processors by default.
    reporter
        Shows progress; silent by default.
    draw
        Draws figures of the folder's tables before the manifest, which lists them, is written.

    Returns
    -------
    One row per layer: survey, element, layer, samples, censored, censoring, minimum, mean, maximum.

    Raises
    ------
    InputError
        What a run raises, and a folder that holds a finished run, whose maps have these names.
    """
    begun = time.perf_counter()
    refuse_folder_of("run", out)
    run = RunFolder(Path(out))
    with run.changed(), engine_at(project.engine):
        blocks = blocks_of(project.engine, workers)
        made = _krige(project, run, blocks, reporter or Silent())
        if draw is not None:
            with run.renewed("figures/*"):
                draw(run.root)
        _write_manifest(made, time.perf_counter() - begun)
    return pd.DataFrame(made.rows)


def _krige(project: Project, run: RunFolder, blocks: Blocks, reporter: Reporter) -> Krigings:
    with reporter.step("Surveys"):
        surveys, grid = _place(project, run, blocks)
    for line in surveys.warnings:
        reporter.say(f"Note: {line}")
    run.withdraw()
    all_ = Krigings(project, run, blocks, reporter, surveys, grid, list(surveys.warnings))
    with run.renewed("layers/*", "tables/*"):
        for element in project.elements:
            _fitted_surveys(all_, element)
            for samples in surveys.check:
                _check_survey(all_, samples, element)
        _write_tables(all_)
    return all_


def _place(project: Project, run: RunFolder, blocks: Blocks) -> tuple[Surveys, Grid]:
    """Read the surveys and choose the grid; imagery is opened where nothing else tells it."""
    head = project.project
    told_ = head.crs is not None and head.pixel_m != "finest" and head.extent == "survey"
    wanted = () if told_ else project.imagery
    crs = project.project.crs
    imagery = [open_imagery(s, project.base, run.store, blocks, crs) for s in wanted]
    return place(project, imagery)


def _fitted_surveys(all_: Krigings, element: str) -> None:
    """Make the layers of the fitted surveys together, and simulate."""
    name = " + ".join(samples.name for samples in all_.surveys.fit)
    _layers(all_, all_.surveys, element, name, "", all_.grid)
    if not all_.settings.simulation.realisations:
        return
    with all_.reporter.step(f"{element}: simulation"):
        asked = all_.settings.simulation
        data = _working(all_, all_.surveys, element, asked.transform)
        seed, thresholds = all_.project.project.seed, _thresholds(all_.project, element)
        simulated = simulate_element(
            data, all_.settings, all_.grid, seed, thresholds, all_.blocks.workers
        )
        tags = _tags("simulation", name, data)
        _record(all_, name, data, write_simulation(simulated, all_.run, all_.blocks, tags))
        about = {"survey": name, "element": element}
        all_.keep("simulation", simulation_check(simulated), **about)
        about |= {"of": "simulation"}
        all_.keep(Table.VARIOGRAM_FITS, pd.DataFrame(simulated.variogram.rows), **about)
        all_.keep(Table.VARIOGRAM_POINTS, simulated.variogram.points, **about)


def _check_survey(all_: Krigings, samples: Samples, element: str) -> None:
    """Make the layers of a check survey; one that cannot be kriged is left out and reported."""
    if element not in samples.elements:
        return
    suffix = "-" + re.sub(r"[^A-Za-z0-9_-]+", "-", samples.name)
    alone = all_.surveys.one(samples)
    try:
        grid = _own_grid(all_.grid, samples)
        _layers(all_, alone, element, samples.name, suffix, grid)
    except InputError as error:
        note = f"{samples.name}: no layers of {element}: {error}"
        all_.notes.append(note)
        all_.reporter.say(f"Note: {note}")


def _own_grid(grid: Grid, samples: Samples) -> Grid:
    """Cover a survey with the pixels of the maps, going on beyond them where it does.

    The survey needs two places at least: else there is no spacing to go by.
    """
    left, bottom, right, top = survey_bounds(samples.coordinates)
    t = grid.transform
    first_col, last_col = np.floor((left - t.c) / t.a), np.ceil((right - t.c) / t.a)
    first_row, last_row = np.floor((top - t.f) / t.e), np.ceil((bottom - t.f) / t.e)
    height, width = int(last_row - first_row), int(last_col - first_col)
    if height < 1 or width < 1:
        raise InputError(must("samples", "at two places or more", len(samples), "Add samples"))
    moved = Affine(t.a, 0.0, t.c + first_col * t.a, 0.0, t.e, t.f + first_row * t.e)
    return Grid(grid.crs, moved, height, width)


def _working(all_: Krigings, surveys: Surveys, element: str, word: Any) -> Working:
    settings = all_.settings
    weigh = None if settings.declustering == "none" else CellWeights(settings.cell_m)
    return working(surveys, element, word, weigh, settings.simulation.tails)


def _layers(
    all_: Krigings, surveys: Surveys, element: str, survey: str, suffix: str, grid: Grid
) -> None:
    """Krige one element of one survey (or of the fitted ones together) and write its layers."""
    with all_.reporter.step(f"{element}: kriging {survey} and its alternatives"):
        data = _working(all_, surveys, element, all_.project.project.transform)
        with collected_warnings(all_.reporter) as notes:
            fitted = fit_kriging(data, all_.settings)
            tags = _tags(NAME + suffix, survey, data)
            writer = LayerWriter(
                all_.run, all_.blocks, all_.settings, grid, NAME + suffix, suffix, tags
            )
            found = writer.write(fitted)
            warn_of_extrapolation(data, fitted.kriging, grid)
        all_.notes += [f"{survey}, {element}: {note}" for note in notes]
        _record(all_, survey, data, found)
        about = {"survey": survey, "element": element, "of": "kriging"}
        all_.keep(Table.VARIOGRAM_FITS, pd.DataFrame(fitted.rows()), **about)
        all_.keep(Table.VARIOGRAM_POINTS, fitted.variogram.points, **about)
        all_.keep("cross_validation", fitted.held_out, survey=survey, element=element)
        all_.records.append(_kriged(all_, fitted, survey, NAME + suffix, found))


def _tags(product: str, survey: str, data: Working) -> dict[str, str]:
    return {
        "gossan_product": product,
        "gossan_survey": survey,
        "gossan_element": data.element,
        "gossan_transform": data.transform.word,
        "gossan_samples": str(len(data.observations)),
        "gossan_censored": str(data.censored),
        "gossan_censoring": data.censoring,
    }


def _record(all_: Krigings, survey: str, data: Working, found: Statistics) -> None:
    for layer, numbers in found.items():
        row: dict[str, object] = {"survey": survey, "element": data.element, "layer": layer}
        row |= {"samples": len(data.observations), "censored": data.censored}
        row |= {"censoring": data.censoring}
        all_.rows.append(row | {name: numbers[name] for name in ("minimum", "mean", "maximum")})


def _kriged(
    all_: Krigings, fitted: FittedKriging, survey: str, product: str, found: Statistics
) -> KrigedRecord:
    data, settings = fitted.data, all_.settings
    folder = all_.run.layers.name
    return KrigedRecord(
        product=product,
        title=f"Kriging: samples of {survey} only",
        model="kriging",
        survey=survey,
        element=data.element,
        layer=f"{folder}/{file_name(product, data.element)}.tif",
        standard_error=f"{folder}/{file_name(product, data.element, 'se')}.tif",
        unit=data.unit,
        transform=data.transform.word,
        transform_record=transform_record(data.transform),
        samples=len(data.observations),
        censored=data.censored,
        censoring=data.censoring,
        variogram=str(fitted.variogram.model),
        method=settings.method,
        mean=fitted.kriging.mean,
        block_m=settings.block_m,
        nugget=settings.nugget,
        cross_validation={"rmse": fitted.check.rmse, "score": fitted.check.score},
        statistics=found,
    )


def _thresholds(project: Project, element: str) -> tuple[float, ...]:
    asked = project.kriging.simulation.threshold.get(element)
    if asked is None:
        own = project.anomalies.threshold.get(element)
        return () if own is None else (float(own),)
    return tuple(map(float, asked)) if isinstance(asked, tuple) else (float(asked),)


def _write_tables(all_: Krigings) -> None:
    run = all_.run
    for name, parts in all_.tables.items():
        run.write_table(name, pd.concat(parts, ignore_index=True))
    run.write_table("layers", pd.DataFrame(all_.rows))
    run.write_table(Table.SAMPLES, all_.surveys.samples_table())
    run.write_table(Table.FINDINGS, all_.surveys.findings_table())


def _write_manifest(all_: Krigings, seconds: float) -> None:
    """Write the manifest last: a folder with a manifest is whole."""
    run, project = all_.run, all_.project
    paths = [project.path(survey.path) for survey in project.survey]
    sites = (survey.sites_table for survey in project.survey)
    paths += [project.path(one.path) for one in sites if one is not None]
    found = versions()
    run.write_manifest(
        KrigeManifest(
            gossan=found["gossan"],
            name=project.project.name,
            created=time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            seed=project.project.seed,
            elements=project.elements,
            settings=settings_record(project),
            grid=grid_record(all_.grid, all_.surveys.coordinates),
            inputs=run.hashes.of_inputs(path for path in paths if path.exists()),
            products=tuple(all_.records),
            versions=found,
            seconds=round(seconds, 3),
            peak_memory_mib=peak_memory_mib(),
            notes=tuple(all_.notes),
        )
    )
