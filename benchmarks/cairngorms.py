"""Nested stream sediments of the Cairngorms: held-out samples by model, folds by drainage or not.

    python benchmarks/cairngorms.py [--elements Mg Zn ...]

Samples and flow directions of Lipp et al. 2021 (63 samples on 200 m cells; test data). Each model
sees the samples without a fold and predicts those of the fold, all on logarithms. Skill is
``1 - squared error / variance``; kriging takes samples as points, unmixing finds the contents of
sub-basins that mix by area and are smooth from one to the next downstream (Lipp et al. 2021,
G-Cubed 22; its weight by leaving samples out), and knows nothing of other rivers.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import rasterio
from numpy.typing import NDArray
from pyproj import CRS
from scipy.optimize import least_squares

from gossan.arrays.folds import network_folds, random_folds
from gossan.fusion.features.sources import NoFeatures
from gossan.fusion.geostatistical.model import Geostatistical, GeostatisticalSettings
from gossan.fusion.kriging_model import KrigingModel
from gossan.fusion.protocol import Observations, Points
from gossan.geo.grid import Grid
from gossan.imagery.terrain.catchments import Catchments, delineate
from gossan.imagery.terrain.drainage import drainage_of_directions

ELEMENTS = ("Mg", "K", "Ca", "Cr", "Ni", "Cu", "Zn", "Sr", "La", "Pb", "U", "Li")
_WEIGHTS = (0.01, 0.1, 1.0, 10.0)
Array = NDArray[np.float64]


def read(folder: Path) -> tuple[pd.DataFrame, Catchments]:
    """Read the samples and their catchments."""
    with rasterio.open(folder / "d8.tif") as source:  # it declares no CRS
        grid = Grid(CRS.from_epsg(27700), source.transform, source.height, source.width)
        drainage = drainage_of_directions(grid, source.read(1).astype(int))
    table = pd.read_csv(folder / "sample_data.csv")
    places = table[["x_coordinate", "y_coordinate"]].to_numpy(float)
    found = delineate(drainage, places, snap_m=0, stream_km2=0.04)
    return table[found.placed].reset_index(drop=True), found


@dataclass
class Unmixing:
    """Contents of sub-basins whose mixtures are the samples, as smooth as the samples allow."""

    members: Array
    cells: Array
    below: NDArray[np.intp]

    def fit(self, rows: NDArray[np.intp], values: Array) -> Unmixing:
        """Find the logarithms of the contents of all sub-basins from the samples of some rows."""
        inner = np.array_split(np.random.default_rng(0).permutation(len(rows)), 5)
        losses = []
        for weight in _WEIGHTS:
            loss = 0.0
            for out in inner:
                kept = np.setdiff1d(np.arange(len(rows)), out)
                found = self._solve(rows[kept], values[kept], weight)
                loss += ((self._mixed(found, rows[out]) - values[out]) ** 2).sum()
            losses.append(loss)
        self.contents = self._solve(rows, values, _WEIGHTS[int(np.argmin(losses))])
        return self

    def predict(self, rows: NDArray[np.intp]) -> Array:
        """Mix the contents to samples."""
        return self._mixed(self.contents, rows)

    def _mixed(self, contents: Array, rows: NDArray[np.intp]) -> Array:
        area = self.members[rows] * self.cells
        return np.log(area @ np.exp(contents) / area.sum(axis=1))

    def _solve(self, rows: NDArray[np.intp], values: Array, weight: float) -> Array:
        mean = values.mean()
        joined = np.flatnonzero(self.below >= 0)

        def residuals(contents: Array) -> Array:
            steps = contents[joined] - contents[self.below[joined]]
            smooth = np.sqrt(weight) * np.concatenate([steps, 0.1 * (contents - mean)])
            return np.concatenate([self._mixed(contents, rows) - values, smooth])

        return least_squares(residuals, np.full(len(self.cells), mean)).x


def held_out(name: str, points: Points, values: Array, labels: Array, found: Catchments) -> Array:
    """Predict every sample by a model that has not seen its fold."""
    grid = Grid.from_bounds(27700, (0, 0, 1000, 1000), 100)
    features, estimate = NoFeatures(grid), np.empty(len(values))
    assert points.grounds is not None
    for fold in np.unique(labels):
        seen, out = np.flatnonzero(labels != fold), np.flatnonzero(labels == fold)
        if name == "unmixing":
            grounds = points.grounds
            model = Unmixing(grounds.members.toarray(), grounds.basins.cells, found.below)
            estimate[out] = model.fit(seen, values[seen]).predict(out)
            continue
        kind = {"catchments": "catchment", "squares": "square", "evidence": "evidence"}.get(name)
        model = KrigingModel()
        if kind is not None:
            model = Geostatistical(GeostatisticalSettings(support=kind, exact_samples=4000))
        fitted = model.fit(Observations(points.subset(seen), values[seen]), features)
        estimate[out] = fitted.predict(points.subset(out), features).mean
    return estimate


def main() -> None:
    """Print the skill of each model, element by element, and the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--elements", nargs="+", default=ELEMENTS)
    chosen = parser.parse_args()
    here = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    data = Path(os.environ.get("GOSSAN_TEST_DATA", here)) / "cairngorms"
    table, found = read(data)
    grounds = found.grounds()
    xy = table[["x_coordinate", "y_coordinate"]].to_numpy(float)
    points = Points(xy, min(grounds.side_m, float(np.ptp(xy, axis=0).max()) / 2), grounds=grounds)
    print(
        f"{len(xy)} samples, {len(set(grounds.network))} networks, catchments of "
        f"{np.median(grounds.area_km2):.0f} km2 (median), {int((found.below >= 0).sum())} nested"
    )
    models = ("kriging", "unmixing", "squares", "catchments", "evidence")
    rows = []
    for kind in ("drainage", "random"):
        labels = (
            network_folds(xy, grounds.network, 10_000.0, 10)[0]
            if kind == "drainage"
            else random_folds(len(xy), 10)
        )
        for element in chosen.elements:
            content = table[element].to_numpy(float)
            kept = content > 0
            part = replace(points.subset(kept))
            values = np.log(content[kept])
            row: dict[str, object] = {"folds": kind, "element": element}
            for name in models:
                off = held_out(name, part, values, labels[kept], found) - values
                row[name] = 1 - float((off**2).mean() / values.var())
            rows.append(row)
            print("  ".join(f"{v:.2f}" if isinstance(v, float) else f"{v:8}" for v in row.values()),
                  flush=True)  # fmt: skip
    frame = pd.DataFrame(rows)
    print(frame.groupby("folds", sort=False)[list(models)].median().round(2).to_string())


if __name__ == "__main__":
    main()
