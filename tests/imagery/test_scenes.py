from __future__ import annotations

import pickle
import shutil
import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from gossan.catalogue.sensors import sentinel2_band
from gossan.demo.write_sentinel2 import SimulatedSentinel2, write_sentinel2
from gossan.errors import ImageryError
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.raster import write_array
from gossan.imagery.components import fit_components
from gossan.imagery.scenes import open_scenes
from gossan.imagery.sentinel2.scene import SPECTRAL
from gossan.imagery.settings import ImagerySettings

LEFT, TOP, WIDE, HIGH = 563040.0, 4392240.0, 1020, 1380


def grids(left: float = LEFT) -> dict[int, Grid]:
    bounds = (left, TOP - HIGH, left + WIDE, TOP)
    return {p: Grid.from_bounds(32645, bounds, p) for p in (10, 20, 60)}


def made(left: float = LEFT, seed: int = 3, factor: float = 1.0, **more) -> SimulatedSentinel2:
    """Rock everywhere; classes call the left third cloud and one pixel row water."""
    rng = np.random.default_rng(seed)
    places = grids(left)
    rock = {
        "b02": 0.12,
        "b03": 0.16,
        "b04": 0.21,
        "b05": 0.23,
        "b06": 0.24,
        "b07": 0.25,
        "b08": 0.26,
        "b8a": 0.27,
        "b11": 0.35,
        "b12": 0.28,
    }
    bands = {
        name: factor * value * rng.uniform(0.92, 1.08, places[sentinel2_band(name).pixel_m].shape)
        for name, value in rock.items()
    }
    classes = np.full(places[20].shape, 5)
    classes[:, : places[20].width // 3] = 9
    return SimulatedSentinel2(places, bands, classes, **more)


def settings(**words) -> ImagerySettings:
    return ImagerySettings(name="s2", sensor="sentinel2", **words)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    write_sentinel2(made(), folder)
    return folder


def only(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.SAFE"))


def test_a_safe_folder_becomes_bands_indices_and_components(folder: Path) -> None:
    found = open_scenes(settings(paths=only(folder)), folder, folder / "store")
    assert found.bands.bands == SPECTRAL and found.bands.grid.pixel_width == 10
    assert found.indices is not None and "gossan" in found.indices.bands
    assert "1 index cannot be had: ge2020_hematite_goethite (needs b01)" in found.notes
    pc = fit_components(found.component_indices, "robust")
    values = pc.select(("pc2",)).read(Window(0, 0, 30, 20))
    assert values.shape == (1, 30, 20) and np.isfinite(values).all()
    ratio = found.indices.read(Window(2, 3, 8, 9))[found.indices.bands.index("gossan")]
    bands = found.bands.read(Window(2, 3, 8, 9))
    np.testing.assert_allclose(ratio, bands[8] / bands[2], rtol=1e-5)


def test_masks_empty_the_bands_and_their_shares_are_a_table(folder: Path) -> None:
    words = settings(paths=only(folder), masks=["nodata", "cloud", "vegetation"])
    found = open_scenes(words, folder, folder / "store")
    table = found.mask_table(Blocks(size=64)).set_index("mask")["share"]
    assert table["cloud"] == pytest.approx(17 / 51) and table["vegetation"] == 0
    assert table["kept"] == pytest.approx(34 / 51)
    values = found.bands.read(found.bands.grid.whole)
    assert np.isnan(values[:, :, :34]).all() and np.isfinite(values[:, :, 34:]).all()
    share = found.exposure().read(found.bands.grid.whole)
    assert share.mean() == pytest.approx(34 / 51)


def test_all_cloud_is_one_clear_line(tmp_path: Path) -> None:
    scene = made()
    write_sentinel2(replace(scene, classes=np.full(scene.classes.shape, 9)), tmp_path)
    found = open_scenes(settings(paths=only(tmp_path), masks=["cloud"]), tmp_path, tmp_path / "s")
    with pytest.raises(ImageryError, match=r"'s2' must be bare somewhere.*cloud 100 %"):
        found.mask_table()


def cloudy() -> np.ndarray:
    """Bits at 60 m: opaque cloud, cirrus over part of it, snow elsewhere."""
    bits = np.zeros(grids()[60].shape, int)
    bits[2:9, 3:8] |= 1
    bits[6:14, 5:11] |= 2
    bits[18:21, 1:6] |= 4
    return bits


@pytest.mark.parametrize("baseline", ["05.11", "02.09"])
@pytest.mark.parametrize("form", ["folder", "zip"])
def test_the_cloud_mask_of_a_level_without_classes_is_read(
    tmp_path: Path, baseline: str, form: str
) -> None:
    bits = cloudy()
    safe = write_sentinel2(made(level="L1C", baseline=baseline, cloud_mask=bits), tmp_path)
    if form == "zip":
        safe = Path(shutil.make_archive(str(safe), "zip", tmp_path, safe.name))
    found = open_scenes(settings(paths=[safe], masks=["cloud", "snow"]), tmp_path, tmp_path / "st")
    (scene,) = found.scenes
    cloud, snow = scene.masks.read(scene.layer.grid.whole)
    wide = np.repeat(np.repeat(bits, 6, axis=0), 6, axis=1)
    np.testing.assert_array_equal(cloud, (wide & 3) > 0)
    # the older form knows no snow: the rule on reflectance decides, and finds none
    np.testing.assert_array_equal(snow, (wide & 4) > 0 if baseline == "05.11" else 0 * wide)
    part = scene.masks.read(Window(11, 17, 40, 50))
    np.testing.assert_array_equal(part[0], cloud[11:51, 17:67])
    share = found.mask_table().set_index("mask")["share"]["cloud"]
    assert share == pytest.approx(((bits & 3) > 0).mean())
    rules = settings(paths=[safe], masks=["cloud"], thresholds={"classes": "ignore"})
    own = open_scenes(rules, tmp_path, tmp_path / "st").scenes[0]
    assert not own.masks.read(own.layer.grid.whole).any()


def test_a_mask_in_gml_without_clouds_and_one_with_a_hole(tmp_path: Path) -> None:
    safe = write_sentinel2(made(level="L1C", baseline="02.09", cloud_mask=0 * cloudy()), tmp_path)
    words = settings(paths=[safe], masks=["cloud"])
    scene = open_scenes(words, tmp_path, tmp_path / "st").scenes[0]
    assert not scene.masks.read(scene.layer.grid.whole).any()
    (path,) = safe.rglob("MSK_CLOUDS_B00.gml")

    def ring(size: float) -> str:
        west, east, south, north = LEFT + 60, LEFT + 60 + size, TOP - 60 - size, TOP - 60
        places = [(west, north), (east, north), (east, south), (west, south), (west, north)]
        listed = " ".join(f"{x} {y} 120.5" for x, y in places)
        return f'<r:LinearRing><r:posList srsDimension="3">{listed}</r:posList></r:LinearRing>'

    path.write_text(
        '<m:Mask xmlns:m="http://www.opengis.net/eop/2.0" xmlns:r="http://www.opengis.net/gml/3.2">'
        "<m:MaskFeature><m:maskType>CIRRUS</m:maskType><m:extentOf><r:Polygon>"
        f"<r:exterior>{ring(300)}</r:exterior><r:interior>{ring(120)}</r:interior>"
        "</r:Polygon></m:extentOf></m:MaskFeature></m:Mask>"
    )
    scene = open_scenes(words, tmp_path, tmp_path / "st").scenes[0]
    wanted = np.zeros(scene.layer.grid.shape, bool)
    wanted[6:36, 6:36] = True
    wanted[6:18, 6:18] = False
    np.testing.assert_array_equal(scene.masks.read(scene.layer.grid.whole)[0], wanted)


def test_a_cloud_probability_takes_the_place_of_classes(tmp_path: Path) -> None:
    percent = np.tile(np.arange(grids()[20].width) * 100 // grids()[20].width, (69, 1))
    safe = write_sentinel2(made(cloud_probability=percent), tmp_path)
    words = settings(paths=[safe], masks=["cloud"], thresholds={"cloud_probability": 60})
    scene = open_scenes(words, tmp_path, tmp_path / "st").scenes[0]
    wanted = np.repeat(np.repeat(percent > 60, 2, axis=0), 2, axis=1)
    np.testing.assert_array_equal(scene.masks.read(scene.layer.grid.whole)[0], wanted)
    bare = write_sentinel2(made(level="L1C", tile="45SXC"), tmp_path)
    with pytest.raises(ImageryError, match="with a cloud probability"):
        open_scenes(words.model_copy(update={"paths": (bare,)}), tmp_path, tmp_path / "st")


def test_two_dates_fill_each_others_clouds(tmp_path: Path) -> None:
    write_sentinel2(made(), tmp_path)
    late = made(seed=4, factor=1.2, time=datetime(2023, 9, 1, 5, 6, 49, tzinfo=UTC))
    late.classes[...] = 5
    late.classes[:, -10:] = 8
    write_sentinel2(late, tmp_path)
    words = settings(paths=only(tmp_path), masks=["cloud"], normalise="overlaps")
    found = open_scenes(words, tmp_path, tmp_path / "store")
    values = found.bands.read(found.bands.grid.whole)
    assert np.isfinite(values).all() and len(found.scenes) == 2
    assert "20230901" in found.scenes[1].name
    (change,) = found.levellings
    assert change.pixels == 2 * 2 * 69 * (34 - 10)
    assert found.scenes[1].time > found.scenes[0].time


def test_neighbouring_tiles_join_and_those_of_another_zone_are_warped(tmp_path: Path) -> None:
    write_sentinel2(made(), tmp_path)
    write_sentinel2(made(LEFT + 600, tile="45SXC"), tmp_path)
    found = open_scenes(settings(paths=only(tmp_path), bands=["B04"]), tmp_path, tmp_path / "st")
    assert found.bands.grid.width == 162 and found.bands.bands == ("b04",)
    places = {p: Grid.from_bounds(32646, g.bounds, p) for p, g in grids().items()}
    write_sentinel2(replace(made(tile="46SXC"), grids=places), tmp_path)
    words = settings(paths=only(tmp_path), bands=["B04"])
    found = open_scenes(words, tmp_path, tmp_path / "store")
    assert found.bands.grid.crs.to_epsg() == 32645
    assert found.notes[-1] == "scenes in EPSG:32646 were warped to EPSG:32645"


def test_plain_band_rasters_are_recognised_by_name(tmp_path: Path) -> None:
    places = grids()
    for name, pixel in (("T45_B04_10m", 10), ("T45_B8A_20m", 20)):
        numbers = np.full((1, *places[pixel].shape), 3000, np.uint16)
        numbers[0, -1, -1] = 4000
        write_array(tmp_path / f"{name}.tif", places[pixel], ("x",), numbers)
    words = settings(
        paths=["T45_B04_10m.tif", "T45_B8A_20m.tif"],
        scale=1e-4,
        offset=-0.1,
        indices=[],
        formulas={"iron": "b04 / b8a"},
    )
    found = open_scenes(words, tmp_path, tmp_path / "store")
    assert found.bands.bands == ("b04", "b8a")
    np.testing.assert_allclose(found.bands.read(Window(0, 0, 2, 2)), 0.2, atol=1e-6)
    np.testing.assert_allclose(found.indices.read(Window(0, 0, 2, 2)), 1.0, atol=1e-5)


def test_layers_pickle_and_windows_equal_the_whole(folder: Path) -> None:
    words = settings(paths=only(folder), masks=["cloud"])
    found = open_scenes(words, folder, folder / "store")
    again = pickle.loads(pickle.dumps(found.component_indices))
    whole = found.component_indices.read(found.bands.grid.whole)
    np.testing.assert_array_equal(again.read(Window(40, 30, 25, 40)), whole[:, 40:65, 30:70])


def test_a_terrain_model_shades_the_slope_turned_from_the_sun(folder: Path, tmp_path: Path) -> None:
    grid = Grid.from_bounds(32645, (LEFT, TOP - HIGH, LEFT + WIDE, TOP), 30)
    easting, northing = grid.coordinates()
    ridge = -2.0 * np.abs(easting[None, :] - LEFT - 500) + 0 * northing[:, None]
    write_array(tmp_path / "dem.tif", grid, ("h",), ridge[None].astype(np.float32))
    words = settings(paths=only(folder), masks=["topographic_shadow"], dem=tmp_path / "dem.tif")
    found = open_scenes(words, folder, folder / "store")
    shaded = np.isnan(found.bands.read(found.bands.grid.whole)[0])
    west, east = shaded[20:-20, 10:40], shaded[20:-20, 60:90]
    assert west.mean() > 0.9 and east.mean() < 0.1  # the sun stands at 142 degrees


def test_the_words_of_a_project_file_reach_the_records() -> None:
    text = """
    name = "aster"
    sensor = "aster"
    paths = ["AST.hdf"]
    atmosphere = "dos"
    masks = ["vegetation", "cover"]
    cover = "q.gpkg"
    overlap = "clearest"
    [thresholds]
    ndvi = 0.3
    [aster]
    thermal = "bring"
    """
    found = ImagerySettings(**tomllib.loads(text))
    assert found.atmosphere.method == "dos" and found.aster.thermal == "bring"
    assert found.thresholds.ndvi == 0.3 and found.overlap == "clearest"
    for wrong in (
        {"masks": ["clouds"]},
        {"overlap": "best"},
        {"atmosphere": "flaash"},
        {"formulas": {"Bad Name": "b1"}},
        {"aster": {"atmosphere": {"method": "dos"}}},
        {"cover": "q.gpkg", "masks": ["vegetation"]},
    ):
        with pytest.raises(ValidationError):
            ImagerySettings(name="x", paths=["a.tif"], **wrong)
