"""Where to sample next, in a real run and through the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely

from gossan.geo.layer import values_at
from gossan.io.finished_run import open_run
from gossan.pipeline.anomaly_evidence import probability_of, sampled_ground
from gossan.pipeline.anomaly_rule import rule_of
from gossan.pipeline.commands.anomalies import threshold_of

Command = Callable[..., tuple[int, str, str]]


def _plan(run: Path) -> pd.DataFrame:
    return pd.read_csv(run / "anomalies" / "sample_next.csv")


def _write(folder: Path, run: Path, name: str, shape: shapely.Geometry) -> Path:
    product = open_run(run).products[0]
    crs = open_run(run).estimate(product).grid.crs
    path = folder / f"{name}.gpkg"
    geopandas.GeoDataFrame(geometry=[shape], crs=crs).to_file(path)
    return path


def test_a_plan_goes_to_doubt_off_the_rim(run_copy: Path, command: Command) -> None:
    code, out, err = command("sample", run_copy, "--count", 6, "--element", "Cu")
    assert code == 0, err
    assert "doubt" in out
    plan, run = _plan(run_copy), open_run(run_copy)
    samples = sampled_ground(run, "Cu")
    product = run.find(None, "Cu")
    bounds = shapely.box(*run.estimate(product).grid.bounds)
    points = shapely.points(plan["easting"], plan["northing"])
    half = samples.spacing_m / 2
    assert (shapely.distance(points, samples.hull.exterior) >= half - 1).all()
    assert (shapely.distance(points, bounds.exterior) >= half - 1).all()
    assert shapely.contains(samples.hull, points).all()
    probability = probability_of(run, product, threshold_of(run, "Cu", rule_of(run)))
    assert probability is not None
    p = values_at(probability, plan[["easting", "northing"]].to_numpy(float))[:, 0]
    everywhere = probability.read(probability.grid.whole)
    assert np.mean(p * (1 - p)) > 1.5 * np.nanmean(everywhere * (1 - everywhere))


def test_files_of_reach_are_kept_to(run_copy: Path, tmp_path: Path, command: Command) -> None:
    run = open_run(run_copy)
    left, bottom, right, top = run.estimate(run.products[0]).grid.bounds
    middle = (left + right) / 2
    within = _write(tmp_path, run_copy, "within", shapely.box(left, bottom, middle, top))
    avoid = _write(tmp_path, run_copy, "avoid", shapely.box(left, bottom, left + 900, top))
    line = shapely.LineString([(middle - 300, bottom), (middle - 300, top)])
    tracks = _write(tmp_path, run_copy, "tracks", line)
    words = ["--within", within, "--avoid", avoid, "--tracks", tracks, "--goal", "variance"]
    code, _, err = command("sample", run_copy, "--count", 5, *words)
    assert code == 0, err
    plan = _plan(run_copy)
    assert plan["easting"].between(left + 900, middle).all()
    np.testing.assert_allclose(plan["track_m"], (plan["easting"] - (middle - 300)).abs(), atol=0.1)
    assert (run_copy / "anomalies" / "sample_next.gpx").exists()
    package = run_copy / "anomalies" / "sample_next.gpkg"
    assert len(geopandas.read_file(package, layer="samples")) == len(plan)


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (["--count", "100000"], "--count must be 1 to 500"),
        (["--count", "0"], "--count must be 1 to 500"),
        (["--within", "{points}"], "points.csv must be a vector file; got a table without"),
        (["--goal", "gold"], "--goal must be doubt or variance"),
        (["--product", "nothing"], "--product must be one of"),
        (["--element", "Pb"], "--element must be one of Cu, Zn"),
    ],
)
def test_what_cannot_be_planned_is_one_line(
    words: list[str], printed: str, finished_run: Path, tmp_path: Path, command: Command
) -> None:
    points = tmp_path / "points.csv"
    pd.DataFrame({"easting": [1.0], "northing": [2.0]}).to_csv(points, index=False)
    given = [str(points) if word == "{points}" else word for word in words]
    code, _, err = command("sample", finished_run, *given)
    assert code == 2 and printed in err and len(err.strip().splitlines()) == 1
