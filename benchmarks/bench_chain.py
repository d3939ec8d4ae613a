"""The paper's chain on a whole scene against the floor: read every band once, write one COG.

    python benchmarks/bench_chain.py            # both cases
    python benchmarks/bench_chain.py a          # 5000 x 4200 x 9; b: 10980 x 10980 x 10
    python benchmarks/bench_chain.py b --repeats 1 --workers 2 --folder FOLDER

Scenes are uint16 tiled GeoTIFF (zstd level 1), made once in the folder. The chain: principal
components of all bands, PC2 into the store, K-means with 6 classes, pyramid (sound, local),
ordinary kriging of a survey of 400 samples, cubic convolution, COG written. The floor runs
beside it with the same engine, threads and compression. Every job is a process of its own, so
that its peak memory is its own; the jobs take turns and the median of the repeats is printed.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import zoom

from gossan.fusion.features.sources import LayerFeatures
from gossan.fusion.protocol import Observations, Points
from gossan.fusion.pyramid.model import PyramidModel, PyramidSettings
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import ArrayLayer, Layer
from gossan.geo.raster import RasterWriter, open_raster
from gossan.imagery.components import fit_components

CASES = {"a": (5000, 4200, 9), "b": (10980, 10980, 10), "tiny": (600, 500, 4)}
SAMPLES = 400


@dataclass(frozen=True)
class MeanLayer:
    """Touch every value once: the mean of all bands."""

    source: Layer
    bands: tuple[str, ...] = ("mean",)

    @property
    def grid(self) -> Grid:
        return self.source.grid

    def read(self, window: Window) -> NDArray[np.float32]:
        return self.source.read(window).mean(axis=0, keepdims=True)


def make_scene(path: Path, height: int, width: int, bands: int) -> None:
    """Simulate a scene: smooth ground, texture that bands share, noise of each; a black edge."""
    grid = Grid.from_bounds(32638, (400_000, 2_600_000, 400_000 + 10 * width,
                                    2_600_000 + 10 * height), 10)  # fmt: skip
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(bands, 3))
    coarse = rng.normal(size=(3, 40, 40))
    smooth = np.stack([zoom(part, (height / 40, width / 40), order=1)[:height, :width]
                       for part in coarse.astype(np.float32)])  # fmt: skip
    names = [f"b{k + 1}" for k in range(bands)]
    writer = RasterWriter(path, grid, names, "uint16", 0, "zstd")
    for window in Blocks(1024).windows(grid):
        rows, cols = window.slices
        texture = rng.normal(size=(3, *window.shape)).astype(np.float32)
        ground = 250 * smooth[:, rows, cols] + 60 * texture
        values = np.tensordot(mixing, ground, axes=1) + 3000
        values += 25 * rng.normal(size=values.shape)
        values = np.clip(values, 1, 65535).astype(np.uint16)
        easting, northing = np.meshgrid(np.arange(cols.start, cols.stop),
                                        np.arange(rows.start, rows.stop))  # fmt: skip
        values[:, easting + 0.15 * northing > 1.1 * width] = 0
        writer.write(window, values)
    writer.close()


def floor(scene: Path, folder: Path, blocks: Blocks) -> dict[str, float]:
    """Read every band once and write one COG."""
    start = time.perf_counter()
    blocks.write(MeanLayer(open_raster(scene)), folder / "floor.tif")
    return {"read and write": time.perf_counter() - start}


def chain(scene: Path, folder: Path, blocks: Blocks, elements: int) -> dict[str, float]:
    """Run the paper's chain for some elements; give the seconds of each step."""
    steps: dict[str, float] = {}

    def timed(name: str, start: float) -> float:
        steps[name] = steps.get(name, 0.0) + time.perf_counter() - start
        return time.perf_counter()

    start = time.perf_counter()
    source = open_raster(scene)
    components = fit_components(source, blocks=blocks)
    start = timed("components", start)
    stored = blocks.store(components.select(("pc2",)), folder / "pc2.tif")
    start = timed("store", start)
    features = LayerFeatures(stored)
    rng = np.random.default_rng(1)
    left, bottom, right, top = source.grid.bounds
    xy = rng.uniform((left, bottom), (right, top), (SAMPLES, 2))
    field = np.sin(xy[:, 0] / 9000) + np.cos(xy[:, 1] / 7000)
    for number in range(elements):
        values = 3 + field + 0.3 * number * np.sin(xy[:, 1] / 5000) + 0.2 * rng.normal(size=SAMPLES)
        model = PyramidModel(PyramidSettings(scope="local", clusters=6), blocks=blocks)
        model.fit(Observations(Points(xy), values), features)
        start = timed("fit first element" if number == 0 else "fit others", start)
        layer = model.layer(features)
        start = timed("tables", start)
        blocks.write(layer, folder / f"fused_{number}.tif", unit="ln ppm")
        start = timed("compose and write", start)
    return steps


def warm_up() -> None:
    """Compile, or load from the cache, every kernel."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_scene(folder / "scene.tif", *CASES["tiny"])
        chain(folder / "scene.tif", folder, Blocks(512, 2), 1)
    grid = Grid.from_bounds(32638, (0, 0, 80, 80), 10)
    MeanLayer(ArrayLayer(grid, ("b1",), np.zeros((1, 8, 8)))).read(grid.whole)


def job(kind: str, scene: Path, folder: Path, workers: int) -> dict[str, object]:
    """Run one job in this process and measure it."""
    if kind.startswith("make"):
        make_scene(scene, *(int(n) for n in kind.split()[1:]))
        return {}
    warm_up()
    blocks = Blocks(workers=workers)
    wall, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    if kind == "floor":
        steps = floor(scene, folder, blocks)
    else:
        steps = chain(scene, folder, blocks, int(kind))
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    return {
        "wall": time.perf_counter() - wall,
        "cpu": cpu,
        "peak_mib": after.ru_maxrss / 1024,
        "steps": steps,
    }


def apart(kind: str, scene: Path, folder: Path, workers: int) -> dict[str, object]:
    """Run one job in a process of its own."""
    command = [sys.executable, __file__, "--job", kind, "--scene", str(scene)]
    command += ["--folder", str(folder), "--workers", str(workers)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def compare(case: str, folder: Path, workers: int, repeats: int, kinds: list[str]) -> None:
    """Run the jobs of a case in turn and print their ratios."""
    height, width, bands = CASES[case]
    scene = folder / f"scene_{case}.tif"
    if not scene.exists():
        # apart as well: a process inherits the peak memory of the one that starts it
        apart(f"make {height} {width} {bands}", scene, folder, workers)
    runs: dict[str, list[dict[str, object]]] = {kind: [] for kind in kinds}
    for _ in range(repeats):
        for kind in kinds:
            runs[kind].append(apart(kind, scene, folder, workers))
    wall = {k: float(np.median([r["wall"] for r in v])) for k, v in runs.items()}
    cpu = {k: float(np.median([r["cpu"] for r in v])) for k, v in runs.items()}
    print(f"\n{case}: {height} x {width} x {bands} uint16, {workers} workers, {repeats} repeats")
    print(
        f"{'job':<12}{'wall s':>8}{'CPU s':>8}{'peak MiB':>10}{'wall/floor':>12}{'CPU/floor':>11}"
    )
    for kind in kinds:
        name = kind if kind == "floor" else f"{kind} element" + "s" * (kind != "1")
        peak = max(float(r["peak_mib"]) for r in runs[kind])
        ratios = f"{wall[kind] / wall['floor']:>12.2f}{cpu[kind] / cpu['floor']:>11.2f}"
        print(f"{name:<12}{wall[kind]:>8.1f}{cpu[kind]:>8.1f}{peak:>10.0f}{ratios}")
    for kind in kinds[1:]:
        steps = runs[kind][-1]["steps"]
        print(f"steps of {kind}: " + ", ".join(f"{k} {v:.1f}" for k, v in steps.items()))
    if "10" in runs and "1" in runs:
        one, ten = (float(runs[k][-1]["steps"]["compose and write"]) for k in ("1", "10"))
        extra = ten - one
        rest = (wall["10"] - extra) / wall["1"]
        print(f"10 elements less the writing of nine: {rest:.2f} times the price of one")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", default=["a", "b"])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--kinds", default="floor,1,10")
    parser.add_argument("--job")
    parser.add_argument("--scene", type=Path)
    given = parser.parse_args()
    if given.job:
        print(json.dumps(job(given.job, given.scene, given.folder, given.workers)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = given.folder or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        for case in given.cases:
            compare(case, folder, given.workers, given.repeats, given.kinds.split(","))


if __name__ == "__main__":
    main()
