from __future__ import annotations

import geopandas
import numpy as np
import pytest
from affine import Affine
from pyproj import CRS
from scipy import stats

from gossan.arrays.distribution import Distribution
from gossan.errors import FitError, InputError
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.histogram import map_distribution
from gossan.geo.layer import ArrayLayer
from gossan.geo.samples import Samples
from gossan.targets.thresholds import (
    STEEP_TAIL,
    find_threshold,
    reached_threshold,
    samples_distribution,
    threshold_table,
)


def _map(values: np.ndarray) -> ArrayLayer:
    grid = Grid(CRS.from_epsg(32645), Affine(30.0, 0, 5000.0, 0, -50.0, 9000.0), *values.shape)
    return ArrayLayer(grid, ("Cu",), values[None])


@pytest.fixture(scope="module")
def lognormal() -> np.ndarray:
    return np.exp(np.random.default_rng(5).normal(3.0, 0.6, 4000))


def test_rules_find_the_normal_distributions_own_limits(lognormal: np.ndarray) -> None:
    d = Distribution.of_samples(lognormal)
    quartile = stats.norm.ppf(0.75)
    kept = stats.truncnorm.std(-3, 3)  # of a normal cut at 3 s, approximately what trimming keeps
    expected = {
        "trimmed_mean": 3.0 + 2 * 0.6 * kept,
        "median_mad": 3.0 + 2 * 0.6,
        "tukey": 3.0 + 0.6 * (quartile + 1.5 * 2 * quartile),
        "percentile": 3.0 + 0.6 * stats.norm.ppf(0.975),
    }
    for rule, value in expected.items():
        found = find_threshold(d, rule, draws=60, seed=1)  # type: ignore[arg-type]
        assert np.log(found.value) == pytest.approx(value, abs=0.06), rule
        assert found.lower95 < found.value < found.upper95
        assert found.above == (lognormal >= found.value).sum()


def test_trimming_takes_a_contamination_out(lognormal: np.ndarray) -> None:
    clean = find_threshold(Distribution.of_samples(lognormal), "trimmed_mean", draws=0).value
    spoilt = np.concatenate([lognormal, np.full(80, 5000.0)])
    dirty = find_threshold(Distribution.of_samples(spoilt), "trimmed_mean", draws=0).value
    assert dirty == pytest.approx(clean, rel=0.02)


def test_quantiles_are_numpys(lognormal: np.ndarray) -> None:
    d = Distribution.of_samples(lognormal[:57])
    for q in (0.1, 0.25, 0.5, 0.9):
        assert d.quantile(q) == pytest.approx(np.quantile(lognormal[:57], q, method="hazen"))
    assert d.std() == pytest.approx(lognormal[:57].std(ddof=1))


def test_thresholds_scale_with_the_unit_and_move_with_a_shift(lognormal: np.ndarray) -> None:
    for rule in ("trimmed_mean", "median_mad", "tukey", "percentile"):
        one = find_threshold(Distribution.of_samples(lognormal), rule, draws=0)  # type: ignore[arg-type]
        ten = find_threshold(Distribution.of_samples(1000 * lognormal), rule, draws=0)  # type: ignore[arg-type]
        assert ten.value == pytest.approx(1000 * one.value)
        raw = Distribution.of_samples(lognormal)
        moved = Distribution.of_samples(lognormal + 7.0)
        a = find_threshold(raw, rule, scale="raw", draws=0)  # type: ignore[arg-type]
        b = find_threshold(moved, rule, scale="raw", draws=0)  # type: ignore[arg-type]
        assert b.value == pytest.approx(a.value + 7.0)


def test_a_map_and_its_pixels_as_samples_agree(lognormal: np.ndarray) -> None:
    layer = _map(lognormal.reshape(50, 80))
    d = map_distribution(layer, blocks=Blocks(size=16, workers=2))
    assert d.total == pytest.approx(4000 * 1500 / 1e6)
    assert d.mean() == pytest.approx(lognormal.astype(np.float32).mean(), rel=1e-6)
    for rule in ("trimmed_mean", "median_mad", "tukey", "percentile"):
        on_map = find_threshold(d, rule, kind="map", draws=0)  # type: ignore[arg-type]
        on_samples = find_threshold(Distribution.of_samples(lognormal), rule, draws=0)  # type: ignore[arg-type]
        assert on_map.value == pytest.approx(on_samples.value, rel=0.01), rule


def test_the_distribution_of_a_map_does_not_depend_on_the_blocks(lognormal: np.ndarray) -> None:
    values = lognormal.reshape(80, 50).copy()
    values[10:30, 5:20] = np.nan
    layer = _map(values)
    whole = map_distribution(layer, blocks=Blocks(size=1024, workers=1))
    parts = map_distribution(layer, blocks=Blocks(size=13, workers=2))
    assert np.allclose(whole.values, parts.values, rtol=1e-12)
    assert whole.groups is not None and parts.groups is not None
    assert np.array_equal(whole.groups, parts.groups)
    assert whole.total == pytest.approx((4000 - 300) * 1500 / 1e6)


def test_blocks_spread_over_a_large_map_stand_for_all_of_it() -> None:
    rows, cols = np.mgrid[:320, :320] / 320
    layer = _map(np.exp(np.sin(9 * rows) + np.cos(7 * cols)))
    whole = map_distribution(layer)
    part = map_distribution(layer, most_pixels=320 * 320 // 5, blocks=Blocks(size=8))
    assert part.total == pytest.approx(whole.total, rel=1e-9)
    for probability in (0.05, 0.5, 0.95):
        expected = whole.quantile(probability)
        assert part.quantile(probability) == pytest.approx(expected, rel=0.015)
    assert len(part.values) < len(whole.values)


def test_alike_neighbours_widen_the_interval_of_a_map() -> None:
    coarse = np.exp(np.random.default_rng(3).normal(0, 0.5, (12, 12)))
    layer = _map(np.kron(coarse, np.ones((10, 10))))
    blocked = find_threshold(map_distribution(layer, tiles=12), "median_mad", seed=2)
    pixels = Distribution.of_samples(layer.array.ravel())
    naive = find_threshold(pixels, "median_mad", seed=2)
    assert blocked.upper95 - blocked.lower95 > 3 * (naive.upper95 - naive.lower95)


def test_values_below_zero_fall_back_to_the_raw_scale_with_a_note() -> None:
    d = Distribution.of_samples(np.random.default_rng(1).normal(0, 1, 200))
    found = find_threshold(d, "median_mad")
    assert found.scale == "raw" and "raw scale" in found.note


def test_the_table_shows_samples_and_maps_together(lognormal: np.ndarray) -> None:
    table = threshold_table(
        {
            "regional": (Distribution.of_samples(lognormal[:400]), "samples"),
            "kriging": (map_distribution(_map(lognormal.reshape(50, 80))), "kriged map"),
            "two": (Distribution.of_samples([1.0, 2.0]), "samples"),
        },
        draws=20,
    )
    assert len(table) == 15
    assert table.loc[table["kind"] == "kriged map", "note"].str.contains(STEEP_TAIL[:20]).all()
    few = table[table["source"] == "two"]
    assert few["value"].isna().all() and few["note"].str.contains("must be").all()


def test_too_few_values_and_unknown_rules_are_refused() -> None:
    with pytest.raises(FitError):
        find_threshold(Distribution.of_samples(np.arange(1.0, 9.0)))
    with pytest.raises(InputError):
        find_threshold(Distribution.of_samples(np.arange(1.0, 90.0)), "best")  # type: ignore[arg-type]
    with pytest.raises(FitError):
        map_distribution(_map(np.full((4, 5), np.nan)))


def test_a_survey_is_redrawn_by_whole_blocks() -> None:
    rng = np.random.default_rng(6)
    places = rng.uniform((500_000, 4_400_000), (508_000, 4_408_000), (300, 2))
    frame = geopandas.GeoDataFrame(
        {"Cu": np.exp(rng.normal(size=300))},
        geometry=geopandas.points_from_xy(*places.T),
        crs=32645,
    )
    frame.loc[5, "Cu"] = np.nan
    survey = Samples("regional", frame, ("Cu",), {"Cu": "ppm"})
    d = samples_distribution(survey, "Cu")
    assert d.total == 299 and d.groups is not None
    assert 49 <= len(d.groups) <= 100 and (d.groups.sum(axis=0) == 1).all()
    assert np.array_equal(d.values, np.sort(frame["Cu"].dropna()))


def test_a_threshold_that_no_sample_reaches_gives_way_to_a_percentile() -> None:
    """Of log-uniform contents median + 2 MAD is 0.5 + 0.74 of the range: above the highest."""
    values = np.exp(np.linspace(np.log(20.0), np.log(2000.0), 201))
    found = reached_threshold(Distribution.of_samples(values))
    logarithms = np.log(values)
    above = np.median(logarithms) + 2 * stats.median_abs_deviation(logarithms, scale="normal")
    assert np.exp(above) > values.max()
    assert found.rule == "percentile"
    assert found.value == pytest.approx(np.quantile(values, 0.975, method="hazen"), rel=1e-3)
    assert f"{np.exp(above):.3g}" in found.note


def test_a_threshold_that_samples_reach_stays(lognormal: np.ndarray) -> None:
    samples = Distribution.of_samples(lognormal)
    for rule in ("median_mad", "tukey", "trimmed_mean"):
        found = reached_threshold(samples, rule)
        assert (found.rule, found.note) == (rule, "")
        assert found.value == find_threshold(samples, rule, draws=0).value
