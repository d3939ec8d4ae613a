"""Simulate a district, run the whole chain on it, and compare the maps with the truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.arrays.pyramid import low_pass, matched_levels
from gossan.arrays.spacing import sample_spacing
from gossan.catalogue.elements import unit_factor
from gossan.demo.district import District, simulate_district
from gossan.demo.folder import Scenes, keep_district
from gossan.evaluate.scores import score
from gossan.geo.grid import Grid
from gossan.geo.layer import Layer
from gossan.io.contract import BASELINE
from gossan.io.finished_run import FinishedRun, open_run
from gossan.io.run_folder import RunFolder
from gossan.io.tables import Column, Table
from gossan.pipeline.commands.anomalies import anomalies_of_run
from gossan.pipeline.commands.run import RunResult, run_project
from gossan.pipeline.options.project import load_project
from gossan.pipeline.progress import Reporter

ELEMENTS = ("Cu", "Zn", "Sn")
"""Copper and zinc follow the alteration; tin has nothing to do with the imagery (control)."""


SHOWN = (
    "kriging",
    "aster_pc2_literal_global",
    "aster_pc2_literal_local",
    "aster_pc2_sound_global",
    "aster_pc2_sound_local",
    "trusted",
    "squares",
    "catchments",
)
"""Products printed at the end; ``tables/truth.csv`` has all."""


@dataclass(frozen=True, eq=False)
class Shown:
    """What the demo found: the run folder, how near each map is to the truth, and words."""

    run: Path
    table: pd.DataFrame
    sentences: tuple[str, ...]


def show_district(
    folder: Path | str, seed: int, reporter: Reporter, drained: bool = False
) -> Shown:
    """Write a simulated district into a folder, run its project to its targets, and score its maps.

    A district of the same seed and version that stands in the folder is kept, so that the run goes
    on from its finished steps; ``project.toml`` may be changed between two demos.

    Parameters
    ----------
    folder
        Gets the district's files and ``run/``.
    seed
        Another seed, another district.
    reporter
        Progress reporter.
    drained
        Rivers have cut the relief, and samples stand for catchments.
    """
    folder = Path(folder)
    with reporter.step("Simulating a district"):
        district = simulate_district(seed, elements=ELEMENTS, drained=drained)
        scenes: Scenes = "rasters" if drained else "raw"
        project = load_project(keep_district(district, folder, scenes))
    result = run_project(project, folder / "run", reporter=reporter, keep_store=True)
    anomalies_of_run(result.root, reporter, fitted=result.fitted)
    RunFolder(result.root).drop_pixels()
    run = open_run(result.root)
    table = truth_table(district, run)
    run.folder.write_table(Table.TRUTH, table)
    shown = table[Column.PRODUCT].isin(SHOWN)
    few = table[shown].sort_values(Column.ELEMENT, kind="stable")
    return Shown(result.root, few, _sentences(folder, result))


def truth_table(district: District, run: FinishedRun) -> pd.DataFrame:
    """Score every map of a run by the true element contents at pixels.

    Columns: element, product, ``r``, ``rmse`` and ``skill`` against kriging, all of ln ppm over
    all mapped pixels, and ``detail_r``: the correlation of what is finer than the sample spacing
    (the map less its low-pass).
    """
    coordinates = district.fitted.frame[[Column.EASTING, Column.NORTHING]].to_numpy(float)
    levels = matched_levels(sample_spacing(coordinates) / district.grid.pixel_width)
    rows = []
    for product in (one for element in run.elements for one in run.mapped(element)):
        element = product.element
        estimate = _ln_map(run.estimate(product))
        baseline = run.estimate(run.find(BASELINE, element))
        truth = _ln_truth(district, baseline.grid, element, product.unit)
        found = score(truth.ravel(), estimate.ravel(), _ln_map(baseline).ravel())
        detail = score(_detail(truth, levels).ravel(), _detail(estimate, levels).ravel())
        rows.append(
            {
                Column.ELEMENT: element,
                Column.PRODUCT: product.product,
                Column.R: found.r,
                Column.RMSE: found.rmse,
                Column.SKILL: found.skill,
                Column.DETAIL_R: detail.r,
            }
        )
    return pd.DataFrame(rows)


def _ln_map(layer: Layer) -> NDArray[np.float64]:
    values = layer.read(layer.grid.whole)[0].astype(float)
    return np.log(np.maximum(values, 1e-3))


def _ln_truth(district: District, mapped: Grid, element: str, unit: str) -> NDArray[np.float64]:
    """Cut the truth (ppm) to the mapped ground, in the map's unit."""
    rows, cols = district.grid.covering(mapped.bounds).slices
    return np.log(district.truth[element][rows, cols] * unit_factor("ppm", unit))


def _detail(values: NDArray[np.float64], levels: int) -> NDArray[np.float64]:
    return values - low_pass(values[None].astype(np.float32), levels)[0]


def _sentences(folder: Path, result: RunResult) -> tuple[str, ...]:
    return (
        "r, rmse, skill (against kriging) and detail_r (finer than the samples) are of ln ppm "
        "against the simulated truth.",
        *result.verdicts,
        f"Project: {folder / 'project.toml'}",
        f"Maps:    {result.root / 'layers'}",
        f"Report:  {result.root / 'report.html'}",
    )
