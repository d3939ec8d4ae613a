"""A whole `gossan run` of the default project: wall and processor time, memory, step by step.

    python benchmarks/bench_run.py                     # a Sentinel-2 tile, four elements
    python benchmarks/bench_run.py --side 2745         # a sixteenth of it
    python benchmarks/bench_run.py --side 2745 --elements Cu --keep FOLDER

Simulates a ten-band scene of uint16 reflectances (side x side pixels of 10 m) and a survey of
1,400 samples, runs the command line in a process of its own, and samples its memory from the
operating system (Linux): anonymous memory, which is what the run itself holds, apart from pages of
files that the system may drop at any time. The floor is one pass that reads the ten bands and
writes one map, with the same engine and threads, before the run.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from bench_chain import MeanLayer, make_scene

from gossan.geo.blocks import Blocks
from gossan.geo.layer import values_at
from gossan.geo.raster import open_raster

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


@dataclass
class Step:
    """A step of the run: when it began, its processor time and its highest memory."""

    title: str
    began: float
    processor: float
    peak_mib: float = 0.0


@dataclass
class Watch:
    """Sample a process until it ends."""

    pid: int
    steps: list[Step] = field(default_factory=list)
    stop: bool = False

    def processor(self) -> float:
        parts = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mib(self) -> float:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("RssAnon"):
                return int(line.split()[1]) / 1024
        return 0.0

    def sample(self) -> None:
        while not self.stop:
            try:
                found = self.memory_mib()
            except (OSError, ProcessLookupError):
                return
            if self.steps:
                self.steps[-1].peak_mib = max(self.steps[-1].peak_mib, found)
            time.sleep(0.1)


def make_project(folder: Path, side: int, samples: int, elements: list[str]) -> None:
    scene = folder / "scene.tif"
    make_scene(scene, side, side, len(BANDS))
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


def floor(folder: Path, workers: int) -> float:
    layer = open_raster(folder / "scene.tif", list(BANDS))
    began = time.perf_counter()
    Blocks(workers=workers).write(MeanLayer(layer), folder / "floor.tif")
    return time.perf_counter() - began


def run(folder: Path, workers: int) -> tuple[list[Step], float, float]:
    command = [sys.executable, "-m", "gossan", "run", str(folder), "--workers", str(workers)]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    watch = Watch(child.pid)
    watch.steps.append(Step("start", time.perf_counter(), 0.0))
    thread = threading.Thread(target=watch.sample)
    thread.start()
    assert child.stderr is not None
    for line in child.stderr:
        if line.startswith(" ") or line.startswith("Note"):
            continue
        watch.steps.append(Step(line.strip(), time.perf_counter(), watch.processor()))
    ended = time.perf_counter()
    watch.stop = True
    thread.join()
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"gossan run ended with status {status}")
    return watch.steps, ended, usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--side", type=int, default=10980)
    parser.add_argument("--samples", type=int, default=1400)
    parser.add_argument("--elements", default="Cu,Zn,Ni,Cr")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--keep", type=Path, help="folder to work in and to keep")
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = a.keep or Path(place)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "samples.csv").exists():
            make_project(folder, a.side, a.samples, a.elements.split(","))
        base = floor(folder, a.workers)
        steps, ended, processor = run(folder, a.workers)
        bounds = [step.began for step in steps[1:]] + [ended]
        spent = [step.processor for step in steps[1:]] + [processor]
        print(f"{a.side} x {a.side} x {len(BANDS)}, elements {a.elements}; floor {base:.1f} s")
        print(f"{'step':60} {'wall s':>8} {'cpu s':>8} {'MiB':>7}")
        for step, until, used in zip(steps, bounds, spent):
            print(f"{step.title[:60]:60} {until - step.began:8.1f} {used - step.processor:8.1f} "
                  f"{step.peak_mib:7.0f}")  # fmt: skip
        whole = ended - steps[0].began
        print(f"{'whole run':60} {whole:8.1f} {processor:8.1f} "
              f"{max(step.peak_mib for step in steps):7.0f}")  # fmt: skip
        print(f"{whole / base:.1f} times the floor")


if __name__ == "__main__":
    main()
