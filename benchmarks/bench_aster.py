"""A whole ASTER scene from its HDF4 file to PC2 of all indices, beside two floors.

    python benchmarks/bench_aster.py                       # 5000 x 4200, nine bands
    python benchmarks/bench_aster.py --repeats 1 --workers 2 --folder FOLDER

The scene is simulated once and written as an L1T-like HDF4 file. The chain: digital numbers to
radiance to reflectance, 6S for nine bands, short-wave bands to 15 m by cubic convolution, every
index that nine bands allow, principal components, PC2 written as COG. Two floors run beside it
with the same engine and threads: `bytes` reads every band of the same file once; `floor` does
that and writes one COG. Every job is a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import zoom

from gossan.demo.overpass import Overpass
from gossan.demo.write_aster import simulate_scene, write_aster_hdf
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import ArrayLayer, Layer
from gossan.imagery.aster.reflectance import aster_stack, open_aster
from gossan.imagery.aster.settings import AsterSettings
from gossan.imagery.atmosphere.settings import AtmosphereSettings
from gossan.imagery.components import fit_components
from gossan.imagery.indices import available_indices, component_indices, index_layer

BANDS = tuple(f"b{i}" for i in range(1, 10))
KINDS = ("bytes", "floor", "literal", "sound")


@dataclass(frozen=True)
class OneRead:
    """Read all telescopes under a window; give the mean of the visible bands."""

    visible: Layer
    short_wave: Layer
    bands: tuple[str, ...] = ("mean",)

    @property
    def grid(self) -> Grid:
        return self.visible.grid

    def read(self, window: Window) -> NDArray[np.float32]:
        row, col, height, width = window
        half = Window(row // 2, col // 2, (height + 1) // 2, (width + 1) // 2)
        self.short_wave.read(half.clipped(self.short_wave.grid.shape))
        return self.visible.read(window).mean(axis=0, keepdims=True)


def make_scene(folder: Path, height: int, width: int) -> Path:
    """Simulate smooth ground with texture that bands share, and an empty corner."""
    left, bottom = 500_000, 2_400_000
    grid = Grid.from_bounds(32638, (left, bottom, left + 15 * width, bottom + 15 * height), 15)
    rng = np.random.default_rng(0)
    coarse = rng.normal(size=(3, 40, 40)).astype(np.float32)
    smooth = [zoom(c, (height / 40, width / 40), order=1)[:height, :width] for c in coarse]
    values = np.empty((9, height, width), np.float32)
    mixing = rng.normal(0, 0.03, (9, 3)).astype(np.float32)
    for band, weights in zip(values, mixing):
        band[:] = 0.28 + sum(w * s for w, s in zip(weights, smooth))
        band += rng.normal(0, 0.01, band.shape).astype(np.float32)
    rows, columns = np.ogrid[:height, :width]
    values[:, columns + 0.2 * rows < 0.1 * width] = np.nan
    return write_aster_hdf(folder, simulate_scene(ArrayLayer(grid, BANDS, values), Overpass()))


def read_only(path: Path, blocks: Blocks) -> dict[str, float]:
    scene = open_aster(path)
    start = time.perf_counter()
    layer = OneRead(scene.telescopes["VNIR"], scene.telescopes["SWIR"])
    for _ in blocks.map(layer.read, layer.grid):
        pass
    return {"read": time.perf_counter() - start}


def floor(path: Path, folder: Path, blocks: Blocks) -> dict[str, float]:
    scene = open_aster(path)
    start = time.perf_counter()
    layer = OneRead(scene.telescopes["VNIR"], scene.telescopes["SWIR"])
    blocks.write(layer, folder / "floor.tif")
    return {"read and write": time.perf_counter() - start}


def chain(path: Path, folder: Path, blocks: Blocks, variant: str) -> dict[str, float]:
    """Run the chain; give the seconds of each step."""
    steps: dict[str, float] = {}
    start = time.perf_counter()
    settings = AsterSettings(atmosphere=AtmosphereSettings(method="6s"))
    stack = aster_stack(open_aster(path), settings, blocks)
    steps["open, 6S, saturation"] = time.perf_counter() - start
    start = time.perf_counter()
    choice = available_indices("aster", ["all"], stack.bands)
    if variant == "literal":
        components = fit_components(index_layer(stack, choice), blocks=blocks)
    else:
        components = fit_components(component_indices(stack, choice), "robust", blocks=blocks)
    steps[f"{len(choice.formulas)} indices, components"] = time.perf_counter() - start
    start = time.perf_counter()
    blocks.write(components.select(("pc2",)), folder / f"pc2_{variant}.tif")
    steps["PC2 to COG"] = time.perf_counter() - start
    return steps


def job(kind: str, folder: Path, workers: int, shape: tuple[int, int]) -> dict[str, object]:
    """Run one job in this process and measure it (kernels are compiled before)."""
    if kind == "make":
        return {"path": str(make_scene(folder, *shape))}
    (path,) = folder.glob("*.hdf")
    with tempfile.TemporaryDirectory() as name:
        small = make_scene(Path(name), 160, 200)
        _run("literal", small, Path(name), Blocks(128, workers))
        _run("sound", small, Path(name), Blocks(128, workers))
    from gossan.imagery.atmosphere.sixs import _report

    _report.cache_clear()
    return _measured(kind, path, folder, Blocks(workers=workers))


def _measured(kind: str, path: Path, folder: Path, blocks: Blocks) -> dict[str, object]:
    import resource

    wall, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    before = children()
    steps = _run(kind, path, folder, blocks)
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    peak = after.ru_maxrss / 1024
    wall = time.perf_counter() - wall
    return {"wall": wall, "cpu": cpu, "peak_mib": peak, "steps": steps, "sixs": children() - before}


def children() -> float:
    """CPU seconds of the programs run so far: 6S."""
    import resource

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _run(kind: str, path: Path, folder: Path, blocks: Blocks) -> dict[str, float]:
    if kind == "bytes":
        return read_only(path, blocks)
    return floor(path, folder, blocks) if kind == "floor" else chain(path, folder, blocks, kind)


def apart(kind: str, folder: Path, *options: str) -> dict:
    """Run one job in a process of its own."""
    command = [sys.executable, __file__, "--job", kind, "--folder", str(folder), *options]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict = json.loads(done.stdout.splitlines()[-1])
    return found


def compare(folder: Path, workers: int, repeats: int, shape: tuple[int, int]) -> None:
    """Run the jobs in turn and print their ratios."""
    if not list(folder.glob("*.hdf")):
        apart("make", folder, "--height", str(shape[0]), "--width", str(shape[1]))
    (path,) = folder.glob("*.hdf")
    runs: dict[str, list[dict]] = {kind: [] for kind in KINDS}
    for _ in range(repeats):
        for kind in KINDS:
            runs[kind].append(apart(kind, folder, "--workers", str(workers)))
    wall = {k: float(np.median([r["wall"] for r in v])) for k, v in runs.items()}
    cpu = {k: float(np.median([r["cpu"] for r in v])) for k, v in runs.items()}
    size = path.stat().st_size / 2**20
    print(f"\nASTER {shape[1]} x {shape[0]}, 9 bands, {size:.0f} MiB HDF4, {workers} workers")
    print(
        f"{'job':<10}{'wall s':>8}{'CPU s':>8}{'peak MiB':>10}{'wall/floor':>12}{'CPU/floor':>11}"
    )
    for kind in KINDS:
        peak = max(r["peak_mib"] for r in runs[kind])
        ratios = f"{wall[kind] / wall['floor']:>12.2f}{cpu[kind] / cpu['floor']:>11.2f}"
        print(f"{kind:<10}{wall[kind]:>8.1f}{cpu[kind]:>8.1f}{peak:>10.0f}{ratios}")
    sixs = max(r["sixs"] for r in runs["literal"])
    print(f"6S, a program of its own, takes {sixs:.1f} CPU s more, whatever the size of the scene")
    for kind in KINDS:
        steps = runs[kind][-1]["steps"]
        print(f"{kind}: " + ", ".join(f"{name} {value:.1f} s" for name, value in steps.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--height", type=int, default=4200)
    parser.add_argument("--width", type=int, default=5000)
    parser.add_argument("--job")
    given = parser.parse_args()
    if given.job:
        shape = (given.height, given.width)
        print(json.dumps(job(given.job, given.folder, given.workers, shape)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = given.folder or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        compare(folder, given.workers, given.repeats, (given.height, given.width))


if __name__ == "__main__":
    main()
