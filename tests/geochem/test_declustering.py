"""Declustering weights: known weights and a mean freed from crowding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gossan.errors import FitError, InputError
from gossan.geochem.declustering import cell_weights, declustering_cell


def crowded_survey(seed: int = 0) -> tuple[np.ndarray, np.ndarray, float]:
    """A field whose high is sampled densely: places, values and the true mean."""
    rng = np.random.default_rng(seed)
    field = lambda xy: np.exp(-((xy[:, 0] - 7000) ** 2 + (xy[:, 1] - 3000) ** 2) / 2e6)  # noqa: E731
    regular = rng.uniform(0, 1, (150, 2)) * [12000, 8000]
    crowd = np.array([7000, 3000]) + rng.normal(0, 700, (200, 2))
    everywhere = rng.uniform(0, 1, (100_000, 2)) * [12000, 8000]
    places = np.vstack([regular, crowd])
    return places, field(places), float(field(everywhere).mean())


def test_the_weighted_mean_is_nearer_the_truth_than_the_plain_one() -> None:
    places, values, truth = crowded_survey()
    cell = declustering_cell(places, values)
    weighted = np.average(values, weights=cell_weights(places, cell))
    assert abs(weighted - truth) < 0.15 * abs(values.mean() - truth)


def test_crowding_in_lows_is_undone_too() -> None:
    places, values, truth = crowded_survey()
    cell = declustering_cell(places, -values, crowded="low")
    weighted = np.average(-values, weights=cell_weights(places, cell))
    assert abs(weighted + truth) < 0.15 * abs(values.mean() - truth)


@given(seed=st.integers(0, 200), cell=st.floats(10, 1e5))
def test_weights_are_positive_with_mean_one(seed: int, cell: float) -> None:
    places = np.random.default_rng(seed).uniform(0, 10000, (50, 2))
    weights = cell_weights(places, cell)
    assert weights.mean() == pytest.approx(1.0)
    assert np.all(weights > 0)
    np.testing.assert_allclose(cell_weights(places[::-1], cell)[::-1], weights)


def test_tiny_and_huge_cells_weigh_all_alike() -> None:
    places = np.random.default_rng(0).uniform(0, 1000, (40, 2))
    np.testing.assert_allclose(cell_weights(places, 1e-3), 1.0)
    np.testing.assert_allclose(cell_weights(places, 1e9, origins=1), 1.0)


def test_mistakes_are_refused() -> None:
    with pytest.raises(InputError, match="above 0"):
        cell_weights([[0.0, 0.0]], 0.0)
    with pytest.raises(InputError, match="high \\| low"):
        declustering_cell([[0.0, 0.0]], [1.0], crowded="middle")  # type: ignore[arg-type]
    with pytest.raises(FitError, match="at two places"):
        declustering_cell([[0.0, 0.0], [0.0, 0.0]], [1.0, 2.0])
    assert np.isnan(cell_weights([[0.0, 0.0], [np.nan, 0.0]], 10.0)[1])
