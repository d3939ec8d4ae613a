from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS

from gossan.errors import FitError
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.targets.spectrum_area import fill_gaps, spectrum_area, spectrum_area_layer


def _field(seed: int, shape: tuple[int, int], length: float) -> np.ndarray:
    """Simulate a Gaussian-shaped field of given length by its own spectrum, independently."""
    rng = np.random.default_rng(seed)
    big = tuple(2 * n for n in shape)
    f = np.hypot(np.fft.fftfreq(big[0])[:, None], np.fft.fftfreq(big[1])[None, :])
    waves = np.fft.fft2(rng.standard_normal(big)) * (1 + (2 * np.pi * f * length) ** 2) ** -1.5
    field = np.fft.ifft2(waves).real[: shape[0], : shape[1]]
    return (field - field.mean()) / field.std()


def test_a_broad_background_and_narrow_anomalies_come_apart() -> None:
    background, anomaly = _field(1, (210, 260), 35.0), 0.3 * _field(2, (210, 260), 1.0)
    parts = spectrum_area(background + anomaly)
    assert np.corrcoef(parts.background.ravel(), background.ravel())[0, 1] > 0.98
    assert np.corrcoef(parts.anomaly.ravel(), anomaly.ravel())[0, 1] > 0.85


@given(st.integers(0, 1000), st.floats(-3.0, 12.0))
def test_parts_sum_to_the_map_at_any_break(seed: int, logarithm: float) -> None:
    values = _field(seed, (37, 52), 4.0) * 3 + 20 + np.linspace(0, 9, 52)
    values[5:9, 20:31] = np.nan
    parts = spectrum_area(values, 10.0**logarithm)
    total = parts.background + parts.anomaly
    assert np.array_equal(np.isnan(total), np.isnan(values))
    assert np.nanmax(np.abs(total - values)) < 1e-9
    assert parts.sum_error < 1e-9 and parts.parseval_error < 1e-9


def test_everything_is_background_below_and_the_plane_above_all_powers() -> None:
    values = _field(3, (40, 50), 3.0)
    assert np.allclose(spectrum_area(values, 0.0).background, values)
    row, column = np.indices(values.shape)
    design = np.column_stack([np.ones(values.size), row.ravel(), column.ravel()])
    fitted = design @ np.linalg.lstsq(design, values.ravel(), rcond=None)[0]
    assert np.allclose(spectrum_area(values, np.inf).background.ravel(), fitted)


def test_a_huge_map_is_averaged_first() -> None:
    values = np.exp(_field(4, (90, 120), 6.0))
    values[0:7, 0:7] = np.nan
    grid = Grid(CRS.from_epsg(32645), Affine(30.0, 0, 100.0, 0, -20.0, 900.0), 90, 120)
    layer, parts = spectrum_area_layer(ArrayLayer(grid, ("Cu",), values[None]), most_pixels=3000)
    assert layer.grid.shape == (45, 60) and layer.bands == ("background", "anomaly")
    blocks = values.astype(np.float32).reshape(45, 2, 60, 2).astype(float)
    with np.errstate(invalid="ignore"):
        expected = np.log(np.nansum(blocks, (1, 3)) / np.isfinite(blocks).sum((1, 3)))
    assert np.allclose(parts.background + parts.anomaly, expected, equal_nan=True)


def test_gaps_are_filled_within_the_range_of_what_is_known() -> None:
    values = _field(5, (30, 44), 5.0)
    holed = np.where(np.random.default_rng(1).random(values.shape) < 0.4, np.nan, values)
    holed[10:25, 10:30] = np.nan
    filled = fill_gaps(holed)
    known = np.isfinite(holed)
    assert np.array_equal(filled[known], values[known]) and np.isfinite(filled).all()
    assert filled.min() >= values[known].min() and filled.max() <= values[known].max()


def test_small_empty_constant_or_negative_maps_are_refused() -> None:
    grid = Grid(CRS.from_epsg(32645), Affine(30.0, 0, 100.0, 0, -20.0, 900.0), 20, 20)
    for bad in (np.ones((8, 40)), np.ones((40, 40)), np.full((40, 40), np.nan)):
        with pytest.raises(FitError):
            spectrum_area(bad)
    with pytest.raises(FitError):
        spectrum_area_layer(ArrayLayer(grid, ("Cu",), -np.ones((1, 20, 20))))
