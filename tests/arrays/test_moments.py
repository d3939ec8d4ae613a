"""Moments and principal axes: against numpy and scikit-learn in float64."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from gossan.arrays.moments import least_squares, moments, principal_axes


def reflectances(count: int, d: int = 7, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(d, d)) * (0.6 ** np.arange(d))[:, None]
    return (rng.standard_normal((count, d)) @ mixing * 300 + 2000).astype(np.float32).T


@pytest.mark.parametrize("d", [1, 2, 5, 10])
def test_the_covariance_is_that_of_numpy(d: int) -> None:
    values = reflectances(3001, d)
    found = moments(values)
    np.testing.assert_allclose(found.mean, values.mean(axis=1, dtype=float), rtol=1e-12)
    np.testing.assert_allclose(
        found.covariance, np.atleast_2d(np.cov(values.astype(float))), rtol=1e-9
    )


def test_float32_reflectances_do_not_cost_digits() -> None:
    # forming X'X in float32 is wrong by percents here (scikit-learn on float32 input is)
    values = reflectances(400_000, 10)
    wanted = np.cov(values.astype(float))
    np.testing.assert_allclose(moments(values).covariance, wanted, rtol=1e-8)


@given(st.lists(st.integers(0, 999), min_size=0, max_size=6), st.integers(0, 2**32 - 1))
def test_parts_of_any_size_add_up_to_the_whole(cuts: list[int], seed: int) -> None:
    values = reflectances(1000, 4, seed)
    values[seed % 4, ::7] = np.nan
    edges = [0, *sorted(cuts), 1000]
    total = moments(values[:, :0])
    for start, stop in pairwise(edges):
        total = total + moments(values[:, start:stop])
    whole = moments(values)
    assert total.count == whole.count == np.isfinite(values).all(axis=0).sum()
    np.testing.assert_allclose(total.mean, whole.mean, rtol=1e-12)
    np.testing.assert_allclose(total.products, whole.products, rtol=1e-9, atol=1e-6)


def test_a_pixel_with_an_empty_band_counts_in_no_band() -> None:
    values = reflectances(50, 3)
    values[1, :20] = np.nan
    values[2, 30:] = np.inf
    found = moments(values)
    assert found.count == 10
    np.testing.assert_allclose(found.mean, values[:, 20:30].mean(axis=1, dtype=float))


def test_digital_numbers_give_what_their_floats_give() -> None:
    values = reflectances(5000, 3).round()
    whole, digital = moments(values), moments(values.astype(np.uint16))
    np.testing.assert_allclose(digital.products, whole.products, rtol=1e-9)


def test_outliers_beyond_the_limit_count_as_the_limit() -> None:
    values = reflectances(5000, 3).astype(float)
    values[0, 17] = 1e9
    centre, scale = np.full(3, 2000.0), np.array([300.0, 100.0, 50.0])
    wanted = np.clip((values - centre[:, None]) / scale[:, None], -3, 3)
    np.testing.assert_allclose(
        moments(values, centre, scale, limit=3.0).covariance, np.cov(wanted), rtol=1e-9
    )


@pytest.mark.parametrize("count", [2000, 300_000])
def test_principal_axes_are_those_of_scikit_learn_in_float64(count: int) -> None:
    values = reflectances(count, 6)
    found = principal_axes(moments(values).covariance)
    wanted = PCA(6).fit(values.T.astype(float))
    np.testing.assert_allclose(found.variances, wanted.explained_variance_, rtol=1e-8)
    np.testing.assert_allclose(found.shares, wanted.explained_variance_ratio_, rtol=1e-8)
    cosine = np.abs((found.loadings * wanted.components_).sum(axis=1))
    np.testing.assert_allclose(cosine, 1.0, atol=1e-9)


@given(st.integers(0, 2**32 - 1), st.sampled_from([None, 0, 3]))
def test_the_sign_of_an_axis_does_not_depend_on_the_solver(seed: int, named: int | None) -> None:
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(5, 5))
    covariance = a @ a.T
    axes = principal_axes(covariance, named).loadings
    turned = principal_axes(covariance[::-1, ::-1], None if named is None else 4 - named)
    np.testing.assert_allclose(turned.loadings[:, ::-1], axes, atol=1e-6)
    if named is None:
        assert (axes[np.arange(5), np.abs(axes).argmax(axis=1)] > 0).all()
    else:
        assert (axes[:, named] > -1e-12).all()


@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_slopes_are_those_of_numpys_least_squares(seed: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(200, d)) * 10.0 ** rng.integers(-3, 4, d)
    y = rng.normal(size=(200, 2)) + x[:, :1] / x[:, :1].std()
    centred, target = x - x.mean(axis=0), y - y.mean(axis=0)
    slopes, rank = least_squares(centred.T @ centred, centred.T @ target)
    wanted = np.linalg.lstsq(centred, target, rcond=None)[0]
    assert rank == d
    np.testing.assert_allclose(slopes * x.std(axis=0)[:, None], wanted * x.std(axis=0)[:, None],
                               atol=1e-9)  # fmt: skip


def test_a_band_that_repeats_another_leaves_a_solution_of_lower_rank() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 1)) @ np.array([[1.0, 1.0]])
    y = 3 * x[:, 0]
    slopes, rank = least_squares(x.T @ x, x.T @ y)
    assert rank == 1
    np.testing.assert_allclose(slopes, [1.5, 1.5])
