"""Race models on the real surveys: skill against ordinary kriging at held-out samples.

    GOSSAN_TEST_DATA=data python benchmarks/real_surveys.py [--models geostatistical ...]
                                                            [--cases dawadimi ...]
                                                            [--splits r25 ...] [--jobs 2]

Skill = 1 - MSE / MSE of ordinary kriging by R gstat with an automatic variogram (gossan's own
kriging where R is not installed), at the same held-out samples, in log units (clay: percent).
Splits: r25 fits a random quarter, r60 60 %; cN fits one sample per cell of N km; hN fits the
samples of a random half of the squares of N km; the rest is held out. Samples closer than 50 m to
an earlier one are dropped first. "upside down" is dawadimi with its imagery upside down: it tells
nothing. Each row: mean and worst over the seeds, the share of held-out samples inside nominal 90 %
intervals, and the same in thirds by distance to the nearest fitted sample (near1 nearest) and by
predicted value (low1 lowest). The table of models has the mean over all cases, over surveys (each
counts once), and the worst case; ``--csv FILE`` gets every row as soon as its split is done, and
what it holds already is not done again. All cases are done with the first seed before the second.
Beside the words of the registry, ``gpboost``, ``gpboost_linear`` and ``gpboost_slopes`` race the
package of that name, where it is installed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import gpboost_rival
import numpy as np
import pandas as pd
from gpboost_rival import GPBoost
from pyproj import CRS, Transformer
from scipy.spatial import cKDTree

from gossan.fusion.features.sources import ColumnFeatures, LayerFeatures
from gossan.fusion.protocol import Features, FusionModel, Observations, Points
from gossan.fusion.registry import make_model, options_of
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer, Layer, MappedLayer, StackedLayer
from gossan.geo.raster import open_raster
from gossan.geo.warp import to_grid

R_SCRIPT = r"""
suppressMessages({library(sp); library(gstat)})
folder <- commandArgs(TRUE)[1]
for (name in Sys.glob(file.path(folder, "*.csv"))) {
  d <- read.csv(name); fit <- d[d$fit == 1, ]; rest <- d[d$fit == 0, ]
  coordinates(fit) <- ~x + y; coordinates(rest) <- ~x + y
  v <- variogram(z ~ 1, fit); wide <- sqrt(sum(apply(bbox(fit), 1, diff)^2)); best <- NULL
  first <- function(m, k) vgm(mean(c(max(v$gamma), median(v$gamma))) - min(v$gamma), m,
                              0.1 * wide, min(v$gamma), kappa = k)
  for (m in c("Sph", "Exp", "Gau", "Ste")) for (k in if (m == "Ste") c(0.3, 0.5, 1, 2) else 0.5) {
    g <- tryCatch(suppressWarnings(fit.variogram(v, first(m, k))), error = function(e) NULL)
    if (is.null(g) || any(g$range < 0) || any(g$psill < 0)) next
    sound <- !isTRUE(attr(g, "singular"))
    if (!is.null(best)) {
      was <- !isTRUE(attr(best, "singular"))
      if (!sound && was) next
      if (sound == was && attr(g, "SSErr") >= attr(best, "SSErr")) next
    }
    best <- g
  }
  k <- krige(z ~ 1, fit, rest, best, debug.level = 0)
  write.table(k$var1.pred, sub(".csv$", ".txt", name), row.names = FALSE, col.names = FALSE)
}
"""


@dataclass(frozen=True)
class Survey:
    """A survey ready to be raced."""

    points: Points
    values: dict[str, np.ndarray]
    features: Features


def data_folder() -> Path:
    folder = os.environ.get("GOSSAN_TEST_DATA")
    if not folder:
        raise SystemExit("GOSSAN_TEST_DATA must be the folder of the real surveys; it is not set.")
    return Path(folder)


def dropped(points: Points, values: dict[str, np.ndarray], features: Features) -> Survey:
    """Drop samples closer than 50 m to an earlier one."""
    keep = np.ones(len(points), bool)
    for first, second in sorted(cKDTree(points.coordinates).query_pairs(50.0)):
        if keep[first]:
            keep[second] = False
    return Survey(points.subset(keep), {e: v[keep] for e, v in values.items()}, features)


def zeros_are_empty(values: np.ndarray) -> np.ndarray:
    return np.where(values == 0, np.float32(np.nan), values)


def dawadimi() -> Survey:
    folder = data_folder() / "dawadimi_west"
    table = pd.read_csv(folder / "stream_sediment.csv")
    columns = {c.split("_")[0]: c for c in table.columns}
    chosen = {e: e for e in ("Cu", "Zn", "Ni", "Cr", "Au", "Co", "V", "Li", "CaO", "Ba")}
    chosen["Fe2O3"] = "TFe2O3"
    layers = [open_raster(p, [p.stem]) for p in sorted(folder.glob("idx_*.tif"))]
    points = Points(table[["easting", "northing"]].to_numpy(float))
    values = {e: np.log(table[columns[c]].to_numpy(float)) for e, c in chosen.items()}
    return dropped(points, values, LayerFeatures(StackedLayer(tuple(layers))))


def upside_down() -> Survey:
    """Turn the imagery of dawadimi upside down, so that it says nothing of any sample."""
    survey = dawadimi()
    assert survey.features.layer is not None
    grid = survey.features.grid
    turned = np.ascontiguousarray(survey.features.layer.read(grid.whole)[:, ::-1])
    values = {e: survey.values[e] for e in ("Cu", "Zn", "Ni", "Cr")}
    features = LayerFeatures(ArrayLayer(grid, survey.features.names, turned))
    return Survey(survey.points, values, features)


def macedonia() -> Survey:
    folder = data_folder() / "macedonia_soil"
    sites = pd.read_csv(folder / "site-level.csv")
    horizons = pd.read_csv(folder / "horizons.csv").sort_values("DepthFrom")
    top = horizons.groupby("ProfID").first().reset_index()
    table = sites.merge(top[top.DepthFrom <= 5], on="ProfID")
    table = table[pd.to_numeric(table.OM_perc, errors="coerce") > 0]
    to_metres = Transformer.from_crs(4326, 32634, always_xy=True)
    xy = np.column_stack(to_metres.transform(table.X.to_numpy(), table.Y.to_numpy()))
    first = open_raster(folder / "DEMENV5.tif", ["DEMENV5"])
    left, bottom, right, top_edge = first.grid.bounds
    corners = to_metres.transform([left, right, left, right], [bottom, bottom, top_edge, top_edge])
    bounds = (min(corners[0]), min(corners[1]), max(corners[0]), max(corners[1]))
    grid = Grid.from_bounds(32634, bounds, (700.0, 925.0))
    layers: list[Layer] = []
    for path in sorted(folder.glob("*.tif")):
        layer: Layer = open_raster(path, [path.stem])
        if path.stem.endswith("L00"):
            layer = MappedLayer(layer, zeros_are_empty, layer.bands)
        if path.stem != "HIST":
            layers.append(to_grid(layer, grid))
    values = {"OM": np.log(table.OM_perc.to_numpy(float))}
    return dropped(Points(xy), values, LayerFeatures(StackedLayer(tuple(layers))))


def meuse() -> Survey:
    folder = data_folder() / "meuse"
    table = pd.read_csv(folder / "meuse_points.csv")
    layer = open_raster(folder / "meuse_grid_40m.tif", ["dist", "soil", "ffreq"])
    points = Points(table[["x", "y"]].to_numpy(float))
    metals = {"Zn": table.zinc, "Cd": table.cadmium, "Cu": table.copper, "Pb": table.lead}
    values = {e: np.log(column.to_numpy(float)) for e, column in metals.items()}
    return dropped(points, values, LayerFeatures(layer))


def eberg() -> Survey:
    folder = data_folder() / "eberg"
    fine = open_raster(folder / "eberg_grid25.tif", ["dem25", "twi25", "ndvi25"])
    coarse = open_raster(folder / "eberg_grid100.tif", ["dem100", "twi100", "tir100"])
    layer = StackedLayer((fine, to_grid(coarse, fine.grid)))
    table = pd.read_csv(folder / "eberg_points.csv")
    inside = fine.grid.contains(table.X.to_numpy(float), table.Y.to_numpy(float))
    table = table[inside & np.isfinite(table.CLYMHT_A) & np.isfinite(table.SNDMHT_A)]
    points = Points(table[["X", "Y"]].to_numpy(float))
    values = {"clay": table.CLYMHT_A.to_numpy(float), "sand": table.SNDMHT_A.to_numpy(float)}
    return dropped(points, values, LayerFeatures(layer))


def control() -> Survey:
    folder = data_folder() / "wa_cu_cr_regolith"
    table = pd.read_csv(folder / "cu_cr_points_with_covariates.csv")
    names = ("Elevation", "Slope", "Aspect", "Water", "NDVI", "pH", "SOC", "Road")
    project = Transformer.from_crs(4326, 32750, always_xy=True)
    xy = np.column_stack(project.transform(table.Lon.to_numpy(), table.Lat.to_numpy()))
    points = Points(xy, columns={n: table[n].to_numpy(float) for n in names})
    box = (*xy.min(axis=0), *xy.max(axis=0))
    features = ColumnFeatures(names, Grid.from_bounds(CRS.from_epsg(32750), box, 500.0))
    values = {
        "Cu": np.log(table.Cu_ppm.to_numpy(float)),
        "Cr": np.log(table.Cr_ppm.to_numpy(float)),
    }
    return dropped(points, values, features)


CASES: dict[str, tuple[Callable[[], Survey], tuple[str, ...]]] = {
    "dawadimi": (dawadimi, ("r25", "r60", "c6", "c10", "h10")),
    "macedonia": (macedonia, ("c16", "c8")),
    "meuse": (meuse, ("c0.6", "c0.3", "h0.5")),
    "eberg": (eberg, ("c1",)),
    "control": (control, ("c15", "h15")),
    "upside down": (upside_down, ("r25", "h10")),
}
NOTHING_TO_FIND = ("upside down", "control Cu", "dawadimi Au", "eberg clay")
"""Beginnings of the cases where imagery has little or nothing to say."""


def split(xy: np.ndarray, kind: str, seed: int) -> np.ndarray:
    """Tell which samples fit."""
    rng = np.random.default_rng(seed)
    fit = np.zeros(len(xy), bool)
    if kind[0] == "r":
        fit[rng.permutation(len(xy))[: len(xy) * int(kind[1:]) // 100]] = True
        return fit
    side = 1000.0 * float(kind[1:])
    cells = np.floor((xy + rng.uniform(0, 1, 2) * side) / side).astype(int)
    if kind[0] == "h":
        _, square = np.unique(cells, axis=0, return_inverse=True)
        return (rng.permutation(square.max() + 1) % 2 == 0)[square]
    order = rng.permutation(len(xy))
    _, first = np.unique(cells[order], axis=0, return_index=True)
    fit[order[first]] = True
    return fit


def kriged_by_gstat(
    tasks: list[tuple[str, np.ndarray, np.ndarray, np.ndarray]],
) -> dict[str, np.ndarray]:
    """Krige every task in one run of R: name -> held-out predictions."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "ok.R").write_text(R_SCRIPT, encoding="utf-8")
        for name, xy, values, fit in tasks:
            table = pd.DataFrame(
                {"x": xy[:, 0], "y": xy[:, 1], "z": values, "fit": fit.astype(int)}
            )
            table.to_csv(folder / f"{name}.csv", index=False)
        subprocess.run(["Rscript", str(folder / "ok.R"), str(folder)], check=True)
        return {name: np.loadtxt(folder / f"{name}.txt") for name, *_ in tasks}


def kriged_by_gossan(
    tasks: list[tuple[str, np.ndarray, np.ndarray, np.ndarray]],
) -> dict[str, np.ndarray]:
    from gossan.geochem.kriging.estimator import Kriging
    from gossan.geochem.variogram.fitting import fit_variogram

    found = {}
    for name, xy, values, fit in tasks:
        model = Kriging(fit_variogram(xy[fit], values[fit], method="wls").model)
        found[name] = model.fit(xy[fit], values[fit]).predict(xy[~fit])[0]
    return found


def model_of(word: str) -> FusionModel | GPBoost:
    """Make a model of the registry with its options (word:option=value), or GPBoost."""
    name, *options = word.split(":")
    if name in gpboost_rival.WORDS:
        return GPBoost(name)
    return make_model(name, options_of(name, dict(o.split("=") for o in options)))


def race(
    case: str, kind: str, seed: int, words: list[str], baseline: dict[str, np.ndarray]
) -> list[dict]:
    """Fit every model on one split of one survey, for all its elements."""
    survey = CASES[case][0]()
    fit = split(survey.points.coordinates, kind, seed)
    rows = []
    for element, values in survey.values.items():
        truth = values[~fit]
        kriged = float(np.mean((baseline[f"{case}_{element}_{kind}_{seed}"] - truth) ** 2))
        for word in words:
            observed = Observations(survey.points.subset(fit), values[fit])
            began = time.process_time()
            found = model_of(word).fit(observed, survey.features)
            prediction = found.predict(survey.points.subset(~fit), survey.features)
            used = time.process_time() - began
            off = prediction.mean - truth
            error = prediction.standard_error
            inside = np.abs(off) < 1.6449 * (np.nan if error is None else error)
            row = {"survey": case, "case": f"{case} {element} {kind}", "model": word}
            row |= {"seed": seed, "samples": int(fit.sum())}
            row |= {"skill": 1 - float(np.mean(off**2)) / kriged, "covered": inside.mean()}
            row |= {"processor_s": round(used, 2)}
            near = cKDTree(survey.points.coordinates[fit]).query(
                survey.points.coordinates[~fit]
            )[0]  # fmt: skip
            for by, values_ in (("near", near), ("low", prediction.mean)):
                third = np.argsort(np.argsort(values_)) * 3 // len(values_)
                row |= {f"{by}{k + 1}": inside[third == k].mean() for k in range(3)}
            rows.append(row)
    return rows


def show(table: pd.DataFrame) -> None:
    """Print every case, and the models over all cases."""
    strata = [f"{by}{k}" for by in ("near", "low") for k in (1, 2, 3)]
    grouped = table.groupby(["case", "model"], sort=False)
    shown = grouped[["samples", "skill", "covered", *strata]].mean()
    shown.insert(2, "worst", grouped["skill"].min())
    print(shown.round(3).to_string())
    means = table.groupby(["survey", "case", "model"], sort=False)[["skill", *strata]].mean()
    cases = means["skill"].unstack("model")
    told = ~cases.index.get_level_values("case").str.startswith(NOTHING_TO_FIND)
    summary = pd.DataFrame({
        "mean over cases": cases.mean(),
        "over surveys": cases.groupby("survey").mean().mean(),
        "worst case": cases.min(),
        "below 0": (cases < 0).sum(),
        "imagery tells": cases[told].mean(),
        "tells nothing": cases[~told].mean(),
    })  # fmt: skip
    covered = means[strata].groupby("model").mean()
    print(f"\n{len(cases)} cases")
    print(summary.join(covered).round(3).to_string())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--models", nargs="+", default=["geostatistical"])
    parser.add_argument("--cases", nargs="+", default=list(CASES))
    parser.add_argument("--splits", nargs="+", help="default: all of each case")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    chosen = parser.parse_args()
    done = pd.read_csv(chosen.csv) if chosen.csv and chosen.csv.exists() else pd.DataFrame()
    tasks, jobs = [], []
    surveys = {case: CASES[case][0]() for case in chosen.cases}
    for seed, case in product(range(chosen.seeds), chosen.cases):
        survey = surveys[case]
        for kind in CASES[case][1]:
            if chosen.splits and kind not in chosen.splits:
                continue
            if left := missing(done, case, kind, seed, chosen.models, len(survey.values)):
                xy = survey.points.coordinates
                fit = split(xy, kind, seed)
                tasks += [
                    (f"{case}_{e}_{kind}_{seed}", xy, v, fit) for e, v in survey.values.items()
                ]
                jobs.append((case, kind, seed, left))
    by_r = shutil.which("Rscript") is not None
    baseline = (kriged_by_gstat if by_r else kriged_by_gossan)(tasks)
    parts = [done]
    with ProcessPoolExecutor(chosen.jobs) as pool:
        for rows in pool.map(race, *zip(*jobs), [baseline] * len(jobs)) if jobs else ():
            parts.append(pd.DataFrame(rows))
            if chosen.csv:
                parts[-1].to_csv(
                    chosen.csv, mode="a", index=False, header=not chosen.csv.exists()
                )  # fmt: skip
    print(f"baseline: {'R gstat' if by_r else 'gossan'} ordinary kriging, automatic variogram")
    show(pd.concat(parts))


def missing(
    done: pd.DataFrame, case: str, kind: str, seed: int, words: list[str], elements: int
) -> list[str]:
    """Return the models of which a split lacks a row."""
    if done.empty:
        return words
    of_case = done.case.str.startswith(f"{case} ") & done.case.str.endswith(f" {kind}")
    have = done[of_case & (done.seed == seed)].model.value_counts()
    return [word for word in words if have.get(word, 0) < elements]


if __name__ == "__main__":
    main()
