"""ASTER files: read as written, by us and by GDAL; known faults of other readers; bad files."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio

from gossan.catalogue.sensors import aster_bands
from gossan.demo.overpass import Overpass
from gossan.demo.write_aster import (
    SimulatedAster,
    granule_name,
    simulate_scene,
    write_aster_hdf,
)
from gossan.errors import GridError, ImageryError, InputError
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import ArrayLayer, RenamedLayer
from gossan.imagery.aster.scene import open_aster, require_one_version, require_touch
from gossan.imagery.aster.settings import AsterSettings
from gossan.imagery.scenes import open_scenes
from gossan.imagery.settings import ImagerySettings

from ...presence import missing_program
from .granules import write_aster_geotiffs, write_surface_reflectance

SOLAR = tuple(f"b{i}" for i in range(1, 10))


def surface(
    epsg: int = 32738, north: float = 7_401_350.0, bands: tuple[str, ...] = SOLAR
) -> ArrayLayer:
    rng = np.random.default_rng(5)
    grid = Grid.from_bounds(epsg, (500_010, north - 90 * 15, 500_010 + 131 * 15, north), 15)
    values = rng.uniform(0.02, 0.6, (len(bands), *grid.shape)).astype(np.float32)
    values[:, :7, :11] = np.nan
    return ArrayLayer(grid, bands, values)


def warmth(like: ArrayLayer) -> ArrayLayer:
    values = np.linspace(285, 325, like.array[0].size).reshape(1, *like.grid.shape)
    return ArrayLayer(like.grid, ("kelvin",), values)


@pytest.fixture(scope="module")
def scene() -> SimulatedAster:
    ground = surface()
    return simulate_scene(ground, Overpass(), warmth(ground))


@pytest.fixture(scope="module")
def hdf(scene: SimulatedAster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_aster_hdf(tmp_path_factory.mktemp("hdf"), scene)


@pytest.fixture(scope="module")
def folder(scene: SimulatedAster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_aster_geotiffs(tmp_path_factory.mktemp("tif"), scene)


def numbers_of(scene, band: str) -> np.ndarray:  # type: ignore[no-untyped-def]
    layer = next(layer for layer in scene.telescopes.values() if band in layer.bands)
    return np.nan_to_num(layer.read(layer.grid.whole)[layer.bands.index(band)])


@pytest.mark.parametrize("form", ["hdf", "folder"])
def test_every_band_comes_back_pixel_for_pixel(
    form: str, scene: SimulatedAster, request: pytest.FixtureRequest
) -> None:
    opened = open_aster(request.getfixturevalue(form))
    assert set(opened.bands) == {band.name for band in aster_bands()}
    for band in scene.numbers:
        assert np.array_equal(numbers_of(opened, band), scene.numbers[band])


@pytest.mark.parametrize("form", ["hdf", "folder"])
def test_each_telescope_lies_where_it_was_written(
    form: str, scene: SimulatedAster, request: pytest.FixtureRequest
) -> None:
    opened = open_aster(request.getfixturevalue(form))
    for group, grid in scene.grids.items():
        assert opened.telescopes[group].grid.aligned_with(grid)
    corners = {layer.grid.bounds[0] for layer in opened.telescopes.values()}
    assert len(corners) == 3  # the telescopes' bounds differ by metres


@pytest.fixture(scope="module")
def gdal_hdf4() -> None:
    """GDAL's programs are installed, with the HDF4 driver."""
    program = shutil.which("gdalinfo")
    if program is None:
        missing_program("GDAL is not installed: apt-get install gdal-bin")
    formats = subprocess.run([program, "--formats"], capture_output=True, text=True, check=False)
    if "HDF4" not in formats.stdout:
        missing_program(f"{program} lacks the HDF4 driver: apt-get install gdal-bin")


@pytest.mark.usefixtures("gdal_hdf4")
def test_gdals_hdf4_driver_reads_the_same_pixels_and_metadata(
    hdf: Path, scene: SimulatedAster, tmp_path: Path
) -> None:
    info = json.loads(
        subprocess.run(["gdalinfo", "-json", str(hdf)], capture_output=True, check=True).stdout
    )
    tags = info["metadata"][""]
    assert tags["GAIN.1"] == "01, NOR"
    assert [float(v) for v in tags["SOLARDIRECTION"].split(",")] == [118.0, 62.0]
    subsets = info["metadata"]["SUBDATASETS"]
    for index, name in enumerate(list(scene.numbers), 1):
        out = tmp_path / f"{name}.tif"
        source = subsets[f"SUBDATASET_{index}_NAME"]
        subprocess.run(["gdal_translate", "-q", source, str(out)], check=True, capture_output=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
            with rasterio.open(out) as file:
                assert np.array_equal(file.read(1), scene.numbers[name])


def test_metadata_are_those_of_the_overpass(hdf: Path, folder: Path) -> None:
    for path, version in ((hdf, "003"), (folder, "004")):
        found = open_aster(path).metadata
        assert (found.product, found.version) == ("AST_L1T", version)
        assert found.time == Overpass().time
        assert (found.sun_azimuth, found.sun_elevation) == (118.0, 62.0)
        assert found.track_azimuth == pytest.approx(190.0, abs=0.3)
        assert found.view_zenith == pytest.approx(5.0, abs=0.01)
        assert found.conversion("b5") == (0.0696, -0.0696)


# One test for each fault known from public readers.


def test_numbers_above_127_do_not_turn_negative(hdf: Path, scene: SimulatedAster) -> None:
    assert scene.numbers["b1"].max() > 127
    layer = open_aster(hdf).telescopes["VNIR"]
    assert np.nanmin(layer.read(layer.grid.whole)) >= 1
    assert np.nanmax(layer.read(layer.grid.whole)[0]) == scene.numbers["b1"].max()


@pytest.mark.parametrize("epsg", [32601, 32660, 32760])
def test_every_zone_is_read_to_the_sixtieth(epsg: int, tmp_path: Path) -> None:
    ground = surface(epsg, 4_000_000.0, ("b1", "b2", "b3"))
    opened = open_aster(write_aster_hdf(tmp_path, simulate_scene(ground, Overpass())))
    assert opened.grid.crs.to_epsg() == epsg
    assert opened.grid.aligned_with(ground.grid)


def test_bands_ten_and_above_are_read(hdf: Path, scene: SimulatedAster) -> None:
    for band in ("b10", "b11", "b14"):
        assert np.array_equal(numbers_of(open_aster(hdf), band), scene.numbers[band])


def test_the_southern_hemisphere_is_southern(hdf: Path) -> None:
    grid = open_aster(hdf).grid
    assert grid.crs.to_epsg() == 32738
    assert grid.bounds[3] == pytest.approx(7_401_350.0)


def test_a_scene_without_swir_is_normal(tmp_path: Path) -> None:
    ground = surface(bands=("b1", "b2", "b3"))
    opened = open_aster(write_aster_hdf(tmp_path, simulate_scene(ground, Overpass())))
    assert opened.bands == ("b1", "b2", "b3")
    with pytest.raises(ImageryError, match="telescope must be one of VNIR; got SWIR"):
        opened.numbers("SWIR")


def test_many_threads_read_what_one_reads(hdf: Path) -> None:
    layer = open_aster(hdf).telescopes["VNIR"]
    windows = [Window(r, c, 9, 13) for r in range(0, 81, 9) for c in range(0, 117, 13)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(layer.read, windows))
    whole = layer.read(layer.grid.whole)
    for window, values in zip(windows, found):
        assert np.array_equal(values, whole[(slice(None), *window.slices)], equal_nan=True)


def test_packed_data_sets_read_the_same(hdf: Path, tmp_path: Path) -> None:
    from pyhdf.SD import SD, SDC

    packed = tmp_path / hdf.name
    source, target = SD(str(hdf)), SD(str(packed), SDC.WRITE | SDC.CREATE)
    for name, text in source.attributes().items():
        target.attr(name).set(SDC.CHAR, text)
    for name in source.datasets():
        values = source.select(name).get()
        kind = SDC.UINT8 if values.dtype == np.uint8 else SDC.UINT16
        data = target.create(name, kind, values.shape)
        data.setcompress(SDC.COMP_DEFLATE, 6)
        data[:] = values
        data.endaccess()
    source.end()
    target.end()
    ours, theirs = open_aster(packed), open_aster(hdf)
    for band in theirs.bands:
        assert np.array_equal(numbers_of(ours, band), numbers_of(theirs, band))
    window = Window(40, 50, 7, 9)
    one, other = ours.telescopes["VNIR"], theirs.telescopes["VNIR"]
    assert np.array_equal(one.read(window), other.read(window), equal_nan=True)


def test_a_scene_pickles(hdf: Path) -> None:
    opened = open_aster(hdf)
    again = pickle.loads(pickle.dumps(opened))
    assert np.array_equal(numbers_of(again, "b4"), numbers_of(opened, "b4"))


def test_level_2_reflectance_comes_back_to_half_a_thousandth(tmp_path: Path) -> None:
    ground = surface(bands=("b1", "b2", "b3"))
    opened = open_aster(write_surface_reflectance(tmp_path, ground, Overpass()))
    assert opened.metadata.product == "AST_07XT"
    found = opened.telescopes["VNIR"].read(ground.grid.whole)
    assert np.isnan(found[:, :7, :11]).all()
    assert np.nanmax(np.abs(found - ground.array)) <= 0.0005 + 1e-6
    with pytest.raises(ImageryError, match="level 1 product"):
        opened.radiance("VNIR")


# Bad input: one clear line each.


@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_a_truncated_file_is_called_truncated(share: float, hdf: Path, tmp_path: Path) -> None:
    whole = hdf.read_bytes()
    cut = tmp_path / hdf.name
    cut.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ImageryError, match="truncated") as caught:
        opened = open_aster(cut)
        for layer in opened.telescopes.values():
            layer.read(layer.grid.whole)
    assert "\n" not in str(caught.value)


def test_another_format_under_the_name_hdf_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "AST_L1T_00307152004075231_x.hdf"
    path.write_text("not found: sign in to download")
    with pytest.raises(ImageryError, match="whole ASTER HDF4 file"):
        open_aster(path)


def rewritten(hdf: Path, target: Path, old: str, new: str) -> Path:
    """Copy an HDF4 file with a change of its metadata, of equal length."""
    assert len(new) <= len(old)
    data = hdf.read_bytes()
    assert old.encode() in data
    target.write_bytes(data.replace(old.encode(), new.ljust(len(old)).encode()))
    return target


def test_missing_corner_metadata_is_named(hdf: Path, tmp_path: Path) -> None:
    path = rewritten(hdf, tmp_path / hdf.name, "UPPERLEFTM", "NOTHING")
    with pytest.raises(ImageryError, match="without UPPERLEFTM"):
        open_aster(path)


def test_a_wrong_gain_word_is_refused_by_band(hdf: Path, tmp_path: Path) -> None:
    path = rewritten(hdf, tmp_path / hdf.name, '("03", "NOR")'.replace("03", "3N"), '("3N", "NRM")')
    with pytest.raises(ImageryError, match=r"gain of ASTER band 3N must be one of .* got 'NRM'"):
        open_aster(path)


def test_an_unreadable_sun_is_named(hdf: Path, tmp_path: Path) -> None:
    path = rewritten(hdf, tmp_path / hdf.name, "(118.0, 62.0)", "(118.0, n/a)")
    with pytest.raises(ImageryError, match="SOLARDIRECTION must be 2 numbers"):
        open_aster(path)


def test_a_missing_zone_is_named(hdf: Path, tmp_path: Path) -> None:
    path = rewritten(hdf, tmp_path / hdf.name, "UTMZONENUMBER", "UTMZONEXXXXXX")
    with pytest.raises(ImageryError, match="the UTM zone must be 1 to 60"):
        open_aster(path)


def test_bands_of_another_date_are_refused(
    folder: Path, scene: SimulatedAster, tmp_path: Path
) -> None:
    later = replace(
        scene, overpass=replace(scene.overpass, time=scene.overpass.time.replace(year=2005))
    )
    other = write_aster_geotiffs(tmp_path, later)
    with pytest.raises(ImageryError, match="of one product, version and time"):
        open_aster([*folder.glob("*VNIR*.tif"), *other.glob("*SWIR*.tif")])


def test_the_same_band_twice_is_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copy(next(folder.glob("*VNIR_B01.tif")), tmp_path / "copy_VNIR_B01.tif")
    with pytest.raises(ImageryError, match="the files of ASTER band b1 must be one per scene"):
        open_aster([*folder.glob("*.tif"), tmp_path / "copy_VNIR_B01.tif"])


def test_bands_in_two_zones_are_refused(scene: SimulatedAster, tmp_path: Path) -> None:
    here = write_aster_geotiffs(tmp_path / "38", scene)
    ground = surface(32739)
    there = write_aster_geotiffs(tmp_path / "39", simulate_scene(ground, Overpass()))
    with pytest.raises(GridError, match=r"in one UTM zone; got EPSG:32738 and EPSG:32739"):
        open_aster([*here.glob("*VNIR*.tif"), *there.glob("*SWIR*.tif")])


def test_files_without_gains_ask_for_them(folder: Path, tmp_path: Path) -> None:
    lone = tmp_path / folder.name
    lone.mkdir()
    for path in folder.glob("*.tif"):
        shutil.copy(path, lone)
    opened = open_aster(lone)
    with pytest.raises(ImageryError, match=r"the gain of band 1 .* gains = \{ b1 = \"NOR\" \}"):
        opened.radiance("VNIR")
    told = opened.with_settings(AsterSettings(gains={"b1": "NOR", "b2": "HGH", "b3": "LO1"}))
    assert told.metadata.conversion("b2").per_dn == 0.708
    azimuth, elevation = told.geometry.sun_azimuth, told.geometry.sun_elevation
    assert 0 < elevation < 90 and 0 <= azimuth < 360


@pytest.mark.parametrize(("side", "steeper"), [("west", -1), ("east", 0)])
def test_the_edge_away_from_the_satellite_is_seen_at_the_larger_angle(
    folder: Path, side: str, steeper: int
) -> None:
    scene = open_aster(folder).with_settings(AsterSettings(seen_from=side))
    angles = scene.geometry.angles
    assert angles is not None and scene.geometry.view_zenith > 2
    row = angles.grid.height // 2
    _, east, north = angles.read(angles.grid.whole)[:, row]
    view = np.hypot(east, north)
    assert np.argmax(view) == np.arange(len(view))[steeper]
    assert (east < 0).all() == (side == "west")  # the direction of the satellite


def test_a_folder_without_bands_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageryError, match=r"_VNIR_B01\.tif"):
        open_aster(tmp_path)
    with pytest.raises(ImageryError, match="existing file or folder"):
        open_aster(tmp_path / "nothing")


def test_versions_are_not_mixed_silently(hdf: Path, folder: Path) -> None:
    with pytest.raises(ImageryError, match="of one product and version"):
        require_one_version([open_aster(hdf), open_aster(folder)])
    require_one_version([open_aster(hdf), open_aster(hdf)])


def test_a_scene_off_the_survey_is_refused(hdf: Path) -> None:
    opened = open_aster(hdf)
    left, bottom, right, top = opened.grid.bounds
    require_touch(opened, (left - 500, bottom - 500, left + 100, top), opened.grid.crs)
    with pytest.raises(GridError, match="touching the survey"):
        require_touch(opened, (right + 5000, bottom, right + 9000, top), opened.grid.crs)


def test_names_are_those_of_the_archive() -> None:
    assert granule_name(Overpass(), "004").startswith("AST_L1T_00407152004075231_")


def test_every_mistake_is_an_input_error_of_one_line(hdf: Path, tmp_path: Path) -> None:
    for old, new in (("CALENDARDATE", "CALENDARDUTY"), ("LOWERRIGHTM", "LOWERRIGHTX")):
        path = rewritten(hdf, tmp_path / hdf.name, old, new)
        try:
            open_aster(path)
        except InputError as error:
            assert "\n" not in str(error)


def test_a_renamed_layer_still_reads(hdf: Path) -> None:
    layer = open_aster(hdf).telescopes["TIR"]
    renamed = RenamedLayer(layer, tuple(f"t{i}" for i in range(5)))
    assert renamed.read(Window(1, 2, 3, 4)).shape == (5, 3, 4)


def write_level_2(
    folder: Path, name: str, numbers: dict[str, np.ndarray], turned: float = 0.0
) -> Path:
    """Write a file of AST_07XT, version 003: data sets Band<n> as int16, one telescope a file."""
    from pyhdf.SD import SD, SDC

    def item(key: str, value: str) -> str:
        return f"OBJECT = {key}\n  NUM_VAL = 1\n  VALUE = {value}\nEND_OBJECT = {key}\n"

    high, wide = next(iter(numbers.values())).shape
    pixel = 15 if "Band1" in numbers else 30
    half = pixel / 2
    top, left = 4_000_000 - half, 500_000 + half
    core = item("SHORTNAME", '"AST_07XT"') + item("CALENDARDATE", '"20040715"')
    core += item("TIMEOFDAY", '"075231000000Z"')
    place = item("UTMZONENUMBER", "38") + item("MAPORIENTATIONANGLE", f"{turned}")
    place += item("UPPERLEFTM", f"({top}, {left})")
    place += item("LOWERRIGHTM", f"({top - (high - 1) * pixel}, {left + (wide - 1) * pixel})")
    path = folder / name
    file = SD(str(path), SDC.WRITE | SDC.CREATE | SDC.TRUNC)
    file.attr("coremetadata.0").set(SDC.CHAR, core + "END\n")
    file.attr("productmetadata.0").set(SDC.CHAR, place + "END\n")
    for band, values in numbers.items():
        data = file.create(band, SDC.INT16, values.shape)
        data[:] = values.astype(np.int16)
        data.endaccess()
    file.end()
    return path


def level_2_numbers() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    rng = np.random.default_rng(6)
    visible = {f"Band{b}": rng.integers(1, 900, (40, 60)) for b in ("1", "2", "3N")}
    short = {f"Band{b}": rng.integers(1, 900, (20, 30)) for b in range(4, 10)}
    visible["Band1"][:3] = -9999
    return visible, short


NAMES_07XT = ("AST_07XT_00307152004075231_20150505101010_1234.hdf",
              "AST_07XT_00307152004075231_20150505101011_5678.hdf")  # fmt: skip


def test_the_two_hdf_files_of_ast_07xt_are_one_scene_of_nine_bands(tmp_path: Path) -> None:
    visible, short = level_2_numbers()
    files = [
        write_level_2(tmp_path, name, numbers)
        for name, numbers in zip(NAMES_07XT, (visible, short))
    ]
    for paths in ([tmp_path], files):
        words = ImagerySettings(name="aster", sensor="aster", paths=paths, indices=())
        found = open_scenes(words, ".", tmp_path / "store")
        assert found.bands.bands == tuple(f"b{i}" for i in range(1, 10))
        assert found.scenes[0].scene.quantity == "surface reflectance"
        values = found.bands.read(found.bands.grid.whole)
        wanted = np.where(visible["Band1"] < 0, np.nan, visible["Band1"] * 0.001)
        np.testing.assert_allclose(values[0], wanted, atol=1e-6)
    swir = open_aster(files).telescopes["SWIR"]
    np.testing.assert_allclose(swir.read(swir.grid.whole)[5], short["Band9"] * 0.001, atol=1e-6)


@pytest.mark.usefixtures("gdal_hdf4")
def test_gdal_reads_the_same_numbers_of_ast_07xt(tmp_path: Path) -> None:
    visible, _ = level_2_numbers()
    path = write_level_2(tmp_path, NAMES_07XT[0], visible)
    one = f'HDF4_SDS:UNKNOWN:"{path}":1'
    subprocess.run(["gdal_translate", "-q", one, str(tmp_path / "b2.tif")], check=True)
    with rasterio.open(tmp_path / "b2.tif") as source:
        np.testing.assert_array_equal(source.read(1), visible["Band2"])


def test_level_2_along_the_track_is_refused_with_the_cure(tmp_path: Path) -> None:
    visible, _ = level_2_numbers()
    path = write_level_2(tmp_path, NAMES_07XT[0], visible, turned=9.84)
    with pytest.raises(ImageryError, match=r"north-up; got turned by 9\.84 degrees.*gdalwarp"):
        open_aster(path)
