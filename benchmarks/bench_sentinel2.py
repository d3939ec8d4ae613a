"""A Sentinel-2 tile from JPEG 2000 to a PC2 COG, against the floor of decoding it.

    python benchmarks/bench_sentinel2.py                       # a full tile, 10980 x 10980
    python benchmarks/bench_sentinel2.py --size 3660 --repeats 3
    python benchmarks/bench_sentinel2.py --folder FOLDER       # keeps the scene for the next time

The scene is a SAFE folder (L2A) of four bands at 10 m and six at 20 m, losslessly compressed in
tiles of 1024, made once. The floor decodes every band once, tile by tile, with the same threads,
and touches every value; nothing is written. The chain opens the scene, decodes it into its
store, brings ten bands to 10 m, finds the principal components and writes PC2 as a COG; "again"
does so with the store at hand. Each job is a process of its own, so that its peak memory is its
own; the jobs take turns and medians are printed.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.ndimage import zoom

from gossan.demo.write_sentinel2 import SimulatedSentinel2, write_sentinel2
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.imagery.components import fit_components
from gossan.imagery.scenes import open_scenes
from gossan.imagery.sentinel2.scene import SPECTRAL, open_sentinel2
from gossan.imagery.settings import ImagerySettings

PIXELS = {"b02": 10, "b03": 10, "b04": 10, "b08": 10} | dict.fromkeys(
    ("b05", "b06", "b07", "b8a", "b11", "b12"), 20
)


def smooth(rng: np.random.Generator, shape: tuple[int, int], cells: int) -> np.ndarray:
    field = zoom(rng.normal(size=(cells, cells)), [n / cells for n in shape], order=1)
    return field[: shape[0], : shape[1]].astype(np.float32)


def make_scene(folder: Path, size: int) -> Path:
    """Make the scene band by band: ground that bands share, ground of each, noise of 15 DN."""
    grids = {p: Grid.from_bounds(32638, (3e5, 2.6e6, 3e5 + 10 * size, 2.6e6 + 10 * size), p)
             for p in (10, 20, 60)}  # fmt: skip
    scene = SimulatedSentinel2(grids, {}, np.full(grids[20].shape, 5), tile="38QKJ")
    return write_sentinel2(replace(scene, reflectance=LazyBands(grids)), folder)


class LazyBands(dict):
    """Bands that are simulated one at a time, when they are written."""

    def __init__(self, grids: dict[int, Grid]) -> None:
        super().__init__(dict.fromkeys(SPECTRAL))
        self.grids = grids

    def items(self):  # type: ignore[no-untyped-def]
        for number, name in enumerate(self):
            shape = self.grids[PIXELS[name]].shape
            shared, own = np.random.default_rng(1), np.random.default_rng(100 + number)
            values = 0.15 + 0.02 * number + 0.04 * smooth(shared, shape, 60)
            values += 0.015 * smooth(own, shape, 200)
            values += np.float32(0.0015) * own.standard_normal(shape, np.float32)
            yield name, np.maximum(values, 0.001)


def floor(safe: Path, workers: int) -> float:
    """Decode every band once and touch every value."""
    import rasterio
    from rasterio.windows import Window as Place

    scene, total = open_sentinel2(safe), 0.0
    for name in scene.bands:
        file = scene.metadata.file(name)
        grid, source = scene.metadata.grid_of(file.pixel_m), scene.product.gdal_path(file.member)

        def tile(window: Window, source: str = source) -> float:
            with rasterio.open(source) as image:
                place = Place(window.col, window.row, window.width, window.height)
                return float(image.read(1, window=place).sum(dtype=np.float64))

        total += Blocks(1024, workers).reduce(tile, grid)
    return total


def chain(safe: Path, workers: int, store: Path) -> float:
    """From the scene to a PC2 COG."""
    blocks = Blocks(1024, workers)
    words = ImagerySettings(name="s2", sensor="sentinel2", paths=(safe,), indices=())
    stack = open_scenes(words, safe.parent, store, blocks)
    pc = fit_components(stack.bands, blocks=blocks)
    blocks.write(pc.select(("pc2",)), store / "pc2.tif")
    return float(pc.components.shares[1])


def job(name: str, safe: Path, workers: int, store: Path) -> None:
    start = time.perf_counter()
    if name == "floor":
        floor(safe, workers)
    else:
        chain(safe, workers, store)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    found = {
        "wall": time.perf_counter() - start,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss / 1024,
    }
    print(json.dumps(found))


def run(name: str, safe: Path, workers: int, store: Path) -> dict[str, float]:
    if name == "chain":
        shutil.rmtree(store, ignore_errors=True)
    command = [sys.executable, __file__, "--job", name, "--workers", str(workers),
               "--safe", str(safe), "--store", str(store)]  # fmt: skip
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def compare(folder: Path, size: int, repeats: int, workers: int) -> None:
    if not sorted(folder.glob("*.SAFE")):  # in a process of its own: peak memory is inherited
        command = [sys.executable, __file__, "--job", "make", "--size", str(size)]
        subprocess.run([*command, "--folder", str(folder)], check=True)
    safe = sorted(folder.glob("*.SAFE"))[0]
    run("floor", safe, workers, folder / "store")  # warms the page cache and compiled kernels
    times: dict[str, list[dict[str, float]]] = {"floor": [], "chain": [], "again": []}
    for _ in range(repeats):
        for name, found in times.items():
            found.append(run(name, safe, workers, folder / "store"))
    pixels = open_sentinel2(safe).grid
    print(f"Sentinel-2, {pixels.height} x {pixels.width} at 10 m, 10 bands, {workers} threads")
    print(f"{'job':8}{'wall s':>9}{'CPU s':>9}{'ratio':>8}{'peak MiB':>10}")
    base = statistics.median(t["wall"] for t in times["floor"])
    for name, found in times.items():
        wall, cpu, peak = (statistics.median(t[k] for t in found) for k in ("wall", "cpu", "peak"))
        print(f"{name:8}{wall:9.1f}{cpu:9.1f}{wall / base:8.2f}{peak:10.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=10980, help="pixels of 10 m; multiple of 6")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--job", choices=["make", "floor", "chain", "again"])
    parser.add_argument("--safe", type=Path)
    parser.add_argument("--store", type=Path)
    given = parser.parse_args()
    if given.job == "make":
        make_scene(given.folder, given.size)
    elif given.job:
        job(given.job, given.safe, given.workers, given.store)
    elif given.folder:
        compare(given.folder, given.size, given.repeats, given.workers)
    else:
        with tempfile.TemporaryDirectory() as folder:
            compare(Path(folder), given.size, given.repeats, given.workers)


if __name__ == "__main__":
    main()
