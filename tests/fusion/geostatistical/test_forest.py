"""The forest on top of the geostatistical model."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gossan.fusion.features.sources import LayerFeatures
from gossan.fusion.geostatistical.forest import (
    GeostatisticalForest,
    GeostatisticalForestSettings,
)
from gossan.fusion.geostatistical.model import Geostatistical, GeostatisticalSettings
from gossan.fusion.protocol import Observations, Points
from gossan.fusion.rivals.regression_kriging import RegressionKriging, RegressionKrigingSettings
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import ArrayLayer

GRID = Grid.from_bounds(32638, (400_000, 2_500_000, 409_000, 2_506_000), (90.0, 60.0))


def scene(seed: int = 0, hole: bool = False) -> LayerFeatures:
    rng = np.random.default_rng(seed)
    bands = rng.normal(size=(2, GRID.height, GRID.width)).astype(np.float32)
    if hole:
        bands[0, 20:30, 40:60] = np.nan
    return LayerFeatures(ArrayLayer(GRID, ("one", "two"), bands))


def observe(features: LayerFeatures, bend: float, count: int = 240) -> Observations:
    """Values that follow the first band in a line and the second in a bow."""
    rng = np.random.default_rng(1)
    left, bottom, right, top = GRID.bounds
    points = Points(rng.uniform(0, 1, (count, 2)) * [right - left, top - bottom] + [left, bottom])
    x = np.nan_to_num(features.at(points))
    return Observations(points, x[:, 0] + bend * np.abs(x[:, 1]) + 0.1 * rng.normal(size=count))


def test_without_a_share_it_is_the_geostatistical_model() -> None:
    features = scene(hole=True)
    observed = observe(features, 1.0)
    plain = Geostatistical().fit(observed, features)
    none = GeostatisticalForest(GeostatisticalForestSettings(share=0.0)).fit(observed, features)
    np.testing.assert_array_equal(
        none.layer(features).read(GRID.whole)[0], plain.layer(features).read(GRID.whole)[0]
    )


def test_a_bow_is_followed_where_a_line_cannot() -> None:
    features = scene()
    observed = observe(features, 1.0)
    x = features.layer.read(GRID.whole)
    truth = x[0] + np.abs(x[1])
    errors = [
        np.mean((model.fit(observed, features).layer(features).read(GRID.whole)[0] - truth) ** 2)
        for model in (Geostatistical(), GeostatisticalForest())
    ]
    assert errors[1] < 0.75 * errors[0]


def test_a_line_is_hardly_bent() -> None:
    features = scene()
    observed = observe(features, 0.0)
    plain = Geostatistical().fit(observed, features).layer(features).read(GRID.whole)[0]
    bent = GeostatisticalForest().fit(observed, features).layer(features).read(GRID.whole)[0]
    assert np.std(bent - plain) < 0.05 * np.std(plain)


def test_map_and_points_agree_in_windows_of_any_size_and_at_holes() -> None:
    features = scene(hole=True)
    model = GeostatisticalForest().fit(observe(features, 1.0), features)
    layer = model.layer(features)
    whole = layer.read(GRID.whole)
    window = Window(13, 31, 41, 29)
    np.testing.assert_allclose(layer.read(window), whole[(slice(None), *window.slices)], atol=1e-5)
    easting, northing = GRID.coordinates(window)
    places = np.stack(np.meshgrid(easting, northing), axis=-1).reshape(-1, 2)
    found = model.predict(Points(places), features)
    off = found.mean.reshape(window.shape) - whole[(0, *window.slices)]
    assert np.abs(off).max() < 0.05
    plain = model.smooth_.layer(features).read(GRID.whole)[0]
    np.testing.assert_array_equal(whole[0, 20:30, 40:60], plain[20:30, 40:60])


def test_residuals_of_left_out_samples_are_those_of_a_model_without_them() -> None:
    features = scene()
    observed = observe(features, 0.5, 120)
    settings = GeostatisticalSettings(averaging="mode")
    model = Geostatistical(settings).fit(observed, features)
    held = np.arange(120) % 4 == 0
    left = model.residuals(held.astype(int))
    problem = model.problem_
    h = model.mixture_.members[0].hyperparameters
    phi = problem.columns[:, :-2]
    xy = observed.points.coordinates
    scale = problem.scales(h)
    signal = (phi * scale**2) @ phi.T + h.covariance.between(xy, xy)
    K = signal + np.diag(problem.noise(h))
    a, b = ~held, held
    inverse = np.linalg.inv(K[np.ix_(a, a)])
    one = np.ones(a.sum())
    level = one @ inverse @ observed.values[a] / (one @ inverse @ one)
    mean = level + signal[np.ix_(b, a)] @ inverse @ (observed.values[a] - level)
    np.testing.assert_allclose(left[b], observed.values[b] - mean, atol=1e-6)


def test_any_regressor_of_scikit_learn_serves_a_pipeline_too() -> None:
    features = scene()
    observed = observe(features, 0.0)
    pipeline = make_pipeline(StandardScaler(), LinearRegression())
    model = RegressionKriging(RegressionKrigingSettings(regressor=pipeline))
    found = model.fit(observed, features).predict(observed.points, features)
    assert np.corrcoef(found.mean, observed.values)[0, 1] > 0.98
