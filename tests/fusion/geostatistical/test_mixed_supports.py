"""Surveys of different support, nugget and error in one fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gossan.errors import FitError
from gossan.fusion.features.sources import LayerFeatures
from gossan.fusion.geostatistical.model import Geostatistical, GeostatisticalSettings
from gossan.fusion.protocol import MixedSurveys, Observations, Points
from gossan.fusion.selection.recipe import Recipe
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.geochem.covariance.dense import ExactSamples
from gossan.geochem.covariance.mixed_supports import MixedSamples
from gossan.geochem.covariance.model import CovarianceModel, Structure

from ..simulated import simulate

MODE = GeostatisticalSettings(averaging="mode", composite="none", windows="survey")


def mixed(case_points: Points, sizes: tuple[float, float]) -> Points:
    """The first half of the points belongs to one survey, the second half to another."""
    count = len(case_points)
    surveys = (np.arange(count) >= count // 2).astype(int)
    supports = np.where(surveys == 0, *sizes)
    return Points(case_points.coordinates, min(sizes), mixed=MixedSurveys(supports, surveys))


def test_the_covariance_of_two_supports_is_the_mean_over_both_squares() -> None:
    rng = np.random.default_rng(0)
    xy = rng.uniform(0, 3000, (6, 2))
    sizes = np.array([0.0, 300.0, 900.0, 900.0, 0.0, 300.0])
    covariance = CovarianceModel(0.0, (Structure("stable", 1.0, 800.0, 1.3),))
    found = MixedSamples(xy, 0.0, sizes).covariances(covariance)
    draws = [xy[i] + rng.uniform(-0.5, 0.5, (1500, 2)) * sizes[i] for i in range(6)]
    for i in range(6):
        for j in range(i):
            lag = np.linalg.norm(draws[i] - rng.permutation(draws[j]), axis=1)
            expected = np.exp(-((lag / 800.0) ** 1.3))
            noise = 4 * expected.std() / np.sqrt(1500) + 2e-3
            assert abs(found[i, j] - expected.mean()) < noise
    np.testing.assert_allclose(found, found.T, atol=1e-12)


def test_equal_supports_are_the_plain_samples() -> None:
    rng = np.random.default_rng(1)
    xy, columns = rng.uniform(0, 3000, (25, 2)), rng.normal(size=(25, 3))
    covariance, noise = (
        CovarianceModel(0.3, (Structure("stable", 1.5, 900.0, 1.0),)),
        np.full(25, 0.3),
    )
    given = covariance, noise, columns, np.array([[-2.0, 0.0, -2.0]]), noise[None]
    one = ExactSamples(xy, 200.0).sums(*given)
    two = MixedSamples(xy, 200.0, np.full(25, 200.0)).sums(*given)
    np.testing.assert_allclose(one.gram, two.gram, rtol=1e-12)
    np.testing.assert_allclose(one.gram_slopes, two.gram_slopes, rtol=1e-9)


def test_derivatives_with_two_surveys_and_known_errors_are_those_of_differences() -> None:
    case = simulate(n=40)
    points = mixed(case.observations.points, (300.0, 0.0))
    known = np.linspace(0.0, 0.1, 40)
    model = Geostatistical(MODE).fit(
        Observations(points, case.observations.values, known), case.features
    )
    problem, samples = model.problem_, model.samples_
    theta = problem.starts()[0] + 0.1
    _, slope = problem.value_and_slope(theta, samples)
    for k, step in enumerate(1e-4 * np.eye(len(theta))):
        ends = [problem.value(theta + sign * step, samples) for sign in (1, -1)]
        assert slope[k] == pytest.approx((ends[0] - ends[1]) / 2e-4, rel=2e-3, abs=2e-4)


def test_prediction_is_gaussian_conditioning_by_hand() -> None:
    case = simulate(n=50)
    points = mixed(case.observations.points, (300.0, 0.0))
    known = np.linspace(0.0, 0.2, 50)
    observed = Observations(points, case.observations.values, known)
    model = Geostatistical(MODE).fit(observed, case.features)
    h = model.mixture_.members[0].hyperparameters
    phi = model.problem_.columns[:, :-2]
    scale = model.problem_.scales(h)
    target = case.check.points.coordinates[:20]
    new, _ = model.standard_(case.features.at(Points(target)))
    K = (phi * scale**2) @ phi.T + model.samples_.covariances(h.covariance)
    K += np.diag(h.nuggets[points.mixed.surveys] + known)
    c = (new * scale**2) @ phi.T + model.samples_.across(h.covariance, target, 0.0)
    one = np.ones(50)
    inverse = np.linalg.inv(K)
    level = one @ inverse @ observed.values / (one @ inverse @ one)
    expected = level + c @ inverse @ (observed.values - level)
    found = model.predict(Points(target), case.features)
    np.testing.assert_allclose(found.mean, expected, atol=1e-6)


def test_no_known_error_is_the_model_without_one() -> None:
    case = simulate(n=60)
    plain = Geostatistical().fit(case.observations, case.features)
    zero = replace(case.observations, error_variance=np.zeros(60))
    found = Geostatistical().fit(zero, case.features)
    for one, two in zip(
        plain.mixture_.members, found.mixture_.members, strict=True
    ):  # fmt: skip
        assert one.hyperparameters.covariance.nugget == two.hyperparameters.covariance.nugget


def test_equal_known_errors_take_the_nuggets_place() -> None:
    case = simulate(n=150, noise=0.4)
    plain = Geostatistical(MODE).fit(case.observations, case.features)
    half = 0.5 * plain.mixture_.members[0].hyperparameters.covariance.nugget
    known = replace(case.observations, error_variance=np.full(150, half))
    found = Geostatistical(MODE).fit(known, case.features)
    left = found.mixture_.members[0].hyperparameters.covariance.nugget
    assert left == pytest.approx(half, rel=0.25)
    one, two = (m.predict(case.check.points, case.features).mean for m in (plain, found))
    assert np.std(one - two) < 0.02 * np.std(one)


def test_a_noisier_survey_gets_a_larger_nugget_and_less_weight() -> None:
    case = simulate(n=240, noise=0.1)
    points = mixed(case.observations.points, (0.0, 0.0))
    noisy = case.observations.values.copy()
    noisy[120:] += np.random.default_rng(3).normal(0, 1.0, 120)
    model = Geostatistical(MODE).fit(Observations(points, noisy), case.features)
    first, second = model.mixture_.members[0].hyperparameters.nuggets
    assert second > 5 * first
    assert second == pytest.approx(1.0, rel=0.4)
    together = Geostatistical(MODE).fit(
        Observations(Points(points.coordinates), noisy), case.features
    )
    errors = [
        np.mean((m.predict(case.check.points, case.features).mean - case.check.values) ** 2)
        for m in (model, together)
    ]
    assert errors[0] < errors[1]


def test_composites_and_details_together_beat_either_alone_at_pixels() -> None:
    """Composites over all the ground, detailed samples in a quarter of it."""
    rng = np.random.default_rng(5)
    grid = Grid.from_bounds(32638, (0, 0, 12_000, 12_000), 100)
    from scipy.ndimage import gaussian_filter, uniform_filter

    image, field = (gaussian_filter(rng.normal(size=grid.shape), s) for s in (1.0, 10.0))
    truth = image / image.std() + field / field.std()
    features = LayerFeatures(ArrayLayer(grid, ("index",), image[None].astype(np.float32)))

    def sample(count: int, size: int, limit: int) -> tuple[np.ndarray, np.ndarray]:
        rows, cols = rng.integers(5, limit, (2, count))
        easting, northing = grid.coordinates()
        mean = uniform_filter(truth, size)[rows, cols]
        return np.column_stack([easting[cols], northing[rows]]), mean + 0.1 * rng.normal(size=count)

    wide, detail = sample(90, 11, 115), sample(60, 1, 60)
    both = Points(
        np.concatenate([wide[0], detail[0]]), 0.0,
        mixed=MixedSurveys(np.repeat([1100.0, 0.0], [90, 60]), np.repeat([0, 1], [90, 60])),
    )  # fmt: skip
    cases = {
        "both": Observations(both, np.concatenate([wide[1], detail[1]])),
        "wide": Observations(Points(wide[0], 1100.0), wide[1]),
        "detail": Observations(Points(detail[0]), detail[1]),
    }
    inside = np.zeros(grid.shape, bool)
    inside[:60, :60] = True
    errors = {}
    for name, observed in cases.items():
        model = Geostatistical(GeostatisticalSettings(composite="none")).fit(observed, features)
        off = (model.layer(features).read(grid.whole)[0] - truth) ** 2
        errors[name] = off[inside].mean(), off[~inside].mean()
    for place in (0, 1):
        assert errors["both"][place] < errors["wide"][place]
        assert errors["both"][place] < errors["detail"][place]


def test_map_and_points_agree_with_two_supports() -> None:
    case = simulate(n=120)
    points = mixed(case.observations.points, (300.0, 0.0))
    model = Geostatistical().fit(Observations(points, case.observations.values), case.features)
    grid = case.features.grid
    mapped = model.layer(case.features).read(grid.whole)[0]
    easting, northing = grid.coordinates()
    places = np.stack(np.meshgrid(easting, northing), axis=-1).reshape(-1, 2)
    found = model.predict(Points(places), case.features).mean.reshape(grid.shape)
    assert np.abs(mapped - found).max() < 0.03 * mapped.std()


def test_held_out_points_of_both_surveys_are_predicted_in_their_order() -> None:
    case = simulate(n=120)
    points = mixed(case.observations.points, (300.0, 0.0))
    order = np.random.default_rng(0).permutation(120)
    model = Recipe().fit(Observations(points, case.observations.values), case.features)
    found = model.predict(points.subset(order), case.features)
    for rows, part in points.subset(order).parts():
        own = model.predict(part, case.features)
        np.testing.assert_array_equal(found.mean[rows], own.mean)


def test_too_many_samples_of_different_supports_are_refused() -> None:
    case = simulate(n=120)
    points = mixed(case.observations.points, (300.0, 0.0))
    settings = GeostatisticalSettings(exact_samples=100)
    with pytest.raises(FitError, match="at most 100"):
        Geostatistical(settings).fit(Observations(points, case.observations.values), case.features)


def test_knowing_which_samples_are_noisy_makes_a_better_map() -> None:
    told, untold = [], []
    for seed in range(3):
        case = simulate(n=160, noise=0.1, seed=seed)
        error = np.where(np.arange(160) % 2, 1.5, 0.1)
        rng = np.random.default_rng(seed)
        values = case.observations.values + error * rng.standard_normal(160)
        truth, places = case.check.values, case.check.points
        for known, found in ((error**2, told), (None, untold)):
            seen = Observations(case.observations.points, values, known)
            model = Geostatistical(MODE).fit(seen, case.features)
            found.append(np.mean((model.predict(places, case.features).mean - truth) ** 2))
    assert np.mean(told) < 0.85 * np.mean(untold)
