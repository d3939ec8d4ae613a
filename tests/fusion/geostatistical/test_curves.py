"""Additive curves: columns whose kernel is a sum of one-dimensional ones."""

from __future__ import annotations

import numpy as np

from gossan.fusion.features.nested import nested
from gossan.fusion.features.sources import LayerFeatures
from gossan.fusion.geostatistical.curves import KNOTS, REACH, Curves, add_terms
from gossan.fusion.geostatistical.mean_map import MeanMap
from gossan.fusion.geostatistical.model import Geostatistical, GeostatisticalSettings
from gossan.fusion.pixel_features import PixelFeatures
from gossan.fusion.protocol import Observations, Points
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer

GRID = Grid.from_bounds(32638, (400_000, 2_500_000, 409_000, 2_506_000), (90.0, 60.0))
CURVED = GeostatisticalSettings(nonlinear="curves", averaging="mode", correlation="exponential")


def test_all_components_together_have_the_kernel_of_the_prior() -> None:
    """At the knots the interpolation is exact, so the kernel is the squared exponential."""
    knots = np.linspace(-REACH, REACH, KNOTS)
    rng = np.random.default_rng(0)
    design = rng.choice(knots, size=(400, 2))
    curves = Curves.of(design, components=1000)
    columns = curves(design) / np.sqrt(len(curves.mean))
    lag = design[:, None] - design
    kernel = np.exp(-0.5 * lag**2).mean(axis=2)
    centre = np.eye(400) - 1 / 400
    np.testing.assert_allclose(columns @ columns.T, centre @ kernel @ centre, atol=1e-4)


def test_pixels_and_samples_have_the_same_columns_and_curves_are_flat_beyond_the_knots() -> None:
    rng = np.random.default_rng(1)
    design = rng.normal(size=(60, 4))
    curves = Curves.of(design)
    wide = np.vstack([design, 9 * design])
    np.testing.assert_allclose(
        curves.of_pixels(wide.T.astype(np.float32)).T, curves(wide), atol=2e-5
    )
    b = rng.normal(size=len(curves.mean))
    slopes, mean, deviation = rng.normal(size=(3, 4))
    raw = (mean + deviation * wide).T.astype(np.float32)
    features = np.arange(4), mean.astype(np.float32), (1 / deviation).astype(np.float32)
    found = np.ones(len(wide), np.float32)
    add_terms(raw, features, slopes.astype(np.float32), *curves.bends(b), found)
    np.testing.assert_allclose(found, 1 + curves(wide) @ b + wide @ slopes, atol=2e-5)
    ends = np.full((1, 4), REACH)
    np.testing.assert_allclose(curves(ends), curves(3 * ends))


def scene(hole: bool = False) -> tuple[LayerFeatures, Observations]:
    """Two bands; the values follow the first in a line and the second in a bow."""
    rng = np.random.default_rng(0)
    bands = rng.normal(size=(2, GRID.height, GRID.width)).astype(np.float32)
    if hole:
        bands[0, 20:30, 40:60] = np.nan
    features = LayerFeatures(ArrayLayer(GRID, ("one", "two"), bands))
    left, bottom, right, top = GRID.bounds
    points = Points(rng.uniform(0, 1, (240, 2)) * [right - left, top - bottom] + [left, bottom])
    x = np.nan_to_num(features.at(points))
    values = x[:, 0] + np.abs(x[:, 1]) + 0.1 * rng.normal(size=240)
    return features, Observations(points, values)


def test_a_bow_is_followed_where_a_line_cannot() -> None:
    features, observed = scene()
    x = features.layer.read(GRID.whole)
    truth = x[0] + np.abs(x[1])
    errors = []
    for settings in (GeostatisticalSettings(), CURVED):
        found = Geostatistical(settings).fit(observed, features).layer(features)
        errors.append(np.mean((found.read(GRID.whole)[0] - truth) ** 2))
    assert errors[1] < 0.25 * errors[0]


def test_the_mean_alone_is_that_of_the_full_map_and_of_points() -> None:
    features, observed = scene(hole=True)
    model = Geostatistical(CURVED).fit(observed, features)
    full = model.layer(features).read(GRID.whole)[0]
    raw = nested(features, model.widths_, observed.points).layer.read(GRID.whole)
    alone = MeanMap.of(model, GRID).at_pixels(PixelFeatures(raw, GRID.whole))
    np.testing.assert_allclose(alone, full, atol=0.05 * full.std())
    easting, northing = GRID.coordinates()
    places = Points(np.stack(np.meshgrid(easting, northing), axis=-1).reshape(-1, 2))
    found = model.predict(places, features).mean.reshape(GRID.shape)
    assert np.sqrt(np.mean((alone - found) ** 2)) < 0.01 * full.std()
