"""Crosstalk: a known leak added to a scene is removed again."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from gossan.errors import FitError, ImageryError
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import ArrayLayer
from gossan.imagery.aster.crosstalk import CrosstalkFree, Leak, check_leaks, fit_leaks

BANDS = ("b4", "b5", "b6", "b7", "b8", "b9")
GRID = Grid.from_bounds(32638, (500_000, 2_300_000, 500_000 + 260 * 30, 2_300_000 + 310 * 30), 30)
LEAKS = (
    Leak("b5", 0.02, 2420.0),
    Leak("b6", 0.01, 4840.0),
    Leak("b8", 0.006, -4840.0),
    Leak("b9", 0.015, -2420.0),
)
AZIMUTH = 192.0


def radiance(seed: int = 2) -> NDArray[np.float32]:
    """Ground with structure of a kilometre, and lakes that reflect nearly nothing."""
    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.normal(size=GRID.shape), 12) * 40
    values = np.stack([15.0 / (i + 1) * (1 + 0.4 * np.tanh(field)) for i in range(6)])
    values += rng.normal(0, 0.05, values.shape) / np.arange(1, 7)[:, None, None]
    lakes = np.zeros(GRID.shape, bool)
    lakes[20:290, 30:75] = lakes[60:280, 190:230] = True
    values[:, lakes] = 0.05 + rng.normal(0, 0.005, (6, lakes.sum()))
    return np.maximum(values, 0).astype(np.float32)


def leaking(values: NDArray[np.float32], leaks: tuple[Leak, ...] = LEAKS) -> ArrayLayer:
    clean = ArrayLayer(GRID, BANDS, values)
    seen = CrosstalkFree(clean, leaks, AZIMUTH, float(values[0].mean()), sign=1).read(GRID.whole)
    return ArrayLayer(GRID, BANDS, seen)


def test_a_supplied_leak_is_removed_exactly() -> None:
    values = radiance()
    cleaned = CrosstalkFree(leaking(values), LEAKS, AZIMUTH, float(values[0].mean()))
    assert np.abs(cleaned.read(GRID.whole) - values).max() < 2e-6 * values.max()


def test_the_ghost_lies_along_the_track() -> None:
    """A bright square south-going by 2,400 m at azimuth 180 is 80 pixels down, no column off."""
    values = np.zeros((6, *GRID.shape), np.float32)
    values[0, 100:110, 120:131] = 10.0
    leak = (Leak("b5", 0.1, 2400.0, 60.0),)
    layer = ArrayLayer(GRID, BANDS, values)
    ghost = CrosstalkFree(layer, leak, 180.0, 0.0, sign=1).read(GRID.whole)[1]
    rows, columns = np.nonzero(ghost > ghost.max() / 2)
    assert (rows.mean(), columns.mean()) == pytest.approx((104.5 + 80, 125.0), abs=0.2)
    east = CrosstalkFree(layer, leak, 90.0, 0.0, sign=1).read(GRID.whole)[1]
    rows, columns = np.nonzero(east > east.max() / 2)
    assert (rows.mean(), columns.mean()) == pytest.approx((104.5, 125.0 + 80), abs=0.2)
    assert ghost.sum() == pytest.approx(0.1 * values[0].sum(), rel=1e-4)


def test_any_block_size_gives_the_same() -> None:
    layer = CrosstalkFree(leaking(radiance()), LEAKS, AZIMUTH, 12.0)
    whole = layer.read(GRID.whole)
    for window in (Window(0, 0, 50, 40), Window(133, 71, 64, 100), Window(300, 250, 10, 10)):
        part = layer.read(window)
        assert np.abs(part - whole[(slice(None), *window.slices)]).max() < 1e-5


def test_empty_pixels_stay_empty_and_spoil_no_others() -> None:
    values = radiance()
    values[:, :40] = np.nan
    found = CrosstalkFree(ArrayLayer(GRID, BANDS, values), LEAKS, AZIMUTH, 12.0).read(GRID.whole)
    assert np.array_equal(np.isnan(found), np.isnan(values))


def test_leaks_fitted_on_lakes_take_most_of_the_ghosts_away() -> None:
    values = radiance()
    seen = leaking(values)
    lakes = ArrayLayer(GRID, ("lake",), (values[:1] < 0.2).astype(np.float32))
    background = float(seen.array[0].mean())
    for dark in (lakes, None):
        found = {
            k.band: k for k in fit_leaks(seen, AZIMUTH, background, dark, blocks=Blocks(128, 2))
        }
        for leak in LEAKS:
            assert found[leak.band].share == pytest.approx(leak.share, rel=0.1, abs=5e-4)
            assert found[leak.band].shift_m == leak.shift_m
        assert found["b7"].share < 5e-4
    cleaned = CrosstalkFree(seen, tuple(found.values()), AZIMUTH, background).read(GRID.whole)
    for index in (1, 2, 4, 5):
        before = np.abs(seen.array[index] - values[index]).mean()
        assert np.abs(cleaned[index] - values[index]).mean() < 0.15 * before


def test_the_direction_of_the_lines_is_found() -> None:
    values = radiance()
    backwards = tuple(Leak(k.band, k.share, -k.shift_m) for k in LEAKS)
    found = fit_leaks(leaking(values, backwards), AZIMUTH, float(values[0].mean()))
    assert {k.band: k.shift_m for k in found}["b5"] == -2420.0


def test_too_few_dark_pixels_are_refused() -> None:
    dark = np.zeros((1, *GRID.shape), np.float32)
    dark[0, :3, :5] = 1
    with pytest.raises(FitError, match="at least 400 pixels; got 15"):
        fit_leaks(leaking(radiance()), AZIMUTH, 12.0, ArrayLayer(GRID, ("d",), dark))


def test_an_even_scene_is_refused() -> None:
    with pytest.raises(FitError, match="of different brightness"):
        fit_leaks(ArrayLayer(GRID, BANDS, np.ones((6, *GRID.shape), np.float32)), 190.0, 1.0)


@pytest.mark.parametrize("leak", [Leak("b4", 0.1, 0.0), Leak("b1", 0.1, 0.0), Leak("b5", 0.9, 0.0)])
def test_impossible_leaks_are_refused(leak: Leak) -> None:
    with pytest.raises(ImageryError, match="crosstalk leak"):
        check_leaks([leak], BANDS)
