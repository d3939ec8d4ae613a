"""Correction for slopes: identities, and relief simulated over known reflectance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from gossan.errors import ImageryError
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import ArrayLayer
from gossan.geo.raster import write_array
from gossan.imagery.scenes import open_scenes
from gossan.imagery.settings import ImagerySettings
from gossan.imagery.topography import (
    Illumination,
    Levelled,
    TopographicCorrection,
    fit_topography,
)
from gossan.imagery.topography_settings import TopographySettings

GRID = Grid.from_bounds(32638, (500_000, 4_000_000, 506_000, 4_006_000), 30)
AZIMUTH = 130.0
DIFFUSE = 0.1


def relief(seed: int = 3, height_m: float = 900.0) -> NDArray[np.float64]:
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=GRID.shape), 12, mode="wrap")
    return height_m * noise / np.abs(noise).max()


def truth(seed: int = 5) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    rocks = gaussian_filter(rng.normal(size=(3, *GRID.shape)), (0, 6, 6)) * 20
    return np.clip(np.array([0.2, 0.3, 0.4])[:, None, None] + 0.05 * rocks, 0.05, 0.9)


def cosines(heights: NDArray[np.float64], elevation: float) -> tuple[NDArray, NDArray]:
    """Angle of the sun on the slope by vectors, and the slope: another way than the code's."""
    down, right = np.gradient(heights, 30.0)
    normal = np.stack([-right, down, np.ones_like(right)])
    normal /= np.linalg.norm(normal, axis=0)
    e, a = np.radians(elevation), np.radians(AZIMUTH)
    sun = np.array([np.cos(e) * np.sin(a), np.cos(e) * np.cos(a), np.sin(e)])
    return np.tensordot(sun, normal, 1), normal[2]


def seen(elevation: float) -> tuple[NDArray, NDArray, NDArray, ArrayLayer]:
    """What a sensor sees of the truth: direct light by the cosine, and diffuse light."""
    heights = relief()
    cos_i, cos_s = cosines(heights, elevation)
    light = (1 - DIFFUSE) * np.maximum(cos_i, 0) / np.sin(np.radians(elevation)) + DIFFUSE
    return truth() * light, cos_i, cos_s, ArrayLayer(GRID, ("h",), heights[None])


def corrected(method: str, elevation: float = 45.0) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    values, cos_i, cos_s, terrain = seen(elevation)
    layer = ArrayLayer(GRID, ("b1", "b2", "b3"), values)
    light = Illumination(terrain, elevation, AZIMUTH)
    found = fit_topography(layer, light, elevation, TopographySettings(method=method))
    return values, Levelled(layer, light, found).read(GRID.whole), cos_i, cos_s


def error(values: NDArray, where: NDArray) -> float:
    return float(np.sqrt(np.mean((values - truth())[:, where] ** 2)))


@pytest.mark.parametrize("method", ["cosine", "c", "minnaert", "scs_c"])
def test_flat_ground_stays_as_it_is(method: str) -> None:
    flat = ArrayLayer(GRID, ("h",), np.full((1, *GRID.shape), 812.0))
    light = Illumination(flat, 37.0, AZIMUTH).read(Window(5, 5, 20, 20))
    correction = TopographicCorrection(method, (0.4,), float(np.sin(np.radians(37.0))))
    values = truth()[:1, 5:25, 5:25].astype(np.float32)
    np.testing.assert_allclose(correction.apply(values.copy(), *light), values, rtol=1e-6)


def test_illumination_is_that_of_vectors() -> None:
    heights = relief()
    found = Illumination(ArrayLayer(GRID, ("h",), heights[None]), 40.0, AZIMUTH).read(GRID.whole)
    cos_i, cos_s = cosines(heights, 40.0)
    inner = (slice(1, -1), slice(1, -1))
    np.testing.assert_allclose(found[0][inner], cos_i[inner], atol=1e-5)
    np.testing.assert_allclose(found[1][inner], cos_s[inner], atol=1e-5)


@pytest.mark.parametrize("method", ["c", "scs_c", "minnaert", "auto"])
def test_the_error_on_steep_slopes_is_at_least_halved(method: str) -> None:
    before, after, cos_i, cos_s = corrected(method)
    slope = np.degrees(np.arccos(cos_s))
    where = (slope > 20) & (slope < 45) & (cos_i > 0.1)
    where[[0, -1]] = where[:, [0, -1]] = False
    assert where.sum() > 2000
    wanted = 0.5 if method != "scs_c" else 1.0  # made for forest: it keeps a share of the slope
    assert error(after, where) < wanted * error(before, where)


def test_the_choice_undoes_diffuse_light_that_the_cosine_overcorrects() -> None:
    before, after, cos_i, cos_s = corrected("auto")
    where = (np.degrees(np.arccos(cos_s)) > 20) & (cos_i > 0.1)
    where[[0, -1]] = where[:, [0, -1]] = False
    assert error(before, where) > 0.1 and error(after, where) < 0.02


@pytest.mark.parametrize("elevation", [12.0, 20.0])
def test_grazing_sun_is_not_overcorrected(elevation: float) -> None:
    """Weakly lit slopes must not come out brighter than well lit ones."""
    _, after, cos_i, _ = corrected("auto", elevation)
    inner = np.zeros(GRID.shape, bool)
    inner[1:-1, 1:-1] = True
    weak, well = inner & (cos_i > 0) & (cos_i < 0.1), inner & (cos_i > 0.3)
    ratio = after / truth()
    assert weak.sum() > 300
    assert np.median(ratio[:, weak]) < 1.1 * np.median(ratio[:, well])
    assert (after / seen(elevation)[0])[:, inner].max() <= 3.0 + 1e-5


def test_flat_ground_cannot_be_fitted_and_auto_does_nothing() -> None:
    flat = ArrayLayer(GRID, ("h",), np.zeros((1, *GRID.shape)))
    layer, light = ArrayLayer(GRID, ("b1", "b2", "b3"), truth()), Illumination(flat, 45.0, AZIMUTH)
    found = fit_topography(layer, light, 45.0, TopographySettings(method="auto"))
    assert found.method == "none"
    with pytest.raises(ImageryError, match='set topography = "none"'):
        fit_topography(layer, light, 45.0, TopographySettings(method="c"))


def test_any_window_gives_the_same_and_a_project_reaches_it(tmp_path: Path) -> None:
    values, _, _, terrain = seen(45.0)
    write_array(tmp_path / "dem.tif", GRID, ("h",), terrain.array.astype(np.float32))
    write_array(tmp_path / "s.tif", GRID, ("b1", "b2", "b3"), values.astype(np.float32))
    words = ImagerySettings(
        name="s",
        paths=["s.tif"],
        dem="dem.tif",
        topography={"method": "c", "sun_elevation": 45, "sun_azimuth": AZIMUTH},
    )
    stack = open_scenes(words, tmp_path, tmp_path / "store", Blocks())
    assert any("topography: c; mean correlation" in note for note in stack.notes)
    whole = stack.bands.read(GRID.whole)
    part = stack.bands.read(Window(31, 47, 40, 50))
    np.testing.assert_array_equal(part, whole[:, 31:71, 47:97])
    with pytest.raises(ImageryError, match="the sun is known"):
        plain = words.model_copy(update={"topography": TopographySettings(method="c")})
        open_scenes(plain, tmp_path, tmp_path / "store", Blocks())
