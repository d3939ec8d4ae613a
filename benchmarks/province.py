"""A simulated province on a cluster whose workers are killed, against the same run on threads.

    python benchmarks/province.py                          # 25 tiles, 20,000 samples, 3 elements
    python benchmarks/province.py --tiles 4 --samples 300 --elements Cu --side 300
    python benchmarks/province.py --every 3 --kills 200    # at most 200 kills, 3 s apart

Writes scenes of four bands (side x side pixels of 30 m) on both sides of the border of the UTM
zones 38 and 39, of two dates, and a survey; runs the project in tiles once on threads and once on
``local:2`` while worker processes are killed at random, and compares every tile and table byte by
byte. Prints the time of each step on threads, the number of kills, files that differ or were left
half-written, and the seam score: the RMS step across the edges of tiles over that between
neighbours within ten pixels of an edge, where imagery is seen. Every fold of the validation is
another fit of each model and element: ``--folds``.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from pyproj import Transformer
from worker_kills import differing, fork_workers, half_written, killing

from gossan.geo.cluster import cluster_at
from gossan.geo.grid import Grid
from gossan.geo.raster import open_raster, write_array
from gossan.io.finished_run import open_run
from gossan.pipeline.commands.run import run_project
from gossan.pipeline.options.project import load_project
from gossan.pipeline.profile import with_total
from gossan.pipeline.progress import PlainProgress
from gossan.testing import seam_score

BANDS = ("b2", "b4", "b8", "b11")
PIXEL = 30.0
BORDER = (48.0, 24.0)
"""Longitude and latitude of the middle: where two zones meet."""
BESIDE = 10
"""Pixels from an edge of tiles within which the steps are compared with those across it."""
PROJECT = """[project]
name = "province"
crs = "EPSG:32638"
elements = [{elements}]
extent = "imagery"
tile_px = {tile}

[[survey]]
name = "regional"
path = "samples.csv"
x = "easting"
y = "northing"
crs = "EPSG:32638"
unit = "ppm"

[[imagery]]
name = "s2"
sensor = "sentinel2"
masks = []
paths = ["scenes/*.tif"]
scale = 0.0001

[[product]]
name = "kriging"
model = "kriging"

[[product]]
name = "sound"
model = "pyramid"
features = "s2.pc2"
scope = "global"

[[product]]
name = "geostatistical"
model = "geostatistical"
features = "s2.all"

[validation]
folds = {folds}
"""


def ground(easting: np.ndarray, northing: np.ndarray) -> np.ndarray:
    """Reflectance (band, ...) at places of zone 38: the same whatever scene sees it."""
    x, y = easting / 1000, northing / 1000
    waves = [np.sin(0.9 * x + k) * np.cos(0.7 * y - k) + np.sin(2.3 * y + k) for k in range(4)]
    return 3000 + 400 * np.stack(waves)


def write_scenes(folder: Path, tiles: int, side: int) -> None:
    across = round(tiles**0.5)
    to_38 = Transformer.from_crs(32639, 32638, always_xy=True)
    rng = np.random.default_rng(0)
    for number in range(across * across):
        row, column = divmod(number, across)
        zone = 32638 if column < across / 2 else 32639
        middle = Transformer.from_crs(4326, zone, always_xy=True).transform(*BORDER)
        step = 0.95 * side * PIXEL
        left = PIXEL * round((middle[0] + (column - across / 2) * step) / PIXEL)
        top = PIXEL * round((middle[1] + (across / 2 - row) * step) / PIXEL)
        size = side * PIXEL
        grid = Grid.from_bounds(zone, (left, top - size, left + size, top), PIXEL)
        easting, northing = np.meshgrid(*grid.coordinates())
        if zone == 32639:
            easting, northing = to_38.transform(easting, northing)
        values = ground(easting, northing) + 20 * rng.normal(size=(4, *grid.shape))
        name = f"T{zone % 100}_{'20240601' if number % 2 else '20240616'}_{row}{column}.tif"
        write_array(folder / "scenes" / name, grid, BANDS, values.astype(np.uint16))


def make(folder: Path, a: argparse.Namespace) -> Path:
    elements = a.elements.split(",")
    write_scenes(folder, a.tiles, a.side)
    half = 0.45 * round(a.tiles**0.5) * a.side * PIXEL
    middle = np.array(Transformer.from_crs(4326, 32638, always_xy=True).transform(*BORDER))
    rng = np.random.default_rng(1)
    places = middle + rng.uniform(-half, half, (a.samples, 2))
    seen = (ground(*places.T) - 3000) / 400
    table = pd.DataFrame(places, columns=["easting", "northing"])
    for number, element in enumerate(elements):
        trend = np.sin(places / 9000 + number).sum(axis=1)
        logs = 3 + 0.5 * trend + 0.3 * seen[number % 4] + 0.2 * rng.normal(size=a.samples)
        table[element] = np.exp(logs)
    table.to_csv(folder / "samples.csv", index=False, float_format="%.3f")
    named = ", ".join(f'"{element}"' for element in elements)
    path = folder / "project.toml"
    path.write_text(PROJECT.format(elements=named, tile=a.tile, folds=a.folds), encoding="utf-8")
    return path


def seams_of(path: Path) -> float:
    """Seam score of a map where imagery is seen: standard errors rise in steps where it ends."""
    layer = open_raster(path)
    values = layer.read(layer.grid.whole)[0]
    seen = open_raster(path.with_name("s2_composite.tif"))
    values[np.isnan(seen.read(seen.grid.whole)).any(axis=0)] = np.nan
    items = [json.loads(item.read_text()) for item in path.with_suffix("").glob("*.json")]
    left, width = layer.grid.bounds[0], layer.grid.pixel_width
    starts = {round((i["properties"]["proj:transform"][2] - left) / width) for i in items}
    return seam_score(values, sorted(starts - {0}), BESIDE)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--tiles", type=int, default=25)
    parser.add_argument("--side", type=int, default=500)
    parser.add_argument("--tile", type=int, default=512)
    parser.add_argument("--samples", type=int, default=20_000)
    parser.add_argument("--elements", default="Cu,Zn,Ni")
    parser.add_argument("--every", type=float, default=10.0, help="seconds between kills")
    parser.add_argument("--kills", type=int, default=1000, help="most kills")
    parser.add_argument("--folds", type=int, default=10)
    a = parser.parse_args()
    fork_workers()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        project = load_project(make(folder, a))
        threads, cluster = folder / "threads", folder / "cluster"
        began = time.perf_counter()
        run_project(project, threads, reporter=PlainProgress())
        print(f"threads: {time.perf_counter() - began:.0f} s", flush=True)
        print(with_total(open_run(threads).manifest.steps).to_string(index=False), flush=True)
        began = time.perf_counter()
        with cluster_at("local:2"), killing(a.every, a.kills) as killer:
            run_project(project, cluster, reporter=PlainProgress())
        print(f"local:2 with {killer.kills} kills: {time.perf_counter() - began:.0f} s")
        files, wrong = differing(threads, cluster)
        print(f"{files} files, differing {wrong}, half-written {half_written(cluster)}")
        for path in sorted((threads / "layers").glob("*.vrt")):
            print(f"seam score of {path.stem}: {seams_of(path):.3f}")


if __name__ == "__main__":
    main()
