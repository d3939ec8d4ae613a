from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from pyproj import CRS
from scipy import ndimage
from sklearn.metrics import auc, roc_auc_score, roc_curve

from gossan.arrays.distribution import Distribution
from gossan.errors import FitError
from gossan.evaluate.occurrences import (
    compare_occurrences,
    judge_occurrences,
    scores_at,
    searched_share,
)
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer

SHAPE = (70, 95)
GRID = Grid(CRS.from_epsg(32645), Affine(30.0, 0, 5000.0, 0, -50.0, 90_000.0), *SHAPE)


def _field(seed: int) -> np.ndarray:
    return ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(SHAPE), 3)


def _points(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    easting, northing = GRID.coordinates()
    return np.column_stack([easting[columns], northing[rows]])


@pytest.mark.parametrize("steps", [None, 7])
def test_auc_is_scikit_learns_with_and_without_ties(steps: int | None) -> None:
    field = _field(1).ravel()
    if steps:
        field = np.round(field * steps * 3) / 3
    rng = np.random.default_rng(2)
    weights = np.exp(20 * field)
    chosen = field[rng.choice(field.size, 25, p=weights / weights.sum())]
    truth = np.r_[np.ones(25), np.zeros(field.size)]
    everything = np.r_[chosen, field]
    found = judge_occurrences(chosen, Distribution.of_samples(field), draws=50)
    assert found.auc == pytest.approx(roc_auc_score(truth, everything), abs=1e-12)
    false, true, _ = roc_curve(truth, everything)
    assert found.auc == pytest.approx(auc(false, true), abs=1e-12)
    if steps is None:
        curve = found.curve
        expected = np.interp(curve["area_share"], false, true)
        assert np.abs(curve["occurrence_share"] - expected).max() <= 1 / 25 + 1e-9
        at = np.trapezoid(curve["occurrence_share"], curve["area_share"])
        assert at == pytest.approx(found.auc, abs=0.01)


def test_occurrences_at_random_stay_within_the_band_of_chance() -> None:
    area = Distribution.of_samples(_field(3).ravel())
    rng = np.random.default_rng(4)
    inside, covered, p_values = 0, 0, []
    for seed in range(100):
        found = judge_occurrences(rng.choice(area.values, 15), area, draws=200, seed=seed)
        inside += found.chance_lower95 <= found.auc <= found.chance_upper95
        covered += found.auc_lower95 <= 0.5 <= found.auc_upper95
        p_values.append(found.p_value)
    assert 0.89 <= inside / 100 <= 0.99
    assert 0.85 <= covered / 100 <= 0.99
    assert 0.4 < np.mean(p_values) < 0.6 and (np.array(p_values) < 0.05).mean() < 0.12


def test_the_chance_band_is_that_of_uniform_places() -> None:
    area = Distribution.of_samples(_field(5).ravel())
    found = judge_occurrences(np.full(12, area.values[-1]), area, draws=4000)
    spread = 1.96 * np.sqrt(1 / 12 / 12)
    assert found.chance_lower95 == pytest.approx(0.5 - spread, abs=0.01)
    assert found.chance_upper95 == pytest.approx(0.5 + spread, abs=0.01)
    assert found.p_value == pytest.approx(1 / 4001)
    assert found.enrichment == pytest.approx(10.0)


def test_the_crossing_of_the_prediction_area_plot_is_where_shares_sum_to_1() -> None:
    area = Distribution.of_samples(np.arange(1000.0))
    # Occurrences with place u: share found at area share x is the share of u <= x.
    scores = 1000.0 * (1 - np.array([0.02, 0.05, 0.10, 0.15, 0.20, 0.24, 0.4, 0.7, 0.8, 0.9]))
    found = judge_occurrences(scores, area, draws=20)
    assert found.crossing_occurrences + found.crossing_area == pytest.approx(1.0)
    assert found.crossing_area == pytest.approx(0.39, abs=0.02)
    assert found.crossing_ratio == pytest.approx(found.crossing_occurrences / found.crossing_area)
    assert found.crossing_weight == pytest.approx(np.log(found.crossing_ratio))
    plot = found.area_plot
    for row in plot.iloc[::23].itertuples():
        assert row.occurrence_share == pytest.approx((scores >= row.threshold).mean())
        assert row.area_share == pytest.approx((area.values >= row.threshold).mean())


def test_scores_are_read_under_the_point_or_at_their_best_nearby() -> None:
    values = _field(6)
    values[10:14, 20:30] = np.nan
    layer = ArrayLayer(GRID, ("Cu",), values[None])
    rows, columns = np.array([5, 11, 60]), np.array([8, 25, 90])
    xy = np.vstack([_points(rows, columns), [[0.0, 0.0]]])
    at = scores_at(layer, xy)
    assert at[[0, 2]] == pytest.approx(values[rows, columns][[0, 2]], rel=1e-6)
    assert np.isnan(at[[1, 3]]).all()
    near = scores_at(layer, xy, radius_m=170.0)
    easting, northing = GRID.coordinates()
    for i in range(3):
        away = np.hypot(easting[None, :] - xy[i, 0], northing[:, None] - xy[i, 1])
        assert near[i] == pytest.approx(np.nanmax(values[away <= 170.0]), rel=1e-6)
    assert np.isnan(near[3])


def test_products_stand_side_by_side_whatever_the_blocks() -> None:
    good, poor = np.exp(_field(7)), np.exp(_field(8))
    rng = np.random.default_rng(9)
    rows, columns = np.nonzero(good >= np.quantile(good, 0.9))
    chosen = rng.choice(len(rows), 14, replace=False)
    xy = np.vstack([_points(rows[chosen], columns[chosen]), [[0.0, 0.0]]])
    layers = {name: ArrayLayer(GRID, ("Cu",), v[None]) for name, v in
              {"fused": good, "kriging": poor}.items()}  # fmt: skip
    table, tests = compare_occurrences(layers, xy, rate="prediction", draws=200)
    other, _ = compare_occurrences(
        layers, xy, rate="prediction", draws=200, blocks=Blocks(size=17, workers=2)
    )
    assert table["auc"].tolist() == pytest.approx(other["auc"].tolist(), abs=1e-6)
    fused = table.set_index("product").loc["fused"]
    assert fused["n"] == 14 and fused["outside"] == 1 and "outside" in fused["note"]
    assert fused["auc"] > 0.9 > table["auc"][1] and fused["enrichment"] > 8
    pixels = np.sort(good.astype(np.float32).ravel())
    exact = searched_share(scores_at(layers["fused"], xy[:14]), Distribution.of_samples(pixels))
    assert tests["fused"].auc == pytest.approx(1 - exact.mean(), abs=2e-3)


def test_three_occurrences_say_that_nothing_is_proved_and_none_is_refused() -> None:
    area = Distribution.of_samples(np.arange(100.0))
    assert "nothing is proved" in judge_occurrences(np.array([99.0, 98, 97]), area, draws=20).note
    with pytest.raises(FitError):
        judge_occurrences(np.array([np.nan]), area)
    with pytest.raises(FitError):
        judge_occurrences(np.empty(0), area)


def test_a_constant_map_scores_like_chance() -> None:
    area = Distribution(np.array([1.0]), np.array([50.0]), None, 10.0)
    found = judge_occurrences(np.ones(9), area, draws=20)
    assert found.auc == 0.5 and found.crossing_area == pytest.approx(0.5)
