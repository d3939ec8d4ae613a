"""Time 1, 4 and 10 elements of one scene: fits and maps, and the ratio to one element.

    python benchmarks/bench_elements.py [--model recipe] [--elements 1 4 10] [--height 2500
                                         --width 2100 --features 10 --samples 600] [--threads 2]

The elements share one pass over the imagery, as in a run. ``floor`` reads every feature once and
writes two maps. ``processor`` is the processor time of fit and map together.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench_geostatistical import PIXEL_M, FirstTwo, Scene, observe, peak_mib

from gossan.fusion.features.sources import LayerFeatures
from gossan.fusion.protocol import Observations
from gossan.fusion.registry import make_model
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import Layer, SelectedLayer
from gossan.geo.raster import open_raster
from gossan.pipeline.product_maps import JOINT_BLOCK


def make(
    word: str, layer: Layer, observed: Sequence[Observations], blocks: Blocks, folder: Path
) -> tuple[float, float]:
    """Fit every element and write all maps; return seconds of fits and of maps."""
    features = LayerFeatures(layer, blocks)
    began = time.perf_counter()
    models = [make_model(word).fit(one, features) for one in observed]
    fitted = time.perf_counter()
    maps = [model.layer(features) for model in models]
    joined = maps[0].join(maps[1:]) if len(maps) > 1 else maps[0]
    engine = replace(blocks, size=JOINT_BLOCK) if len(maps) > 1 else blocks
    engine.write_many(joined, {folder / f"map_{b}.tif": (b,) for b in joined.bands})
    return fitted - began, time.perf_counter() - fitted


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--model", default="recipe")
    parser.add_argument("--elements", nargs="+", type=int, default=[1, 4, 10])
    for name, value in (("height", 2500), ("width", 2100), ("features", 10), ("samples", 600),
                        ("threads", os.cpu_count() or 1)):  # fmt: skip
        parser.add_argument(f"--{name}", type=int, default=value)
    a = parser.parse_args()
    blocks = Blocks(workers=a.threads)
    bands = tuple(f"f{k + 1}" for k in range(a.features))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        small = Scene(Grid.from_bounds(32638, (0, 0, 3000, 3000), PIXEL_M), bands)
        make(a.model, small, observe(LayerFeatures(small), 450, 2), blocks, folder)  # compiles
        grid = Grid.from_bounds(32638, (0, 0, a.width * PIXEL_M, a.height * PIXEL_M), PIXEL_M)
        blocks.write(Scene(grid, bands), folder / "scene.tif")
        layer = open_raster(folder / "scene.tif", list(bands))
        began = time.perf_counter()
        plain = FirstTwo(SelectedLayer(layer, bands))
        blocks.write_many(plain, {folder / f"floor_{b}.tif": (b,) for b in plain.bands})
        floor = time.perf_counter() - began
        observed = observe(LayerFeatures(layer), a.samples, max(a.elements))
        print(f"{a.height} x {a.width} pixels, {a.features} features, {a.samples} samples, "
              f"{a.threads} threads, {a.model}; floor {floor:.1f} s")  # fmt: skip
        print("elements   fit s   map s  processor s   to one   to floor   peak MiB")
        first = 0.0
        for count in a.elements:
            used = time.process_time()
            fitted, mapped = make(a.model, layer, observed[:count], blocks, folder)
            used, total = time.process_time() - used, fitted + mapped
            first = first or total
            print(f"{count:8d} {fitted:7.1f} {mapped:7.1f} {used:12.1f} {total / first:8.2f} "
                  f"{total / floor:10.1f} {peak_mib():10.0f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
