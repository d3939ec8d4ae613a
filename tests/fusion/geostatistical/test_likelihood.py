"""The restricted likelihood by sums: against dense matrices and finite differences."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy.linalg import null_space
from scipy.spatial.distance import cdist
from scipy.stats import multivariate_normal, multivariate_t

from gossan.fusion.geostatistical.hyperparameters import (
    Draws,
    Problem,
    average,
    curvature_at,
    find_mode,
    nearby_mode,
)
from gossan.fusion.geostatistical.spatial_shape import Shape
from gossan.geochem.covariance.dense import ExactSamples
from gossan.geochem.covariance.model import Anisotropy, CovarianceModel, Structure
from gossan.geochem.covariance.restricted_likelihood import (
    coefficients,
    likelihood,
    plain_likelihood,
)
from gossan.geochem.covariance.vecchia import NearestSamples
from gossan.geochem.variogram.likelihood import RestrictedLikelihood

RNG = np.random.default_rng(5)
N = 50
XY = RNG.uniform(0, 1, (N, 2)) * [9000, 4000]
PHI = RNG.normal(size=(N, 5))
Y = PHI[:, 0] + np.sin(XY[:, 0] / 1500) + 0.3 * RNG.normal(size=N)
GROUP = np.array([0, 0, 1, 1, 1])
COLUMNS = np.column_stack([PHI, np.ones(N), Y])
MISSING = np.column_stack([np.zeros(N), RNG.uniform(size=N) < 0.2])


def problem(family: str = "exponential", anisotropic: bool = False) -> Problem:
    return Problem(COLUMNS, GROUP, MISSING, Shape(family, anisotropic), 6000.0, 300.0)  # type: ignore[arg-type]


def test_sums_give_the_restricted_likelihood_of_dense_matrices() -> None:
    scales, sill, r = np.array([0.6, 0.6, 0.2, 0.2, 0.2]), 0.5, 1200.0
    noise = np.full(N, 0.1)
    covariance = CovarianceModel(0.1, (Structure("exponential", sill, r),))
    none = np.empty((0, 3)), np.empty((0, N))
    sums = ExactSamples(XY).sums(covariance, noise, COLUMNS, *none)
    value, _, _ = likelihood(sums, scales, GROUP)
    K = (PHI * scales**2) @ PHI.T + sill * np.exp(-cdist(XY, XY) / r) + np.diag(noise)
    inverse, one = np.linalg.inv(K), np.ones(N)
    P = inverse - np.outer(inverse @ one, inverse @ one) / (one @ inverse @ one)
    dense = 0.5 * (Y @ P @ Y + np.linalg.slogdet(K)[1] + np.log(one @ inverse @ one))
    assert value == pytest.approx(dense, rel=1e-10)


@pytest.mark.parametrize("family", ["exponential", "stable", "matern32", "spherical"])
@pytest.mark.parametrize("support_m", [0.0, 800.0])
@pytest.mark.parametrize("neighbours", [None, 10])
def test_gradients_are_finite_differences(
    family: str, support_m: float, neighbours: int | None
) -> None:
    asked = problem(family, anisotropic=True)
    if neighbours is None:
        samples: ExactSamples | NearestSamples = ExactSamples(XY, support_m)
    else:
        samples = NearestSamples.of(XY, support_m, neighbours)
    theta = np.array([-1.0, -2.0, -0.7, -2.0, 7.2, 0.2, -0.3])
    theta = np.append(theta, 0.2) if family == "stable" else theta
    _, slope = asked.value_and_slope(theta, samples)
    for k, step in enumerate(1e-5 * np.eye(len(theta))):
        up, down = (asked.value(theta + s, samples) for s in (step, -step))
        assert slope[k] == pytest.approx((up - down) / 2e-5, abs=1e-5)


def test_all_predecessors_as_neighbours_are_the_exact_factorisation() -> None:
    structure = Structure("stable", 0.7, 1500.0, 1.2)
    c, noise = CovarianceModel(0.0, (structure,), Anisotropy(70.0, 0.8)), RNG.uniform(0.1, 0.3, N)
    exact, near = ExactSamples(XY, 500.0), NearestSamples.of(XY, 500.0, N)
    for one, two in zip(exact.plain_sums(c, noise, COLUMNS), near.plain_sums(c, noise, COLUMNS)):
        np.testing.assert_allclose(one, two, rtol=1e-9)


def test_fixed_fields_agree_when_every_sample_is_a_neighbour() -> None:
    c = CovarianceModel(0.0, (Structure("exponential", 0.7, 1500.0),))
    noise = RNG.uniform(0.1, 0.3, N)
    exact = ExactSamples(XY).fix(c, noise, COLUMNS)
    near = NearestSamples.of(XY, 0.0, N).fix(c, noise, COLUMNS, neighbours=N)
    targets = RNG.uniform(0, 1, (7, 2)) * [9000, 4000]
    for support_m in (0.0, 400.0):
        one, two = exact.at(targets, support_m), near.at(targets, support_m)
        np.testing.assert_allclose(one.sums, two.sums, rtol=1e-8, atol=1e-9)
        np.testing.assert_allclose(one.explained, two.explained, rtol=1e-8)
    np.testing.assert_allclose(exact.solved, near.solved, rtol=1e-7, atol=1e-9)
    pair = np.array([0, 3, 3]), np.array([0, 7, 3])
    np.testing.assert_allclose(exact.precision(*pair), near.precision(*pair), rtol=1e-7)


def test_weights_of_many_pairs_are_the_exact_ones_in_little_memory() -> None:
    """A province asks for the weights of millions of pairs: only the answers may grow with them."""
    c = CovarianceModel(0.0, (Structure("exponential", 0.7, 1500.0),))
    noise = RNG.uniform(0.1, 0.3, N)
    targets = RNG.uniform(0, 1, (400, 2)) * [9000, 4000]
    rows, samples = np.sort(RNG.integers(0, 400, 300_000)), RNG.integers(0, N, 300_000)
    near = NearestSamples.of(XY, 0.0, N).fix(c, noise, COLUMNS, neighbours=N)
    near.at_nodes(targets, rows[:9], samples[:9])  # compiles
    tracemalloc.start()
    found = near.at_nodes(targets, rows, samples)[1]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 * found.nbytes + 2**25
    exact = ExactSamples(XY).fix(c, noise, COLUMNS).at_nodes(targets, rows, samples)[1]
    np.testing.assert_allclose(found, exact, rtol=1e-6, atol=1e-9)


def test_few_neighbours_come_close_to_the_exact_likelihood() -> None:
    theta = np.array([-1.0, -2.0, -0.7, -2.0, 7.2])
    exact = problem().value(theta, ExactSamples(XY))
    assert problem().value(theta, NearestSamples.of(XY, 0.0, 15)) == pytest.approx(exact, abs=0.3)


def test_the_mode_has_no_slope_and_draws_lie_around_it() -> None:
    samples = ExactSamples(XY)
    mode, value = find_mode(problem(), samples)
    bounds = problem().bounds()
    inside = (mode > bounds[:, 0] + 1e-3) & (mode < bounds[:, 1] - 1e-3)
    assert np.abs(problem().value_and_slope(mode, samples)[1][inside]).max() < 0.02
    draws = about(problem(), samples, mode, 40)
    assert draws.weights.sum() == pytest.approx(1.0)
    assert min(problem().value(t, samples) for t in draws.theta) > value - 1e-3


def about(asked: Problem, samples: ExactSamples, mode: np.ndarray, draws: int) -> Draws:
    """Average about the mode, with the curvature there."""
    return average(asked, samples, mode, draws, curvature_at(asked, samples, mode))


def evidence(columns: np.ndarray, group: np.ndarray, family: str, draws: int) -> float:
    """ln of the evidence by importance sampling about the mode."""
    missing = np.zeros((len(columns), len(np.unique(group))))
    asked = Problem(columns, group, missing, Shape(family), 6000.0, 300.0)  # type: ignore[arg-type]
    samples = ExactSamples(XY)
    return about(asked, samples, find_mode(asked, samples)[0], draws).log_evidence


def test_evidence_does_not_depend_on_the_unit_of_the_values() -> None:
    """In other units all models' densities change by the same Jacobian, n - 1 times ln of it."""
    for group in (GROUP[:0], GROUP[:2], GROUP):
        columns = COLUMNS[:, [*range(len(group)), -2, -1]]
        scaled = columns * np.append(np.ones(len(group) + 1), 1000.0)
        one, two = (evidence(c, group, "exponential", 60) for c in (columns, scaled))
        assert one - two == pytest.approx((N - 1) * np.log(1000.0), abs=0.05)


def test_a_group_of_features_that_are_0_everywhere_changes_no_evidence() -> None:
    """Its variance has the prior for posterior, which integrates to 1."""
    with_none = np.column_stack([PHI[:, :2], np.zeros((N, 2)), np.ones(N), Y])
    without = with_none[:, [0, 1, 4, 5]]
    one = evidence(without, np.array([0, 0]), "exponential", 2000)
    two = evidence(with_none, np.array([0, 0, 1, 1]), "exponential", 2000)
    assert two == pytest.approx(one, abs=0.15)


def test_a_mode_at_a_bound_is_found_again_from_nearby() -> None:
    """A smooth field's exponent lies at its largest; the slope there is not 0."""
    y = np.sin(XY[:, 0] / 1400.0) + np.cos(XY[:, 1] / 1100.0)
    columns = np.column_stack([np.ones(N), y + 0.1 * np.random.default_rng(3).normal(size=N)])
    asked = Problem(columns, np.zeros(0, int), np.zeros((N, 0)), Shape("stable"), 6000.0, 300.0)
    samples = ExactSamples(XY)
    mode, best = find_mode(asked, samples)
    curvature = curvature_at(asked, samples, mode)
    assert mode[-1] == asked.bounds()[-1, 1]
    for away in 0.7 * np.random.default_rng(0).normal(size=(6, len(mode))):
        _, value = nearby_mode(asked, samples, mode + curvature.spread @ away, curvature)
        assert value == pytest.approx(best, abs=0.03)


def test_evidence_near_the_largest_exponent_is_that_of_adaptive_importance_sampling() -> None:
    """A smooth field: the most probable exponent of the stable correlation lies at its limit."""
    rng = np.random.default_rng(3)
    y = np.sin(XY[:, 0] / 1400.0) + np.cos(XY[:, 1] / 1100.0) + 0.1 * rng.normal(size=N)
    columns = np.column_stack([np.ones(N), y])
    none = np.zeros((N, 0))
    asked = Problem(columns, np.zeros(0, int), none, Shape("stable"), 6000.0, 300.0)
    samples = ExactSamples(XY)
    mode, _ = find_mode(asked, samples)
    assert mode[-1] > np.log(1.9)
    centre, covariance = mode - [0, 0, 0, 0.1], np.diag([1.0, 0.2, 0.3, 0.2]) ** 2
    for _ in range(5):
        law = multivariate_t(centre, covariance, 5, seed=rng)
        theta = law.rvs(1500)
        log_weight = np.array([-asked.value(t, samples) for t in theta]) - law.logpdf(theta)
        weight = np.exp(log_weight - log_weight.max())
        wanted = log_weight.max() + np.log(weight.mean())
        centre = weight @ theta / weight.sum()
        covariance = np.cov(theta.T, aweights=weight)
    assert weight.sum() ** 2 / (weight**2).sum() > 300
    found = about(asked, samples, mode, 60)
    assert found.log_evidence == pytest.approx(wanted, abs=0.4)
    assert 1.0 / (found.weights**2).sum() > 10
    assert about(asked, samples, mode, 0).log_evidence == pytest.approx(wanted, abs=1.0)


def test_a_group_that_the_samples_do_not_need_gets_no_coefficients() -> None:
    gram = COLUMNS.T @ COLUMNS
    found = coefficients(gram, np.array([1.0, 1.0, 0.0, 0.0, 0.0]))
    assert np.abs(found.mean[2:5]).max() == 0.0


def test_one_likelihood_is_the_normal_density_of_contrasts_for_kriging_and_for_the_model() -> None:
    """Contrasts of the samples that the drift does not reach have a plain normal density."""
    drift = np.column_stack([np.ones(N), XY / 9000.0])
    model = CovarianceModel(0.2, (Structure("exponential", 0.9, 1700.0),), Anisotropy(40.0, 0.6))
    contrasts = null_space(drift.T)
    K = model.between(XY, XY) + model.nugget * np.eye(N)
    density = multivariate_normal(cov=contrasts.T @ K @ contrasts).logpdf(contrasts.T @ Y)
    basis = np.linalg.slogdet(drift.T @ drift)[1]
    kriging, factor = RestrictedLikelihood.of(XY, Y, drift).minus_twice(model, model.sill)
    scaled = model.scaled(factor)
    own = scaled.between(XY, XY) + scaled.nugget * np.eye(N)
    wanted = multivariate_normal(cov=contrasts.T @ own @ contrasts).logpdf(contrasts.T @ Y)
    assert kriging == pytest.approx(-2 * wanted + basis, abs=1e-6)
    columns, noise = np.column_stack([drift, Y]), np.full(N, model.nugget)
    for samples in (ExactSamples(XY), NearestSamples.of(XY, 0.0, N)):
        value = plain_likelihood(*samples.plain_sums(model, noise, columns), np.zeros(0))
        constant = 0.5 * (N - 3) * np.log(2 * np.pi)
        assert value + constant == pytest.approx(-density + 0.5 * basis, abs=1e-8)
