"""How long one fit and one map take on this machine: the products, timed on a small sample."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree
from threadpoolctl import threadpool_limits

from gossan.arrays.array_type import Array, Block
from gossan.fusion.features.sources import LayerFeatures, NoFeatures
from gossan.fusion.protocol import Features, FusionModel, Observations, Points
from gossan.fusion.registry import make_model
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.grounds import Basins, Grounds, Transport
from gossan.geo.layer import ArrayLayer, Layer
from gossan.settings import Settings

CELLS = 300
"""Cells across the terrain of a simulated survey of stream sediments."""
MOST_SAMPLES = 150
"""Samples that a model is timed on, at most."""
SIDE = 256
"""Pixels across the window of the map that is timed."""


@dataclass(frozen=True)
class Ground:
    """What decides how long a fit takes beside the model: samples, their spacing and support,
    features, size of pixels; ``mixings`` that are weighed where samples stand for catchments."""

    samples: int
    spacing_m: float
    support_m: float
    features: int
    pixel_m: float
    mixings: int = 0


@dataclass(frozen=True)
class Pace:
    """Processor seconds: of one fit to ``samples`` samples, and of a pixel of the map."""

    samples: int
    fit: float
    pixel: float


@dataclass(frozen=True)
class WaveLayer:
    """Smooth waves, one band each, computed where they are read: stands for imagery."""

    grid: Grid
    count: int

    @property
    def bands(self) -> tuple[str, ...]:
        """Numbered bands."""
        return tuple(f"wave{number + 1}" for number in range(self.count))

    def read(self, window: Window) -> Block:
        """Compute the waves, with a texture of single pixels."""
        easting, northing = self.grid.coordinates(window)
        east, north = easting[None, :], northing[:, None]
        texture = np.sin(12.9898 * east / self.grid.pixel_width + 78.233 * north)
        waves = [
            np.sin(east / (700.0 + 90 * k)) * np.cos(north / (900.0 - 30 * k)) + 0.2 * texture
            for k in range(self.count)
        ]
        return np.stack(waves).astype(np.float32)


_timed: dict[tuple[str, str, Ground], Pace] = {}


def timed(model: str, options: Settings, ground: Ground) -> Pace:
    """Fit a model to simulated samples, and read a window of its map; the second time counts.

    Parameters
    ----------
    model, options
        Word of the model, and its options.
    ground
        What is fitted; more samples than ``MOST_SAMPLES`` are left out, at the same spacing.
    """
    key = (model, options.model_dump_json(), ground)
    if key not in _timed:
        _timed[key] = _time(model, options, ground)
    return _timed[key]


def _time(model: str, options: Settings, ground: Ground) -> Pace:
    features, observations = _problem(ground)

    def fit() -> FusionModel:
        return make_model(model, options).fit(observations, features)

    with threadpool_limits(1, user_api="blas"):
        layer = fit().layer(features)
        grid = layer.grid
        window = Window(0, 0, min(SIDE, grid.height), min(SIDE, grid.width))
        layer.read(window)
        seconds = _processor_seconds(lambda: layer.read(window))
        return Pace(
            len(observations), _processor_seconds(fit), seconds / (window.height * window.width)
        )


@cache
def timed_file() -> float:
    """Processor seconds that a pixel of a map takes to write: what a larger file takes longer."""
    with tempfile.TemporaryDirectory() as folder:
        few, many = (_written(Path(folder) / "map.tif", side) for side in (SIDE, 4 * SIDE))
    return max(many - few, 1e-3 * many) / (15 * SIDE**2)


def _written(path: Path, side: int) -> float:
    """Processor seconds of writing a map of so many pixels across; the second time counts."""
    grid = Grid.from_bounds(32638, (0, 0, 10 * side, 10 * side), 10)
    waves = WaveLayer(grid, 1)
    layer: Layer = ArrayLayer(grid, waves.bands, waves.read(grid.whole))
    Blocks(workers=1).write(layer, path)
    return _processor_seconds(lambda: Blocks(workers=1).write(layer, path))


def _processor_seconds(task: Callable[[], object]) -> float:
    begun = time.process_time()
    task()
    return max(time.process_time() - begun, 1e-9)


def _problem(ground: Ground) -> tuple[Features, Observations]:
    """Simulate samples at the spacing and support of the survey, over waves of as many bands."""
    rng = np.random.default_rng(0)
    count = min(ground.samples, MOST_SAMPLES)
    side = max(ground.spacing_m * np.sqrt(count), 40 * ground.pixel_m)
    grid = Grid.from_bounds(32638, (0, 0, side, side), ground.pixel_m)
    points = Points(rng.uniform(0.0, side, (count, 2)), support_m=ground.support_m)
    if ground.mixings:
        points = replace(points, grounds=_catchments(points.coordinates, side, ground.mixings))
    plain = np.sin(points.coordinates / (0.2 * side)).sum(axis=1) + 0.3 * rng.normal(size=count)
    if not ground.features:
        return NoFeatures(grid), Observations(points, plain)
    features = LayerFeatures(WaveLayer(grid, ground.features), Blocks(workers=1))
    return features, Observations(points, plain + features.at(points)[:, 0])


def _catchments(places: Array, side: float, mixings: int) -> Grounds:
    """Give every sample the ground nearest to it and that of the sample before.

    The mixings that can be weighed are as many as asked for: half of them go by slope.
    """
    grid = Grid.from_bounds(32638, (0, 0, side, side), side / CELLS)
    easting, northing = grid.coordinates()
    cells = np.stack(np.meshgrid(easting, northing), axis=-1)
    away, owner = cKDTree(places).query(cells)
    count = len(places)
    slope = 0.1 + 0.05 * np.sin(cells[..., 0] / (0.05 * side))
    lengths = tuple(side / 2.0**k for k in range(mixings // 2 - 1))
    transport = Transport(
        slope.astype(np.float32), away.astype(np.float32), np.zeros(count), lengths
    )
    basins = Basins(grid, owner.astype(np.int32), count, transport=transport)
    return Grounds.of(basins, np.eye(count, dtype=int) + np.eye(count, k=-1, dtype=int))
