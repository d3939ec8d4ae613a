"""The standard error follows the estimate where the residuals do."""

from __future__ import annotations

import numpy as np

from gossan.fusion.geostatistical.forest import GeostatisticalForest
from gossan.fusion.geostatistical.spread import Spread
from gossan.fusion.protocol import Observations
from gossan.geo.grid import Window

from ..simulated import simulate


def thirds(model: GeostatisticalForest, check: Observations, features: object) -> list[float]:
    """Share of new samples inside 90 % intervals, by thirds of the estimate."""
    found = model.predict(check.points, features)  # type: ignore[arg-type]
    inside = np.abs(found.mean - check.values) < 1.6449 * found.standard_error
    third = np.argsort(np.argsort(found.mean)) * 3 // len(inside)
    return [float(inside[third == k].mean()) for k in range(3)]


def test_low_values_that_scatter_more_get_wider_intervals() -> None:
    case = simulate(n=400, noise=0.0)
    rng = np.random.default_rng(0)
    every = [case.observations, case.check]
    noisy = [
        Observations(
            o.points, o.values + 0.5 * np.exp(-0.7 * (o.values - 3)) * rng.normal(size=400)
        )
        for o in every
    ]
    model = GeostatisticalForest().fit(noisy[0], case.features)
    assert model.spread_ is not None
    assert model.spread_.slope < -0.1
    scaled = thirds(model, noisy[1], case.features)
    model.spread_ = None
    plain = thirds(model, noisy[1], case.features)
    assert max(abs(c - 0.9) for c in scaled) < max(abs(c - 0.9) for c in plain)


def test_residuals_that_do_not_change_with_the_estimate_change_nothing() -> None:
    rng = np.random.default_rng(1)
    found = Spread.of(rng.normal(size=4000), rng.normal(size=4000))
    np.testing.assert_allclose(found(np.linspace(-2, 2, 9)), 1.0, atol=0.06)


def test_few_samples_change_little_and_one_value_nothing() -> None:
    rng = np.random.default_rng(2)
    z = rng.normal(size=12)
    few = Spread.of(np.exp(-z) * rng.normal(size=12), z)
    often = np.tile(z, 700)
    many = Spread.of(np.exp(-often) * rng.normal(size=often.size), often)
    assert abs(few.slope) < 0.5 * abs(many.slope)
    assert Spread.of(np.ones(5), np.ones(5))(np.array([3.0])) == 1.0


def test_map_and_points_scale_the_error_of_the_geostatistical_model() -> None:
    case = simulate(n=200)
    model = GeostatisticalForest().fit(case.observations, case.features)
    spread = model.spread_ = Spread(3.0, 0.5, 0.1, -0.3)
    window = Window(10, 10, 30, 30)
    estimate, error = model.layer(case.features).read(window)
    plain = model.smooth_.layer(case.features).read(window)[1]
    np.testing.assert_allclose(error, plain * spread(estimate), rtol=1e-5)
    found = model.predict(case.check.points, case.features)
    smooth = model.smooth_.predict(case.check.points, case.features)
    np.testing.assert_allclose(found.standard_error, smooth.standard_error * spread(found.mean))
