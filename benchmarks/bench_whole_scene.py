"""Time what judges whole scenes: area of applicability, Wald's test, r with the check survey.

    python benchmarks/bench_whole_scene.py [--height 5000 --width 4200 --features 20
                                            --samples 1400] [--threads 2]

Prints seconds of the floor (read every feature once, write two maps), of each step, the ratio to
the floor, and peak memory.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from bench_geostatistical import PIXEL_M, FirstTwo, Scene, observe, peak_mib

from gossan.arrays.folds import random_folds
from gossan.evaluate.applicability import ApplicabilityLayer, fit_applicability
from gossan.evaluate.check_layer import compare_with_check, krige_check
from gossan.evaluate.reduced_resolution import reduced_resolution
from gossan.fusion.features.sources import LayerFeatures
from gossan.fusion.registry import factory_of
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import SelectedLayer
from gossan.geo.raster import open_raster
from gossan.geochem.transforms import Identity


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    for name, value in (("height", 5000), ("width", 4200), ("features", 20), ("samples", 1400),
                        ("threads", os.cpu_count() or 1)):  # fmt: skip
        parser.add_argument(f"--{name}", type=int, default=value)
    a = parser.parse_args()
    grid = Grid.from_bounds(32638, (0, 0, a.width * PIXEL_M, a.height * PIXEL_M), PIXEL_M)
    blocks, floor = Blocks(workers=a.threads), 0.0

    def timed(name: str, work: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        result = work()
        took = time.perf_counter() - began
        print(f"{name}: {took:.1f} s" + (f", {took / floor:.2f} of the floor" if floor else ""),
              f"(peak {peak_mib():.0f} MiB)", flush=True)  # fmt: skip
        return result, took

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        bands = tuple(f"f{k + 1}" for k in range(a.features))
        blocks.write(Scene(grid, bands), folder / "scene.tif")
        layer = open_raster(folder / "scene.tif", list(bands))
        features = LayerFeatures(layer)
        (observed,) = observe(features, a.samples, 1)
        print(f"{a.height} x {a.width} pixels, {a.features} features, {a.samples} samples, "
              f"{a.threads} threads")  # fmt: skip
        two = FirstTwo(SelectedLayer(layer, bands))
        files = {folder / f"{b}.tif": (b,) for b in two.bands}
        _, floor = timed("floor", lambda: blocks.write_many(two, files))
        folds = random_folds(len(observed), 5)
        known, _ = timed("samples", lambda: fit_applicability(observed, features, folds))
        applicable = ApplicabilityLayer(layer, known)
        timed("applicability", lambda: blocks.write(applicable, folder / "applicability.tif"))
        models = {"ridge": factory_of("regression_kriging"), "kriging": factory_of("kriging")}
        elements = {"Cu": (observed, Identity())}
        wald = partial(reduced_resolution, elements, features, models, blocks=blocks)
        table, _ = timed("reduced resolution", wald)
        print(table.to_string())
        maps = {name: open_raster(folder / f"{name}.tif") for name in two.bands}
        check, _ = timed("krige the check survey", lambda: krige_check(observed, Identity(), grid))
        found, _ = timed("r with it", lambda: compare_with_check(maps, check, blocks))
        print({name: (one.n, round(one.r, 3), round(one.share, 2)) for name, one in found.items()})
        wide = np.isfinite(open_raster(folder / "applicability.tif").read(grid.whole)[0]).mean()
        print(f"pixels with an index: {wide:.3f}")


if __name__ == "__main__":
    main()
