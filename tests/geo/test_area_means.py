"""Coarser grids hold area means: those of GDAL, and no more is read than lies under them."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray
from rasterio.warp import Resampling, reproject

from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import ArrayLayer, Layer
from gossan.geo.warp import WarpedLayer, to_grid

FINE = Grid.from_bounds(32638, (0, 0, 6000, 4000), 10)


def noisy() -> NDArray[np.float32]:
    rng = np.random.default_rng(0)
    values = rng.normal(10, 3, (2, *FINE.shape)).astype(np.float32)
    values[rng.random(values.shape) < 0.05] = np.nan
    values[:, :120, :140] = np.nan
    return values


@dataclass
class Counted:
    """A layer that counts the pixels read from it."""

    source: Layer
    read_px: list[int] = field(default_factory=list)

    @property
    def grid(self) -> Grid:
        return self.source.grid

    @property
    def bands(self) -> tuple[str, ...]:
        return self.source.bands

    def read(self, window: Window) -> NDArray[np.float32]:
        self.read_px.append(window.height * window.width)
        return self.source.read(window)


@pytest.mark.parametrize("pixel", [20, 47, 293])
def test_area_means_are_those_of_gdal(pixel: float) -> None:
    values = noisy()
    coarse = Grid.from_bounds(32638, (133, 420, 5700, 3904), pixel)
    layer = WarpedLayer(ArrayLayer(FINE, ("a", "b"), values), coarse, "average")
    expected = np.full((2, *coarse.shape), np.nan, np.float32)
    reproject(
        values, expected, src_transform=FINE.transform, src_crs="EPSG:32638", src_nodata=np.nan,
        dst_transform=coarse.transform, dst_crs="EPSG:32638", dst_nodata=np.nan,
        resampling=Resampling.average, tolerance=0, UNIFIED_SRC_NODATA="NO",
    )  # fmt: skip
    np.testing.assert_allclose(layer.read(coarse.whole), expected, rtol=1e-5)


def test_a_coarse_pixel_across_the_edge_holds_what_lies_inside() -> None:
    values = noisy()
    coarse = Grid.from_bounds(32638, (-100, 3800, 100, 4100), 100)
    found = WarpedLayer(ArrayLayer(FINE, ("a", "b"), values + 1), coarse, "average")
    assert np.isnan(found.read(coarse.whole)).all()  # the corner is empty
    filled = np.arange(2 * 400 * 600, dtype=np.float32).reshape(2, 400, 600)
    across = WarpedLayer(ArrayLayer(FINE, ("a", "b"), filled), coarse, "average")
    inside = filled[:, :10, :10].mean(axis=(1, 2))
    expected = np.full((2, 3, 2), np.nan)
    expected[:, 1, 1], expected[:, 2, 1] = inside, filled[:, 10:20, :10].mean(axis=(1, 2))
    np.testing.assert_allclose(across.read(coarse.whole), expected, rtol=1e-6)


def test_an_empty_pixel_of_one_band_spoils_no_mean_of_it() -> None:
    """GDAL by default takes pixels as filled where any band is: their mean is then NaN."""
    values = np.ones((2, *FINE.shape), np.float32)
    values[0, 100, 100] = np.nan
    for code, bounds in ((32638, FINE.bounds), (32639, (-673000, 100, -668000, 4000))):
        coarse = Grid.from_bounds(code, bounds, 40)
        found = to_grid(ArrayLayer(FINE, ("a", "b"), values), coarse).read(coarse.whole)
        np.testing.assert_array_equal(np.isnan(found[0]), np.isnan(found[1]))


def test_a_window_of_means_holds_the_digits_of_the_whole() -> None:
    coarse = Grid.from_bounds(32638, FINE.bounds, 47)
    layer = WarpedLayer(ArrayLayer(FINE, ("a", "b"), noisy()), coarse, "average")
    whole = layer.read(coarse.whole)
    for size in (1, 7, 50):
        for window, part in Blocks(size, 1).map(layer.read, coarse):
            np.testing.assert_array_equal(part, whole[(slice(None), *window.slices)])


@pytest.mark.parametrize(("code", "most"), [(32638, 2), (32639, 12)])
def test_windows_of_few_wide_pixels_read_what_lies_under_them(code: int, most: float) -> None:
    """Samples far apart: the imagery is averaged window by window to pixels of kilometres."""
    source = Counted(ArrayLayer(FINE, ("a", "b"), noisy()))
    left, bottom, right, top = FINE.bounds
    coarse = Grid.from_bounds(32638, (left, bottom, right, top), 290)
    if code != 32638:
        coarse = Grid.from_bounds(code, (-673000, 100, -668000, 4000), 290)
    means = to_grid(source, coarse)
    list(Blocks(3, 1).map(means.read, coarse))
    assert sum(source.read_px) < most * FINE.height * FINE.width
