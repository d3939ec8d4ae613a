"""The guarded pyramid: between the kriged map and the pyramid, as held-out samples decide."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gossan.fusion.features.sources import LayerFeatures
from gossan.fusion.protocol import Points
from gossan.fusion.pyramid.guarded import GuardedPyramid, GuardedPyramidSettings, injection_factor
from gossan.geo.grid import Window
from gossan.geo.layer import ArrayLayer

from ..simulated import simulate


@given(st.integers(0, 9999), st.floats(-0.5, 1.5))
def test_no_more_is_injected_than_explains_most(seed: int, true: float) -> None:
    rng = np.random.default_rng(seed)
    detail = rng.normal(size=50)
    left = true * detail + rng.normal(size=50)
    best = float(np.clip(np.linalg.lstsq(detail[:, None], left, rcond=None)[0][0], 0, 1))
    assert 0 <= injection_factor(detail, left) <= best
    assert injection_factor(detail, 5 * detail) == 1.0
    assert injection_factor(0 * detail, left) == 0.0


def test_the_map_lies_between_kriging_and_the_pyramid_and_agrees_with_the_points() -> None:
    case = simulate(n=120)
    settings = GuardedPyramidSettings(scope="global", number=5)
    model = GuardedPyramid(settings).fit(case.observations, case.features)
    assert 0 < model.factor_ <= 1 and model.ratio_ < 1
    layer = model.layer(case.features)
    whole = layer.read(layer.grid.whole)
    kriged = model.baseline_.layer(case.features).read(layer.grid.whole)[0]
    injected = model.pyramid_.layer(case.features).injected(layer.grid.whole)
    np.testing.assert_allclose(whole[0], kriged + model.factor_ * injected, atol=1e-5)
    easting, northing = layer.grid.coordinates()
    rows, cols = np.array([10, 45, 70]), np.array([15, 60, 100])
    found = model.predict(Points(np.column_stack([easting[cols], northing[rows]])), case.features)
    np.testing.assert_allclose(whole[0, rows, cols], found.mean, atol=0.1)
    part = layer.read(Window(10, 20, 33, 47))
    np.testing.assert_allclose(part, whole[:, 10:43, 20:67], atol=1e-5)


def test_masked_pixels_are_kriged() -> None:
    case = simulate(n=120, holes=True)
    settings = GuardedPyramidSettings(scope="global", number=5)
    model = GuardedPyramid(settings).fit(case.observations, case.features)
    layer, kriged = model.layer(case.features), model.baseline_.layer(case.features)
    empty = np.isnan(case.features.layer.read(layer.grid.whole)).any(axis=0)
    found, base = layer.read(layer.grid.whole)[0], kriged.read(layer.grid.whole)[0]
    np.testing.assert_array_equal(found[empty], base[empty])
    assert model.factor_ > 0 and (found[~empty] != base[~empty]).mean() > 0.99


def test_imagery_that_tells_nothing_is_hardly_injected() -> None:
    case = simulate(n=120, share=0.0)
    image = case.features.layer.read(case.features.grid.whole)[:, ::-1].copy()
    other = LayerFeatures(ArrayLayer(case.features.grid, ("a", "b", "c"), image))
    settings = GuardedPyramidSettings(scope="global", number=5)
    model = GuardedPyramid(settings).fit(case.observations, other)
    kriged, guarded, free = (
        np.mean((m.predict(case.check.points, other).mean - case.check.values) ** 2)
        for m in (model.baseline_, model, model.pyramid_)
    )
    assert free > 3 * kriged and guarded < 1.15 * kriged
