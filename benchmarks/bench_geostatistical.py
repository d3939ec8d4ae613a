"""Time the geostatistical model against the floor of reading its features and writing its maps.

    python benchmarks/bench_geostatistical.py [--height 5000 --width 4200 --features 20
                                               --samples 1400 --elements 1] [--threads 2]

Prints seconds of: floor (read every feature once, write two maps), fit, map; the ratio of fit plus
map to the floor, by the clock and in processor time; peak memory. With ``--elements 10`` the
elements share one pass over the imagery, in the windows that a run takes.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gossan.fusion.features.sources import LayerFeatures
from gossan.fusion.geostatistical.model import Geostatistical
from gossan.fusion.protocol import Observations, Points
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import SelectedLayer
from gossan.pipeline.product_maps import JOINT_BLOCK

PIXEL_M = 15.0


@dataclass(frozen=True)
class Scene:
    """Waves of many lengths and noise: cheap to make by window, dear to compress."""

    grid: Grid
    bands: tuple[str, ...]

    def read(self, window: Window) -> NDArray[np.float32]:
        easting, northing = self.grid.coordinates(window)
        rng = np.random.default_rng([window.row, window.col])
        result = rng.normal(0, 0.3, (len(self.bands), *window.shape)).astype(np.float32)
        for k in range(len(self.bands)):
            length = 200.0 * 1.35**k
            wave = np.sin(easting / length)[None, :] * np.cos(northing / (1.3 * length))[:, None]
            result[k] += wave
        return result


@dataclass(frozen=True)
class FirstTwo:
    """Read every band, keep two: what any map from these features must do."""

    source: SelectedLayer

    @property
    def grid(self) -> Grid:
        return self.source.grid

    @property
    def bands(self) -> tuple[str, ...]:
        return ("estimate", "standard_error")

    def read(self, window: Window) -> NDArray[np.float32]:
        return self.source.read(window)[:2]


def peak_mib() -> float:
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def observe(features: LayerFeatures, count: int, elements: int) -> list[Observations]:
    rng = np.random.default_rng(3)
    left, bottom, right, top = features.grid.bounds
    xy = rng.uniform(0, 1, (count, 2)) * [right - left, top - bottom] + [left, bottom]
    points = Points(xy)
    z = features.at(points)
    u = np.sin(xy[:, 0] / 4000.0) * np.cos(xy[:, 1] / 3000.0)
    return [
        Observations(points, z @ rng.normal(0, 0.3, z.shape[1]) + u + rng.normal(0, 0.3, count))
        for _ in range(elements)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    for name, value in (("height", 5000), ("width", 4200), ("features", 20), ("samples", 1400),
                        ("elements", 1), ("threads", os.cpu_count() or 1)):  # fmt: skip
        parser.add_argument(f"--{name}", type=int, default=value)
    a = parser.parse_args()
    grid = Grid.from_bounds(32638, (0, 0, a.width * PIXEL_M, a.height * PIXEL_M), PIXEL_M)
    blocks = Blocks(workers=a.threads)
    warm(blocks)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        bands = tuple(f"f{k + 1}" for k in range(a.features))
        blocks.write(Scene(grid, bands), folder / "scene.tif")
        from gossan.geo.raster import open_raster

        layer = open_raster(folder / "scene.tif", list(bands))
        began, used = time.perf_counter(), time.process_time()
        plain = FirstTwo(SelectedLayer(layer, bands))
        blocks.write_many(plain, {folder / f"floor_{b}.tif": (b,) for b in plain.bands})
        floor, floor_used = time.perf_counter() - began, time.process_time() - used
        all_observed = observe(LayerFeatures(layer), a.samples, a.elements)
        features = LayerFeatures(layer)
        began, used = time.perf_counter(), time.process_time()
        models = [Geostatistical().fit(o, features) for o in all_observed]
        fitted = time.perf_counter() - began
        began = time.perf_counter()
        maps = [model.layer(features) for model in models]
        joined = maps[0].join(maps[1:])
        prepared = time.perf_counter() - began
        engine = replace(blocks, size=JOINT_BLOCK) if len(maps) > 1 else blocks
        engine.write_many(joined, {folder / f"map_{b}.tif": (b,) for b in joined.bands})
        mapped, all_used = time.perf_counter() - began, time.process_time() - used
        print(
            f"{a.height} x {a.width} pixels, {a.features} features at widths "
            f"{models[0].widths_}, {a.samples} samples, {a.elements} element(s), "
            f"{a.threads} threads"
        )
        print(f"floor {floor:.1f} s; fit {fitted:.1f} s; map {mapped:.1f} s "
              f"(of which lattice {prepared:.1f} s); ratio {(fitted + mapped) / floor:.2f}; "
              f"processor {all_used:.1f} s, floor {floor_used:.1f} s, "
              f"ratio {all_used / floor_used:.2f}; peak {peak_mib():.0f} MiB")  # fmt: skip


def warm(blocks: Blocks) -> None:
    """Compile every kernel on a small case first."""
    grid = Grid.from_bounds(32638, (0, 0, 3000, 3000), PIXEL_M)
    features = LayerFeatures(Scene(grid, ("a", "b")))
    for count in (150, 450):
        (observed,) = observe(features, count, 1)
        model = Geostatistical().fit(observed, features)
        model.layer(features).read(grid.whole)


if __name__ == "__main__":
    main()
