"""Time a pass over windows on ``local:2`` against two threads, and the cluster's share of a window.

    python benchmarks/bench_cluster.py [--windows 10000] [--height 6000 --width 6000]

Three tables: a map computed from ten bands (kriged values on a lattice and a smooth function of the
bands: the usual work of a window) with threads and with processes; an empty function over many
windows, which shows what the cluster itself costs for each; the same bytes on both.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gossan.geo.blocks import Blocks
from gossan.geo.cluster import cluster_at
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import MappedLayer
from gossan.geo.raster import RasterWriter, open_raster


def nothing(window: Window) -> int:
    return window.row


class Work:
    """A function of ten bands that takes about as long as a fitted model (0.5 us a pixel)."""

    def __init__(self, rounds: int) -> None:
        self.rounds = rounds

    def __call__(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        total = np.zeros(values.shape[1:], np.float32)
        for number in range(self.rounds):
            total += np.tanh(values[number % len(values)] * np.float32(1 + number))
        return total[None]


def scene(path: Path, height: int, width: int) -> None:
    grid = Grid.from_bounds(32638, (0, 0, 20 * width, 20 * height), 20)
    writer = RasterWriter(path, grid, [f"b{n}" for n in range(10)], "uint16", 0)
    rng = np.random.default_rng(0)
    for window in Blocks(1024).windows(grid):
        writer.write(window, rng.integers(1, 9000, (10, *window.shape)).astype("uint16"))
    writer.close()


def timed(layer: MappedLayer, blocks: Blocks, path: Path) -> float:
    began = time.perf_counter()
    blocks.write(layer, path)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    for name, value in (("windows", 10_000), ("height", 4096), ("width", 4096), ("rounds", 30)):
        parser.add_argument(f"--{name}", type=int, default=value)
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, cluster_at("local:2") as address:
        folder = Path(place)
        scene(folder / "scene.tif", a.height, a.width)
        layer = MappedLayer(open_raster(folder / "scene.tif"), Work(a.rounds), ("map",))
        small = Grid.from_bounds(32638, (0, 0, 2000, 2000), 20)
        list(Blocks(50, scheduler=address).map(nothing, small))  # imports on the workers
        seconds = {}
        for name, blocks in (
            ("1 thread", Blocks(workers=1, scheduler=None)),
            ("2 threads", Blocks(workers=2, scheduler=None)),
            ("local:2", Blocks(scheduler=address)),
        ):
            seconds[name] = timed(layer, blocks, folder / f"{name[:5]}.tif")
            gain = seconds["1 thread"] / seconds[name]
            print(f"{a.height} x {a.width}, ten bands, {name}: {seconds[name]:.1f} s, "
                  f"{gain:.2f} times one thread", flush=True)  # fmt: skip
        same = (folder / "2 thr.tif").read_bytes() == (folder / "local.tif").read_bytes()
        print(f"same bytes with threads and processes: {same}")
        side = round(a.windows**0.5)
        many = Grid.from_bounds(32638, (0, 0, 200 * side, 200 * side), 20)
        for name, blocks in (
            ("2 threads", Blocks(10, 2, None)),
            ("local:2", Blocks(10, None, address)),
        ):
            began, used = time.perf_counter(), time.process_time()
            found = sum(1 for _ in blocks.map(nothing, many))
            each = (time.perf_counter() - began) / found
            used = (time.process_time() - used) / found
            print(f"{found} empty windows, {name}: {1e3 * each:.2f} ms a window, of which "
                  f"{1e3 * used:.2f} ms are processor time of the client")  # fmt: skip


if __name__ == "__main__":
    main()
