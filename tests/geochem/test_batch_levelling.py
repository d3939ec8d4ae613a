"""Levelling, duplicates and the quality report, each against its own algebra or a simulation."""

from __future__ import annotations

import geopandas
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial import cKDTree

from gossan.errors import SurveyError
from gossan.geo.samples import Samples
from gossan.geochem.batch_levelling import level, level_surveys
from gossan.geochem.table.duplicates import duplicate_pairs, groups_within, precision
from gossan.geochem.table.quality import spacing_report, survey_report, tukey_outliers

METHODS = ("median", "robust", "quantile")


def _samples(name: str, values: np.ndarray, unit: str = "ppm", seed: int = 1) -> Samples:
    rng = np.random.default_rng(seed)
    points = geopandas.points_from_xy(
        rng.uniform(300_000, 330_000, len(values)), rng.uniform(4e6, 4.02e6, len(values))
    )
    frame = geopandas.GeoDataFrame({"Cu": values}, geometry=points, crs=32638)
    return Samples(name, frame, ("Cu",), {"Cu": unit})


@pytest.mark.parametrize("method", METHODS)
@given(seed=st.integers(0, 10_000), factor=st.floats(0.05, 20.0))
def test_a_factor_between_groups_is_taken_away_and_order_kept(
    method: str, seed: int, factor: float
) -> None:
    z = np.random.default_rng(seed).lognormal(1, 0.6, 60)
    groups = np.array(["a", "b"] * 30, object)
    biased = np.where(groups == "b", factor * z, z)
    levelled = level(biased, groups, method, reference="a")  # type: ignore[arg-type]
    np.testing.assert_array_equal(levelled[::2], z[::2])
    centres = [np.median(np.log(part)) for part in (levelled[1::2], z[::2])]
    assert centres[0] == pytest.approx(centres[1], abs=1e-9)
    np.testing.assert_array_equal(np.argsort(levelled[1::2]), np.argsort(z[1::2]))
    again = level(z, groups, method, reference="a")  # type: ignore[arg-type]
    np.testing.assert_allclose(levelled, again, rtol=1e-9)


def test_quantile_levelling_gives_the_references_distribution() -> None:
    rng = np.random.default_rng(3)
    z = np.concatenate([rng.lognormal(0, 0.3, 80), rng.gamma(2.0, 30.0, 80)])
    groups = np.repeat(np.array(["old", "new"], object), 80)
    levelled = level(z, groups, "quantile", reference="old")
    np.testing.assert_allclose(np.sort(levelled[80:]), np.sort(z[:80]), rtol=1e-9)


def test_robust_levelling_matches_centre_and_spread_of_logarithms() -> None:
    rng = np.random.default_rng(4)
    z = np.concatenate([rng.lognormal(0, 0.3, 80), rng.lognormal(2, 0.9, 80)])
    groups = np.repeat(np.array(["old", "new"], object), 80)
    logs = np.log(level(z, groups, "robust", reference="old"))
    for measure in (np.median, stats.median_abs_deviation):
        assert measure(logs[80:]) == pytest.approx(measure(logs[:80]), rel=1e-9)


def test_surveys_are_levelled_to_the_first_and_empty_stays_empty() -> None:
    rng = np.random.default_rng(5)
    z = rng.lognormal(1, 0.4, 50)
    z[3] = np.nan
    old, new = _samples("old", z), _samples("new", 4 * z, seed=2)
    levelled = level_surveys([old, new], "median")
    np.testing.assert_array_equal(levelled[0].values("Cu"), z)
    np.testing.assert_allclose(levelled[1].values("Cu"), z, rtol=1e-12)


def test_what_cannot_be_levelled_is_refused_with_a_cure() -> None:
    z = np.random.default_rng(6).lognormal(0, 1, 30)
    groups = np.array(["a"] * 25 + ["b"] * 5, object)
    with pytest.raises(SurveyError, match="samples of 'b' must be at least 10; got 5"):
        level(z, groups, "median")
    with pytest.raises(SurveyError, match="values to level must be positive"):
        level(z - 1, groups, "median")
    with pytest.raises(SurveyError, match="reference must be one of"):
        level(z[:25], groups[:25], "median", reference="c")
    with pytest.raises(SurveyError, match="unit of Cu must be one in all surveys"):
        level_surveys([_samples("a", z), _samples("b", z, "ppb")], "median")


@given(st.integers(0, 10_000), st.floats(10.0, 3000.0))
def test_pairs_are_near_and_no_sample_is_in_two(seed: int, reach: float) -> None:
    xy = np.random.default_rng(seed).uniform(0, 10_000, (60, 2)) * [3.0, 1.0]
    pairs = duplicate_pairs(xy, reach)
    assert len(np.unique(pairs)) == pairs.size
    assert (np.linalg.norm(xy[pairs[:, 0]] - xy[pairs[:, 1]], axis=1) <= reach).all()
    alone = np.setdiff1d(np.arange(60), pairs)
    if len(alone) > 1:
        assert (cKDTree(xy[alone]).query(xy[alone], k=2)[0][:, 1] > reach).all()


def test_groups_join_chains_of_near_points() -> None:
    xy = np.array([[0.0, 0], [500, 0], [0.9, 0], [1.8, 0]])
    assert groups_within(xy, 1.0).tolist() == [0, 1, 0, 0]


def test_precision_finds_the_simulated_variance_and_ignores_empty_pairs() -> None:
    rng = np.random.default_rng(7)
    z = np.repeat(rng.lognormal(2, 1, 3000), 2) * rng.lognormal(0, 0.15, 6000)
    pairs = np.arange(6000).reshape(-1, 2)
    z[pairs[0, 0]] = np.nan
    found = precision(z, pairs)
    assert found is not None and found.pairs == 2999
    assert found.log_variance == pytest.approx(0.15**2, rel=0.06)
    assert precision(z, pairs[:1]) is None


def test_the_report_agrees_with_scipy_and_numpy() -> None:
    z = np.random.default_rng(8).lognormal(3, 0.7, 200)
    row = survey_report(_samples("a", z)).iloc[0]
    assert row["skew"] == pytest.approx(stats.skew(z, bias=False))
    assert row["log_skew"] == pytest.approx(stats.skew(np.log(z), bias=False))
    assert row["q75"] == pytest.approx(np.percentile(z, 75))
    assert row["cv"] == pytest.approx(stats.variation(z, ddof=1))


def test_outliers_do_not_move_with_unit_or_scale() -> None:
    z = np.log(np.random.default_rng(9).lognormal(0, 1, 100))
    z[[4, 50]] = [9.0, -11.0]
    assert np.flatnonzero(tukey_outliers(z)).tolist() == [4, 50]
    np.testing.assert_array_equal(tukey_outliers(3 * z + 2), tukey_outliers(z))


def test_the_density_of_poisson_points_is_that_simulated() -> None:
    samples = _samples("a", np.ones(600))
    row = spacing_report(samples).iloc[0]
    assert row["per_km2"] == pytest.approx(1.0, rel=0.05)
    assert row["scale"] == "1:100,000"
    assert row["nearest_m"] == pytest.approx(1000 * np.sqrt(np.log(2) / np.pi), rel=0.1)
    assert row["spacing_m"] == pytest.approx(1000, rel=0.05)


def test_one_line_of_samples_has_no_density_but_a_report() -> None:
    points = geopandas.points_from_xy(np.arange(5) * 100.0, np.arange(5) * 100.0)
    frame = geopandas.GeoDataFrame({"Cu": np.arange(5) + 1.0}, geometry=points, crs=32638)
    row = spacing_report(Samples("a", frame, ("Cu",), {"Cu": "ppm"})).iloc[0]
    assert row["scale"] == "" and row["nearest_m"] == pytest.approx(np.hypot(100, 100))
