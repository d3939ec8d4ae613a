"""Regression kriging is held against scikit-learn, kriging done directly and a known truth."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsRegressor

from gossan.arrays.folds import random_folds
from gossan.errors import FitError
from gossan.fusion.features.sources import ColumnFeatures, NoFeatures
from gossan.fusion.kriging_model import KrigingModel
from gossan.fusion.protocol import Observations, Points
from gossan.fusion.rivals.regression_kriging import RegressionKriging, RegressionKrigingSettings
from gossan.geo.grid import Window
from gossan.geochem.kriging.estimator import Kriging

from ..simulated import simulate


def _mse(model: object, case: object) -> float:
    found = model.predict(case.check.points, case.features).mean  # type: ignore[attr-defined]
    return float(np.mean((found - case.check.values) ** 2))  # type: ignore[attr-defined]


@pytest.mark.parametrize(("word", "least"), [("ridge", 0.5), ("forest", 0.15), ("boosting", 0.15)])
def test_every_regressor_beats_kriging_where_the_imagery_tells(word: str, least: float) -> None:
    case = simulate()
    settings = RegressionKrigingSettings(regressor=word)
    model = RegressionKriging(settings).fit(case.observations, case.features)
    base = KrigingModel().fit(case.observations, case.features)
    assert 1 - _mse(model, case) / _mse(base, case) > least


def test_it_is_the_mean_of_the_fold_fits_plus_the_kriged_left_out_residual() -> None:
    case = simulate()
    model = RegressionKriging(
        RegressionKrigingSettings(regressor=LinearRegression(), windows="survey")
    )
    model.fit(case.observations, case.features)
    x, y = case.features.at(case.observations.points), case.observations.values
    folds = random_folds(len(y), 5, 0)
    fits = [LinearRegression().fit(x[folds != k], y[folds != k]) for k in range(5)]
    left = np.array([fits[folds[i]].predict(x[[i]])[0] for i in range(len(y))])
    kriging = Kriging(model.variogram_, method="simple", mean=0.0)
    kriging.fit(case.observations.points.coordinates, y - left)
    residual, variance = kriging.predict(case.check.points.coordinates)
    each = np.stack([f.predict(case.features.at(case.check.points)) for f in fits])
    found = model.predict(case.check.points, case.features)
    np.testing.assert_allclose(found.mean, each.mean(axis=0) + residual, rtol=1e-9)
    jackknife = 4 / 5 * ((each - each.mean(axis=0)) ** 2).sum(axis=0)
    np.testing.assert_allclose(found.standard_error**2, variance + jackknife, rtol=1e-9)


def test_any_scikit_learn_regressor_serves_and_anything_else_is_refused() -> None:
    case = simulate()
    settings = RegressionKrigingSettings(regressor=KNeighborsRegressor(5))
    assert np.isfinite(
        _mse(RegressionKriging(settings).fit(case.observations, case.features), case)
    )
    with pytest.raises(ValueError):
        RegressionKrigingSettings(regressor="magic")


def test_intervals_cover_new_samples_about_as_often_as_they_say() -> None:
    case = simulate(n=300)
    model = RegressionKriging().fit(case.observations, case.features)
    found = model.predict(case.check.points, case.features)
    inside = np.abs(found.mean - case.check.values) <= 1.645 * found.standard_error
    assert 0.85 <= inside.mean() <= 0.975  # the field is smoother than the model


def test_the_map_agrees_with_the_points_and_blocks_do_not_matter() -> None:
    case = simulate(holes=True)
    model = RegressionKriging(RegressionKrigingSettings(lattice_m=60.0))
    model.fit(case.observations, case.features)
    layer = model.layer(case.features)
    whole = layer.read(layer.grid.whole)
    assert np.isfinite(whole).all()
    easting, northing = layer.grid.coordinates()
    rows, cols = np.array([3, 25, 70, 88]), np.array([5, 45, 99, 120])  # one lies in the hole
    points = Points(np.column_stack([easting[cols], northing[rows]]))
    found = model.predict(points, case.features)
    np.testing.assert_allclose(whole[0, rows, cols], found.mean, atol=0.03)
    np.testing.assert_allclose(whole[1, rows, cols], found.standard_error, atol=0.03)
    part = layer.read(Window(10, 20, 33, 47))
    np.testing.assert_allclose(part, whole[:, 10:43, 20:67], atol=1e-5)


def test_where_a_feature_is_empty_the_kriged_baseline_stands_in() -> None:
    case = simulate(holes=True)
    model = RegressionKriging().fit(case.observations, case.features)
    base = KrigingModel().fit(case.observations, case.features).layer(case.features)
    hole = Window(22, 32, 15, 25)
    np.testing.assert_allclose(model.layer(case.features).read(hole), base.read(hole), rtol=1e-6)


def test_columns_of_the_survey_serve_points_and_a_map_is_refused() -> None:
    case = simulate()
    columns = {name: v for name, v in zip("abc", case.features.at(case.observations.points).T)}
    points = Points(case.observations.points.coordinates, 0.0, columns)
    table = ColumnFeatures(("a", "b", "c"), case.features.grid)
    survey = RegressionKrigingSettings(windows="survey")
    model = RegressionKriging(survey).fit(Observations(points, case.observations.values), table)
    raster = RegressionKriging(survey).fit(case.observations, case.features)
    np.testing.assert_allclose(
        model.predict(points, table).mean,
        raster.predict(case.observations.points, case.features).mean,
    )
    with pytest.raises(FitError, match="columns of the survey"):
        model.layer(table)


def test_no_features_or_too_few_filled_ones_are_refused() -> None:
    case = simulate()
    with pytest.raises(FitError, match="at least one"):
        RegressionKriging().fit(case.observations, NoFeatures(case.features.grid))
    away = Points(case.observations.points.coordinates + 1e6)
    with pytest.raises(FitError, match="samples with every feature"):
        RegressionKriging().fit(Observations(away, case.observations.values), case.features)
