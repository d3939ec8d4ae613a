"""Kriging against R gstat, and what must hold whatever the samples."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gossan.errors import FitError, InputError
from gossan.geo.grid import Grid
from gossan.geochem.kriging.block_mean import block_mean
from gossan.geochem.kriging.estimator import Kriging, distance_to_nearest
from gossan.geochem.kriging.extrapolation import unsupported
from gossan.geochem.kriging.neighbourhood import Neighbourhood
from gossan.geochem.transforms import Log
from gossan.geochem.variogram.fitting import Anisotropy, CovarianceModel, Structure

SPHERICAL = CovarianceModel(0.05, (Structure("spherical", 0.59, 897.0),))
MATERN = CovarianceModel(0.05, (Structure("matern", 0.59, 200.0, 0.8),))
NESTED = CovarianceModel(
    0.05, (Structure("gaussian", 0.4, 400.0), Structure("matern", 0.2, 100.0, 1.5))
)
TURNED = CovarianceModel(0.05, (Structure("exponential", 0.59, 300.0),), Anisotropy(30.0, 0.5))
SMOOTH = CovarianceModel(0.0, (Structure("spherical", 1.0, 900.0),))

CASES = {
    "global": Kriging(SPHERICAL, neighbours=None),
    "local": Kriging(SPHERICAL),
    "block": Kriging(SPHERICAL, block_m=(40, 60)),
    "simple": Kriging(SPHERICAL, "simple", mean=5.9),
    "linear_drift": Kriging(SPHERICAL, "universal"),
    "quadratic_drift": Kriging(SPHERICAL, "universal", neighbours=None, drift="quadratic"),
    "block_drift": Kriging(SPHERICAL, "universal", neighbours=None, block_m=(40, 60)),
    "filtered": Kriging(SPHERICAL, nugget="filtered"),
    "radius": Kriging(SPHERICAL, radius_m=200, fewest=5),
    "quadrant": Kriging(SPHERICAL, neighbours=16, search="quadrant", radius_m=800),
    "anisotropic": Kriging(TURNED, neighbours=None),
    "matern": Kriging(MATERN),
    "nested": Kriging(NESTED),
}
# oblong, unequal pixels, off the origin
GRID = Grid.from_bounds("EPSG:32638", (430_013, 2_700_007, 433_013, 2_702_107), (60, 35))


@pytest.fixture(scope="module")
def gstat(reference: Path) -> dict:
    return json.loads((reference / "kriging_gstat.json").read_text())


@pytest.fixture(scope="module")
def meuse(test_data: Path) -> tuple[np.ndarray, np.ndarray]:
    table = pd.read_csv(test_data / "meuse" / "meuse_points.csv")
    return table[["x", "y"]].to_numpy(float), np.log(table["zinc"].to_numpy(float))


def scattered(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 1, (n, 2)) * [3000, 2100] + [430_013, 2_700_007]


@pytest.mark.parametrize("case", CASES)
def test_estimates_and_variances_equal_gstat(meuse, gstat, case: str) -> None:
    expected = {
        name: np.array([np.nan if v in ("NA", None) else v for v in values], float)
        for name, values in gstat["cases"][case].items()
    }
    estimate, variance = CASES[case].fit(*meuse).predict(gstat["targets"])
    np.testing.assert_allclose(estimate, expected["estimate"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(variance, expected["variance"], rtol=0, atol=1e-6)


def test_the_dual_form_gives_the_global_estimate(meuse, gstat) -> None:
    for case in ("global", "quadratic_drift", "block_drift", "anisotropic"):
        kriging = CASES[case].fit(*meuse)
        estimate = kriging.estimate(gstat["targets"])
        np.testing.assert_allclose(estimate, gstat["cases"][case]["estimate"], rtol=0, atol=1e-6)


def test_all_samples_as_neighbours_is_the_global_system() -> None:
    xy = scattered(60)
    z = np.sin(xy[:, 0] / 500) + xy[:, 1] / 1000
    targets = scattered(50, 1)
    for model in (SPHERICAL, TURNED, NESTED):
        for options in ({}, {"method": "universal"}, {"block_m": 50.0}, {"nugget": "filtered"}):
            near = Kriging(model, neighbours=60, **options).fit(xy, z).predict(targets)
            whole = Kriging(model, neighbours=None, **options).fit(xy, z).predict(targets)
            np.testing.assert_allclose(near, whole, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("neighbours", [32, None])
def test_a_gradient_in_northing_comes_out_the_right_way_up_and_in_place(neighbours) -> None:
    xy = scattered(400, 3)
    northing = xy[:, 1] - 2_700_000
    kriging = Kriging(SMOOTH, "universal", neighbours=neighbours).fit(xy, northing)
    easting, centres = GRID.coordinates()
    estimate = kriging.lattice(GRID)[0]
    assert estimate.shape == (60, 50)
    truth = np.broadcast_to((centres - 2_700_000)[:, None], (len(centres), len(easting)))
    # a quarter of a pixel would be 9 m
    np.testing.assert_allclose(estimate, truth, atol=1e-6)
    ordinary = Kriging(SMOOTH, neighbours=neighbours).fit(xy, northing).lattice(GRID)[0]
    inside = (slice(6, -6), slice(6, -6))
    assert abs(np.mean(ordinary[inside] - truth[inside])) < 1.0


@given(
    value=st.floats(-1e6, 1e6),
    seed=st.integers(0, 1000),
    method=st.sampled_from(["ordinary", "universal"]),
    neighbours=st.sampled_from([8, 32, None]),
)
def test_a_constant_stays_constant(value, seed, method, neighbours) -> None:
    kriging = Kriging(TURNED, method, neighbours=neighbours, workers=1)
    estimate, variance = kriging.fit(scattered(40, seed), np.full(40, value)).predict(
        scattered(20, seed + 1)
    )
    np.testing.assert_allclose(estimate, value, rtol=1e-9, atol=1e-9)
    assert np.all(variance >= 0)


@given(seed=st.integers(0, 1000), scale=st.floats(0.01, 100), shift=st.floats(-1e3, 1e3))
def test_shifting_and_scaling_values_carries_through(seed, scale, shift) -> None:
    xy, targets = scattered(50, seed), scattered(20, seed + 1)
    z = np.random.default_rng(seed).normal(size=50)
    kriging = Kriging(SPHERICAL, neighbours=16, workers=1)
    plain = kriging.fit(xy, z).predict(targets)
    moved = Kriging(SPHERICAL.scaled(scale**2), neighbours=16, workers=1)
    estimate, variance = moved.fit(xy, scale * z + shift).predict(targets)
    np.testing.assert_allclose(estimate, scale * plain[0] + shift, atol=1e-7 * (scale + 1000))
    np.testing.assert_allclose(variance, scale**2 * plain[1], rtol=1e-7)


@pytest.mark.parametrize("neighbours", [16, None])
def test_samples_are_honoured_without_a_nugget_and_with_an_exact_one(neighbours) -> None:
    xy = scattered(80)
    z = np.random.default_rng(0).normal(size=80)
    for model in (SMOOTH, SPHERICAL):
        estimate, variance = Kriging(model, neighbours=neighbours).fit(xy, z).predict(xy)
        np.testing.assert_allclose(estimate, z, atol=1e-9)
        np.testing.assert_allclose(variance, 0, atol=1e-9)


@pytest.mark.parametrize("neighbours", [16, None])
def test_a_filtered_nugget_smooths_at_samples_and_equals_the_exact_one_elsewhere(
    neighbours,
) -> None:
    xy = scattered(80)
    z = np.random.default_rng(0).normal(size=80)
    exact = Kriging(SPHERICAL, neighbours=neighbours).fit(xy, z)
    filtered = Kriging(SPHERICAL, neighbours=neighbours, nugget="filtered").fit(xy, z)
    targets = scattered(40, 5)
    between = exact.predict(targets), filtered.predict(targets)
    np.testing.assert_allclose(between[0][0], between[1][0], atol=1e-10)
    np.testing.assert_allclose(between[0][1], between[1][1] + SPHERICAL.nugget, atol=1e-10)
    # limit from nearby: no jump at the sample itself
    at = filtered.predict(xy)
    near = filtered.predict(xy + np.array([1e-7, 0]))
    np.testing.assert_allclose(at, near, atol=1e-6)
    assert np.abs(at[0] - z).max() > 0.05
    assert at[1].min() > 0


def test_repeated_samples_at_one_place_count_as_measurements_of_it() -> None:
    xy, z = scattered(30), np.random.default_rng(0).normal(size=30)
    twice, both = np.vstack([xy, xy[:1]]), np.r_[z, z[0] + 1.0]
    targets = scattered(20, 1)
    merged = np.r_[z[0] + 0.5, z[1:]]
    exact = Kriging(SPHERICAL, neighbours=20)
    np.testing.assert_allclose(
        exact.fit(twice, both).predict(targets), exact.fit(xy, merged).predict(targets)
    )
    # filtered: the same as two samples a hair apart, each with its own error
    filtered = Kriging(SPHERICAL, neighbours=31, nugget="filtered")
    apart = np.vstack([xy, xy[:1] + 1e-6])
    np.testing.assert_allclose(
        filtered.fit(twice, both).predict(targets),
        filtered.fit(apart, both).predict(targets),
        atol=1e-6,
    )


@pytest.mark.parametrize("neighbours", [24, None])
@pytest.mark.parametrize("kind", ["spherical", "exponential", "gaussian"])
def test_near_duplicate_samples_do_no_harm(kind, neighbours) -> None:
    model = CovarianceModel(0.0, (Structure(kind, 1.0, 600.0),))
    xy = scattered(60)
    z = np.sin(xy[:, 0] / 900) + np.cos(xy[:, 1] / 700)
    targets = scattered(100, 2)
    plain = Kriging(model, neighbours=neighbours).fit(xy, z).predict(targets)
    crowded = np.vstack([xy, xy + np.array([1e-7, -1e-7])])
    twice = None if neighbours is None else 2 * neighbours
    found = Kriging(model, neighbours=twice).fit(crowded, np.r_[z, z]).predict(targets)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[0], plain[0], atol=5e-3)
    assert np.all(found[1] >= 0)


def test_block_variance_is_below_point_variance_and_falls_with_the_block() -> None:
    xy, z = scattered(80), np.random.default_rng(0).normal(size=80)
    targets = scattered(60, 4)
    variances = [
        Kriging(SPHERICAL, block_m=side).fit(xy, z).predict(targets)[1]
        for side in (None, 20.0, 100.0, 300.0)
    ]
    assert np.all(variances[1] < variances[0])
    means = [v.mean() for v in variances]
    assert means == sorted(means, reverse=True)


def test_a_block_estimate_is_the_mean_of_its_points() -> None:
    xy, z = scattered(80), np.random.default_rng(0).normal(size=80)
    target = np.array([[431_500.0, 2_701_000.0]])
    side = (np.arange(40) + 0.5) / 40 - 0.5
    east, north = np.meshgrid(side * 200, side * 80)
    points = target + np.column_stack([east.ravel(), north.ravel()])
    for method in ("ordinary", "universal"):
        kriging = Kriging(SPHERICAL, method, neighbours=None)
        mean = kriging.fit(xy, z).estimate(points).mean()
        block = Kriging(SPHERICAL, method, neighbours=None, block_m=(200.0, 80.0)).fit(xy, z)
        assert block.predict(target)[0][0] == pytest.approx(mean, abs=2e-4)


def test_results_do_not_depend_on_threads_or_on_the_order_of_samples() -> None:
    xy, z = scattered(300), np.random.default_rng(0).normal(size=300)
    one = Kriging(TURNED, workers=1).fit(xy, z).lattice(GRID)
    many = Kriging(TURNED, workers=4).fit(xy, z).lattice(GRID)
    np.testing.assert_array_equal(one, many)
    order = np.random.default_rng(1).permutation(300)
    shuffled = Kriging(TURNED).fit(xy[order], z[order]).lattice(GRID)
    np.testing.assert_allclose(shuffled, one, atol=1e-9)


def test_a_lattice_is_its_points_row_by_row_from_the_north() -> None:
    xy, z = scattered(100), np.random.default_rng(0).normal(size=100)
    kriging = Kriging(SPHERICAL).fit(xy, z)
    lattice = kriging.lattice(GRID)
    easting, northing = GRID.coordinates()
    estimate, variance = kriging.predict([[easting[7], northing[3]]])
    assert lattice[0, 3, 7] == estimate[0]
    assert lattice[1, 3, 7] == variance[0]
    assert northing[0] > northing[-1]
    np.testing.assert_array_equal(kriging.estimate_lattice(GRID), lattice[0])


@pytest.mark.parametrize(("method", "drift"), [("ordinary", "linear"), ("universal", "linear"),
                                               ("universal", "quadratic")])  # fmt: skip
def test_leaving_out_from_the_global_system_equals_refitting(method, drift) -> None:
    xy, z = scattered(40), np.random.default_rng(0).normal(size=40)
    whole = Kriging(SPHERICAL, method, neighbours=None, drift=drift)
    estimate, variance = whole.fit(xy, z).leave_one_out()
    for one in (0, 17, 39):
        rest = np.arange(40) != one
        found = Kriging(SPHERICAL, method, neighbours=None, drift=drift).fit(xy[rest], z[rest])
        expected = [part[0] for part in found.predict(xy[one : one + 1])]
        np.testing.assert_allclose([estimate[one], variance[one]], expected, rtol=1e-9)


def test_effective_numbers_of_the_global_system_are_those_of_all_neighbours() -> None:
    xy, z = scattered(60), np.random.default_rng(0).normal(size=60)
    whole = Kriging(SPHERICAL, "universal", neighbours=None).fit(xy, z).quality(GRID)
    local = Kriging(SPHERICAL, "universal", neighbours=60).fit(xy, z).quality(GRID)
    np.testing.assert_allclose(whole, local, rtol=1e-6)


@pytest.mark.parametrize("leave_radius", [None, 500.0])
def test_a_smooth_edge_leaves_no_steps(leave_radius) -> None:
    xy, z = scattered(400), np.random.default_rng(0).normal(size=400)
    rough = CovarianceModel(0.3, (Structure("exponential", 1.0, 600.0),))
    line = np.column_stack([np.linspace(430_500, 432_500, 40_001), np.full(40_001, 2_701_000.0)])
    steps = {}
    for edge in ("sharp", "smooth"):
        kriging = Kriging(rough, neighbours=16, edge=edge, radius_m=leave_radius).fit(xy, z)
        estimate, variance = kriging.predict(line)
        away = np.hypot(*(line[:, None] - xy[None]).transpose(2, 0, 1)).min(axis=1) > 1.0
        close = away[1:] & away[:-1]
        steps[edge] = np.abs(np.diff(estimate))[close].max(), np.abs(np.diff(variance))[close].max()
    assert steps["sharp"][0] > 0.02  # targets are 5 cm apart
    assert steps["smooth"][0] < 0.002
    assert steps["smooth"][1] < 0.002


def test_a_smooth_edge_that_leaves_nobody_out_changes_nothing() -> None:
    xy, z = scattered(30), np.random.default_rng(0).normal(size=30)
    plain = Kriging(SPHERICAL, neighbours=30).fit(xy, z)
    smooth = Kriging(SPHERICAL, neighbours=30, edge="smooth").fit(xy, z)
    np.testing.assert_array_equal(plain.lattice(GRID), smooth.lattice(GRID))
    np.testing.assert_allclose(plain.leave_one_out(), smooth.leave_one_out())


def test_rough_samples_under_a_smooth_variogram_without_nugget_are_refused() -> None:
    xy, z = scattered(100), np.random.default_rng(0).normal(size=100)
    smooth = CovarianceModel(0.0, (Structure("gaussian", 1.0, 3000.0),))
    with pytest.raises(FitError, match=r"nearly singular matrix .* Add a nugget"):
        Kriging(smooth, neighbours=None).fit(xy, z)


def test_the_mean_of_a_block_is_the_average_of_the_means_of_its_points() -> None:
    xy, z = scattered(80), np.random.default_rng(0).normal(size=80)
    target = np.array([[431_500.0, 2_701_000.0]])
    side = (np.arange(30) + 0.5) / 30 - 0.5
    east, north = np.meshgrid(side * 600, side * 400)
    points = target + np.column_stack([east.ravel(), north.ravel()])
    estimate, variance = Kriging(SPHERICAL, neighbours=None).fit(xy, z).predict(points)
    block = Kriging(SPHERICAL, neighbours=None, block_m=(600.0, 400.0)).fit(xy, z)
    found = block_mean(block, Log(), target)[0]
    assert found == pytest.approx(np.exp(estimate + variance / 2).mean(), rel=5e-3)
    log_mean, log_variance = (float(part[0]) for part in block.predict(target))
    assert np.exp(log_mean + log_variance / 2) < 0.95 * found  # without the variance within


def test_a_trend_beyond_the_samples_is_unsupported_and_a_peak_among_them_is_not() -> None:
    xy = scattered(60)
    z = xy[:, 0] / 1000
    kriging = Kriging(SMOOTH, "universal").fit(xy, z)
    places = np.array(
        [[431_500.0, 2_701_000.0], [436_000.0, 2_701_000.0], [427_000.0, 2_701_000.0]]
    )
    flagged = unsupported(xy, z, places, kriging.estimate(places))
    assert flagged.tolist() == [False, True, False]
    assert not unsupported(xy, z, places[:1], [99.0]).any()


def test_empty_values_and_places_are_left_out_or_stay_empty() -> None:
    xy, z = scattered(50), np.random.default_rng(0).normal(size=50)
    holes = z.copy()
    holes[::7] = np.nan
    keep = np.isfinite(holes)
    for neighbours in (12, None):
        kriging = Kriging(SPHERICAL, neighbours=neighbours)
        targets = np.vstack([scattered(5, 1), [[np.nan, 1.0]]])
        found = kriging.fit(xy, holes).predict(targets)
        expected = kriging.fit(xy[keep], z[keep]).predict(targets)
        np.testing.assert_array_equal(found, expected)
        assert np.isnan(found[0][-1])
        assert np.isfinite(found[0][:-1]).all()


def test_quality_tells_distance_and_effective_number() -> None:
    xy = scattered(150)
    kriging = Kriging(CovarianceModel(1.0)).fit(xy, np.arange(150.0))
    distance, effective = kriging.quality(GRID)
    # a pure nugget weighs all 32 neighbours alike
    np.testing.assert_allclose(effective, 32, rtol=1e-9)
    easting, northing = GRID.coordinates()
    gap = np.hypot(easting[4] - xy[:, 0], northing[11] - xy[:, 1]).min()
    assert distance[11, 4] == pytest.approx(gap)
    at_sample = Kriging(SMOOTH).fit(xy, np.arange(150.0))
    assert at_sample._local(xy[:1], 3)[2, 0] == pytest.approx(1.0)
    np.testing.assert_array_equal(distance_to_nearest(xy[:1], xy[:1] + np.array([3.0, 4.0])), [5])


def test_an_octant_search_looks_in_every_direction() -> None:
    rng = np.random.default_rng(0)
    line = np.column_stack([rng.uniform(0, 50, 100), rng.uniform(0, 1, 100)])
    ring = 500 * np.array([[np.sin(a), np.cos(a)] for a in np.deg2rad(np.arange(20, 380, 45))])
    samples = np.vstack([line, ring])
    target = np.array([[25.0, 0.5]])
    nearest = Neighbourhood(16).find(samples, target)[0]
    octant = Neighbourhood(16, search="octant").find(samples, target)[0]
    assert nearest.max() < 100
    # the line fills the four octants next to it, the ring serves the four others
    assert (octant >= 100).sum() == 4
    found = octant[octant >= 0]
    gaps = np.hypot(*(samples[found] - target).T)
    assert np.all(np.diff(gaps) >= 0)
    angle = np.arctan2(*(samples[found] - target).T[::-1]) % (2 * np.pi)
    assert np.bincount((angle // (np.pi / 4)).astype(int)).max() == 2


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Kriging(SPHERICAL, "cokriging"), InputError, "ordinary | simple | universal"),
        (lambda: Kriging(SPHERICAL, "simple"), InputError, "given for simple kriging only"),
        (lambda: Kriging(SPHERICAL, mean=3.0), InputError, "given for simple kriging only"),
        (lambda: Kriging(SPHERICAL, nugget="none"), InputError, "exact | filtered"),
        (lambda: Kriging(SPHERICAL, search="octant", neighbours=4), InputError, "at least 8"),
        (lambda: Kriging(SPHERICAL, radius_m=-1.0), InputError, "above 0"),
        (lambda: Kriging(SPHERICAL, neighbours=None, radius_m=9.0), InputError, "neighbours"),
        (lambda: Kriging(SPHERICAL).predict([[0.0, 0.0]]), FitError, "fitted first"),
        (lambda: Kriging(SPHERICAL).fit([[0.0, 0.0]], [np.nan]), FitError, "at least 1"),
        (lambda: Kriging(SPHERICAL).fit([[0.0, 0.0]], [1.0, 2.0]), InputError, "one a place"),
        (lambda: Kriging(SPHERICAL).fit([0.0, 0.0], [1.0, 2.0]), InputError, "(n, 2)"),
        (
            lambda: Kriging(SPHERICAL, "universal").fit(
                np.c_[np.arange(20.0), np.arange(20.0) * 2], np.arange(20.0)
            ),
            FitError,
            "spread over both directions",
        ),
        (
            lambda: Kriging(SPHERICAL, block_m=-4.0).fit([[0.0, 0.0]], [1.0]).predict([[0, 0]]),
            InputError,
            "above 0",
        ),
    ],
)
def test_mistakes_are_refused_in_one_line(make, error, words) -> None:
    with pytest.raises(error) as caught:
        make()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_samples_on_a_line_are_fine_for_ordinary_kriging() -> None:
    xy = np.c_[np.arange(20.0) * 100, np.zeros(20)]
    estimate, variance = Kriging(SPHERICAL).fit(xy, np.arange(20.0)).predict([[950.0, 10.0]])
    assert estimate[0] == pytest.approx(9.5, abs=1e-9)
    assert 0 < variance[0] < SPHERICAL.sill
