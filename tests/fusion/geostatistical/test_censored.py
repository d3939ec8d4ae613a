"""Censored samples in the geostatistical model: brute-force integration and simulated truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gossan.fusion.features.sources import NoFeatures
from gossan.fusion.geostatistical.censored import first_sites, propagate
from gossan.fusion.geostatistical.hyperparameters import Hyperparameters, Problem
from gossan.fusion.geostatistical.model import Geostatistical, GeostatisticalSettings
from gossan.fusion.geostatistical.posterior import make_member
from gossan.fusion.geostatistical.spatial_shape import Shape
from gossan.fusion.protocol import Observations, Points
from gossan.geo.grid import Grid
from gossan.geochem.covariance.dense import ExactSamples
from gossan.geochem.covariance.model import CovarianceModel, Structure
from gossan.geochem.covariance.vecchia import NearestSamples

PLACES = np.array([[0, 0], [400, 100], [800, 300], [200, 700], [600, 600], [900, 900]], float)
TARGETS = np.vstack([PLACES, [[300.0, 350.0]]])
SILL, NUGGET, RANGE = 1.2, 0.15, 600.0
FLAT = 1e5  # variance of the constant, whose prior is flat
GRID = Grid.from_bounds(32638, (0, 0, 10_000, 10_000), 200)


def model() -> CovarianceModel:
    return CovarianceModel(NUGGET, (Structure("exponential", SILL, RANGE),))


def correlated(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    return model().between(one, two) + FLAT


def integrated(values: np.ndarray, limits: np.ndarray, above: np.ndarray) -> tuple[np.ndarray, ...]:
    """Mean and variance of new samples at the targets, by a grid over the censored samples."""
    beyond = np.isfinite(limits)
    whole = correlated(PLACES, PLACES) + NUGGET * np.eye(6)
    across = correlated(TARGETS, PLACES)
    gain = whole[np.ix_(beyond, ~beyond)] @ np.linalg.inv(whole[np.ix_(~beyond, ~beyond)])
    mean = gain @ values[~beyond]
    spread = whole[np.ix_(beyond, beyond)] - gain @ whole[np.ix_(~beyond, beyond)]
    sign = np.where(above[beyond], 1.0, -1.0)
    far = 8.0 * np.sqrt(np.diag(spread)) + np.abs(mean - limits[beyond])
    steps = (np.arange(90) + 0.5) / 90
    axes = [lim + s * f * steps for lim, s, f in zip(limits[beyond], sign, far)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, int(beyond.sum()))
    off = grid - mean
    weight = np.exp(-0.5 * np.einsum("ti,ij,tj->t", off, np.linalg.inv(spread), off))
    weight /= weight.sum()
    centre = weight @ grid
    second = (grid - centre).T @ (weight[:, None] * (grid - centre))
    full = values.copy()
    full[beyond] = centre
    lift = across @ np.linalg.inv(whole)
    own = np.einsum("ti,it->t", lift, across.T)
    variance = correlated(TARGETS, TARGETS).diagonal() - own + NUGGET
    return lift @ full, variance + np.einsum(
        "ti,ij,tj->t", lift[:, beyond], second, lift[:, beyond]
    )


def propagated(observations: Observations, samples: object) -> tuple[np.ndarray, ...]:
    columns = np.column_stack([np.ones(len(PLACES)), observations.values])
    nothing = np.zeros(0, int)
    problem = Problem(columns, nothing, np.zeros((6, 0)), Shape(), 900.0, 400.0)
    h = Hyperparameters(np.zeros(0), model())
    sites = propagate(problem, samples, h, observations, first_sites(observations))  # type: ignore[arg-type]
    member = make_member(problem.with_sites(sites), samples, h)  # type: ignore[arg-type]
    return member.predict(TARGETS, np.zeros((len(TARGETS), 0)), 0.0)


@pytest.mark.parametrize(
    ("rows", "above"),
    [([1], [0]), ([1], [1]), ([1, 4], [0, 0]), ([0, 2, 4], [0, 0, 0]), ([0, 2, 4], [0, 1, 0])],
)
@pytest.mark.parametrize("near", [False, True])
def test_sites_agree_with_brute_force_integration(
    rows: list[int], above: list[int], near: bool
) -> None:
    values = np.array([0.1, 0.8, 1.9, -0.6, 0.4, 1.2])
    limits, upper = np.full(6, np.nan), np.zeros(6, bool)
    limits[rows], upper[rows] = [0.2, 0.9, 0.0][: len(rows)], np.array(above, bool)
    values[rows] = np.where(upper[rows], limits[rows] + 0.3, limits[rows] - 0.3)
    mean, variance = integrated(values, limits, upper)
    observations = Observations(Points(PLACES), values, limits=limits)
    samples = NearestSamples.of(PLACES, 0.0, 5) if near else ExactSamples(PLACES)
    found_mean, found_variance = propagated(observations, samples)
    np.testing.assert_allclose(found_mean, mean, atol=0.01 * np.sqrt(SILL + NUGGET))
    np.testing.assert_allclose(found_variance, variance, rtol=0.02)


def field(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, 10_000, (n, 2))
    covariance = CovarianceModel(0.1, (Structure("exponential", 1.0, 6000.0),))
    between = covariance.between(places, places) + 0.1 * np.eye(n)
    return places, np.linalg.cholesky(between) @ rng.standard_normal(n)


def settings() -> GeostatisticalSettings:
    return GeostatisticalSettings(averaging="mode")


def test_without_censored_samples_it_is_the_present_model() -> None:
    places, values = field(60, 1)
    plain = Observations(Points(places), values)
    free = replace(plain, limits=np.full(60, np.nan))
    targets, none = Points(places + 150.0), NoFeatures(GRID)
    one, two = (Geostatistical(settings()).fit(o, none).predict(targets, none)
                for o in (plain, free))  # fmt: skip
    np.testing.assert_array_equal(one.mean, two.mean)
    np.testing.assert_array_equal(one.standard_error, two.standard_error)


def test_half_of_the_samples_censored_are_better_inside_the_likelihood() -> None:
    places, values = field(300, 5)
    sampled, limit = np.arange(200), np.median(values[:200])
    below = values[:200] < limit
    # the expected value below the limit, from the truth: the best that one number can do
    filled = np.where(below, values[:200][below].mean(), values[:200])
    plain = Observations(Points(places[sampled]), filled)
    known = replace(plain, limits=np.where(below, limit, np.nan))
    targets, truth, none = Points(places[200:]), values[200:], NoFeatures(GRID)
    errors = []
    for observations in (plain, known):
        fitted = Geostatistical(settings()).fit(observations, none)
        errors.append(np.sqrt(np.mean((fitted.predict(targets, none).mean - truth) ** 2)))
    assert errors[1] < errors[0]
    assert np.abs(fitted.residuals(np.arange(200) % 10)).max() < 10.0
