"""A whole `gossan run` of the default project: steps, ratio to the floor, memory, disk.

    python benchmarks/bench_run.py                     # a Sentinel-2 tile, four elements
    python benchmarks/bench_run.py --side 2745         # a sixteenth of it
    python benchmarks/bench_run.py --rows 1536 --samples 300   # a strip as wide as a tile
    python benchmarks/bench_run.py --side 2745 --elements Cu --keep FOLDER
    python benchmarks/bench_run.py --time-of PROJECT ...       # processor time, forecast and found

Simulates a ten-band scene of uint16 reflectances (rows x side pixels of 10 m) and a survey, runs
the command line in a process of its own and prints its profile (``tables/steps.csv``). The floor
is one pass that reads the ten bands and writes one map, with the same engine and threads, before
the run. Memory that does not grow with the rows of a strip is that of the whole tile.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from bench_chain import MeanLayer, make_scene

from gossan.geo.blocks import Blocks
from gossan.geo.layer import values_at
from gossan.geo.raster import open_raster
from gossan.io.finished_run import open_run
from gossan.pipeline.commands.check import checked_steps
from gossan.pipeline.options.project import load_project
from gossan.pipeline.profile import with_total

BANDS = ("b2", "b3", "b4", "b5", "b6", "b7", "b8", "b8a", "b11", "b12")
PROJECT = """[project]
name = "bench"
elements = [{elements}]

[[survey]]
name = "regional"
path = "samples.csv"
x = "easting"
y = "northing"
crs = "EPSG:32638"
unit = "ppm"
support_m = 1000

[[imagery]]
name = "s2"
sensor = "sentinel2"
masks = []
paths = ["scene.tif"]
scale = 0.0001
"""


def make_project(folder: Path, rows: int, side: int, samples: int, elements: list[str]) -> None:
    scene = folder / "scene.tif"
    make_scene(scene, rows, side, len(BANDS))
    layer = open_raster(scene, list(BANDS))
    rng = np.random.default_rng(3)
    left, bottom, right, top = layer.grid.bounds
    places = rng.uniform((left, bottom), (right, top), (samples, 2))
    seen = values_at(layer, places)
    seen = (seen - np.nanmean(seen, axis=0)) / np.nanstd(seen, axis=0)
    table = pd.DataFrame(places, columns=["easting", "northing"])
    for number, element in enumerate(elements):
        smooth = np.sin(places / (0.2 * (right - left)) + number).sum(axis=1)
        noise = rng.normal(size=samples)
        table[element] = np.exp(
            3 + 0.5 * smooth + 0.3 * np.nan_to_num(seen[:, number]) + 0.3 * noise
        )
    table.to_csv(folder / "samples.csv", index=False, float_format="%.2f")
    named = ", ".join(f'"{element}"' for element in elements)
    (folder / "project.toml").write_text(PROJECT.format(elements=named), encoding="utf-8")


def floor(folder: Path, workers: int) -> tuple[float, float]:
    """Wall and processor seconds of reading ten bands once and writing one map."""
    layer = open_raster(folder / "scene.tif", list(BANDS))
    began, used = time.perf_counter(), time.process_time()
    Blocks(workers=workers).write(MeanLayer(layer), folder / "floor.tif")
    return time.perf_counter() - began, time.process_time() - used


def gossan(*arguments: str | Path) -> str:
    command = [sys.executable, "-m", "gossan", *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def forecast(folder: Path) -> tuple[float, float]:
    """MiB and processor seconds that `gossan check` forecasts."""
    found = re.search(r"memory needed\s+about (\d+) MiB", gossan("check", folder))
    project = load_project(folder)
    steps = checked_steps(project)
    return float(found[1]) if found else float("nan"), sum(step.processor for step in steps)


def compare_time(folder: Path) -> None:
    """Run a project that is there already, and hold its processor time against the forecast."""
    _, expected = forecast(folder)
    with tempfile.TemporaryDirectory() as place:
        gossan("run", folder, "--out", place, "--quiet")
        steps = with_total(open_run(Path(place)).manifest.steps)
    spent = steps.iloc[-1].processor_s
    print(f"{folder}: {expected:.0f} s forecast, {spent:.0f} s found: {expected / spent:.2f}")


def size_mib(paths: Iterable[Path]) -> float:
    return sum(path.stat().st_size for path in paths if path.is_file()) / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--side", type=int, default=10980)
    parser.add_argument("--rows", type=int, help="default: as many as columns")
    parser.add_argument("--samples", type=int, default=1400)
    parser.add_argument("--elements", default="Cu,Zn,Ni,Cr")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--keep", type=Path, help="folder to work in and to keep")
    parser.add_argument("--time-of", type=Path, nargs="+", help="projects: forecast and found time")
    a = parser.parse_args()
    if a.time_of:
        for folder in a.time_of:
            compare_time(folder)
        return
    with tempfile.TemporaryDirectory() as place:
        folder = a.keep or Path(place)
        folder.mkdir(parents=True, exist_ok=True)
        rows = a.rows or a.side
        if not (folder / "samples.csv").exists():
            make_project(folder, rows, a.side, a.samples, a.elements.split(","))
        wall, processor = floor(folder, a.workers)
        mib, seconds = forecast(folder)
        gossan("run", folder, "--workers", a.workers, "--profile", "--quiet")
        steps = with_total(open_run(folder / "run").manifest.steps)
        print(f"{rows} x {a.side} x {len(BANDS)}, {a.samples} samples, elements {a.elements}")
        print(f"floor {wall:.1f} s wall, {processor:.1f} s processor")
        print(steps.to_string(index=False, float_format=lambda value: f"{value:.1f}"))
        whole = steps.iloc[-1]
        print(f"{whole.wall_s / wall:.1f} times the floor in wall time, "
              f"{whole.processor_s / processor:.1f} times in processor time")  # fmt: skip
        print(f"memory: {whole.peak_mib:.0f} MiB at most, {mib:.0f} MiB forecast")
        print(f"processor time: {whole.processor_s:.0f} s, {seconds:.0f} s forecast: "
              f"{seconds / whole.processor_s:.2f}")  # fmt: skip
        maps = size_mib((folder / "run" / "layers").iterdir())
        print(f"disk: {size_mib((folder / 'run').rglob('*')) / maps:.2f} times the maps")


if __name__ == "__main__":
    main()
