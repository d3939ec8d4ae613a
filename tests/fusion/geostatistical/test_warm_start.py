"""A fit that begins where another one ended finds what its own samples say."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from gossan.fusion.cross_validation import cross_predict, warm_started
from gossan.fusion.geostatistical.hyperparameters import find_mode, nearby_mode
from gossan.fusion.geostatistical.model import Geostatistical, GeostatisticalSettings
from gossan.fusion.registry import factory_of
from gossan.fusion.selection.recipe import Recipe
from gossan.geochem.covariance.vecchia import NearestSamples

from ..simulated import Case, simulate

SETTINGS = [
    GeostatisticalSettings(),
    GeostatisticalSettings(averaging="mode"),
    GeostatisticalSettings(averaging="mode", nonlinear="curves", correlation="exponential"),
]


def other(case: Case) -> np.ndarray:
    """Give every third sample the value of another one."""
    values = case.observations.values.copy()
    values[::3] = np.roll(values[::3], 1)
    return values


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("n", [120, 450])
def test_the_mode_does_not_depend_on_where_the_search_begins(
    n: int, settings: GeostatisticalSettings
) -> None:
    """It is as probable as the one found from afar, whatever the first fit was to."""
    case = simulate(n=n)
    cold = Geostatistical(settings).fit(case.observations, case.features)
    elsewhere = replace(case.observations, values=other(case))
    begun = Geostatistical(settings).fit(elsewhere, case.features).restarted()
    assert begun.start is not None
    warm = begun.fit(case.observations, case.features)
    for one, two in zip(cold.found_.modes, warm.found_.modes):
        if len(one) == len(cold.problem_.bounds()):
            low, high = (cold.problem_.value(t, cold.samples_) for t in (one, two))
            assert high < low + 0.1
    a, b = (m.predict(case.check.points, case.features).mean for m in (cold, warm))
    assert np.sqrt(np.mean((a - b) ** 2)) < 0.1 * a.std()  # ten sets of hyperparameters are few


def test_near_the_mode_few_steps_lead_to_it() -> None:
    case = simulate(n=150)
    model = Geostatistical(GeostatisticalSettings(averaging="mode"))
    model.fit(case.observations, case.features)
    mode, curvature = model.found_.modes[0], model.found_.curvatures[0]
    assert curvature is not None
    rng = np.random.default_rng(0)
    best = model.problem_.value(mode, model.samples_)
    for _ in range(5):
        away = mode + curvature.spread @ rng.normal(size=len(mode))
        _, value = nearby_mode(model.problem_, model.samples_, away, curvature)
        assert value == pytest.approx(best, abs=0.03)


@pytest.mark.parametrize("nonlinear", ["none", "curves"])
def test_few_neighbours_lead_to_the_mode_of_many(nonlinear: str) -> None:
    """A survey that is conditioned on neighbours finds the mode that a search by them all finds."""
    case = simulate(n=450)
    options = {"averaging": "mode", "nonlinear": nonlinear, "exact_samples": 100}
    model = Geostatistical(GeostatisticalSettings(**options))
    model.fit(case.observations, case.features)
    assert isinstance(model.samples_, NearestSamples)
    found = [m for m in model.found_.modes if len(m) == len(model.problem_.bounds())]
    best = find_mode(model.problem_, model.samples_)[1]
    assert [model.problem_.value(m, model.samples_) < best + 0.05 for m in found] == [True]


def test_warm_folds_say_what_cold_ones_say() -> None:
    case = simulate(n=150)
    folds = np.arange(150) % 5
    factory = factory_of("recipe")
    fitted = factory().fit(case.observations, case.features)
    cold, warm = (
        cross_predict({"": f}, case.observations, case.features, folds, known=True)
        for f in (factory, warm_started(factory, fitted))
    )
    off = cold.estimate - warm.estimate
    assert np.sqrt(np.mean(off**2)) < 0.05 * cold.estimate.std()
    errors = [np.mean((table.estimate - table.observed) ** 2) for table in (cold, warm)]
    assert errors[0] == pytest.approx(errors[1], rel=0.05)


def test_what_folds_are_given_is_small_and_pickles() -> None:
    """No factorised covariance travels to the workers of a cluster."""
    case = simulate(n=150)
    fresh = Recipe().fit(case.observations, case.features).restarted()
    text = pickle.dumps(fresh)
    assert len(text) < 20_000
    again = pickle.loads(text).fit(case.observations, case.features)
    found = fresh.fit(case.observations, case.features)
    np.testing.assert_array_equal(
        *(m.predict(case.check.points, case.features).mean for m in (again, found))
    )
