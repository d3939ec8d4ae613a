"""Kriging-prior regression: what kriging says is a feature, and never of the sample itself."""

from __future__ import annotations

import numpy as np
import pytest

from gossan.arrays.folds import random_folds
from gossan.errors import FitError
from gossan.fusion.features.sources import NoFeatures
from gossan.fusion.kriging_model import KrigingModel
from gossan.fusion.rivals.kriging_prior import KrigingPrior, KrigingPriorSettings
from gossan.geo.grid import Window
from gossan.geochem.kriging.estimator import Kriging

from ..simulated import simulate


def test_a_sample_is_kriged_for_training_without_its_own_fold() -> None:
    case = simulate(n=90)
    model = KrigingPrior().fit(case.observations, case.features)
    prior = model._out_of_fold(case.observations, case.features)
    xy, y = case.observations.points.coordinates, case.observations.values
    rest = random_folds(90, 10, 0) != 3
    kriging = Kriging(model.kriging_.variogram_, neighbours=32).fit(xy[rest], y[rest])
    estimate, variance = kriging.predict(xy[~rest])
    np.testing.assert_allclose(prior[~rest, 0], estimate, rtol=1e-9)
    np.testing.assert_allclose(prior[~rest, 1] ** 2, variance, rtol=1e-9)


def test_it_beats_kriging_where_the_imagery_tells() -> None:
    case = simulate(share=0.6, n=300)
    errors = []
    for model in (KrigingPrior(), KrigingModel()):
        found = model.fit(case.observations, case.features)
        off = found.predict(case.check.points, case.features).mean - case.check.values
        errors.append(np.mean(off**2))
    assert errors[0] < 0.8 * errors[1]


def test_kriging_is_looked_at_first_where_the_imagery_tells_nothing() -> None:
    case = simulate(share=0.0, n=300)
    table = KrigingPrior().fit(case.observations, case.features).tables_["importance"]
    assert table.feature.iloc[0] == "kriged"
    assert table.importance.iloc[0] > 0.5


def test_intervals_cover_new_samples_about_as_often_as_they_say() -> None:
    case = simulate(n=300)
    model = KrigingPrior().fit(case.observations, case.features)
    found = model.predict(case.check.points, case.features)
    inside = np.abs(found.mean - case.check.values) <= 1.645 * found.standard_error
    assert 0.85 <= inside.mean() <= 0.96


def test_the_map_agrees_with_the_points_and_is_kriged_where_the_imagery_is_empty() -> None:
    case = simulate(holes=True)
    model = KrigingPrior(KrigingPriorSettings(lattice_m=60.0))
    model.fit(case.observations, case.features)
    layer = model.layer(case.features)
    whole = layer.read(layer.grid.whole)
    window = Window(13, 21, 30, 40)
    np.testing.assert_array_equal(layer.read(window), whole[(slice(None), *window.slices)])
    empty = ~np.isfinite(case.features.layer.read(layer.grid.whole)).all(axis=0)
    kriged = model.kriging_.layer(case.features).read(layer.grid.whole)
    np.testing.assert_array_equal(whole[:, empty], kriged[:, empty])


def test_features_are_asked_for() -> None:
    case = simulate(n=60)
    with pytest.raises(FitError, match="features must be at least one"):
        KrigingPrior().fit(case.observations, NoFeatures(case.features.grid))
