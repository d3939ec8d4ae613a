"""Maps against maps: the streamed numbers are those of whole arrays, and truth is found."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from pyproj import CRS
from scipy.spatial.distance import cdist
from scipy.stats import pearsonr, spearmanr

from gossan.errors import FitError
from gossan.evaluate.agreement import NearSamples, agreement
from gossan.evaluate.check_layer import compare_with_check, krige_check
from gossan.fusion.protocol import Observations, Points
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.geochem.transforms import Log

GRID = Grid(CRS.from_epsg(32638), Affine(50.0, 0, 411_000.0, 0, -40.0, 2_700_000.0), 150, 130)


def pair() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    one = rng.gamma(2.0, size=GRID.shape)
    two = one + rng.normal(size=GRID.shape)
    one[20:30, 70:90] = np.nan
    return one.astype(np.float32), two.astype(np.float32)


def layer(values: np.ndarray) -> ArrayLayer:
    return ArrayLayer(GRID, ("estimate",), values[None].astype(np.float32))


def field() -> np.ndarray:
    easting, northing = np.meshgrid(*GRID.coordinates())
    x, y = (easting - 411_000) / 1000, (2_700_000 - northing) / 1000
    return 3.0 + 0.7 * np.sin(1.6 * x) * np.cos(1.2 * y) + 0.1 * x


def survey(count: int, east_km: float, seed: int = 5) -> Observations:
    """Samples of the field west of a line."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, GRID.height, count)
    cols = rng.integers(0, int(east_km * 1000 / 50), count)
    easting, northing = GRID.coordinates()
    places = np.column_stack([easting[cols], northing[rows]])
    return Observations(Points(places), field()[rows, cols] + 0.02 * rng.normal(size=count))


@pytest.mark.parametrize("size", [16, 37, 1024])
def test_whatever_the_blocks_r_is_that_of_all_pixels(size: int) -> None:
    one, two = pair()
    filled = np.isfinite(one)
    found = agreement(layer(one), layer(two), Blocks(size=size, workers=2))
    assert found.n == filled.sum() and found.share == 1
    assert found.r == pytest.approx(pearsonr(one[filled], two[filled])[0], abs=1e-6)
    assert found.spearman == pytest.approx(spearmanr(one[filled], two[filled])[0], abs=1e-9)
    assert found.bias == pytest.approx(float((two - one)[filled].mean()), abs=1e-6)


def test_a_large_map_is_judged_by_blocks_spread_over_it() -> None:
    one, two = pair()
    filled = np.isfinite(one)
    found = agreement(layer(one), layer(two), Blocks(size=10, workers=1), most_pixels=4000)
    assert 0.15 < found.share < 0.25 and found.n < 4400
    assert found.r == pytest.approx(pearsonr(one[filled], two[filled])[0], abs=0.03)
    assert found.spearman == pytest.approx(spearmanr(one[filled], two[filled])[0], abs=0.03)


def test_a_constant_or_empty_map_has_no_r() -> None:
    one, _ = pair()
    flat = agreement(layer(one), layer(np.ones(GRID.shape)), Blocks(workers=1))
    assert np.isnan(flat.r) and flat.n
    empty = agreement(layer(one), layer(np.full(GRID.shape, np.nan)), Blocks(workers=1))
    assert empty.n == 0 and np.isnan(empty.r) and np.isnan(empty.spearman)


def test_pixels_near_samples_are_those_of_brute_force() -> None:
    samples = survey(25, 4.0).points.coordinates
    near = NearSamples.of(samples)
    places = np.column_stack([v.ravel() for v in np.meshgrid(*GRID.coordinates())])
    expected = (cdist(places, samples).min(axis=1) <= near.reach_m).reshape(GRID.shape)
    found = near.inside(GRID, GRID.whole)
    np.testing.assert_array_equal(found, expected)
    window = GRID.whole._replace(row=31, col=17, height=40, width=50)
    np.testing.assert_array_equal(near.inside(GRID, window), expected[31:71, 17:67])


def test_a_true_map_agrees_with_the_kriged_check_survey_and_an_opposite_one_does_not() -> None:
    truth = field()
    check = krige_check(survey(150, 3.0), Log(), GRID)
    opposite, noise = 6.5 - truth, np.random.default_rng(1).normal(size=truth.shape)
    maps = {
        "true": layer(np.exp(truth)),
        "opposite": layer(np.exp(opposite)),
        "noise": layer(noise),
    }
    found = compare_with_check(maps, check, Blocks(size=64, workers=2))
    assert found["true"].r > 0.95 and found["true"].spearman > 0.95
    assert found["opposite"].spearman < -0.95 and found["opposite"].r < -0.7
    assert abs(found["noise"].r) < 0.05
    assert found["true"].bias == pytest.approx(0.0, abs=1.0)


def test_only_ground_that_the_check_survey_covers_counts() -> None:
    truth = field()
    observed = survey(150, 3.0)
    check = krige_check(observed, Log(), GRID)
    east = truth.copy()
    east[:, int(3000 / 50) + int(check.domain.reach_m / 50) + 2 :] = 1000.0
    found = compare_with_check({"kept": layer(np.exp(truth)), "spoilt": layer(east)}, check,
                               Blocks(workers=1))  # fmt: skip
    covered = check.domain.inside(GRID, GRID.whole)
    assert found["kept"].n == covered.sum() < 0.6 * truth.size
    assert found["spoilt"].n == found["kept"].n and found["spoilt"].r > 0.9


def test_a_check_survey_of_few_samples_or_off_the_map_is_refused() -> None:
    with pytest.raises(FitError):
        krige_check(survey(6, 3.0), Log(), GRID)
    observed = survey(60, 3.0)
    far = Observations(Points(observed.points.coordinates + 1e5), observed.values)
    with pytest.raises(FitError, match="on the maps"):
        krige_check(far, Log(), GRID)
