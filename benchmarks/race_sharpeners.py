"""Race gossan against sharpeners from outside on the same cases: time, memory and accuracy.

    GOSSAN_TEST_DATA=data GOSSAN_PYDMS=pyDMS python benchmarks/race_sharpeners.py
        [--cases real district time layer] [--seeds 4] [--models kriging gwr ...] [--threads 2]

Rivals: SAGA's GWR for grid downscaling and pyDMS, called as programs (see ``sharpeners.py``); one
that is not installed is named and left out. They get a coarse layer, block-kriged by gossan from
the samples onto cells as wide as the samples are apart, and the fine bands; gossan's models get
the samples themselves and the same bands. All maps are read from their files. Where a map is
empty, the kriged value stands in.

real      dawadimi_west, a random quarter fitted (``real_surveys.py``): skill at the rest
district  simulated districts with known truth (``simulated_district.py``): skill at every pixel,
          and r with the truth of what is finer than the sample spacing
time      2,000 x 2,000 pixels of 15 m, 3 bands, 1,400 samples, a coarse layer of 100 x 100 cells:
          each run as a program of its own, started, read, fitted, mapped and written
layer     the rivals' home ground: 1,000 x 1,000 pixels, and the true means of 50 x 50 cells as the
          coarse layer; gossan's models get the same means as composites of that support

Skill = 1 - MSE / MSE of ordinary kriging (real: R gstat where it is installed). Gossan's times hold
kriging the samples, which the rivals' coarse layer had before the clock started.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import real_surveys as real
from scipy.ndimage import gaussian_filter
from sharpeners import Cost, installed, measured
from simulated_district import alike, contents, detail

from gossan.demo.district import simulate_district
from gossan.errors import FitError
from gossan.fusion.features.sources import LayerFeatures
from gossan.fusion.protocol import Observations, Points
from gossan.fusion.registry import make_model, options_of
from gossan.fusion.rivals.atprk import AreaToPoint, AreaToPointSettings
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer, Layer
from gossan.geo.raster import open_raster, write_array

MODELS = ("kriging", "pyramid", "guarded_pyramid", "gwr", "atprk", "geostatistical")
ELEMENTS = ("Cu", "Zn", "Ni", "Cr")
SIMULATED = ("Cu", "Zn", "Ni")


@dataclass(frozen=True)
class Case:
    """Hold a case in a folder: features.tif, b1.tif ..., coarse.tif and samples.csv."""

    folder: Path
    bands: int
    support_m: float

    @property
    def observations(self) -> Observations:
        table = pd.read_csv(self.folder / "samples.csv")
        return Observations(
            Points(table[["x", "y"]].to_numpy(), self.support_m), table.z.to_numpy()
        )

    @property
    def features(self) -> LayerFeatures:
        return LayerFeatures(open_raster(self.folder / "features.tif"))


def write_case(
    folder: Path,
    layer: Layer,
    observed: Observations,
    cell_m: float | None = None,
    coarse: np.ndarray | None = None,
) -> Case:
    """Write what every rival reads; bands are shifted above 0, by which pyDMS divides."""
    values = layer.read(layer.grid.whole)
    least = np.nanmin(values, axis=(1, 2)) - np.nanstd(values, axis=(1, 2))
    values = values - np.minimum(least, 0.0)[:, None, None].astype(np.float32)
    write_array(folder / "features.tif", layer.grid, layer.bands, values)
    for k, band in enumerate(values):
        write_array(folder / f"b{k + 1}.tif", layer.grid, (layer.bands[k],), band[None])
    xy = observed.points.coordinates
    table = pd.DataFrame({"x": xy[:, 0], "y": xy[:, 1], "z": observed.values})
    table.to_csv(folder / "samples.csv", index=False)
    features = LayerFeatures(ArrayLayer(layer.grid, layer.bands, values))
    if coarse is None:
        settings = AreaToPointSettings(cell_m=cell_m)
        cells, coarse = AreaToPoint(settings).fit(observed, features).coarse_layer()
    else:
        cells = layer.grid.coarsen(layer.grid.height // len(coarse))
    write_array(folder / "coarse.tif", cells, ("coarse",), coarse[None].astype(np.float32))
    return Case(folder, len(values), observed.points.support_m)


def fuse(case: Case, word: str, out: Path, threads: int) -> None:
    """Fit a model of gossan and write its map."""
    name, *options = word.split(":")
    model = make_model(name, options_of(name, dict(o.split("=") for o in options)))
    features = case.features
    layer = model.fit(case.observations, features).layer(features)
    Blocks(workers=threads).write(layer, out)


def as_program(case: Case, word: str, threads: int) -> tuple[Path, Cost]:
    """Run a model of gossan as a program of its own."""
    out = case.folder / "gossan.tif"
    own = ["--fuse", str(case.folder), word, str(out), str(case.bands), str(case.support_m)]
    command = [sys.executable, __file__, *own, "--threads", str(threads)]
    return out, measured(command, case.folder / "gossan.log", threads)


def maps(
    case: Case, models: list[str], threads: int, apart: bool
) -> Iterator[tuple[str, np.ndarray, Cost]]:
    """Give every rival's map of a case."""
    nothing = Cost(np.nan, np.nan, np.nan)
    for word in models:
        cost, out = nothing, case.folder / "gossan.tif"
        try:
            if apart:
                out, cost = as_program(case, word, threads)
            else:
                fuse(case, word, out, threads)
        except FitError as error:
            print(f"{word} is left out of {case.folder.name}: {error}")
            continue
        yield word, _read(out), cost
    for word, (sharpener, window) in installed().items():
        out, cost = sharpener(case.folder, case.bands, threads, window)
        yield word, _read(out), cost


def _read(path: Path) -> np.ndarray:
    layer = open_raster(path)
    return layer.read(layer.grid.whole)[0].astype(float)


def race_real(seed: int, models: list[str], threads: int) -> list[dict]:
    """Score every map at the samples of dawadimi_west that were not fitted."""
    survey = real.dawadimi()
    layer = survey.features.layer
    assert layer is not None
    xy = survey.points.coordinates
    fit = real.split(xy, "r25", seed)
    by_r = shutil.which("Rscript") is not None
    krige = real.kriged_by_gstat if by_r else real.kriged_by_gossan
    kriged = krige([(e, xy, survey.values[e], fit) for e in ELEMENTS])
    row, col = (np.floor(v + 0.5).astype(int) for v in layer.grid.index_of(*xy[~fit].T))
    inside = layer.grid.contains(*xy[~fit].T)
    row, col = row.clip(0, layer.grid.height - 1), col.clip(0, layer.grid.width - 1)
    rows = []
    for element in ELEMENTS:
        truth = survey.values[element][~fit]
        with tempfile.TemporaryDirectory() as place:
            observed = Observations(survey.points.subset(fit), survey.values[element][fit])
            case = write_case(Path(place), layer, observed)
            for word, values, _ in maps(case, models, threads, apart=False):
                found = np.where(inside, values[row, col], np.nan)
                empty = ~np.isfinite(found)
                found[empty] = kriged[element][empty]
                rows.append({
                    "case": f"real {element}", "rival": word, "samples": int(fit.sum()),
                    "skill": 1 - np.mean((found - truth) ** 2)
                    / np.mean((kriged[element] - truth) ** 2),
                    "empty": float(empty.mean()),
                })  # fmt: skip
    return rows


def race_district(seed: int, models: list[str], threads: int) -> list[dict]:
    """Score every map of simulated districts at every pixel."""
    rows = []
    for support_m in (60.0, 1000.0):
        district = simulate_district(
            seed=seed + 1, shape=(420, 380), regional_support_m=support_m, sensors=("aster",),
            elements=SIMULATED,
        )  # fmt: skip
        bands = np.log(np.maximum(district.reflectance["aster"], 1e-4))
        layer = ArrayLayer(district.grid, tuple(f"b{k + 1}" for k in range(len(bands))), bands)
        table = district.surveys["regional"].frame
        table = table[table.duplicate_of == ""]
        points = Points(table[["easting", "northing"]].to_numpy(float), support_m)
        sigma = np.sqrt(1.5e6) / 30.0 / 2
        for element in SIMULATED:
            truth = np.log(district.truth[element])
            with tempfile.TemporaryDirectory() as place:
                observed = Observations(points, np.log(contents(table[f"{element}_ppm"])))
                case = write_case(Path(place), layer, observed)
                kriged = make_model("kriging").fit(observed, case.features)
                base = kriged.layer(case.features).read(layer.grid.whole)[0]
                for word, values, _ in maps(case, models, threads, apart=False):
                    values = np.where(np.isfinite(values), values, base)
                    off = values - truth
                    rows.append({
                        "case": f"district, support {support_m:.0f} m", "rival": word,
                        "samples": len(points),
                        "skill": 1 - np.mean(off**2) / np.mean((base - truth) ** 2),
                        "detail_r": alike(detail(values, sigma), detail(truth, sigma)),
                    })  # fmt: skip
    return rows


def race_time(models: list[str], threads: int, side: int, measured_layer: bool) -> list[dict]:
    """Time every rival as a program on a large case whose truth is known."""
    grid = Grid.from_bounds(32638, (0, 0, 15.0 * side, 15.0 * side), 15.0)
    bands, truth = scene(side)
    layer = ArrayLayer(grid, ("a", "b", "c"), bands.astype(np.float32))
    observed, cells = (block_means if measured_layer else samples)(grid, truth)
    found = []
    with tempfile.TemporaryDirectory() as place:
        case = write_case(Path(place), layer, observed, 15.0 * side / 100, cells)
        kriged = make_model("kriging").fit(observed, case.features)
        base = float(np.mean((kriged.layer(case.features).read(grid.whole)[0] - truth) ** 2))
        sigma = side / np.sqrt(len(observed)) / 2
        fine = detail(truth, sigma)
        for word, estimate, cost in maps(case, models, threads, apart=True):
            found.append({
                "rival": word, "wall_s": cost.wall_s, "cpu_s": cost.cpu_s,
                "peak_mib": cost.peak_mib,
                "skill": 1 - float(np.mean((estimate - truth) ** 2)) / base,
                "detail_r": alike(detail(estimate, sigma), fine),
            })  # fmt: skip
    return found


def scene(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Make three bands of many lengths, and contents that follow two of them and more."""
    rng = np.random.default_rng(8)

    def field(sigma: float) -> np.ndarray:
        noise = rng.normal(size=(side, side)).astype(np.float32)
        smooth = gaussian_filter(noise, sigma, mode="wrap")
        return smooth / smooth.std()

    bands = np.stack([field(3) + field(30), field(8), field(2) + field(60)])
    truth = 3 + 0.5 * field(120) + 0.2 * bands[0] - 0.15 * bands[1] + 0.1 * field(15)
    return bands, truth


def samples(grid: Grid, truth: np.ndarray) -> tuple[Observations, np.ndarray | None]:
    """Draw 1,400 samples with errors; the coarse layer will be kriged from them."""
    rng = np.random.default_rng(9)
    rows, cols = rng.integers(0, grid.height, 1400), rng.integers(0, grid.width, 1400)
    easting, northing = grid.coordinates()
    values = truth[rows, cols] + rng.normal(0, 0.1, len(rows))
    return Observations(Points(np.column_stack([easting[cols], northing[rows]])), values), None


def block_means(grid: Grid, truth: np.ndarray) -> tuple[Observations, np.ndarray | None]:
    """Take the true means of 50 x 50 cells: as composites for gossan, as a layer for rivals."""
    wide = grid.height // 50
    means = truth.reshape(50, wide, 50, wide).mean(axis=(1, 3))
    places = grid.coarsen(wide).centres()
    points = Points(places, wide * grid.pixel_width)
    return Observations(points, means.ravel()), means


def show(rows: list[dict], by: list[str]) -> None:
    """Print mean and worst of every rival."""
    table = pd.DataFrame(rows)
    grouped = table.groupby(by, sort=False)
    shown = grouped.mean(numeric_only=True)
    if len(shown) < len(table):
        shown = shown.assign(worst=grouped["skill"].min())
    print(shown.round(3).to_string(), "\n", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--cases", nargs="+", default=["real", "district", "time", "layer"])
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--jobs", type=int, default=1, help="cases at once")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--side", type=int, default=2000, help="pixels of the time case")
    parser.add_argument("--fuse", nargs=5, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.fuse:
        folder, word, out, bands, support_m = a.fuse
        fuse(Case(Path(folder), int(bands), float(support_m)), word, Path(out), a.threads)
        return
    rivals = installed()
    print("rivals:", ", ".join(rivals) or "none")
    for name in a.cases:
        began = time.perf_counter()
        if name in ("time", "layer"):
            side = a.side if name == "time" else a.side // 2
            print(f"== {name}: {side} x {side} pixels, {a.threads} threads")
            show(race_time(a.models, a.threads, side, name == "layer"), ["rival"])
        elif name == "real" and not os.environ.get("GOSSAN_TEST_DATA"):
            print("The real case is left out: GOSSAN_TEST_DATA is not set.")
        else:
            race = partial(
                race_real if name == "real" else race_district, models=a.models, threads=1
            )
            with ProcessPoolExecutor(a.jobs, get_context("spawn")) as pool:
                rows = [row for part in pool.map(race, range(a.seeds)) for row in part]
            print(f"== {name}")
            show(rows, ["case", "rival"])
            show(rows, ["rival"])
        print(f"({time.perf_counter() - began:.0f} s)\n")


if __name__ == "__main__":
    main()
