"""Krige the public competition of methods for large spatial data (Heaton et al. 2019).

    GOSSAN_TEST_DATA=data python benchmarks/heaton.py [--sets satellite simulated]
        [--entries kriging default 100 vecchia] [--published FOLDER]

105,569 training values on a lattice of 500 x 300, 42,740 (satellite) and 44,431 (simulated) held
out, mostly in large gaps. Entries: ``default``: `gossan krige` as it comes; ``100``: the same with
an exponential variogram and the 100 nearest samples; ``kriging``: that in Python, without reading
and writing files; ``vecchia``: the geostatistical model without
features. Distances are in degrees, as in the competition: a step of the lattice is 1 km
here. Scores are the authors' own (their Code/GetResults/GetResults.R): mean absolute and root mean
squared error, CRPS of a normal law, interval score and coverage of 95 % intervals. ``--published``
names a checkout of finnlindgren/heatoncomparison, whose predictions of the predictive process
(the only ones published) are then scored alike. Time: wall clock, reading and
writing included.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm

from gossan.evaluate.calibration import coverage_table, crps
from gossan.fusion.features.sources import NoFeatures
from gossan.fusion.geostatistical.model import Geostatistical
from gossan.fusion.protocol import Observations, Points
from gossan.geo.grid import Grid
from gossan.geo.layer import values_at
from gossan.geo.raster import open_raster
from gossan.geochem.kriging.estimator import Kriging
from gossan.geochem.variogram.fitting import fit_variogram

WIDTH, HEIGHT, STEP_M = 500, 300, 1000.0
EAST, NORTH = 400_000.0, 4_000_000.0
PROJECT = """
[project]
name = "Heaton"
crs = "EPSG:32615"
pixel_m = 1000
elements = ["Cu"]
transform = "identity"

[[survey]]
name = "training"
path = "training.csv"
x = "easting"
y = "northing"
crs = "EPSG:32615"
unit = {{ Cu = "ppm" }}

[kriging]
alternatives = []
lattice_m = "pixels"
{settings}
"""
ENTRIES = {
    "default": "",
    "100": 'neighbours = 100\n\n[kriging.variogram]\nmodels = ["exponential"]',
}


def read(name: str) -> tuple[np.ndarray, pd.DataFrame]:
    path = Path(os.environ["GOSSAN_TEST_DATA"]) / "heaton" / f"{name}.csv.gz"
    table = pd.read_csv(path)
    row, column = np.divmod(np.arange(WIDTH * HEIGHT), WIDTH)
    xy = np.column_stack([EAST + STEP_M * (column + 0.5), NORTH - STEP_M * (row + 0.5)])
    return xy, table


def krige(settings: str, xy: np.ndarray, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Run `gossan krige` as a user would, and read its maps at the held-out places."""
    fit = table.masked.notna().to_numpy()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        training = pd.DataFrame(xy[fit], columns=["easting", "northing"])
        training.assign(Cu=table.masked[fit].to_numpy()).to_csv(folder / "training.csv")
        (folder / "project.toml").write_text(PROJECT.format(settings=settings), encoding="utf-8")
        command = [sys.executable, "-m", "gossan", "krige", str(folder / "project.toml")]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        layers = folder / "krige" / "layers"
        return tuple(
            values_at(open_raster(layers / f"kriging_Cu{end}.tif"), xy[~fit])[:, 0].astype(float)
            for end in ("", "_se")
        )  # type: ignore[return-value]


def local_kriging(xy: np.ndarray, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    fit, z = table.masked.notna().to_numpy(), table.masked.dropna().to_numpy()
    model = fit_variogram(xy[fit], z, method="reml", models=("exponential",)).model
    mean, variance = Kriging(model, neighbours=100, edge="sharp").fit(xy[fit], z).predict(xy[~fit])
    return mean, np.sqrt(variance)


def vecchia(xy: np.ndarray, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    fit = table.masked.notna().to_numpy()
    bounds = (EAST, NORTH - HEIGHT * STEP_M, EAST + WIDTH * STEP_M, NORTH)
    features = NoFeatures(Grid.from_bounds(32615, bounds, STEP_M))
    observations = Observations(Points(xy[fit]), table.masked[fit].to_numpy())
    found = Geostatistical().fit(observations, features).predict(Points(xy[~fit]), features)
    assert found.standard_error is not None
    return found.mean, found.standard_error


def predictive_process(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Read the authors' own predictions: median and 95 % bounds."""
    word = {"satellite": "real", "simulated": "sim"}[name]
    table = pd.read_csv(folder / "Code" / "PredProc" / f"pp2-{word}-pred.csv").to_numpy(float)
    return table[:, 0], (table[:, 2] - table[:, 1]) / (2 * norm.ppf(0.975))


def scores(truth: np.ndarray, mean: np.ndarray, error: np.ndarray) -> dict[str, float]:
    known = np.isfinite(truth)
    y, m, s = truth[known], mean[known], error[known]
    covered = coverage_table(y, m, s, (0.95,)).iloc[0]
    return {
        "MAE": float(np.abs(y - m).mean()), "RMSE": float(np.sqrt(((y - m) ** 2).mean())),
        "CRPS": crps(y, m, s), "INT": float(covered["interval_score"]),
        "CVG": float(covered["achieved"]),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="*", default=["satellite", "simulated"])
    parser.add_argument("--entries", nargs="*", default=["kriging", *ENTRIES, "vecchia"])
    parser.add_argument("--published", type=Path)
    options = parser.parse_args()
    for name in options.sets:
        xy, table = read(name)
        truth = table.true[table.masked.isna()].to_numpy()
        if options.published:
            found = scores(truth, *predictive_process(options.published, name))
            print(f"{name:10s} {'published: predictive process':30s}", shown(found), flush=True)
        for entry in options.entries:
            begun = time.perf_counter()
            in_python = {"kriging": local_kriging, "vecchia": vecchia}.get(entry)
            made = in_python(xy, table) if in_python else krige(ENTRIES[entry], xy, table)
            seconds = time.perf_counter() - begun
            print(f"{name:10s} {entry:30s}", shown(scores(truth, *made)), f"{seconds:.0f} s")


def shown(found: dict[str, float]) -> str:
    return "  ".join(f"{key} {value:.3f}" for key, value in found.items())


if __name__ == "__main__":
    main()
