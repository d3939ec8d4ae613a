"""What terrain and maps of categories tell of real surveys, alone and together.

    GOSSAN_TEST_DATA=data python benchmarks/ground_skill.py [--cases eberg meuse] [--samples 400]

Skill is 1 - squared error / squared error of ordinary kriging at samples of held-out blocks (1.5 km
on eberg, 0.6 km on meuse; five folds), the model refitted in each fold. Terrain of eberg is what
``sensor = "terrain"`` makes of its 25 m heights; maps of classes are opened as by
``sensor = "classes"``. Samples of eberg are an even choice. Neither survey has streams.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from real_surveys import data_folder

from gossan.arrays.folds import block_folds
from gossan.fusion.features.sources import LayerFeatures, NoFeatures
from gossan.fusion.geostatistical.model import Geostatistical, GeostatisticalSettings
from gossan.fusion.kriging_model import KrigingModel
from gossan.fusion.protocol import Features, FusionModel, Observations, Points
from gossan.geo.blocks import Blocks
from gossan.geo.layer import Layer, RenamedLayer, SelectedLayer, StackedLayer
from gossan.geo.raster import open_raster
from gossan.geo.warp import to_grid
from gossan.imagery.categories.open_classes import open_classes
from gossan.imagery.settings import ImagerySettings
from gossan.imagery.terrain.features import terrain_layer

TERRAIN = ("height", "slope", "position_9", "position_27", "upstream_area", "wetness")


def classes(path: Path, name: str) -> Layer:
    """Open a raster of classes as a project does."""
    settings = ImagerySettings(name=name, sensor="classes", paths=(path,))
    return open_classes(settings, path.parent).layer


def eberg(samples: int, scratch: Path) -> tuple[Points, dict[str, np.ndarray], dict[str, Layer]]:
    folder = data_folder() / "eberg"
    fine = open_raster(folder / "eberg_grid25.tif", ["dem25", "twi25", "ndvi25"])
    terrain = terrain_layer(SelectedLayer(fine, ("dem25",)), scratch / "drainage.tif").layer
    geology = to_grid(classes(folder / "eberg_PRMGEO6.tif", "geology"), fine.grid)
    table = pd.read_csv(folder / "eberg_points.csv")
    inside = fine.grid.contains(table.X.to_numpy(float), table.Y.to_numpy(float))
    table = table[inside & np.isfinite(table.CLYMHT_A) & np.isfinite(table.SNDMHT_A)]
    table = table.iloc[np.linspace(0, len(table) - 1, samples).astype(int)]
    values = {"clay": table.CLYMHT_A.to_numpy(float), "sand": table.SNDMHT_A.to_numpy(float)}
    layers = {
        "terrain": SelectedLayer(terrain, TERRAIN),
        "geology": geology,
        "imagery": SelectedLayer(fine, ("ndvi25",)),
    }
    return Points(table[["X", "Y"]].to_numpy(float)), values, layers


def meuse(samples: int, scratch: Path) -> tuple[Points, dict[str, np.ndarray], dict[str, Layer]]:
    """Take distance to the river as terrain, soil and flooding as classes."""
    del samples
    folder = data_folder() / "meuse"
    grid = open_raster(folder / "meuse_grid_40m.tif", ["dist", "soil", "ffreq"])
    maps = []
    for name in ("soil", "ffreq"):
        path = scratch / f"{name}.tif"
        Blocks(workers=1).store(SelectedLayer(grid, (name,)), path)
        layer = classes(path, name)
        maps.append(SelectedLayer(layer, tuple(b for b in layer.bands if b != "contact_m")))
    named = [_renamed(layer, name) for layer, name in zip(maps, ("soil", "ffreq"))]
    table = pd.read_csv(folder / "meuse_points.csv")
    metals = {"Zn": table.zinc, "Cd": table.cadmium, "Cu": table.copper, "Pb": table.lead}
    values = {e: np.log(column.to_numpy(float)) for e, column in metals.items()}
    layers = {"terrain": SelectedLayer(grid, ("dist",)), "geology": StackedLayer(tuple(named))}
    return Points(table[["x", "y"]].to_numpy(float)), values, layers


def _renamed(layer: Layer, name: str) -> Layer:
    return RenamedLayer(layer, tuple(f"{name}.{band}" for band in layer.bands))


def held_out(make, points: Points, values: np.ndarray, labels: np.ndarray, features: Features):
    """Predict every sample by a model that has not seen its fold."""
    mean = np.empty(len(values))
    for fold in np.unique(labels):
        out = labels == fold
        model: FusionModel = make().fit(Observations(points.subset(~out), values[~out]), features)
        mean[out] = model.predict(points.subset(out), features).mean
    return mean


def main() -> None:
    """Print the skill of each set of features by survey and element."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--cases", nargs="+", default=["meuse", "eberg"])
    parser.add_argument("--samples", type=int, default=400)
    asked = parser.parse_args()
    rows = []
    for case in asked.cases:
        for row in skills(case, asked.samples):
            rows.append(row)
            print(row, flush=True)
    print(pd.DataFrame(rows).round(2).to_string(index=False))


def skills(case: str, samples: int) -> Iterator[dict]:
    """Give the skill of each set of features, a row for each element of a survey."""
    with tempfile.TemporaryDirectory() as scratch:
        read, side = {"eberg": (eberg, 1500.0), "meuse": (meuse, 600.0)}[case]
        points, values, layers = read(samples, Path(scratch))
        sets = {name: (name,) for name in layers} | {"together": tuple(layers)}
        labels = block_folds(points.coordinates, side, 5)
        for element, own in values.items():
            none = NoFeatures(next(iter(layers.values())).grid)
            base = ((held_out(KrigingModel, points, own, labels, none) - own) ** 2).sum()
            row = {"survey": case, "element": element, "samples": len(own)}
            for name, parts in sets.items():
                stacked = StackedLayer(tuple(_renamed(layers[p], p) for p in parts))
                features = LayerFeatures(stacked, Blocks(workers=1))
                off = held_out(_model, points, own, labels, features) - own
                row[name] = float(1 - (off**2).sum() / base)
            yield row


def _model() -> Geostatistical:
    return Geostatistical(GeostatisticalSettings(averaging="mode"))


if __name__ == "__main__":
    main()
