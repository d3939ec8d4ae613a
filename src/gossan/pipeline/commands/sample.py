"""Say where new samples would help a map most."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import shapely
from pyproj import CRS

from gossan.errors import InputError, must
from gossan.geochem.variogram.fitting import Structure, VariogramModel
from gossan.io.contract import BASELINE
from gossan.io.finished_run import FinishedRun, open_run
from gossan.io.tables import Column, Table
from gossan.io.vectors import read_area
from gossan.pipeline.anomaly_evidence import probability_of
from gossan.pipeline.anomaly_rule import rule_of
from gossan.pipeline.commands.anomalies import threshold_of
from gossan.targets.sampling import SamplingSettings, plan_samples, write_plan


def next_samples(
    run: Path | str,
    count: int = 20,
    product: str | None = None,
    element: str | None = None,
    within: Path | None = None,
) -> pd.DataFrame:
    """Propose new samples where they take the most error, or doubt, out of a map.

    With a product that has standard errors, doubt about exceeding the threshold counts; else the
    kriging variance. Writes ``RUN/anomalies/sample_next.gpkg``, ``.gpx`` and ``.csv``.
    """
    finished = open_run(run)
    chosen = element or finished.elements[0]
    record = finished.find(product or BASELINE, chosen)
    layer = finished.estimate(record)
    crs: CRS = layer.grid.crs
    area = read_area(within, crs) if within else shapely.box(*layer.grid.bounds)
    threshold = threshold_of(finished, chosen, rule_of(finished))
    probability = probability_of(finished, record, threshold) if product else None
    goal = "doubt" if probability is not None else "variance"
    plan = plan_samples(
        layer.grid,
        finished.samples[[Column.EASTING, Column.NORTHING]].to_numpy(float),
        _variogram(finished, chosen),
        area,
        probability=probability,
        settings=SamplingSettings(number=count, goal=goal),
    )
    write_plan(plan, finished.folder.anomalies)
    return pd.DataFrame(plan.table.drop(columns="geometry"))


def _variogram(finished: FinishedRun, element: str) -> VariogramModel:
    """Rebuild the kriged baseline's variogram from its table."""
    table = finished.table(Table.VARIOGRAMS, element)
    table = table[table[Column.PRODUCT] == BASELINE]
    if not len(table):
        name = f"variogram of {element}"
        raise InputError(must(name, "in the run", "none", "Run the project with kriging"))
    pure = table[Column.KIND] == "nugget"
    nugget = float(table.loc[pure, Column.SILL].sum())
    structures = tuple(_structure(row) for row in table[~pure].to_dict("records"))
    return VariogramModel(nugget, structures)


def _structure(row: dict[Any, Any]) -> Structure:
    kind = row[Column.KIND]
    shape = {"smoothness": float(row[Column.SMOOTHNESS])} if kind == "matern" else {}
    return Structure(kind, float(row[Column.SILL]), float(row[Column.RANGE_M]), **shape)
