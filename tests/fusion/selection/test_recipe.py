"""The recipe is the weighted mean of its members, at points and at pixels."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from gossan.fusion.features.sources import NoFeatures
from gossan.fusion.geostatistical.map_layer import PosteriorLayer
from gossan.fusion.protocol import Observations, Points
from gossan.fusion.selection.recipe import Recipe, RecipeSettings
from gossan.geo.grid import Window

from ..simulated import Case, simulate


def _at_pixels(case: Case, window: Window) -> Points:
    easting, northing = case.features.grid.coordinates(window)
    return Points(np.stack(np.meshgrid(easting, northing), axis=-1).reshape(-1, 2))


def _members(model: Recipe, points: Points, case: Case) -> list[np.ndarray]:
    assert model.curves_ is not None
    assert model.prior_ is not None
    smooth = model.forest_.smooth_
    shift = smooth.composite_.shift(smooth.mixture_, points.support_m)
    beside = smooth.predict(points, case.features).mean - shift
    return [
        model.forest_.predict(points, case.features).mean,
        model.curves_.predict(points, case.features).mean,
        model.prior_.predict(points, case.features, beside).mean + shift,
    ]


def test_it_is_the_weighted_mean_with_the_error_of_the_first() -> None:
    case = simulate()
    model = Recipe().fit(case.observations, case.features)
    found = model.predict(case.check.points, case.features)
    parts = _members(model, case.check.points, case)
    expected = 0.55 * parts[0] + 0.3 * parts[1] + 0.15 * parts[2]
    np.testing.assert_allclose(found.mean, expected, rtol=1e-12)
    smooth = model.forest_.smooth_.predict(case.check.points, case.features)
    spread = model.forest_.spread_(found.mean)
    np.testing.assert_array_equal(found.standard_error, smooth.standard_error * spread)


@pytest.mark.parametrize("holes", [False, True])
def test_the_map_is_the_mean_of_the_members_at_the_pixels(holes: bool) -> None:
    case = simulate(holes=holes)
    model = Recipe().fit(case.observations, case.features)
    layer = model.layer(case.features)
    window = Window(11, 20, 31, 47)
    whole = layer.read(case.features.grid.whole)
    np.testing.assert_allclose(layer.read(window), whole[(slice(None), *window.slices)], atol=2e-5)
    points = _at_pixels(case, window)
    off = model.predict(points, case.features).mean.reshape(window.shape)
    off -= whole[(0, *window.slices)]
    spread = whole[0].std()
    assert np.sqrt(np.mean(off**2)) < 0.02 * spread  # a forest jumps where kriging is rounded
    assert np.isfinite(whole).all()


def test_elements_are_mapped_together_as_they_are_alone() -> None:
    case = simulate()
    other = Observations(case.observations.points, case.observations.values[::-1].copy())
    layers = [
        Recipe().fit(o, case.features).layer(case.features) for o in (case.observations, other)
    ]
    joined = layers[0].join(layers[1:])
    assert isinstance(joined, PosteriorLayer)
    window = Window(5, 5, 40, 60)
    alone = np.concatenate([layer.read(window) for layer in layers])
    np.testing.assert_array_equal(joined.read(window), alone)


def test_without_features_it_is_the_geostatistical_model() -> None:
    case = simulate()
    features = NoFeatures(case.features.grid)
    model = Recipe().fit(case.observations, features)
    assert model.shares_ == (1.0, 0.0, 0.0)
    found = model.predict(case.check.points, features)
    plain = model.forest_.predict(case.check.points, features)
    np.testing.assert_array_equal(found.mean, plain.mean)


def test_a_composite_is_corrected_in_every_member() -> None:
    case = simulate()
    observed = Observations(
        Points(case.observations.points.coordinates, 240.0), case.observations.values
    )
    model = Recipe().fit(observed, case.features)
    assert model._shift(0.0) < 0
    points = _at_pixels(case, Window(30, 40, 10, 10))
    first, curves, prior = _members(model, points, case)
    expected = 0.55 * first + 0.3 * curves + 0.15 * prior
    np.testing.assert_allclose(model.predict(points, case.features).mean, expected, rtol=1e-12)


def test_a_share_of_nothing_leaves_the_member_out() -> None:
    case = simulate(n=80)
    alone = RecipeSettings(curves_share=0.0, prior_share=0.0)
    model = Recipe(alone).fit(case.observations, case.features)
    window = Window(0, 0, 30, 30)
    np.testing.assert_array_equal(
        model.layer(case.features).read(window),
        model.forest_.layer(case.features).read(window),
    )


def test_the_fitted_model_and_its_map_survive_a_pickle() -> None:
    case = simulate(n=80)
    model = pickle.loads(pickle.dumps(Recipe().fit(case.observations, case.features)))
    found = model.predict(case.check.points, case.features)
    assert np.isfinite(found.mean).all()
