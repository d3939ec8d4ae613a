"""Classes of pixels: nearest centres, and regressions from sums against numpy's lstsq."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gossan.arrays.clusters import EMPTY, cluster_sums, nearest_centre
from gossan.arrays.moments import least_squares
from gossan.arrays.resample import cubic_taps, interpolate

SHAPE, NODES = (47, 71), (8, 10)


def scene(d: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    values = (rng.normal(size=(d, *SHAPE)) + 5).astype(np.float32)
    values[:, rng.random(SHAPE) < 0.1] = np.nan
    centres = rng.normal(size=(classes, d))
    return values, nearest_centre(values, np.full(d, 5.0), np.full(d, 1.5), centres)


@pytest.mark.parametrize(("d", "classes"), [(1, 6), (3, 4), (8, 20)])
def test_every_pixel_goes_to_its_nearest_centre(d: int, classes: int) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(2000, 300, size=(d, *SHAPE)).astype(np.float32)
    values[0, 3:9, 5:50] = np.nan
    centre, scale = np.full(d, 1990.0), np.linspace(200, 400, d)
    centres = rng.normal(size=(classes, d))
    scaled = (values - centre[:, None, None]) / scale[:, None, None]
    distance = np.square(scaled[None] - centres[:, :, None, None]).sum(axis=1)
    filled = np.isfinite(values).all(axis=0)
    wanted = np.where(filled, np.nan_to_num(distance).argmin(axis=0), EMPTY)
    np.testing.assert_array_equal(nearest_centre(values, centre, scale, centres), wanted)


@pytest.mark.parametrize(("d", "classes"), [(1, 1), (1, 6), (4, 3)])
def test_regressions_from_sums_are_those_of_lstsq_on_the_pixels_of_each_class(
    d: int, classes: int
) -> None:
    values, labels = scene(d, classes)
    rows = cubic_taps(np.arange(SHAPE[0]) / 8.3 + 1, NODES[0])
    columns = cubic_taps(np.arange(SHAPE[1]) / 9.1 + 1, NODES[1])
    lattices = np.random.default_rng(1).normal(size=(2, *NODES)) + 30
    target = interpolate(rows, columns, lattices).astype(float)
    shift = np.full(d, 5.0)
    sums, weights, place = cluster_sums(labels, values, classes, shift, rows, columns)
    cross = np.tensordot(weights, lattices[(slice(None), *place)], axes=[(2, 3), (1, 2)])
    for c in range(classes):
        x, y = values[:, labels == c].T.astype(float), target[:, labels == c].T
        design = np.column_stack([np.ones(len(x)), x])
        wanted = np.linalg.lstsq(design, y, rcond=None)[0]
        assert sums.count[c] == len(x)
        mean = sums.sums[c] / sums.count[c]
        products = sums.products[c] - sums.count[c] * np.outer(mean, mean)
        slopes, _ = least_squares(products, cross[c, 1:] - np.outer(mean, cross[c, 0]))
        np.testing.assert_allclose(slopes, wanted[1:], atol=2e-6)
        constant = cross[c, 0] / sums.count[c] - (mean + shift) @ slopes
        np.testing.assert_allclose(constant, wanted[0], rtol=1e-6)


@given(st.integers(1, 47), st.integers(1, 71))
def test_windows_of_any_size_add_up_to_the_whole(height: int, width: int) -> None:
    values, labels = scene(2, 3)
    rows = cubic_taps(np.arange(SHAPE[0]) / 8.3 + 1, NODES[0])
    columns = cubic_taps(np.arange(SHAPE[1]) / 9.1 + 1, NODES[1])
    shift = np.full(2, 4.8)
    whole, projected, place = cluster_sums(labels, values, 3, shift, rows, columns)
    wanted, found, total = np.zeros((3, 3, *NODES)), np.zeros((3, 3, *NODES)), None
    wanted[(..., *place)] = projected
    for top in range(0, SHAPE[0], height):
        for left in range(0, SHAPE[1], width):
            cut = (slice(top, top + height), slice(left, left + width))
            down = rows.part(top, min(top + height, SHAPE[0]))
            across = columns.part(left, min(left + width, SHAPE[1]))
            part, projected, place = cluster_sums(
                labels[cut], values[(slice(None), *cut)], 3, shift, down, across
            )
            found[(..., *place)] += projected
            total = part if total is None else total + part
    np.testing.assert_allclose(found, wanted, atol=1e-9)
    assert total is not None
    np.testing.assert_array_equal(total.count, whole.count)
    np.testing.assert_allclose(total.products, whole.products, rtol=1e-9)


def test_all_classes_merged_are_the_sums_of_one_class() -> None:
    values, labels = scene(3, 4)
    taps = [cubic_taps(np.arange(n) / 9, m) for n, m in zip(SHAPE, NODES)]
    shift = np.full(3, 5.0)
    merged = cluster_sums(labels, values, 4, shift, *taps)[0].merged()
    single = cluster_sums(np.where(labels == EMPTY, EMPTY, 0).astype(np.uint8), values, 1, shift,
                          *taps)[0]  # fmt: skip
    np.testing.assert_array_equal(merged.count, single.count)
    np.testing.assert_allclose(merged.products, single.products, rtol=1e-9)
