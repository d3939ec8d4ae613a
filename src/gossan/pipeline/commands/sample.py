"""Say where new samples would help a map most."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import shapely
from pyproj import CRS

from gossan.errors import InputError, must
from gossan.geo.blocks import Blocks
from gossan.geochem.variogram.fitting import Structure, VariogramModel
from gossan.io.run_folder import RunFolder
from gossan.io.vectors import read_area
from gossan.pipeline.commands.anomalies import FinishedRun, threshold_of
from gossan.pipeline.commands.predict import find_entry
from gossan.pipeline.options.products import BASELINE
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
    finished = FinishedRun(RunFolder(Path(run)), Blocks())
    chosen = element or finished.elements[0]
    entry = find_entry(finished.manifest, product or BASELINE, chosen)
    layer = finished.layer(entry)
    crs: CRS = layer.grid.crs
    area = read_area(within, crs) if within else shapely.box(*layer.grid.bounds)
    threshold = threshold_of(finished, chosen)
    probability = finished.probability(entry, threshold) if product else None
    goal = "doubt" if probability is not None else "variance"
    plan = plan_samples(
        layer.grid,
        finished.samples[["easting", "northing"]].to_numpy(float),
        _variogram(finished, chosen),
        area,
        probability=probability,
        settings=SamplingSettings(number=count, goal=goal),
    )
    write_plan(plan, finished.folder.root / "anomalies")
    return pd.DataFrame(plan.table.drop(columns="geometry"))


def _variogram(finished: FinishedRun, element: str) -> VariogramModel:
    """Rebuild the kriged baseline's variogram from its table."""
    table = finished.folder.table("variograms")
    if len(table):
        table = table[(table["product"] == BASELINE) & (table["element"] == element)]
    if not len(table):
        name = f"variogram of {element}"
        raise InputError(must(name, "in the run", "none", "Run the project with kriging"))
    nugget = float(table.loc[table["kind"] == "nugget", "sill"].sum())
    structures = tuple(
        _structure(row) for row in table[table["kind"] != "nugget"].to_dict("records")
    )
    return VariogramModel(nugget, structures)


def _structure(row: dict[Any, Any]) -> Structure:
    shape = {"smoothness": float(row["smoothness"])} if row["kind"] == "matern" else {}
    return Structure(row["kind"], float(row["sill"]), float(row["range_m"]), **shape)
