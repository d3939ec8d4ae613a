"""Listed targets against a simulated truth, of which the map knows the error it makes."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from affine import Affine
from pyproj import CRS
from scipy import ndimage

from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.targets.above import ExceedanceLayer
from gossan.targets.anomalies import AnomalySettings, find_anomalies
from gossan.targets.evidence import Evidence
from gossan.targets.patches import patches_at
from gossan.targets.smallest import open_share, smallest_area_km2

SHAPE = (260, 240)
GRID = Grid(CRS.from_epsg(32645), Affine(30.0, 0, 5e5, 0, -30.0, 4.4e6), *SHAPE)
SPACING_M, ERROR, LIMIT = 1200.0, 0.45, 1.2


def _smooth(rng: np.random.Generator, metres: float) -> np.ndarray:
    field = ndimage.gaussian_filter(rng.normal(size=SHAPE), metres / 30.0, mode="wrap")
    return field / field.std()


def _district(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw ln estimates, and the truth: off by an error alike over a third of the spacing."""
    rng = np.random.default_rng(seed)
    estimate = 0.7 * _smooth(rng, 700.0) + 0.4 * _smooth(rng, 120.0)
    return estimate, estimate + ERROR * _smooth(rng, 110.0)


def _inside(shapes: list, points: np.ndarray) -> np.ndarray:
    found = np.zeros((len(shapes), *SHAPE), bool)
    for i, shape in enumerate(shapes):
        shapely.prepare(shape)
        found[i] = shapely.contains_xy(shape, points[0], points[1])
    return found


@pytest.fixture(scope="module")
def judged() -> dict[str, tuple[int, int, float]]:
    """Number, right ones, and recall of the lists of sixteen districts together."""
    counts = {"targets": np.zeros(4), "patches": np.zeros(4)}
    points = np.array(np.meshgrid(*GRID.coordinates()))
    for seed in range(16):
        estimate, truth = _district(seed)
        true, threshold = truth >= LIMIT, float(np.exp(LIMIT))
        layer = ArrayLayer(GRID, ("Cu",), np.exp(estimate)[None])
        both = np.stack([estimate, np.full(SHAPE, ERROR)])
        working = ArrayLayer(GRID, ("estimate", "standard_error"), both)
        least = smallest_area_km2(SPACING_M, open_share(working, Blocks()))
        targets = find_anomalies(
            layer, threshold, element="Cu", settings=AnomalySettings(minimum_area_km2=least),
            evidence=Evidence(probability=ExceedanceLayer(working, LIMIT)),
        )  # fmt: skip
        lists = {
            "targets": list(targets.table.geometry),
            "patches": list(next(patches_at(layer, [threshold], minimum_pixels=4)).geometry),
        }
        for name, shapes in lists.items():
            masks = _inside(shapes, points)
            shares = np.array([true[mask].mean() for mask in masks])
            listed = masks.any(axis=0)
            counts[name] += [len(shapes), (shares >= 0.5).sum(), (listed & true).sum(), true.sum()]
    return {k: (int(n), int(right), hit / all_) for k, (n, right, hit, all_) in counts.items()}


def test_four_in_five_listed_targets_are_true(judged: dict[str, tuple[int, int, float]]) -> None:
    number, right, _ = judged["targets"]
    assert number >= 20 and right / number >= 0.8


def test_patches_of_pixels_are_mostly_wrong(judged: dict[str, tuple[int, int, float]]) -> None:
    number, right, _ = judged["patches"]
    assert right / number < 0.75 and number > 3 * judged["targets"][0]


def test_nothing_true_is_lost_for_it(judged: dict[str, tuple[int, int, float]]) -> None:
    assert judged["targets"][2] >= judged["patches"][2]
