"""Hold the source maps of a drained district against its truth: catchments, squares, kriging.

    python benchmarks/drained_district.py [--seeds 7] [--elements Cu] [--rows 600]
                                          [--features all] [--models squares plain catchments]
                                          [--samples sediment] [--folds 5]

The district is that of ``gossan demo --drainage``, without the project, its report and figures:
stream sediments that erosion by slope mixes downstream, placed again on the drainage of the
terrain model; features are 14 alteration ratios, the shares of five rocks with the distance to a
contact, and three features of the terrain ("ratios", "geology" and "terrain" alone, "no_terrain"
the first two). Models work on logarithms; ``plain`` are means over catchments by area, ``mode``
the same with the most probable hyperparameters alone, ``catchments`` what explains the samples
best of area, slope and distance along the stream, ``evidence`` leaves squares in the choice.
``--folds 0`` holds nothing out.
``--samples soil`` has composites of 1 km at the same places in place of sediment:
catchments mean nothing then, and squares must win by themselves.

Columns: ``source`` skill of the map (share of the variance of the true logarithms explained, 1 -
squared error / variance) and ``cover`` share of pixels within 90 % intervals; ``bias`` of the
map; ``skill`` at samples of held-out drainage networks against kriging of the same (1 - squared
error / that of kriging), ``worst`` the largest error there, ``inside`` share within 90 %
intervals; ``seconds`` of processor time.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from simulated_district import contents

from gossan.arrays.folds import network_folds
from gossan.demo.district import District, simulate_district
from gossan.demo.fluvial import drainage_of_relief
from gossan.demo.folder import ALTERATION_RATIOS, alteration_ratios
from gossan.demo.surveys import composite
from gossan.fusion.features.sources import LayerFeatures, NoFeatures
from gossan.fusion.geostatistical.model import Geostatistical, GeostatisticalSettings
from gossan.fusion.kriging_model import KrigingModel
from gossan.fusion.protocol import Features, FusionModel, Observations, Points
from gossan.fusion.selection.recipe import Recipe
from gossan.geo.blocks import Blocks
from gossan.geo.layer import ArrayLayer, SelectedLayer
from gossan.imagery.terrain.catchments import delineate
from gossan.imagery.terrain.features import terrain_layer

FEATURES = ("all", "ratios", "terrain", "geology", "no_terrain")
FOLDS = 5
SQUARE_M = 1000.0


def features_of(district: District, kind: str, folder: Path) -> Features:
    """Stack the features of the demo's project, or the alteration ratios alone."""
    grid = district.grid
    ratios = alteration_ratios(district.reflectance["aster"])
    parts: list[np.ndarray] = [ratios]
    names = list(ALTERATION_RATIOS)
    if kind in ("terrain", "geology"):
        parts, names = [], []
    if kind in ("all", "geology", "no_terrain"):
        rocks = district.geology.lithology
        parts.append(np.stack([rocks == k for k in range(5)]).astype(np.float32))
        names += [f"rock_{k}" for k in range(5)]
    if kind in ("all", "terrain"):
        heights = district.geology.elevation[None].astype(np.float32)
        terrain = terrain_layer(ArrayLayer(grid, ("height",), heights), folder / "drainage.tif")
        chosen = SelectedLayer(terrain.layer, ("slope", "wetness", "position_9"))
        parts.append(chosen.read(grid.whole))
        names += chosen.bands
    return LayerFeatures(ArrayLayer(grid, tuple(names), np.concatenate(parts)), Blocks(workers=1))


def made(name: str) -> FusionModel:
    """Make a model by its name here."""
    if name == "kriging":
        return KrigingModel()
    if name == "recipe":
        return Recipe()
    kinds = {
        "squares": {"support": "square"},
        "plain": {"support": "catchment", "mixing": "area"},
        "mode": {"support": "catchment", "mixing": "area", "averaging": "mode"},
        "catchments": {"support": "catchment"},
        "evidence": {},
    }
    return Geostatistical(GeostatisticalSettings(**kinds[name]))


def main() -> None:
    """Print a row for each district, element and model."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[7])
    parser.add_argument("--elements", nargs="+", default=["Cu"])
    parser.add_argument("--rows", type=int, default=600)
    parser.add_argument("--features", nargs="+", choices=FEATURES, default=["all"])
    parser.add_argument("--folds", type=int, default=FOLDS)
    parser.add_argument("--samples", choices=("sediment", "soil"), default="sediment")
    parser.add_argument("--models", nargs="+", default=["squares", "plain", "catchments"])
    asked = parser.parse_args()
    rows = []
    for seed in asked.seeds:
        shape = (asked.rows, asked.rows * 5 // 6)
        district = simulate_district(
            seed, shape, elements=tuple(asked.elements), sensors=("aster",), drained=True
        )
        rows += hold(district, asked)
    print(pd.DataFrame(rows).round(3).to_string(index=False))


def hold(district: District, asked: argparse.Namespace) -> list[dict]:
    """Fit every model to one district, whole and by folds."""
    table = district.fitted.frame
    drainage = drainage_of_relief(district.grid, district.geology.elevation)
    found = delineate(drainage, table[["easting", "northing"]].to_numpy(float), 30.0, 0.2)
    grounds, placed = found.grounds(), found.placed
    table = table[placed]
    xy = table[["easting", "northing"]].to_numpy(float)
    points = Points(xy, round(grounds.side_m, 1), grounds=grounds)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        offered = {kind: features_of(district, kind, Path(folder)) for kind in asked.features}
    for element in asked.elements:
        values = np.log(contents(table[f"{element}_ppm"]))
        if asked.samples == "soil":
            points = Points(xy, SQUARE_M, grounds=grounds)
            exact = composite(district.truth[element], district.grid, xy, SQUARE_M)
            values = np.log(exact) + np.random.default_rng(0).normal(0, 0.05, len(exact))
        truth = np.log(district.truth[element])
        labels = np.zeros(0, int)
        if asked.folds:
            labels = network_folds(xy, grounds.network, 3000.0, asked.folds)[0]
        base = held_out("kriging", points, values, labels, NoFeatures(district.grid))[0]
        none = {"none": NoFeatures(district.grid)}
        tried = [("kriging", none), *((name, offered) for name in asked.models)]
        for name, kind, own in ((name, *one) for name, sets in tried for one in sets.items()):
            start = time.process_time()
            model = made(name).fit(Observations(points, values), own)
            estimate, error = model.layer(own).read(district.grid.whole)
            off = estimate - truth
            known = np.isfinite(off)
            mean, spread = held_out(name, points, values, labels, own)
            missed = mean - values
            rows.append({
                "seed": district.seed, "element": element, "features": kind, "model": name,
                "samples": len(xy),
                "source": 1 - np.mean(off[known] ** 2) / truth[known].var(),
                "bias": off[known].mean(),
                "cover": np.mean(np.abs(off) < 1.645 * error),
                "skill": 1 - np.sum(missed**2) / np.sum((base - values) ** 2),
                "worst": np.abs(missed).max(),
                "inside": np.mean(np.abs(missed) < 1.645 * spread),
                "evidence": _evidence(model), "seconds": time.process_time() - start,
            })  # fmt: skip
            print(rows[-1], flush=True)
    return rows


def _evidence(model: FusionModel) -> float:
    table = model.tables_.get("models")
    return np.nan if table is None else float(table["log_evidence"].max())


def held_out(name: str, points: Points, values: np.ndarray, labels: np.ndarray, features: Features):
    """Predict every sample by a model that has not seen its fold: mean and standard error."""
    mean, error = np.full((2, len(values)), np.nan)
    for fold in np.unique(labels):
        out = labels == fold
        model = made(name).fit(Observations(points.subset(~out), values[~out]), features)
        one = model.predict(points.subset(out), features)
        mean[out], error[out] = one.mean, one.standard_error
    return mean, error


if __name__ == "__main__":
    main()
