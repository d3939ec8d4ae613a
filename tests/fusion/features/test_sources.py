from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from pyproj import CRS

from gossan.errors import FitError
from gossan.fusion.features.sources import ColumnFeatures, LayerFeatures
from gossan.fusion.protocol import Observations, Points
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import ArrayLayer

GRID = Grid(CRS.from_epsg(32638), Affine(30.0, 0, 411_000.0, 0, -20.0, 2_700_000.0), 40, 60)


def features() -> LayerFeatures:
    values = np.random.default_rng(5).normal(size=(2, *GRID.shape)).astype(np.float32)
    values[:, 10:20, 10:20] = np.nan
    return LayerFeatures(ArrayLayer(GRID, ("pc1", "pc2"), values))


def test_support_means_agree_with_a_plain_loop() -> None:
    given = features()
    rng = np.random.default_rng(1)
    left, bottom, right, top = GRID.bounds
    places = np.column_stack([rng.uniform(left, right, 50), rng.uniform(bottom, top, 50)])
    found = given.at(Points(places, support_m=150.0))
    easting, northing = GRID.coordinates()
    for place, value in zip(places, found):
        row = np.argmin(np.abs(northing - place[1]))
        col = np.argmin(np.abs(easting - place[0]))
        rows = np.abs(northing - northing[row]) <= 75.0
        cols = np.abs(easting - easting[col]) <= 75.0
        window = given.layer.array[:, rows][:, :, cols].reshape(2, -1)
        filled = window[:, np.isfinite(window[0])]
        expected = filled.mean(axis=1, dtype=float) if filled.size else [np.nan, np.nan]
        np.testing.assert_allclose(value, expected, rtol=1e-6)


def test_a_point_off_the_imagery_is_empty() -> None:
    assert np.isnan(features().at(Points(np.array([[0.0, 0.0]])))).all()


def test_a_missing_covariate_is_named() -> None:
    with pytest.raises(FitError, match="'k_gamma'"):
        ColumnFeatures(("k_gamma",), GRID).at(Points(np.zeros((2, 2))))


def test_empty_values_are_refused_at_the_door() -> None:
    with pytest.raises(FitError, match="finite"):
        Observations(Points(np.zeros((2, 2))), np.array([1.0, np.nan]))


def test_a_part_of_known_points_is_answered_without_reading_again() -> None:
    class Counting:
        grid = Grid.from_bounds(32638, (0, 0, 300, 200), 10)
        bands = ("a",)
        reads = 0

        def read(self, window: Window) -> np.ndarray:
            self.reads += 1
            rows, cols = np.mgrid[window.slices]
            return (rows * 100.0 + cols).astype(np.float32)[None]

    layer = Counting()
    features = LayerFeatures(layer)
    xy = np.random.default_rng(0).uniform(0, 200, (30, 2))
    every = features.at(Points(xy))
    before = layer.reads
    np.testing.assert_array_equal(features.at(Points(xy[::-3])), every[::-3])
    assert layer.reads == before
    features.at(Points(xy, support_m=30.0))
    assert layer.reads > before
