"""Where new samples would help a map most."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gossan.errors import InputError, must
from gossan.geo.layer import Layer
from gossan.geochem.variogram.fitting import CovarianceModel, Structure
from gossan.io.contract import BASELINE, ProductRecord
from gossan.io.finished_run import FinishedRun, open_run
from gossan.io.tables import Column, Table
from gossan.io.vectors import read_area, read_lines
from gossan.pipeline.anomaly_evidence import probability_of, sampled_ground
from gossan.pipeline.anomaly_rule import rule_of
from gossan.pipeline.commands.anomalies import threshold_of
from gossan.targets.sampling import (
    MOST_PROPOSED,
    Access,
    Goal,
    SamplePlan,
    SamplingSettings,
    plan_samples,
    write_plan,
)


@dataclass(frozen=True)
class Reach:
    """Files of polygons that may be sampled, of polygons that may not, and of tracks."""

    within: Path | None = None
    avoid: Path | None = None
    tracks: Path | None = None


def next_samples(
    run: Path | str,
    count: int = 20,
    product: str | None = None,
    element: str | None = None,
    goal: Goal = "doubt",
    reach: Reach | None = None,
) -> SamplePlan:
    """Propose new samples where they take the most doubt, or error, out of a map.

    Writes ``RUN/anomalies/sample_next.gpkg``, ``.gpx`` and ``.csv``. Samples keep half a spacing
    away from the edge of the ground and from each other.

    Parameters
    ----------
    run
        Folder of a finished run.
    count
        Number of new samples.
    product, element
        The map that counts; default: the best map of the first element.
    goal
        "doubt" (where the map may or may not be anomalous) or "variance" (everywhere).
    reach
        Where samples may lie; default: the surveyed ground.

    Raises
    ------
    InputError
        The run lacks what the plan needs, a file of ``reach`` cannot be used, or ``count`` is too
        large.
    """
    if not 1 <= count <= MOST_PROPOSED:
        cure = "Sample in rounds: what the first ones find changes where the next ones belong"
        raise InputError(must("--count", f"1 to {MOST_PROPOSED}", count, cure))
    finished, reach = open_run(run), reach or Reach()
    record = finished.find(product, element or finished.elements[0])
    grid = finished.estimate(record).grid
    samples = sampled_ground(finished, record.element)
    area = read_area(reach.within, grid.crs) if reach.within else samples.hull
    half = samples.spacing_m / 2
    plan = plan_samples(
        grid,
        samples.places,
        _variogram(finished, record.element),
        area,
        probability=_probability(finished, record) if goal == "doubt" else None,
        access=Access(
            read_lines(reach.tracks, grid.crs) if reach.tracks else None,
            read_area(reach.avoid, grid.crs) if reach.avoid else None,
        ),
        settings=SamplingSettings(number=count, goal=goal, apart_m=half, inside_m=half),
    )
    with finished.folder.amended(finished.manifest):
        write_plan(plan, finished.folder.anomalies)
    return plan


def _probability(finished: FinishedRun, record: ProductRecord) -> Layer:
    """Probability that a map exceeds its threshold, by which doubt is measured."""
    threshold = threshold_of(finished, record.element, rule_of(finished))
    found = probability_of(finished, record, threshold) if threshold > 0 else None
    if found is None:
        name = f"{record.product} of {record.element}"
        cure = "Name another --product, or use --goal variance"
        raise InputError(must(name, "a map with a threshold and an error", "neither", cure))
    return found


def _variogram(finished: FinishedRun, element: str) -> CovarianceModel:
    """Rebuild the kriged baseline's variogram from its table."""
    table = finished.table(Table.VARIOGRAMS, element)
    table = table[table[Column.PRODUCT] == BASELINE]
    if not len(table):
        name = f"variogram of {element}"
        raise InputError(must(name, "in the run", "none", "Run the project with kriging"))
    pure = table[Column.KIND] == "nugget"
    nugget = float(table.loc[pure, Column.SILL].sum())
    structures = tuple(_structure(row) for row in table[~pure].to_dict("records"))
    return CovarianceModel(nugget, structures)


def _structure(row: dict[Any, Any]) -> Structure:
    kind = row[Column.KIND]
    shape = {"smoothness": float(row[Column.SMOOTHNESS])} if kind == "matern" else {}
    return Structure(kind, float(row[Column.SILL]), float(row[Column.RANGE_M]), **shape)
