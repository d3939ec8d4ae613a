"""Time 1, 4 and 10 elements of one scene: fits, folds and maps, and the ratio to one element.

    python benchmarks/bench_elements.py [--model recipe] [--elements 1 4 10] [--height 2500
                                         --width 2100 --features 10 --samples 600] [--folds 0]
                                        [--threads 2]

The elements share one pass over the imagery, as in a run. ``floor`` reads every feature once and
writes two maps. Seconds are processor time; ``clock`` is the ratio to one element by the clock.
With ``--folds`` each element is tested by so many spatial folds, as a run does.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from bench_geostatistical import PIXEL_M, FirstTwo, Scene, observe, peak_mib

from gossan.arrays.folds import block_folds
from gossan.fusion.cross_validation import cross_predict, warm_started
from gossan.fusion.features.sources import LayerFeatures
from gossan.fusion.protocol import FusionModel, Observations
from gossan.fusion.registry import factory_of, make_model
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import Layer, SelectedLayer
from gossan.geo.raster import open_raster
from gossan.pipeline.product_maps import JOINT_BLOCK


def make(
    word: str, layer: Layer, observed: Sequence[Observations], blocks: Blocks, folder: Path,
    folds: int = 0,
) -> list[float]:  # fmt: skip
    """Fit and test every element, write all maps; return seconds of fits, folds and maps."""
    features = LayerFeatures(layer, blocks)
    ends = [time.process_time()]
    models = [make_model(word).fit(one, features) for one in observed]
    ends.append(time.process_time())
    for model, one in zip(models, observed):
        if folds:
            test(word, model, one, features, folds)
    ends.append(time.process_time())
    maps = [model.layer(features) for model in models]
    joined = maps[0].join(maps[1:]) if len(maps) > 1 else maps[0]
    engine = replace(blocks, size=JOINT_BLOCK) if len(maps) > 1 else blocks
    engine.write_many(joined, {folder / f"map_{b}.tif": (b,) for b in joined.bands})
    ends.append(time.process_time())
    return np.diff(ends).tolist()


def test(
    word: str, model: FusionModel, observed: Observations, features: LayerFeatures, folds: int
) -> None:
    """Predict an element by spatial folds of squares about a sixth of the scene wide."""
    xy = observed.points.coordinates
    labels = block_folds(xy, float(np.ptp(xy)) / 6, folds, 0)
    fresh = warm_started(factory_of(word), model)
    cross_predict({word: fresh}, observed, features, labels, known=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--model", default="recipe")
    parser.add_argument("--elements", nargs="+", type=int, default=[1, 4, 10])
    for name, value in (("height", 2500), ("width", 2100), ("features", 10), ("samples", 600),
                        ("folds", 0), ("threads", os.cpu_count() or 1)):  # fmt: skip
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
        print("elements   fit s  folds s   map s   all s   to one   clock   peak MiB")
        first = (0.0, 0.0)
        for count in a.elements:
            began = time.perf_counter()
            spent = make(a.model, layer, observed[:count], blocks, folder, a.folds)
            own = (sum(spent), time.perf_counter() - began)
            first = first if first[0] else own
            print(f"{count:8d} {spent[0]:7.1f} {spent[1]:8.1f} {spent[2]:7.1f} {own[0]:7.1f} "
                  f"{own[0] / first[0]:8.2f} {own[1] / first[1]:7.2f} {peak_mib():10.0f}",
                  flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
