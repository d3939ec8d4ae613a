"""Known errors of samples in kriging and its variogram: R gstat, direct algebra, identities."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal

from gossan.errors import InputError
from gossan.geochem.covariance.censored_sites import Beyond
from gossan.geochem.kriging.censored import censored_as_sites
from gossan.geochem.kriging.estimator import Kriging
from gossan.geochem.kriging.leave_one_out import cross_validate
from gossan.geochem.simulation.sequential import Simulation
from gossan.geochem.variogram.fitting import CovarianceModel, Structure, fit_variogram
from gossan.geochem.variogram.likelihood import RestrictedLikelihood

MODEL = CovarianceModel(0.05, (Structure("spherical", 0.59, 897.0),))
GSTAT = {
    "exact": Kriging(MODEL, neighbours=None),
    "local": Kriging(MODEL, neighbours=32),
    "filtered": Kriging(MODEL, neighbours=None, nugget="filtered"),
}


def scattered(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 3000, (n, 2)), rng.normal(size=n), rng.uniform(0.0, 0.5, n)


@pytest.mark.parametrize("case", GSTAT)
def test_estimates_and_variances_equal_gstat(case: str, test_data: Path, reference: Path) -> None:
    table = pd.read_csv(test_data / "meuse" / "meuse_points.csv")
    gstat = json.loads((reference / "known_errors_gstat.json").read_text())
    kriging = GSTAT[case].fit(table[["x", "y"]], np.log(table.zinc), gstat["errors"])
    estimate, variance = kriging.predict(gstat["targets"])
    np.testing.assert_allclose(estimate, gstat[case]["estimate"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(variance, gstat[case]["variance"], rtol=0, atol=1e-6)


@pytest.mark.parametrize("neighbours", [None, 40])
def test_samples_at_one_place_count_as_each_on_its_own(neighbours: int | None) -> None:
    xy, z, errors = scattered(40, 1)
    xy[20:30] = xy[:10]  # the ground, nugget included, is the same there
    same = (xy[:, None] == xy[None]).all(axis=2)
    inner = MODEL.between(xy, xy) + MODEL.nugget * same + np.diag(errors)
    targets = np.vstack([scattered(5, 2)[0], xy[:3]])
    across = MODEL.between(targets, xy)
    across += MODEL.nugget * (targets[:, None] == xy[None]).all(axis=2)
    inverse, one = np.linalg.inv(inner), np.ones(40)
    mean = one @ inverse @ z / (one @ inverse @ one)
    off = 1.0 - across @ inverse @ one
    expected = mean + across @ inverse @ (z - mean)
    spread = MODEL.sill - np.einsum("ti,ij,tj->t", across, inverse, across)
    spread += off**2 / (one @ inverse @ one)
    kriging = Kriging(MODEL, neighbours=neighbours).fit(xy, z, errors)
    estimate, variance = kriging.predict(targets)
    np.testing.assert_allclose(estimate, expected, rtol=1e-9)
    np.testing.assert_allclose(variance, spread, rtol=1e-9)


@pytest.mark.parametrize("neighbours", [None, 16])
def test_an_equal_error_of_all_samples_is_a_filtered_nugget(neighbours: int | None) -> None:
    xy, z, _ = scattered(60, 3)
    less = CovarianceModel(0.01, MODEL.structures)
    whole, parts = (
        Kriging(model, neighbours=neighbours, nugget="filtered") for model in (MODEL, less)
    )
    targets = np.vstack([scattered(9, 4)[0], xy[:4]])
    found = parts.fit(xy, z, np.full(60, 0.04))
    np.testing.assert_allclose(
        found.predict(targets), whole.fit(xy, z).predict(targets), atol=1e-10
    )
    np.testing.assert_allclose(found.leave_one_out(), whole.leave_one_out(), atol=1e-10)


def test_errors_of_zero_are_none() -> None:
    xy, z, _ = scattered(60, 5)
    plain, zero = Kriging(MODEL).fit(xy, z), Kriging(MODEL).fit(xy, z, np.zeros(60))
    np.testing.assert_array_equal(plain.predict(xy + 20.0), zero.predict(xy + 20.0))
    for method in ("wls", "reml"):
        fits = [fit_variogram(xy, z, e, models=["exponential"], method=method).model
                for e in (None, np.zeros(60))]  # fmt: skip
        assert fits[0] == fits[1]


@pytest.mark.parametrize("errors", [np.full(4, 0.1), np.full(5, -0.1), np.full(5, np.nan)])
def test_errors_that_are_none_of_the_samples_are_refused(errors: np.ndarray) -> None:
    xy, z, _ = scattered(5, 6)
    with pytest.raises(InputError, match="errors"):
        Kriging(MODEL).fit(xy, z, errors)


def test_a_left_out_sample_is_predicted_with_its_own_error() -> None:
    xy, z, errors = scattered(30, 7)
    found = cross_validate(xy, z, MODEL, errors=errors, neighbours=29)
    inner = MODEL.between(xy, xy) + np.diag(MODEL.nugget + errors)
    inverse = np.linalg.inv(inner)
    one = inverse @ np.ones(30)
    left = inverse - np.outer(one, one) / one.sum()
    np.testing.assert_allclose(found.observed - found.estimate, left @ z / np.diag(left), rtol=1e-8)
    np.testing.assert_allclose(found.variance, 1.0 / np.diag(left), rtol=1e-8)


def test_the_restricted_likelihood_is_that_of_contrasts() -> None:
    xy, z, errors = scattered(25, 8)
    contrasts = np.linalg.svd(np.ones((1, 25)))[2][1:]  # rows: orthonormal, mean 0
    likelihood = RestrictedLikelihood.of(xy, z, np.ones((25, 1)), errors)
    for model in (MODEL, CovarianceModel(0.3, (Structure("exponential", 1.4, 300.0),))):
        spread = model.between(xy, xy) + np.diag(model.nugget + errors)
        law = multivariate_normal(np.zeros(24), contrasts @ spread @ contrasts.T)
        value, factor = likelihood.minus_twice(model)
        # |F' F| = n is the part by which contrasts that are orthonormal differ
        assert value == pytest.approx(-2 * law.logpdf(contrasts @ z) + np.log(25), rel=1e-6)
        assert factor == 1.0


def test_equal_errors_come_off_the_nugget_that_likelihood_finds() -> None:
    rng = np.random.default_rng(9)
    xy = rng.uniform(0, 20_000, (200, 2))
    truth = CovarianceModel(0.3, (Structure("exponential", 1.0, 2500.0),))
    z = np.linalg.cholesky(truth.between(xy, xy) + 0.3 * np.eye(200)) @ rng.normal(size=200)
    options = {"models": ["exponential"], "method": "reml"}
    whole = fit_variogram(xy, z, **options).model
    rest = fit_variogram(xy, z, np.full(200, 0.1), **options).model
    assert rest.nugget + 0.1 == pytest.approx(whole.nugget, abs=0.01)
    assert rest.structured_sill == pytest.approx(whole.structured_sill, rel=0.02)
    assert rest.practical_range_m == pytest.approx(whole.practical_range_m, rel=0.02)


def test_unequal_errors_make_a_better_map_than_leaving_them_out() -> None:
    rng = np.random.default_rng(10)
    xy, targets = rng.uniform(0, 10_000, (400, 2)), rng.uniform(0, 10_000, (300, 2))
    model = CovarianceModel(0.02, (Structure("exponential", 1.0, 3000.0),))
    both = np.vstack([xy, targets])
    field = np.linalg.cholesky(model.between(both, both) + 0.02 * np.eye(700)) @ rng.normal(
        size=700
    )
    errors = np.where(rng.uniform(size=400) < 0.5, 0.01, 1.5)
    z = field[:400] + np.sqrt(errors) * rng.normal(size=400)
    off = {}
    for name, known in (("known", errors), ("unknown", None)):
        fitted = fit_variogram(xy, z, known, models=["exponential"], method="reml").model
        off[name] = np.mean(
            (Kriging(fitted).fit(xy, z, known).estimate(targets) - field[400:]) ** 2
        )
    assert off["known"] < 0.85 * off["unknown"]


def test_sites_far_beyond_their_limit_leave_no_trace() -> None:
    xy, z, errors = scattered(40, 11)
    beyond = Beyond(np.array([3]), np.array([50.0]), np.array([False]))  # below 50: says nothing
    values, known = censored_as_sites(xy, z, errors, beyond, lambda *_: MODEL)
    estimate = Kriging(MODEL, neighbours=None).fit(xy, values, known).estimate(xy + 30.0)
    rest = np.arange(40) != 3
    without = Kriging(MODEL, neighbours=None).fit(xy[rest], z[rest], errors[rest])
    np.testing.assert_allclose(estimate, without.estimate(xy + 30.0), atol=1e-5)


def test_realisations_at_doubtful_samples_spread_as_kriging_says() -> None:
    from gossan.geo.grid import Grid

    grid = Grid.from_bounds("EPSG:32638", (0, 0, 300, 200), 20)
    model = CovarianceModel(0.0, (Structure("spherical", 1.0, 100.0),))
    place = [[30.0, 190.0]]
    simulation = Simulation(model, mean=0.0, realisations=4000, seed=1)
    maps = simulation.fit_scores(place, [1.5], [0.25]).lattice(grid).array[:, 0, 1]
    # one sample of unit variance and error 0.25 tells 1 / 1.25 of its value
    assert maps.mean() == pytest.approx(1.2, abs=0.03)
    assert maps.var() == pytest.approx(0.2, abs=0.02)
