"""Correction of slopes and masks over a whole scene, beside the floor of reading and writing.

    python benchmarks/bench_topography.py                        # C correction, 10980 x 10980
    python benchmarks/bench_masks.py --side 5490 --repeats 3     # every mask with a rule, smaller

A scene and its terrain are written once as tiled GeoTIFFs. The floor reads every band and writes it
again with the same engine and threads; the job does the same with its step in between. Every run is
a process of its own, so that its peak memory is its own; runs of floor and job alternate, and the
ratio of each pair is printed: other load on the machine then weighs on both.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer
from gossan.geo.raster import RasterWriter, open_raster
from gossan.imagery.topography import Illumination, Levelled, fit_topography
from gossan.imagery.topography_settings import TopographySettings

BANDS = ("b02", "b03", "b04", "b05", "b06", "b07", "b08", "b8a", "b11", "b12")
SUN = (40.0, 140.0)


def make(folder: Path, side: int) -> None:
    """Write relief of a few hundred metres, and bands that follow its light."""
    grid = Grid.from_bounds(
        32645, (600_000, 4_000_000, 600_000 + 10 * side, 4_000_000 + 10 * side), 10
    )
    scene = RasterWriter(folder / "scene.tif", grid, BANDS, "uint16", 0, "zstd")
    terrain = RasterWriter(folder / "dem.tif", grid, ("height",), "float32", None, "zstd")
    rng = np.random.default_rng(0)
    for window in Blocks().windows(grid):
        rows = np.arange(window.row, window.row + window.height)[:, None]
        columns = np.arange(window.col, window.col + window.width)[None, :]
        heights = 900 + 300 * np.sin(rows / 70) * np.cos(columns / 90)
        light = 0.6 + 0.3 * np.cos(rows / 70) * np.cos(columns / 90)
        texture = rng.normal(0, 120, (len(BANDS), *window.shape))
        base = np.arange(1500, 4000, 250)[:, None, None]
        scene.write(window, np.clip(base * light + texture, 1, 9999).astype(np.uint16))
        terrain.write(window, heights[None].astype(np.float32))
    scene.close()
    terrain.close()


class Reflectance:
    """Layer of the scene's digital numbers times 0.0001."""

    def __init__(self, folder: Path) -> None:
        self.source = open_raster(folder / "scene.tif", BANDS)
        self.grid, self.bands = self.source.grid, self.source.bands

    def read(self, window: Window) -> np.ndarray:
        return self.source.read(window) * np.float32(1e-4)


def topography(folder: Path, blocks: Blocks) -> Layer:
    """Fit and apply the C correction."""
    layer = Reflectance(folder)
    light = Illumination(open_raster(folder / "dem.tif"), *SUN)
    found = fit_topography(layer, light, SUN[0], TopographySettings(method="c"), blocks)
    return Levelled(layer, light, found)


def job(kind: str, folder: Path, workers: int, step: Callable[[Path, Blocks], Layer]) -> None:
    """Run the floor or the step in this process and print what it took."""
    blocks = Blocks(workers=workers)
    start, cpu = time.perf_counter(), time.process_time()
    layer = step(folder, blocks) if kind == "job" else Reflectance(folder)
    blocks.write(layer, folder / f"{kind}.tif")
    took = {"wall": time.perf_counter() - start, "cpu": time.process_time() - cpu}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(json.dumps(took | {"mib": peak}))


def compare(script: str, step: Callable[[Path, Blocks], Layer]) -> None:
    """Write the scene, run floor and job in turn, print ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--side", type=int, default=10980)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--run", choices=("floor", "job"))
    given = parser.parse_args()
    if given.run:
        job(given.run, given.folder, given.workers, step)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "dem.tif").exists():
            make(folder, given.side)
        print(f"{given.side} x {given.side} pixels, {len(BANDS)} bands, {given.workers} threads")
        for _ in range(given.repeats):
            base, found = (_alone(script, kind, folder, given.workers) for kind in ("floor", "job"))
            print(
                f"floor {base['wall']:.1f} s, job {found['wall']:.1f} s: "
                f"{found['wall'] / base['wall']:.2f} times the wall clock, "
                f"{found['cpu'] / base['cpu']:.2f} times the processor time; "
                f"peak {found['mib']:.0f} MiB (floor {base['mib']:.0f})",
                flush=True,
            )


def _alone(script: str, kind: str, folder: Path, workers: int) -> dict[str, float]:
    words = [sys.executable, script, "--run", kind, "--folder", folder, "--workers", workers]
    done = subprocess.run([str(w) for w in words], check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    compare(__file__, topography)
