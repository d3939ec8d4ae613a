from __future__ import annotations

import csv
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gossan.errors import ImageryError
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import ArrayLayer
from gossan.imagery.exposure import exposure
from gossan.imagery.masks.layer import MaskedLayer, build_masks, mask_shares, require_ground
from gossan.imagery.masks.rules import MaskSettings
from gossan.imagery.masks.shade import Shade
from gossan.imagery.rasters.open_rasters import open_rasters
from gossan.imagery.settings import ImagerySettings

GRID = Grid.from_bounds(32645, (5e5, 4e6, 5e5 + 90, 4e6 + 40), (30, 20))  # 2 x 3

# green, red, nir, swir of things that are not rock (rounded textbook values)
WATER, SNOW, CLOUD, DARK = (
    (0.06, 0.04, 0.02, 0.01),
    (0.9, 0.88, 0.8, 0.1),
    (0.62, 0.62, 0.64, 0.58),
    (0.05, 0.05, 0.05, 0.04),
)


def aster(*pixels: tuple[float, ...]) -> ArrayLayer:
    grid = Grid.from_bounds(32645, (5e5, 4e6, 5e5 + 30 * len(pixels), 4e6 + 20), (30, 20))
    return ArrayLayer(grid, ("b1", "b2", "b3", "b4"), np.array(pixels, float).T[:, None, :])


def decided(layer: ArrayLayer, *words: str, **more) -> dict[str, list[int]]:
    found = build_masks(layer, "aster", words, **more).read(layer.grid.whole)
    return {word: band[0].astype(int).tolist() for word, band in zip(words, found)}


@pytest.fixture(scope="module")
def spectra(reference: Path) -> dict[str, tuple[float, ...]]:
    lines = (reference / "mineral_band_reflectance.csv").read_text().splitlines()[1:]
    rows = {row["name"]: row for row in csv.DictReader(lines)}
    keys = ("aster_b1", "aster_b2", "aster_b3N", "aster_b4")
    return {name: tuple(float(row[k]) for k in keys) for name, row in rows.items()}


def test_usgs_plants_are_vegetation_and_usgs_minerals_are_not(spectra) -> None:
    words = ("vegetation", "stabilised_vegetation")
    rocks = [v for k, v in spectra.items() if "veg" not in k and np.isfinite(v).all()]
    assert len(rocks) >= 6
    assert decided(aster(spectra["vegetation_green"]), *words) == {w: [1] for w in words}
    for word, found in decided(aster(*rocks), *words).items():
        assert sum(found) == 0, word


def test_the_stabilised_index_spares_red_soil_that_ndvi_takes() -> None:
    red_soil, thin_grass = (0.10, 0.20, 0.36, 0.40), (0.20, 0.16, 0.40, 0.35)
    found = decided(aster(red_soil, thin_grass), "vegetation", "stabilised_vegetation")
    assert found == {"vegetation": [1, 1], "stabilised_vegetation": [0, 1]}


def test_water_snow_cloud_and_shadow_are_distinguished(spectra) -> None:
    layer = aster(WATER, SNOW, CLOUD, DARK, spectra["illite_imt1"], spectra["carbonate_Fe_bearing"])
    assert decided(layer, "water", "snow", "cloud", "cloud_shadow") == {
        "water": [1, 0, 0, 0, 0, 0],
        "snow": [0, 1, 0, 0, 0, 0],
        "cloud": [0, 0, 1, 0, 0, 0],
        "cloud_shadow": [0, 0, 0, 1, 0, 0],
    }


def test_scene_classes_decide_where_they_are_at_hand() -> None:
    layer = aster(CLOUD, CLOUD, DARK, SNOW)
    codes = ArrayLayer(layer.grid, ("scl",), np.array([[[9, 5, 3, 11]]], float))
    words = ("cloud", "cloud_shadow", "snow")
    assert decided(layer, *words, classes=codes) == {
        "cloud": [1, 0, 0, 0],
        "cloud_shadow": [0, 0, 1, 0],
        "snow": [0, 0, 0, 1],
    }
    ignore = MaskSettings(classes="ignore")
    assert decided(layer, "cloud", classes=codes, settings=ignore) == {"cloud": [1, 1, 0, 0]}


def test_empty_and_saturated_pixels_are_counted_apart() -> None:
    layer = aster(DARK, (np.nan, 0.1, 0.1, 0.1), (0.2, 0.2, 0.3, np.nan))
    flags = ArrayLayer(
        layer.grid, ("nodata", "saturated"), np.array([[[0, 1, 0]], [[0, 0, 1]]], float)
    )
    assert decided(layer, "nodata") == {"nodata": [0, 1, 1]}
    assert decided(layer, "nodata", "saturated", flags=flags) == {
        "nodata": [0, 1, 0],
        "saturated": [0, 0, 1],
    }


def test_masked_pixels_become_empty_in_every_band_and_shares_say_how_many() -> None:
    layer = aster(WATER, (0.2, 0.2, 0.25, 0.3), CLOUD, (np.nan,) * 4)
    masks = build_masks(layer, "aster", ("nodata", "water", "cloud"))
    values = MaskedLayer(layer, masks).read(layer.grid.whole)
    assert np.isfinite(values).all(axis=0)[0].tolist() == [False, True, False, False]
    assert np.isfinite(values).any(axis=0)[0].tolist() == [False, True, False, False]
    for blocks in (Blocks(), Blocks(size=1, workers=1)):
        assert mask_shares(masks, blocks) == {
            "nodata": 0.25,
            "water": 0.25,
            "cloud": 0.25,
            "masked": 0.75,
            "kept": 0.25,
        }


def test_all_cloud_is_refused_in_one_line() -> None:
    layer = aster(CLOUD, CLOUD, CLOUD)
    shares = mask_shares(build_masks(layer, "aster", ("cloud", "snow")))
    with pytest.raises(ImageryError, match=r"'july' must be bare.*got cloud 100 %\. Choose"):
        require_ground("july", shares)
    require_ground("july", {"cloud": 0.4, "kept": 0.6, "masked": 0.4})


def test_a_word_that_cannot_be_decided_says_why() -> None:
    layer = ArrayLayer(GRID, ("b1", "b2"), np.ones((2, 2, 3)))
    with pytest.raises(ImageryError, match=r"'vegetation'.*bands for red, nir; got no b3"):
        build_masks(layer, "aster", ("nodata", "vegetation"))
    with pytest.raises(ImageryError, match="'cover' must be given with polygons"):
        build_masks(layer, "aster", ("cover",))
    with pytest.raises(ImageryError, match="'saturated' must be used with raw scenes"):
        build_masks(layer, "bands", ("saturated",))
    with pytest.raises(ImageryError, match="got no green and no swir"):
        build_masks(layer, "bands", ("snow",))


def test_the_users_polygons_mask_the_pixels_whose_centre_they_hold(tmp_path: Path) -> None:
    layer = ArrayLayer(GRID, ("b1",), np.ones((1, 2, 3)))
    square = shapely.box(5e5 + 31, 4e6 + 5, 5e5 + 100, 4e6 + 19)  # lower middle and lower right
    frame = gpd.GeoDataFrame({"age": ["Q"]}, geometry=[square], crs=GRID.crs)
    frame.to_crs(4326).to_file(tmp_path / "q.gpkg")
    masks = build_masks(layer, "bands", ("cover",), cover=tmp_path / "q.gpkg")
    np.testing.assert_array_equal(masks.read(GRID.whole)[0], [[0, 0, 0], [0, 1, 1]])
    np.testing.assert_array_equal(masks.read(Window(1, 1, 1, 1)), [[[1]]])
    with pytest.raises(ImageryError, match="cover must be in an existing file"):
        build_masks(layer, "bands", ("cover",), cover=tmp_path / "no.gpkg")
    (tmp_path / "bad.gpkg").write_text("none")
    with pytest.raises(ImageryError, match=r"bad\.gpkg must be readable"):
        build_masks(layer, "bands", ("cover",), cover=tmp_path / "bad.gpkg")


def test_a_wall_casts_its_shadow_away_from_the_sun_and_as_long_as_it_is_high() -> None:
    grid = Grid.from_bounds(32645, (5e5, 4e6, 5e5 + 900, 4e6 + 400), (30, 20))
    heights = np.zeros((1, *grid.shape))
    heights[0, :, 10] = 150.0  # a north-south wall, five pixels high
    shade = Shade(ArrayLayer(grid, ("dem",), heights), 45.0, 270.0, illumination=0.0)
    middle = shade.read(grid.whole)[0, 10]
    behind = np.flatnonzero(middle)
    assert set(range(12, 15)) <= set(behind) <= set(range(10, 16))  # to the east of it only
    whole = shade.read(grid.whole)
    np.testing.assert_array_equal(shade.read(Window(5, 8, 9, 11)), whole[:, 5:14, 8:19])
    north = Shade(ArrayLayer(grid, ("dem",), heights), 45.0, 0.0, illumination=-1.0)
    assert north.read(grid.whole)[0, 10, 11:].sum() == 0


@pytest.mark.parametrize(("azimuth", "lit"), [(135.0, True), (315.0, False)])
def test_slopes_turned_from_the_sun_are_shaded(azimuth: float, lit: bool) -> None:
    grid = Grid.from_bounds(32645, (5e5, 4e6, 5e5 + 900, 4e6 + 400), (30, 20))
    easting, northing = grid.coordinates()
    steep = -0.8 * (easting[None, :] - 5e5) + 0.8 * (northing[:, None] - 4e6)  # falls to the SE
    shade = Shade(ArrayLayer(grid, ("dem",), steep[None]), 35.0, azimuth, reach_m=90.0)
    assert (shade.read(Window(6, 8, 6, 8)).mean() == 0) == lit


def test_exposure_is_the_share_of_bare_pixels_in_a_cell() -> None:
    rng = np.random.default_rng(6)
    fine = Grid.from_bounds(32645, (5e5, 4e6, 5e5 + 960, 4e6 + 480), (20, 10))
    hidden = (rng.random((2, *fine.shape)) < 0.3).astype(float)
    masks = ArrayLayer(fine, ("cloud", "nodata"), hidden)
    cells = Grid.from_bounds(32645, fine.bounds, (160, 80))
    bare = hidden.sum(axis=0) == 0
    wanted = bare.reshape(6, 8, 6, 8).mean((1, 3))
    np.testing.assert_allclose(exposure(masks, cells).read(cells.whole)[0], wanted, atol=1e-6)


def test_real_forest_and_water_are_found_once_the_offset_is_out(test_data: Path) -> None:
    names = ("b01", "b02", "b03", "b04", "b05", "b06", "b07", "b08", "b8a", "b09", "b11", "b12")
    words = ImagerySettings(name="s2", paths=["s2_trombetas_12band.tif"], bands=names, offset=-0.1)
    layer = open_rasters(words, test_data / "imagery_s2_trombetas").tiles[0].layer
    masks = build_masks(layer, "sentinel2", ("nodata", "vegetation", "water", "cloud"))
    shares = mask_shares(masks)
    assert shares["vegetation"] > 0.5  # Amazon forest
    assert 0.01 < shares["water"] < 0.5  # the river's lakes
    both = masks.read(layer.grid.whole)[1:3]
    assert (both.sum(axis=0) == 2).mean() < 0.01
    left_in = (
        open_rasters(words.model_copy(update={"offset": 0.0}), test_data / "imagery_s2_trombetas")
        .tiles[0]
        .layer
    )
    dense = {"settings": MaskSettings(ndvi=0.6)}
    right = mask_shares(build_masks(layer, "sentinel2", ("vegetation",), **dense))
    wrong = mask_shares(build_masks(left_in, "sentinel2", ("vegetation",), **dense))
    assert wrong["vegetation"] < 0.1 < 0.5 < right["vegetation"]  # readers that ignore the offset


def test_masks_over_their_own_source_read_it_once() -> None:
    layer = aster(WATER, (0.2, 0.2, 0.25, 0.3), CLOUD, (np.nan,) * 4)
    reads = []

    class Counting:
        grid, bands = layer.grid, layer.bands

        def read(self, window: Window) -> np.ndarray:
            reads.append(window)
            return layer.read(window)

    source = Counting()
    masked = MaskedLayer(source, build_masks(source, "aster", ("water", "cloud")))
    values = masked.read(layer.grid.whole)
    assert len(reads) == 1
    other = MaskedLayer(layer, build_masks(source, "aster", ("water", "cloud")))
    np.testing.assert_array_equal(other.read(layer.grid.whole), values)
