"""Features of catchments over a whole scene, beside the floor of reading its bands.

    python benchmarks/bench_catchments.py                                  # 30 bands, 10980 x 10980
    python benchmarks/bench_catchments.py --side 2745 --samples 350 --repeats 3    # a smaller one

A scene of ten bands of 10 m is written once as tiled GeoTIFF and read three times over, as 30
bands; the terrain model has cells of 30 m, its samples lie on streams of at least 0.3 km2. The
floor reads every band with the same engine and threads. The job finds drainage, catchments and the
means of all bands by every mixing (area, slope, three decay lengths). Every run is a process of its
own, so that its peak memory is its own; runs of floor and job alternate, and the ratio of each pair
is printed: other load on the machine then weighs on both.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
from bench_topography import BANDS
from scipy import ndimage

from gossan.fusion.features.ground_means import ground_means
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer, RenamedLayer, StackedLayer
from gossan.geo.raster import RasterWriter, open_raster, write_array
from gossan.imagery.terrain.catchments import delineate
from gossan.imagery.terrain.drainage import drainage_of_heights

COPIES = 3
CELL_M = 30


def make(folder: Path, side: int) -> None:
    """Write rough valleys, and bands of texture."""
    corner = (600_000, 4_000_000, 600_000 + 10 * side, 4_000_000 + 10 * side)
    rng = np.random.default_rng(0)
    cells = Grid.from_bounds(32645, corner, CELL_M)
    rough = rng.normal(size=cells.shape).astype(np.float32)
    heights = sum(size * ndimage.gaussian_filter(rough, size) for size in (2, 8, 32, 128))
    slope = np.linspace(400, 0, cells.height, dtype=np.float32)[:, None]
    write_array(folder / "dem.tif", cells, ("height",), (100 * heights + slope)[None])
    grid = Grid.from_bounds(32645, corner, 10)
    scene = RasterWriter(folder / "scene.tif", grid, BANDS, "uint16", 0, "zstd")
    texture = rng.normal(3000, 120, (len(BANDS), 2048, 2048)).astype(np.uint16)
    for window in Blocks().windows(grid):
        scene.write(window, texture[:, : window.height, : window.width])
    scene.close()


def bands_of(folder: Path) -> Layer:
    """Open the scene's bands three times over."""
    copies = [open_raster(folder / "scene.tif", BANDS) for _ in range(COPIES)]
    named = [
        RenamedLayer(layer, tuple(f"{number}.{band}" for band in BANDS))
        for number, layer in enumerate(copies)
    ]
    return StackedLayer(tuple(named))


def _highest(layer: Layer, window: Window) -> np.ndarray:
    return layer.read(window)[:, 0, 0].astype(float)


def job(kind: str, folder: Path, workers: int, samples: int) -> None:
    """Run the floor or the features in this process and print what it took."""
    blocks, layer = Blocks(workers=workers), bands_of(folder)
    start, cpu, placing = time.perf_counter(), time.process_time(), 0.0
    if kind == "floor":
        blocks.reduce(partial(_highest, layer), layer.grid)
    else:
        drainage = drainage_of_heights(open_raster(folder / "dem.tif"))
        streams = np.argwhere(np.nan_to_num(drainage.area_km2) >= 0.3)
        chosen = streams[np.random.default_rng(1).choice(len(streams), samples, replace=False)]
        easting, northing = drainage.grid.coordinates(drainage.grid.whole)
        places = np.column_stack([easting[chosen[:, 1]], northing[chosen[:, 0]]])
        grounds = delineate(drainage, places, 10.0, 0.3).grounds()
        placing = time.process_time() - cpu
        found = [ground_means(layer, grounds.mixed(one), blocks) for one in grounds.basins.mixings]
        assert np.isfinite(found).all()
    taken = {
        "wall": time.perf_counter() - start,
        "processor": time.process_time() - cpu,
        "placing": placing,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(taken))


def main() -> None:
    """Alternate floor and job, and print their ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--side", type=int, default=10_980)
    parser.add_argument("--samples", type=int, default=1400)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where a scene of an earlier run may lie")
    parser.add_argument("--kind", choices=("floor", "catchments"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.kind:
        job(asked.kind, asked.folder, asked.workers, asked.samples)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.folder or Path(scratch)
        if not (folder / "scene.tif").exists():
            make(folder, asked.side)
        for _ in range(asked.repeats):
            floor, own = (_run(kind, folder, asked) for kind in ("floor", "catchments"))
            print(
                f"processor {own['processor']:.1f} s of {floor['processor']:.1f} s, "
                f"{own['processor'] / floor['processor']:.2f} floors, drainage and catchments "
                f"{own['placing']:.1f} s; wall {own['wall'] / floor['wall']:.2f} floors; "
                f"peak {own['peak']:.0f} MiB, floor {floor['peak']:.0f} MiB",
                flush=True,
            )


def _run(kind: str, folder: Path, asked: argparse.Namespace) -> dict[str, float]:
    words = [sys.executable, __file__, "--kind", kind, "--folder", str(folder)]
    words += ["--workers", str(asked.workers), "--samples", str(asked.samples)]
    ended = subprocess.run(words, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
