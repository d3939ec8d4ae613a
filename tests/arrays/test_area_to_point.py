"""Area-to-point kriging is held against kriging by brute force and its own coherence."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import ArrayLike

from gossan.arrays.area_to_point import cell_kernel, regularised_semivariance, spread

PIXEL = (20.0, 30.0)


def _covariance(h: ArrayLike) -> np.ndarray:
    return 2.0 * np.exp(-np.asarray(h) / 150.0)


def _pixels(cell: tuple[int, int], factor: int) -> np.ndarray:
    rows = (cell[0] * factor + np.arange(factor)) * PIXEL[0]
    cols = (cell[1] * factor + np.arange(factor)) * PIXEL[1]
    return np.stack(np.meshgrid(rows, cols, indexing="ij"), axis=-1).reshape(-1, 2)


def _between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return _covariance(np.linalg.norm(a[:, None] - b[None, :], axis=2))


@pytest.mark.parametrize("factor", [3, 4])
def test_weights_and_variance_agree_with_kriging_by_brute_force(factor: int) -> None:
    kernel = cell_kernel(_covariance, factor, PIXEL, reach=1)
    cells = [_pixels((int(i), int(j)), factor) for i, j in kernel.offsets]
    middle = _pixels((0, 0), factor)
    between = np.array([[_between(a, b).mean() for b in cells] for a in cells])
    to_pixel = np.array([_between(a, middle).mean(axis=0) for a in cells])
    weights = np.linalg.solve(between, to_pixel)
    np.testing.assert_allclose(kernel.weights.reshape(9, -1), weights, atol=1e-9)
    variance = 2.0 - (weights * to_pixel).sum(axis=0)
    np.testing.assert_allclose(kernel.variance.ravel(), variance, atol=1e-9)


def test_the_prediction_aggregates_back_to_the_cells() -> None:
    values = np.random.default_rng(1).normal(size=(7, 5))
    kernel = cell_kernel(_covariance, 6, PIXEL)
    row, col = np.arange(42)[:, None], np.arange(30)[None, :]
    fine = spread(values, kernel, row, col)
    np.testing.assert_allclose(fine.reshape(7, 6, 5, 6).mean(axis=(1, 3)), values, atol=1e-9)


def test_a_long_range_gives_a_smooth_field_and_a_short_one_nearly_blocks() -> None:
    values = np.tile([1.0, -1.0], 10)[None, :] * np.ones((5, 1))
    row, col = np.arange(24, 30)[:, None], np.arange(40, 80)[None, :]
    steps = []
    for reach_m in (3.0, 400.0):
        kernel = cell_kernel(lambda h, r=reach_m: np.exp(-np.asarray(h) / r), 6, PIXEL)
        line = spread(values, kernel, row[:1], col)[0]
        steps.append(np.abs(np.diff(line)).max())
    assert steps[0] > 1.5 * steps[1]


def test_the_regularised_semivariance_agrees_with_a_sum_over_points() -> None:
    cell, lags = (120.0, 90.0), np.array([[0, 1], [2, 1], [3, 0]])
    found = regularised_semivariance(_covariance, cell, lags, points=8)
    step = np.stack(
        np.meshgrid((np.arange(40) + 0.5) / 40 * 120, (np.arange(40) + 0.5) / 40 * 90), -1
    ).reshape(-1, 2)
    inner = _between(step, step).mean()
    for lag, value in zip(lags, found):
        expected = inner - _between(step, step + lag * np.array(cell)).mean()
        assert value == pytest.approx(expected, rel=5e-3)
