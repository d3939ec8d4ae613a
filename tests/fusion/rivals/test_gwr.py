"""Local regression is held against brute force: every result is linear in the values."""

from __future__ import annotations

import numpy as np
import pytest

from gossan.fusion.kriging_model import KrigingModel
from gossan.fusion.protocol import Observations, Points
from gossan.fusion.rivals.gwr import GeographicallyWeighted, GeographicallyWeightedSettings
from gossan.fusion.rivals.local_regression import LocalRegression
from gossan.geo.grid import Window

from ..simulated import simulate


def _small() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(8)
    xy, x = rng.uniform(0, 1000, (40, 2)), rng.normal(size=(40, 2)) * [3.0, 0.2] + [5.0, 1.0]
    return xy, x, x @ [0.4, 2.0] + rng.normal(size=40)


def test_coefficients_are_those_of_weighted_least_squares_when_the_penalty_vanishes() -> None:
    xy, x, y = _small()
    local = LocalRegression(xy, x, y, 15, 1e-12)
    target = np.array([[420.0, 610.0]])
    d = np.linalg.norm(xy - target, axis=1)
    near = np.argsort(d)[:15]
    w = (1 - (d[near] / d[near].max()) ** 2) ** 2
    design = np.column_stack([np.ones(15), x[near]])
    root = np.sqrt(w)[:, None]
    expected = np.linalg.lstsq(design * root, y[near] * root[:, 0], rcond=None)[0]
    coefficients, _ = local.at(target)
    assert local.design(x[:1]) @ coefficients[0] == pytest.approx(
        [expected[0] + x[0] @ expected[1:]], rel=1e-5
    )


def test_covariance_and_leverage_are_those_of_the_map_from_values_to_results() -> None:
    xy, x, y = _small()
    local = LocalRegression(xy, x, y, 15, 7.0)
    target = np.array([[420.0, 610.0], [0.0, 999.0]])
    units = [LocalRegression(xy, x, unit, 15, 7.0) for unit in np.eye(40)]
    through = np.stack([u.at(target)[0] for u in units], axis=-1)
    coefficients, covariance = local.at(target)
    np.testing.assert_allclose(coefficients, through @ y, rtol=1e-9)
    expected = local.sigma2 * np.einsum("tik,tjk->tij", through, through)
    np.testing.assert_allclose(covariance, expected, rtol=1e-8, atol=1e-12)
    at_samples = np.stack([u.at(xy)[0] for u in units], axis=-1)
    hat = np.einsum("ti,tik->tk", local.design(x), at_samples)
    assert local.trace == pytest.approx(np.trace(hat), rel=1e-9)
    np.testing.assert_allclose(local.leave_one_out, (y - hat @ y) / (1 - np.diag(hat)), rtol=1e-9)


def test_slopes_that_vary_over_the_ground_are_found() -> None:
    case = simulate(share=1.0, noise=0.05)
    xy = case.observations.points.coordinates
    east = (xy[:, 0] - xy[:, 0].mean()) / np.ptp(xy[:, 0]) * 2
    values = east * case.features.at(case.observations.points)[:, 0]
    moving = Observations(case.observations.points, values)
    model = GeographicallyWeighted(GeographicallyWeightedSettings(penalty=1.0))
    model.fit(moving, case.features)
    coefficients, _ = model.local_.at(xy)
    assert np.corrcoef(coefficients[:, 1], east)[0, 1] > 0.95
    assert model.tables_["bandwidths"]["chosen"].sum() == 1
    assert model.local_.count < len(values)


@pytest.mark.parametrize("criterion", ["aicc", "leave_one_out"])
def test_steady_slopes_choose_a_wide_bandwidth_and_beat_kriging(criterion: str) -> None:
    case = simulate()
    settings = GeographicallyWeightedSettings(criterion=criterion)
    model = GeographicallyWeighted(settings).fit(case.observations, case.features)
    base = KrigingModel().fit(case.observations, case.features)
    error = [
        np.mean((m.predict(case.check.points, case.features).mean - case.check.values) ** 2)
        for m in (model, base)
    ]
    assert error[0] < 0.55 * error[1]


def test_the_map_agrees_with_the_points_and_blocks_do_not_matter() -> None:
    case = simulate(holes=True)
    settings = GeographicallyWeightedSettings(lattice_m=60.0, neighbours=80)
    model = GeographicallyWeighted(settings).fit(case.observations, case.features)
    layer = model.layer(case.features)
    whole = layer.read(layer.grid.whole)
    assert np.isfinite(whole).all()
    easting, northing = layer.grid.coordinates()
    rows, cols = np.array([3, 25, 70, 88]), np.array([5, 45, 99, 120])
    found = model.predict(Points(np.column_stack([easting[cols], northing[rows]])), case.features)
    np.testing.assert_allclose(whole[0, rows, cols], found.mean, atol=0.03)
    np.testing.assert_allclose(whole[1, rows, cols], found.standard_error, atol=0.03)
    part = layer.read(Window(10, 20, 33, 47))
    np.testing.assert_allclose(part, whole[:, 10:43, 20:67], atol=1e-5)
