"""A small simulated case: features, a Gaussian residual, samples with the mean over a support."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from affine import Affine
from pyproj import CRS
from scipy.ndimage import gaussian_filter

from gossan.fusion.features.sources import LayerFeatures
from gossan.fusion.protocol import Observations, Points
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer


@dataclass(frozen=True)
class Case:
    """Hold samples, features and the truth at every pixel."""

    observations: Observations
    check: Observations
    features: LayerFeatures
    truth: np.ndarray


def simulate(
    n: int = 160, share: float = 0.6, noise: float = 0.15, holes: bool = False, seed: int = 11
) -> Case:
    """Simulate y = features . beta + smooth residual + noise; a share is imagery's."""
    rng = np.random.default_rng(seed)
    grid = Grid(CRS.from_epsg(32638), Affine(60, 0, 400_130, 0, -40, 2_706_070), 90, 130)
    image = np.stack([gaussian_filter(rng.normal(size=grid.shape), s) for s in (1.0, 2.0, 6.0)])
    image /= image.std(axis=(1, 2), keepdims=True)
    signal = image[0] - 0.8 * image[1]
    residual = gaussian_filter(rng.normal(size=grid.shape), 9.0)
    truth = np.sqrt(share) * signal / signal.std()
    truth = truth + np.sqrt(1 - share) * residual / residual.std() + 3.0
    if holes:
        image[:, 20:40, 30:60] = np.nan
    features = LayerFeatures(ArrayLayer(grid, ("a", "b", "c"), image))
    rows, cols = rng.integers(0, 90, 2 * n), rng.integers(0, 130, 2 * n)
    easting, northing = grid.coordinates()
    xy = np.column_stack([easting[cols], northing[rows]]) + rng.uniform(-9, 9, (2 * n, 2))
    values = truth[rows, cols] + noise * rng.normal(size=2 * n)
    every = Observations(Points(xy), values)
    return Case(every.subset(np.arange(n)), every.subset(np.arange(n, 2 * n)), features, truth)
