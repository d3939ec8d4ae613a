"""Variograms against R gstat and nlme, known truth and identities."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import gamma, kv

from gossan.errors import FitError, InputError
from gossan.geochem.covariance.vecchia import NearestSamples
from gossan.geochem.variogram.fitting import (
    Anisotropy,
    CovarianceModel,
    Structure,
    cross_validate,
    empirical_variogram,
    fit_variogram,
)
from gossan.geochem.variogram.likelihood import PREVIOUS, RestrictedLikelihood


@pytest.fixture(scope="module")
def gstat(reference: Path) -> dict:
    return json.loads((reference / "kriging_gstat.json").read_text())


@pytest.fixture(scope="module")
def meuse(test_data: Path) -> tuple[np.ndarray, np.ndarray]:
    table = pd.read_csv(test_data / "meuse" / "meuse_points.csv")
    return table[["x", "y"]].to_numpy(float), np.log(table["zinc"].to_numpy(float))


def simulated(
    n: int, model: CovarianceModel, seed: int, extent: tuple[float, float] = (20000.0, 14000.0)
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, 1, (n, 2)) * extent + [430_000, 2_700_000]
    covariance = model.between(xy, xy) + (model.nugget + 1e-9) * np.eye(n)
    return xy, np.linalg.cholesky(covariance) @ rng.normal(size=n)


def test_classes_equal_those_of_gstat(meuse, gstat) -> None:
    expected = gstat["classes"]["matheron"]
    found = empirical_variogram(*meuse)
    np.testing.assert_array_equal(found.pairs, expected["pairs"])
    np.testing.assert_allclose(found.distance, expected["distance"], rtol=1e-12)
    np.testing.assert_allclose(found.semivariance, expected["semivariance"], rtol=1e-12)


def test_cutoff_and_width_are_gstats(meuse, gstat) -> None:
    expected = gstat["classes"]["matheron_1500"]
    found = empirical_variogram(*meuse, cutoff_m=1500, width_m=100)
    np.testing.assert_array_equal(found.pairs, expected["pairs"])
    np.testing.assert_allclose(found.semivariance, expected["semivariance"], rtol=1e-12)


def test_cressie_hawkins_equals_gstat_but_for_a_term_in_n_squared(meuse, gstat) -> None:
    # gstat leaves out 0.045 / N^2 of the published formula: below 1e-4 for 50 pairs
    expected = gstat["classes"]["cressie_hawkins"]
    found = empirical_variogram(*meuse, estimator="cressie_hawkins")
    np.testing.assert_allclose(found.semivariance, expected["semivariance"], rtol=1e-4)


def test_a_sector_of_directions_equals_gstat(meuse, gstat) -> None:
    expected = gstat["classes"]["north_45"]
    found = empirical_variogram(*meuse, sectors=4)
    north_east = found.azimuth_deg == 45
    # gstat's sectors share their edges, ours do not: a pair or two of integer coordinates
    np.testing.assert_allclose(found.pairs[north_east], expected["pairs"], atol=2)
    np.testing.assert_allclose(found.semivariance[north_east], expected["semivariance"], rtol=0.02)


def test_robust_estimators_agree_with_matheron_on_gaussian_values() -> None:
    xy, z = simulated(1500, CovarianceModel(0.3, (Structure("exponential", 1.0, 800.0),)), 2)
    plain = empirical_variogram(xy, z).semivariance
    for estimator in ("cressie_hawkins", "dowd"):
        robust = empirical_variogram(xy, z, estimator=estimator).semivariance
        np.testing.assert_allclose(robust, plain, rtol=0.12)


def test_robust_estimators_resist_gross_errors() -> None:
    xy, z = simulated(800, CovarianceModel(0.3, (Structure("exponential", 1.0, 800.0),)), 2)
    clean = empirical_variogram(xy, z).semivariance
    z = z.copy()
    z[::50] += 15
    assert np.median(empirical_variogram(xy, z).semivariance / clean) > 3
    for estimator in ("cressie_hawkins", "dowd"):
        dirty = empirical_variogram(xy, z, estimator=estimator).semivariance
        assert np.median(dirty / clean) < 1.75


def test_meuse_log_zinc_gives_the_published_spherical_model(meuse) -> None:
    model = fit_variogram(*meuse, method="wls", models=["spherical"]).model
    assert model.nugget == pytest.approx(0.0507, abs=5e-5)
    assert model.structures[0].sill == pytest.approx(0.5906, abs=5e-5)
    assert model.structures[0].range_m == pytest.approx(897.0, abs=0.1)


@pytest.mark.parametrize(
    ("form", "smoothness", "key", "cutoff", "width"),
    [
        ("spherical", None, "spherical", None, None),
        ("exponential", None, "exponential", None, None),
        ("matern", 1.5, "matern_1.5", None, None),
        ("spherical", None, "spherical_1500", 1500, 100),
    ],
)
def test_weighted_fits_equal_gstat(meuse, gstat, form, smoothness, key, cutoff, width) -> None:
    expected = gstat["fits"][key]
    fit = fit_variogram(
        *meuse, method="wls", models=[form], smoothness=smoothness, cutoff_m=cutoff, width_m=width
    )
    best = fit.candidates[0]
    # gstat stops its search a little earlier
    assert best.misfit <= expected["misfit"] * (1 + 1e-9)
    assert best.model.nugget == pytest.approx(expected["nugget"], abs=5e-5)
    assert best.model.structures[0].sill == pytest.approx(expected["sill"], rel=2e-4)
    assert best.model.structures[0].range_m == pytest.approx(expected["range"], rel=2e-4)


def test_restricted_likelihood_equals_nlme(meuse, gstat) -> None:
    xy, z = meuse
    likelihood = RestrictedLikelihood.of(xy, z, np.ones((len(z), 1)))
    for row in gstat["reml"]:
        structure = Structure("spherical", 1 - row["share"], row["range"])
        value, factor = likelihood.minus_twice(CovarianceModel(row["share"], (structure,)))
        assert value == pytest.approx(row["minus_twice"], abs=1e-6)
        assert factor == pytest.approx(row["sill"], rel=1e-6)


def test_the_likelihood_of_many_samples_is_near_the_exact_one() -> None:
    truth = CovarianceModel(0.2, (Structure("exponential", 1.0, 1500.0),))
    xy, z = simulated(599, truth, 5)
    drift = np.ones((len(z), 1))
    exact = RestrictedLikelihood.of(xy, z, drift)
    near = RestrictedLikelihood(NearestSamples.of(xy, 0.0, PREVIOUS), exact.columns)
    other = CovarianceModel(0.5, (Structure("exponential", 1.0, 700.0),))
    gap = near.minus_twice(truth)[0] - exact.minus_twice(truth)[0]
    assert abs(gap) < 2.0
    difference = exact.minus_twice(other)[0] - exact.minus_twice(truth)[0]
    assert near.minus_twice(other)[0] - near.minus_twice(truth)[0] == pytest.approx(
        difference, abs=2.0
    )


def test_restricted_likelihood_finds_the_truth_of_a_simulation() -> None:
    truth = CovarianceModel(0.25, (Structure("exponential", 1.0, 1200.0),))
    found = []
    for seed in range(6):
        xy, z = simulated(400, truth, seed)
        model = fit_variogram(xy, z, models=["exponential"], method="reml").model
        found.append([model.nugget, model.structures[0].sill, model.structures[0].range_m])
    np.testing.assert_allclose(np.median(found, axis=0), [0.25, 1.0, 1200.0], rtol=0.3)


def test_direction_and_ratio_of_a_simulation_are_found_and_isotropy_is_left_alone() -> None:
    structure = Structure("spherical", 1.0, 4000.0)
    turned = CovarianceModel(0.1, (structure,), Anisotropy(120.0, 0.4))
    fit = fit_variogram(*simulated(500, turned, 1), models=["spherical"], anisotropy="fit")
    assert fit.model.anisotropy is not None
    assert fit.model.anisotropy.azimuth_deg == pytest.approx(120, abs=12)
    assert fit.model.anisotropy.ratio == pytest.approx(0.4, abs=0.15)
    straight = CovarianceModel(0.1, (structure,))
    fit = fit_variogram(*simulated(300, straight, 1), models=["spherical"], anisotropy="fit")
    assert fit.model.anisotropy is None


def test_a_smooth_field_is_distinguished_from_a_rough_one() -> None:
    xy, z = simulated(900, CovarianceModel(0.0, (Structure("gaussian", 1.0, 2500.0),)), 4)
    names = [c.name for c in fit_variogram(xy, z).candidates]
    assert names.index("gaussian") < names.index("spherical")
    assert names.index("gaussian") < names.index("exponential")


def test_cross_validation_equals_gstat_and_can_choose(meuse, gstat) -> None:
    model = CovarianceModel(0.05, (Structure("spherical", 0.59, 897.0),))
    check = cross_validate(*meuse, model)
    # samples at whole metres: where the 32nd neighbour is a tie, the choice differs
    close = np.abs(check.estimate - gstat["leave_one_out"]["estimate"]) < 1e-6
    assert close.mean() > 0.97
    np.testing.assert_allclose(
        check.variance[close], np.array(gstat["leave_one_out"]["variance"])[close], atol=1e-6
    )
    fit = fit_variogram(*meuse, choose="cross_validation")
    scores = [c.score for c in fit.cross_validations]
    assert scores == sorted(scores)
    assert {"cv_rmse", "cv_score", "chosen"} <= set(fit.rows()[0])


def test_a_trend_does_not_pass_for_a_long_range() -> None:
    xy, z = simulated(400, CovarianceModel(0.1, (Structure("spherical", 0.5, 2000.0),)), 8)
    z = z + (xy[:, 1] - xy[:, 1].mean()) / 2000
    with_trend = fit_variogram(xy, z, models=["spherical"]).model
    without = fit_variogram(xy, z, models=["spherical"], drift="linear").model
    assert without.practical_range_m < 4000 < with_trend.practical_range_m


@pytest.mark.parametrize("nu", [0.3, 0.5, 0.8, 1.5, 2.2, 2.5])
def test_matern_is_the_bessel_formula(nu: float) -> None:
    h = np.geomspace(0.1, 5000, 400)
    u = h / 250.0
    expected = u**nu * kv(nu, u) / (2 ** (nu - 1) * gamma(nu))
    model = CovarianceModel(0.0, (Structure("matern", 1.0, 250.0, nu),))
    np.testing.assert_allclose(model.covariance(h), expected, atol=3e-8 if nu < 0.5 else 2e-10)


def test_matern_of_a_half_is_exponential() -> None:
    h = np.linspace(0, 3000, 100)
    matern = CovarianceModel(0.1, (Structure("matern", 1.0, 250.0, 0.5),))
    exponential = CovarianceModel(0.1, (Structure("exponential", 1.0, 250.0),))
    np.testing.assert_array_equal(matern.semivariance(h), exponential.semivariance(h))
    np.testing.assert_allclose(
        exponential.covariance(h[1:]), np.exp(-h[1:] / 250), rtol=1e-12, atol=1e-15
    )


@given(
    kind=st.sampled_from(["spherical", "exponential", "gaussian", "matern"]),
    nugget=st.floats(0, 2),
    sill=st.floats(0.01, 5),
    reach=st.floats(1, 1e5),
    nu=st.sampled_from([0.3, 0.75, 1.5, 2.5]),
)
def test_semivariance_rises_from_zero_to_the_sill(kind, nugget, sill, reach, nu) -> None:
    model = CovarianceModel(nugget, (Structure(kind, sill, reach, nu),))
    h = np.r_[0.0, np.geomspace(reach * 1e-4, reach * 50, 200)]
    gamma_h = model.semivariance(h)
    assert gamma_h[0] == 0
    assert np.all(np.diff(gamma_h) >= -1e-12 * model.sill)
    assert gamma_h[-1] == pytest.approx(model.sill, rel=1e-9)
    at = model.semivariance([model.structures[0].practical_range_m])[0] - nugget
    assert at >= 0.949 * sill


def test_anisotropic_range_is_shorter_across() -> None:
    model = CovarianceModel(0.0, (Structure("spherical", 1.0, 1000.0),), Anisotropy(30.0, 0.25))
    along = np.array([[np.sin(np.pi / 6), np.cos(np.pi / 6)]])
    across = np.array([[np.cos(np.pi / 6), -np.sin(np.pi / 6)]])
    origin = np.zeros((1, 2))
    assert model.between(origin, along * 999)[0, 0] > 0
    assert model.between(origin, across * 251)[0, 0] == 0
    assert model.between(origin, across * 100)[0, 0] == pytest.approx(
        model.between(origin, along * 400)[0, 0]
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda xy, z: (xy[:9], z[:9]), "at least 10 with a value; got 9"),
        (lambda xy, z: (xy, np.where(np.arange(len(z)) < 9, z, np.nan)), "got 9"),
        (lambda xy, z: (xy, np.full(len(z), 7.0)), "at least two different ones; got 7"),
        (lambda xy, z: (xy * 0, z), "at several places; got one place"),
    ],
)
def test_unfit_samples_are_refused_in_one_line(meuse, change, words) -> None:
    with pytest.raises(FitError) as caught:
        fit_variogram(*change(*meuse))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_line_of_samples_has_a_variogram_but_no_direction() -> None:
    rng = np.random.default_rng(0)
    xy = np.column_stack([np.arange(60) * 50.0, np.zeros(60)])
    z = np.cumsum(rng.normal(size=60))
    assert fit_variogram(xy, z, models=["exponential"]).model.sill > 0
    with pytest.raises(FitError, match="spread over both directions"):
        fit_variogram(xy, z, models=["exponential"], anisotropy="fit")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"models": ["circular"]}, "spherical | exponential"),
        ({"models": []}, "at least one form"),
        ({"method": "ols"}, "wls | reml"),
        ({"choose": "best"}, "aic | cross_validation"),
        ({"estimator": "mean"}, "matheron | cressie_hawkins | dowd"),
        ({"cutoff_m": -5.0}, "0 < width <= cutoff"),
    ],
)
def test_unknown_options_are_refused(meuse, options, words) -> None:
    with pytest.raises(InputError) as caught:
        fit_variogram(*meuse, **options)
    assert words in str(caught.value)


def test_parameters_out_of_range_are_refused() -> None:
    for make in (
        lambda: Structure("spherical", -1.0, 100.0),
        lambda: Structure("spherical", 1.0, 0.0),
        lambda: Structure("matern", 1.0, 100.0, 50.0),
        lambda: Structure("cubic", 1.0, 100.0),  # type: ignore[arg-type]
        lambda: CovarianceModel(-0.1, (Structure("spherical", 1.0, 100.0),)),
        lambda: CovarianceModel(0.0, ()),
        lambda: Anisotropy(0.0, 1.5),
    ):
        with pytest.raises(InputError):
            make()


def test_range_and_sill_stay_within_what_the_survey_shows(meuse) -> None:
    xy, z = meuse
    free = fit_variogram(xy, z, models=["exponential"], method="reml", longest_range_m=math.inf)
    diagonal = float(np.hypot(*np.ptp(xy, axis=0)))
    assert free.model.practical_range_m > 5 * diagonal  # the likelihood is flat along sill / range
    for method in ("reml", "wls"):
        fit = fit_variogram(xy, z, models=["exponential"], method=method)
        assert fit.model.practical_range_m <= diagonal * 1.0001
        assert fit.rows()[0]["longest_range_m"] == pytest.approx(diagonal)
    bounded = fit_variogram(xy, z, models=["exponential"], method="reml")
    assert bounded.model.sill <= 2 * np.var(z) * 1.0001
    assert bounded.rows()[0]["limit"] == "sill"
    assert bounded.candidates[0].aic - free.candidates[0].aic < 4
    short = fit_variogram(xy, z, models=["matern"], method="reml", longest_range_m=900.0)
    assert short.model.practical_range_m <= 900.1


def test_pairs_of_a_subset_estimate_the_semivariance_of_all(monkeypatch) -> None:
    from gossan.geochem.variogram import empirical as module

    truth = CovarianceModel(0.2, (Structure("exponential", 1.0, 1500.0),))
    xy, z = simulated(599, truth, 5)
    whole = empirical_variogram(xy, z)
    monkeypatch.setattr(module, "MOST_PAIRS", 599 * 150)
    part = empirical_variogram(xy, z)
    assert 0.3 < part.pairs.sum() / whole.pairs.sum() < 0.7
    np.testing.assert_allclose(part.semivariance, whole.semivariance, rtol=0.2)


def test_a_part_of_the_conditional_densities_finds_the_truth(monkeypatch) -> None:
    from gossan.geochem.variogram import likelihood as module

    truth = CovarianceModel(0.25, (Structure("exponential", 1.0, 1200.0),))
    monkeypatch.setattr(module, "EXACT_UP_TO", 100)
    monkeypatch.setattr(module, "MOST_TERMS", 250)
    ratios = []
    for seed in range(6):
        xy, z = simulated(500, truth, seed)
        fit = fit_variogram(xy, z, models=["exponential"], method="reml")
        part = fit.model.structures[0]
        ratios.append((fit.model.nugget, part.sill / part.range_m * 1200))
    nugget, slope = np.mean(ratios, axis=0)
    assert nugget == pytest.approx(0.25, abs=0.12)
    assert slope == pytest.approx(1.0, rel=0.35)
