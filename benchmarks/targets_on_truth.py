"""Hold the listed targets of simulated districts against their truth, rank by rank.

    python benchmarks/targets_on_truth.py FOLDER [--seeds 7 1 2 3 4] [--elements Cu Zn]

Every district is simulated, run (kriging, the corrected pyramid, the map to trust) and searched for
anomalies in FOLDER. A target is true where at least half of its area truly reaches the threshold.
``patches``: the connected pixels at or above the threshold, four of them or more, which is what was
listed before; ``targets``: what is listed now. Recall is the share of the truly anomalous area that
the list covers. ``targets_on_truth.csv`` has every target, with the share of it that transported
material covers and the distance from its peak to the highest true content inside it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import rasterio
from rasterio.features import rasterize
from scipy.ndimage import maximum_position

from gossan.demo.district import simulate_district
from gossan.demo.folder import write_district
from gossan.geo.layer import Layer
from gossan.io.contract import BASELINE
from gossan.io.finished_run import FinishedRun, open_run
from gossan.pipeline.anomaly_evidence import sampled_ground
from gossan.pipeline.commands.anomalies import anomalies_of_run
from gossan.pipeline.commands.run import run_project
from gossan.pipeline.options.project import load_project
from gossan.targets.patches import patches_at

RANKS = (1, 2, 3, 5, 8, 12)


def made(folder: Path, seed: int, elements: tuple[str, ...]) -> FinishedRun:
    """Simulate, run and search a district, unless the folder holds it already."""
    run = folder / "run"
    if not (run / "manifest.json").exists():
        district = simulate_district(seed, (500, 440), elements=elements, sensors=("aster",))
        path = write_district(district, folder)
        text = path.read_text(encoding="utf-8").replace("paper = true\n", "")
        path.write_text(text + '\n[validation]\nfolds = 4\nkinds = ["blocks"]\n', encoding="utf-8")
        run_project(load_project(path), run, workers=2)
    anomalies_of_run(run)
    return open_run(run)


def true_contents(folder: Path, element: str, layer: Layer) -> np.ndarray:
    """Cut the true contents to the map."""
    with rasterio.open(folder / "truth" / f"{element}.tif") as source:
        window = source.window(*layer.grid.bounds).round()
        return np.asarray(source.read(1, window=window))


def labelled(shapes: list, layer: Layer) -> np.ndarray:
    """Number the pixels of every shape from 1."""
    numbered = [(shape, number) for number, shape in enumerate(shapes, 1)]
    grid = layer.grid
    if not numbered:
        return np.zeros(grid.shape, np.int32)
    return rasterize(numbered, grid.shape, transform=grid.transform, dtype="int32")


def judged(shapes: list, layer: Layer, true: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the true share of every target, and the recall of all together."""
    labels = labelled(shapes, layer)
    count = np.bincount(labels.ravel(), minlength=len(shapes) + 1)[1:]
    hits = np.bincount(labels.ravel(), true.ravel(), len(shapes) + 1)[1:]
    return hits / np.maximum(count, 1), float((labels > 0)[true].mean())


def covered(folder: Path, targets: geopandas.GeoDataFrame) -> np.ndarray:
    """Share of each target that transported material covers."""
    cover = geopandas.read_file(folder / "cover.gpkg").to_crs(targets.crs)
    hidden = cover[cover["cover"] == "quaternary"].union_all()
    return (targets.geometry.intersection(hidden).area / targets.geometry.area).to_numpy()


def off_peak(targets: geopandas.GeoDataFrame, layer: Layer, truth: np.ndarray) -> np.ndarray:
    """Metres from the peak of each target to the highest true content inside its outline."""
    if not len(targets):
        return np.zeros(0)
    labels = labelled(list(targets.geometry), layer)
    east, north = layer.grid.coordinates()
    found = maximum_position(truth, labels, range(1, len(targets) + 1))
    rows, columns = np.array(found, int).reshape(-1, 2).T
    return np.hypot(targets["peak_easting"] - east[columns], targets["peak_northing"] - north[rows])


def rows_of(folder: Path, run: FinishedRun, seed: int) -> tuple[list[dict], list[dict]]:
    """Judge the targets of kriging and of the best map of every element."""
    each, whole = [], []
    for element in run.elements:
        samples = sampled_ground(run, element)
        for name in dict.fromkeys([BASELINE, run.best(element) or BASELINE, "trusted"]):
            product = run.product(name, element)
            if product is None or product.layer is None:
                continue
            layer = run.estimate(product)
            path = run.anomaly_file(name, element, "gpkg")
            targets = geopandas.read_file(path, layer="anomalies").sort_values("rank")
            limit = float(run.table("product_numbers", element)["threshold"].iloc[0])
            truth = true_contents(folder, element, layer)
            true = truth >= limit
            about = {"seed": seed, "element": element, "product": name}
            patches = next(patches_at(layer, [limit], minimum_pixels=4))
            lists = {"targets": list(targets.geometry), "patches": list(patches.geometry)}
            for listed, shapes in lists.items():
                shares, recall = judged(shapes, layer, true)
                whole.append(
                    about
                    | {"list": listed, "n": len(shapes), "right": int((shares >= 0.5).sum()),
                       "recall": recall, "samples": len(samples.values)}
                )  # fmt: skip
                if listed == "targets":
                    columns = ["rank", "score", "area_km2", "probability", "status"]
                    own = targets[columns].assign(
                        true_share=shares,
                        covered=covered(folder, targets),
                        off_peak_m=off_peak(targets, layer, truth),
                    )
                    each += [about | row for row in own.to_dict("records")]
    return each, whole


def main() -> None:
    """Print precision by rank, and precision and recall of the whole lists."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 1, 2, 3, 4])
    parser.add_argument("--elements", nargs="+", default=["Cu", "Zn"])
    given = parser.parse_args()
    each, whole = [], []
    for seed in given.seeds:
        folder = given.folder / str(seed)
        more, lists = rows_of(folder, made(folder, seed, tuple(given.elements)), seed)
        each += more
        whole += lists
    lists, targets = pd.DataFrame(whole), pd.DataFrame(each)
    print(lists.to_string(index=False, float_format="%.3f"))
    grouped = lists.groupby(["product", "list"])
    summary = grouped.agg(n=("n", "sum"), right=("right", "sum"), recall=("recall", "mean"))
    summary["precision"] = summary["right"] / summary["n"]
    print(summary.to_string(float_format="%.3f"))
    for name, own in targets.groupby("product"):
        first = {k: own[own["rank"] <= k] for k in RANKS}
        curve = {
            k: f"{(t['true_share'] >= 0.5).mean():.2f} (n = {len(t)})" for k, t in first.items()
        }
        print(name, "precision of the first k of each element:", curve)
        away = {k: f"{t['off_peak_m'].median():.0f} m" for k, t in first.items()}
        print(name, "median distance to the true peak of the first k:", away)
        for where, part in own.groupby(own["covered"] >= 0.5):
            right = int((part["true_share"] >= 0.5).sum())
            print(name, "on transported cover:" if where else "elsewhere:", right, "of", len(part))
    targets.to_csv(given.folder / "targets_on_truth.csv", index=False)


if __name__ == "__main__":
    main()
