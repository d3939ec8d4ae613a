"""How fast this machine fits a model and passes over pixels: a timing of a second or two."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from gossan.fusion.features.sources import LayerFeatures
from gossan.fusion.protocol import FusionModel, Observations, Points
from gossan.fusion.registry import factory_of
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer, Layer

SAMPLES = 100
SIDE = 256
PIXEL_M = 30.0
FEATURES = 3


@dataclass(frozen=True)
class Pace:
    """Processor seconds of three small tasks.

    ``fit``: the geostatistical model of 100 samples and three features; ``pixels``: its map on
    256 x 256 pixels; ``file``: that map written to disk.
    """

    fit: float
    pixels: float
    file: float


@cache
def measured_pace() -> Pace:
    """Time the tasks; the best of three, after one that compiles.

    >>> pace = measured_pace()
    >>> min(pace.fit, pace.pixels, pace.file) > 0
    True
    """
    features, observations = _problem()
    model = factory_of("geostatistical")

    def fit() -> FusionModel:
        return model().fit(observations, features)

    layer = fit().layer(features)
    grid = layer.grid
    layer.read(grid.whole)
    values = ArrayLayer(grid, layer.bands, layer.read(grid.whole))
    with threadpool_limits(1, user_api="blas"), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "map.tif"
        return Pace(
            _least(fit),
            _least(lambda: layer.read(grid.whole)),
            _least(lambda: _written(values, path)),
        )


def _written(layer: Layer, path: Path) -> None:
    Blocks(workers=1).write(layer, path)


def _least(task: Callable[[], object], times: int = 3) -> float:
    """Processor seconds of the fastest of several runs."""
    found = []
    for _ in range(times):
        begun = time.process_time()
        task()
        found.append(time.process_time() - begun)
    return max(min(found), 1e-4)


def _problem() -> tuple[LayerFeatures, Observations]:
    """Simulate three smooth bands with noise, and samples that follow the first of them."""
    rng = np.random.default_rng(0)
    grid = Grid.from_bounds(32638, (0, 0, SIDE * PIXEL_M, SIDE * PIXEL_M), PIXEL_M)
    wave = np.linspace(0.0, 6.0, SIDE)
    smooth = [np.outer(np.sin(wave * (1 + 0.3 * k)), np.cos(wave)) for k in range(FEATURES)]
    bands = np.stack(smooth) + 0.2 * rng.normal(size=(FEATURES, SIDE, SIDE))
    features = LayerFeatures(ArrayLayer(grid, ("a", "b", "c"), bands.astype(np.float32)))
    points = Points(rng.uniform(0, SIDE * PIXEL_M, (SAMPLES, 2)))
    trend = np.sin(points.coordinates[:, 0] / 1500)
    values = features.at(points)[:, 0] + trend + 0.3 * rng.normal(size=SAMPLES)
    return features, Observations(points, values)
