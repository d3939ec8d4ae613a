"""Plain rasters in the packings that people have: the right value, or one line that says why."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import ArrayLike, NDArray
from rasterio.transform import from_origin

from gossan.errors import ImageryError
from gossan.imagery.scenes import SceneStack, open_scenes
from gossan.imagery.settings import ImagerySettings

HIGH, WIDE, PIXEL = 40, 50, 20.0
RNG = np.random.default_rng(11)
S2_BANDS = ["b02", "b03", "b04", "b08", "b11", "b12"]


def write(path: Path, values: ArrayLike, dtype: str, left: float = 5e5, **more: object) -> None:
    array = np.asarray(values).astype(dtype)
    names = more.pop("names", ())
    with rasterio.open(
        path,
        "w",
        height=array.shape[1],
        width=array.shape[2],
        count=len(array),
        dtype=dtype,
        crs="EPSG:32638",
        transform=from_origin(left, 4e6, PIXEL, PIXEL),
        **({"driver": "GTiff"} | more),
    ) as target:
        target.write(array)
        for index, name in enumerate(names, 1):  # type: ignore[var-annotated, arg-type]
            target.set_band_description(index, name)


def numbers(bands: int, low: int = 500, high: int = 5000) -> NDArray[np.integer]:
    return RNG.integers(low, high, (bands, HIGH, WIDE))


def opened(folder: Path, **words: object) -> tuple[SceneStack, dict[str, NDArray[np.float32]]]:
    settings = ImagerySettings(name="x", **words)  # type: ignore[arg-type]
    stack = open_scenes(settings, folder, folder / "store")
    return stack, dict(zip(stack.bands.bands, stack.bands.read(stack.bands.grid.whole)))


def empties(bands: dict[str, NDArray[np.float32]]) -> list[int]:
    return [int(np.isnan(values).sum()) for values in bands.values()]


def test_nodata_of_an_er_mapper_header_is_compared_in_float32(tmp_path: Path) -> None:
    values = RNG.uniform(1, 5, (2, HIGH, WIDE))
    values[:, :3] = -99999.9
    write(tmp_path / "grid.ers", values, "float32", driver="ERS")
    header = (tmp_path / "grid.ers").read_text()
    start = "RasterInfo Begin"
    header = header.replace(start, f"{start}\n\t\tNullCellValue\t= -99999.9")
    (tmp_path / "grid.ers").write_text(header)
    _, bands = opened(tmp_path, paths=["grid.ers"])
    assert empties(bands) == [150, 150]


def test_a_vrt_may_have_one_nodata_value_per_band(tmp_path: Path) -> None:
    values = numbers(2, 10, 50)
    values[0, :3], values[1, :5] = 0, 9
    write(tmp_path / "a.tif", values, "uint8")
    vrt = tmp_path / "a.vrt"
    subprocess.run(["gdalbuildvrt", "-q", str(vrt), str(tmp_path / "a.tif")], check=True)
    text = vrt.read_text()
    for band, value in (("1", 0), ("2", 9)):
        head = f'<VRTRasterBand dataType="Byte" band="{band}">'
        text = text.replace(head, f"{head}<NoDataValue>{value}</NoDataValue>")
    vrt.write_text(text)
    _, bands = opened(tmp_path, paths=["a.vrt"])
    assert empties(bands) == [150, 250]


@pytest.mark.parametrize(("dtype", "stored"), [("uint16", 55537), ("int16", -9999)])
def test_a_nodata_value_may_have_wrapped(dtype: str, stored: int, tmp_path: Path) -> None:
    values = numbers(2)
    values[:, :3] = stored
    write(tmp_path / "a.tif", values, dtype)
    _, bands = opened(tmp_path, paths=["a.tif"], nodata=-9999, scale=1e-4)
    assert empties(bands) == [150, 150] and max(map(np.nanmax, bands.values())) < 0.5


@pytest.mark.parametrize("dummy", [-1e32, 1.70141e38, -3.4028235e38])
def test_dummies_of_other_programs_are_empty(dummy: float, tmp_path: Path) -> None:
    values = RNG.uniform(1, 5, (2, HIGH, WIDE))
    values[:, :3] = dummy
    write(tmp_path / "a.tif", values, "float32")
    assert empties(opened(tmp_path, paths=["a.tif"])[1]) == [150, 150]


def test_netcdf_data_sets_become_bands_in_unpacked_units(tmp_path: Path) -> None:
    packed = numbers(1, 1, 99)
    write(tmp_path / "clay.tif", packed, "int16")
    command = ["gdal_translate", "-q", "-of", "netCDF", "-a_scale", "0.5", "-a_offset", "2"]
    subprocess.run([*command, str(tmp_path / "clay.tif"), str(tmp_path / "clay.nc")], check=True)
    _, bands = opened(tmp_path, paths=["clay.nc"])
    (values,) = bands.values()
    np.testing.assert_allclose(values, packed[0] * 0.5 + 2)


def test_patterns_and_folders_name_the_same_rasters(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    for name in ("clay", "iron"):
        write(tmp_path / "d" / f"{name}.tif", RNG.uniform(1, 5, (1, HIGH, WIDE)), "float32")
    for paths in (["d/*.tif"], ["d"]):
        assert list(opened(tmp_path, paths=paths)[1]) == ["clay", "iron"]
    with pytest.raises(ImageryError, match="matched by a file"):
        opened(tmp_path, paths=["d/*.jp2"])


def test_band_files_of_two_sentinel2_tiles_are_a_mosaic(tmp_path: Path) -> None:
    for tile, left in (("T38SKA", 5e5), ("T38SKB", 5e5 + WIDE * PIXEL)):
        for band in ("B02", "B04", "B08"):
            path = tmp_path / f"{tile}_20230811T075611_{band}_20m.tif"
            write(path, numbers(1), "uint16", left=left)
    stack, bands = opened(tmp_path, sensor="sentinel2", paths=["*.tif"], scale=1e-4)
    assert list(bands) == ["b02", "b04", "b08"] and bands["b02"].shape == (HIGH, 2 * WIDE)
    assert "2 tiles were joined" in stack.notes


def test_overlapping_tiles_do_not_become_every_band_twice(tmp_path: Path) -> None:
    for name, left in (("a", 5e5), ("b", 5e5 + 40 * PIXEL)):
        values = RNG.uniform(0, 1, (3, HIGH, WIDE))
        write(tmp_path / f"{name}.tif", values, "float32", left=left, names=["r", "g", "b"])
    _, bands = opened(tmp_path, paths=["a.tif", "b.tif"])
    assert list(bands) == ["r", "g", "b"] and bands["r"].shape == (HIGH, 90)


def test_rasters_computed_from_bands_are_no_bands(tmp_path: Path) -> None:
    write(tmp_path / "e.tif", numbers(3), "uint16", names=["B4", "B3", "B2"])
    write(tmp_path / "ratio_b4_b11.tif", RNG.uniform(1, 2, (1, HIGH, WIDE)), "float32")
    paths = ["e.tif", "ratio_b4_b11.tif"]
    stack, bands = opened(tmp_path, sensor="sentinel2", paths=paths, scale=1e-4)
    assert list(bands) == ["b04", "b03", "b02"]
    assert "not Sentinel-2 bands, left out: ratio_b4_b11" in stack.notes


def test_bands_of_a_larger_file_are_chosen_by_name(tmp_path: Path) -> None:
    values = RNG.uniform(0, 1, (6, HIGH, WIDE)).astype(np.float32)
    write(tmp_path / "h.tif", values, "float32")
    _, bands = opened(tmp_path, paths=["h.tif"], bands=["h_5", "h_2"])
    np.testing.assert_array_equal(bands["h_5"], values[4])
    np.testing.assert_array_equal(bands["h_2"], values[1])


def test_landsat_with_quality_bits_roles_and_the_index_catalogue(tmp_path: Path) -> None:
    stored = {}
    for band in range(2, 8):
        stored[band] = numbers(1, 8000, 20000)[0]
        path = tmp_path / f"LC09_L2SP_171034_20230811_02_T1_SR_B{band}.TIF"
        write(path, stored[band][None], "uint16", nodata=0)
    quality = np.full((1, HIGH, WIDE), 21824)  # clear
    quality[0, :4], quality[0, 4:6] = 22280, 23888  # cloud; cloud shadow
    write(tmp_path / "QA_PIXEL.TIF", quality, "uint16", nodata=1)
    stack, bands = opened(
        tmp_path,
        paths=["LC09_*_SR_B[2-7].TIF"],
        bands=["blue", "green", "red", "nir", "swir1", "swir2"],
        scale=2.75e-5,
        offset=-0.2,
        quality={"path": "QA_PIXEL.TIF", "product": "landsat"},
        masks=["cloud", "cloud_shadow"],
        indices=["paper"],
    )
    assert empties(bands) == [6 * WIDE] * 6
    shares = stack.mask_table().set_index("mask")["share"]
    assert shares["cloud"] == pytest.approx(0.1) and shares["cloud_shadow"] == pytest.approx(0.05)
    gossan = stack.indices.read(stack.bands.grid.whole)[stack.indices.bands.index("gossan")]  # type: ignore[union-attr]
    swir, red = stored[6] * 2.75e-5 - 0.2, stored[4] * 2.75e-5 - 0.2
    np.testing.assert_allclose(gossan[6:], (swir / red)[6:], rtol=1e-5)


def test_roles_must_be_given_to_bands_that_exist(tmp_path: Path) -> None:
    write(tmp_path / "l.tif", RNG.uniform(0.1, 0.5, (4, HIGH, WIDE)), "float32")
    words = {"paths": ["l.tif"], "bands": ["b2", "b3", "b4", "b5"]}
    roles = {"red": "b4", "nir": "b5"}
    stack, _ = opened(tmp_path, **words, roles=roles, masks=["vegetation"], indices=["ndvi"])
    assert stack.indices is not None and stack.indices.bands == ("ndvi",)
    with pytest.raises(ImageryError, match="roles: red must be a band"):
        opened(tmp_path, **words, roles={"red": "b9"})
    with pytest.raises(ImageryError, match="mask 'cloud' must be given the bands"):
        opened(tmp_path, **words, masks=["cloud"])


def test_scale_by_file_and_by_band(tmp_path: Path) -> None:
    write(tmp_path / "a.tif", numbers(2, 1, 9), "int16")
    write(tmp_path / "b.tif", numbers(1, 1, 9), "int16")
    plain = opened(tmp_path, paths=["a.tif", "b.tif"])[1]
    by_file = opened(tmp_path, paths=["a.tif", "b.tif"], scale=[0.5, 100])[1]
    by_band = opened(tmp_path, paths=["a.tif", "b.tif"], scale={"b": 7})[1]
    for name, factor in (("a_1", 0.5), ("a_2", 0.5), ("b", 100)):
        np.testing.assert_allclose(by_file[name], plain[name] * factor)
    np.testing.assert_allclose(by_band["b"], plain["b"] * 7)
    np.testing.assert_array_equal(by_band["a_1"], plain["a_1"])


@pytest.mark.parametrize("forms", ["FLAASH (Band {})", "Band {}", "B{}"])
def test_the_nine_bands_of_aster_are_recognised_as_people_write_them(
    forms: str, tmp_path: Path
) -> None:
    labels = ["1", "2", "3N", *map(str, range(4, 10))]
    values = RNG.uniform(0.1, 0.5, (9, HIGH, WIDE)).astype(np.float32)
    names = [forms.format(label) for label in labels]
    write(tmp_path / "flaash.dat", values, "float32", driver="ENVI", names=names)
    stack, bands = opened(tmp_path, sensor="aster", level="reflectance", paths=["flaash.dat"])
    assert list(bands) == [f"b{i}" for i in range(1, 10)]
    assert stack.indices is not None and len(stack.indices.bands) == 13
    argillic = stack.indices.read(stack.bands.grid.whole)[stack.indices.bands.index("argillic")]
    np.testing.assert_allclose(argillic, (values[3] + values[5]) / values[4], rtol=1e-6)


def test_names_that_only_count_say_nothing_about_a_sensor(tmp_path: Path) -> None:
    """ENVI calls the bands of any stack Band 1, Band 2 ...: that is not Sentinel-2's numbering."""
    names = [f"Band {i}" for i in range(1, 7)]
    values = numbers(6)
    write(tmp_path / "s.dat", values, "int16", driver="ENVI", names=names)
    words = {"sensor": "sentinel2", "paths": ["s.dat"], "scale": 1e-4}
    with pytest.raises(ImageryError, match="none recognised"):
        opened(tmp_path, **words)
    order = ["b12", "b11", "b08", "b04", "b03", "b02"]
    _, bands = opened(tmp_path, **words, bands=order)
    assert list(bands) == order
    np.testing.assert_allclose(bands["b12"], values[0] * 1e-4, rtol=1e-6)


def test_other_aster_products_are_refused_by_name(tmp_path: Path) -> None:
    for band in ("VNIR_B01", "VNIR_B02", "VNIR_B03N"):
        name = f"AST_09XT_00405032000040446_20250310152354_{band}.tif"
        write(tmp_path / name, numbers(1, 1, 200), "uint8")
    with pytest.raises(ImageryError, match="AST_09XT, which is radiance leaving the surface"):
        opened(tmp_path, sensor="aster", paths=["."])


def test_an_export_with_described_bands_is_calibrated_by_gains_and_time(tmp_path: Path) -> None:
    names = ["B01", "B02", "B3N", *(f"B0{i}" for i in range(4, 10))]
    values = numbers(9, 2, 250)
    write(tmp_path / "export.tif", values, "uint8", names=names, nodata=0)
    steps = {"gains": {f"b{i}": "NOR" for i in range(1, 10)}, "time": "2004-07-15T07:52:31Z"}
    steps |= {"sun_elevation": 60.0, "sun_azimuth": 120.0}
    _, bands = opened(tmp_path, sensor="aster", paths=["export.tif"], aster=steps)
    distance = 1 - 0.01672 * np.cos(np.radians(0.9856 * (197 - 4)))
    factor = np.pi * distance**2 / (1848.0 * np.sin(np.radians(60.0)))
    np.testing.assert_allclose(bands["b1"], (values[0] - 1.0) * 1.688 * factor, rtol=1e-5)


def test_known_wavelengths_bring_the_aster_catalogue_to_any_sensor(tmp_path: Path) -> None:
    waves = [0.49, 0.556, 0.661, 0.807, 1.656, 2.167, 2.2078, 2.2656, 2.3346, 2.3979]
    values = RNG.uniform(0.1, 0.5, (10, HIGH, WIDE)).astype(np.float32)
    write(tmp_path / "e.dat", values, "float32", driver="ENVI")
    header = (tmp_path / "e.hdr").read_text() + "wavelength units = Micrometers\n"
    (tmp_path / "e.hdr").write_text(f"{header}wavelength = {{{','.join(map(str, waves))}}}\n")
    stack, _ = opened(tmp_path, paths=["e.dat"], indices=["paper"], masks=["vegetation"])
    assert stack.indices is not None and len(stack.indices.bands) == 13


@pytest.mark.parametrize(
    ("name", "is_what"),
    [
        ("AST_08_00405032000040446_20250310152354_SKT.tif", "AST_08, which is surface temperature"),
        ("AST14OTH_00305032000040446_20150310152354_123_V3N.tif", "AST_14OTH, which is ortho"),
        ("AST14DEM_00305032000040446_20150310152354_123.tif", "AST_14DEM, which is heights"),
    ],
)
def test_aster_products_without_band_names_are_refused_as_what_they_are(
    name: str, is_what: str, tmp_path: Path
) -> None:
    write(tmp_path / name, numbers(1), "int16")
    with pytest.raises(ImageryError, match=is_what):
        opened(tmp_path, sensor="aster", paths=["."])


def envi(folder: Path, waves: list[float], unit: str, values: NDArray[np.floating]) -> None:
    """Write an ENVI stack of which the header states wavelengths, but no names of bands."""
    write(folder / "e.dat", values, "float32", driver="ENVI")
    header = re.sub(r"band names = {[^}]*}\n?", "", (folder / "e.hdr").read_text())
    header += f"wavelength units = {unit}\n"
    (folder / "e.hdr").write_text(f"{header}wavelength = {{{','.join(map(str, waves))}}}\n")


def test_a_reflectance_stack_is_aster_by_its_wavelengths(tmp_path: Path) -> None:
    waves = [2.400, 0.556, 0.661, 0.807, 1.656, 2.167, 2.209, 2.262, 2.336]
    values = RNG.uniform(0.1, 0.5, (9, HIGH, WIDE)).astype(np.float32)
    envi(tmp_path, waves, "Micrometers", values)
    _, bands = opened(tmp_path, sensor="aster", level="reflectance", paths=["e.dat"])
    assert list(bands) == ["b9", *(f"b{i}" for i in range(1, 9))]
    np.testing.assert_array_equal(bands["b9"], values[0])


def test_nine_bands_without_names_are_those_of_aster_in_turn(tmp_path: Path) -> None:
    values = RNG.integers(500, 5000, (9, HIGH, WIDE))
    write(tmp_path / "refl.tif", values, "int16")
    words = {"sensor": "aster", "level": "reflectance", "scale": 1e-4, "paths": ["refl.tif"]}
    stack, bands = opened(tmp_path, **words)
    assert list(bands) == [f"b{i}" for i in range(1, 10)]
    np.testing.assert_allclose(bands["b5"], values[4] * 1e-4, rtol=1e-6)
    assert any("taken as ASTER b1 to b9" in note for note in stack.notes)


def test_bands_named_by_wavelength_have_names_that_formulas_can_use(tmp_path: Path) -> None:
    waves = [490.1, 560.2, 664.9, 842.0, 1610.3, 2190.2]
    values = RNG.uniform(0.1, 0.5, (6, HIGH, WIDE)).astype(np.float32)
    envi(tmp_path, waves, "Nanometers", values)
    stack, bands = opened(tmp_path, paths=["e.dat"], indices=["paper"])
    assert list(bands)[2] == "b664_9_nanometers" and stack.indices is not None
    own = {"iron": "b664_9_nanometers / b490_1_nanometers"}
    stack, _ = opened(tmp_path, paths=["e.dat"], formulas=own)
    assert stack.indices is not None
    found = stack.indices.read(stack.indices.grid.whole)[0]
    np.testing.assert_allclose(found, values[2] / values[0], rtol=1e-5)


def test_a_quality_band_may_be_named_as_the_export_writes_it(tmp_path: Path) -> None:
    values = numbers(7)
    values[6] = 0
    values[6, 5:9, 5:9] = 1 << 10
    write(
        tmp_path / "s2.tif", values, "uint16", names=["B2", "B3", "B4", "B8", "B11", "B12", "QA60"]
    )
    quality = {"band": "QA60", "product": "qa60"}
    stack, bands = opened(
        tmp_path, sensor="sentinel2", paths=["s2.tif"], scale=1e-4, quality=quality, masks=["cloud"]
    )
    assert list(bands) == S2_BANDS and not stack.notes[0].startswith("not Sentinel-2")
    assert empties({"b04": stack.scenes[0].masked.read(stack.bands.grid.whole)[2]}) == [16]


def test_many_bands_set_aside_are_one_note(tmp_path: Path) -> None:
    values = RNG.uniform(0.1, 0.5, (12, HIGH, WIDE))
    values[3:9] = np.nan
    write(tmp_path / "h.tif", values, "float32")
    stack, bands = opened(tmp_path, paths=["h.tif"])
    assert len(bands) == 6
    assert [note for note in stack.notes if "6 bands are empty, left out" in note]


def test_tiles_without_band_names_may_overlap_as_they_like_where_the_project_names_them(
    tmp_path: Path,
) -> None:
    whole = RNG.uniform(0, 1, (3, HIGH, WIDE)).astype(np.float32)
    write(tmp_path / "t_0.tif", whole[:, :, :40], "float32")
    write(tmp_path / "t_1.tif", whole[:, :, 10:], "float32", left=5e5 + 10 * PIXEL)
    stack, bands = opened(tmp_path, paths=["t_0.tif", "t_1.tif"], bands=["a", "b", "c"])
    np.testing.assert_array_equal(np.stack([*bands.values()]), whole)
    assert list(bands) == ["a", "b", "c"] and "2 tiles were joined" in stack.notes


def test_tiles_of_one_band_may_overlap_by_less_than_half(tmp_path: Path) -> None:
    whole = RNG.uniform(0, 1, (1, HIGH, WIDE)).astype(np.float32)
    write(tmp_path / "kalium_1.tif", whole[:, :, :30], "float32")
    write(tmp_path / "kalium_2.tif", whole[:, :, 20:], "float32", left=5e5 + 20 * PIXEL)
    _, bands = opened(tmp_path, paths=["kalium_1.tif", "kalium_2.tif"])
    np.testing.assert_array_equal(bands["kalium"], whole[0])


def test_a_stack_that_is_cut_to_little_of_its_files_says_so(tmp_path: Path) -> None:
    write(tmp_path / "k.tif", RNG.uniform(0, 1, (1, HIGH, WIDE)), "float32")
    far = 5e5 + 35 * PIXEL
    write(tmp_path / "th.tif", RNG.uniform(0, 1, (1, HIGH, WIDE)), "float32", left=far)
    stack, bands = opened(tmp_path, paths=["k.tif", "th.tif"])
    assert bands["k"].shape == (HIGH, 15)
    assert any("cut to the ground that they share, 30% of the largest" in n for n in stack.notes)


def test_rasters_computed_from_bands_are_set_aside_among_files_of_bands(tmp_path: Path) -> None:
    truth = numbers(4)
    for values, band in zip(truth, ("B02", "B04", "B08", "B11")):
        write(tmp_path / f"T45SWC_20230811T075611_{band}.tif", values[None], "uint16")
    strangers = ("PC1_B04", "B08_smoothed", "T45SWC_20230811T075611_B04_over_B02", "T45SWC_TCI_10m")
    for name in (*strangers, "iron_oxide", "AOT_10m"):
        write(tmp_path / f"{name}.tif", RNG.uniform(1, 2, (1, HIGH, WIDE)), "float32")
    stack, bands = opened(tmp_path, sensor="sentinel2", paths=["*.tif"], scale=1e-4)
    assert list(bands) == ["b02", "b04", "b08", "b11"]
    np.testing.assert_allclose(np.stack([*bands.values()]), truth * 1e-4, rtol=1e-6)
    (note,) = [n for n in stack.notes if "left out" in n and "bands" in n and "indices" not in n]
    assert all(name.lower() in note for name in strangers)


def test_bands_of_quality_bits_are_no_features_unless_they_are_named(tmp_path: Path) -> None:
    names = ["SR_B4", "SR_B5", "QA_PIXEL", "SCL"]
    write(tmp_path / "l.tif", numbers(4), "uint16", names=names)
    stack, bands = opened(tmp_path, paths=["l.tif"])
    assert list(bands) == ["sr_b4", "sr_b5"]
    assert any("quality bits or classes, left out: qa_pixel, scl" in n for n in stack.notes)
    _, bands = opened(tmp_path, paths=["l.tif"], bands=["sr_b4", "qa_pixel"])
    assert list(bands) == ["sr_b4", "qa_pixel"]


def test_bands_that_an_envi_header_marks_as_bad_are_left_out(tmp_path: Path) -> None:
    values = RNG.uniform(0, 1, (4, HIGH, WIDE)).astype("<f4")
    (tmp_path / "h.dat").write_bytes(values.tobytes())
    (tmp_path / "h.hdr").write_text(
        f"ENVI\nsamples = {WIDE}\nlines = {HIGH}\nbands = 4\nheader offset = 0\n"
        "file type = ENVI Standard\ndata type = 4\ninterleave = bsq\nbyte order = 0\n"
        "map info = {UTM, 1, 1, 500000, 4000000, 20, 20, 38, North, WGS-84, units=Meters}\n"
        "band names = {a, b, c, d}\nbbl = {1, 0, 1, 0}\n",
        encoding="utf-8",
    )
    stack, bands = opened(tmp_path, paths=["h.dat"])
    assert list(bands) == ["a", "c"]
    assert "bands that the header marks as bad (bbl), left out: b, d" in stack.notes


@pytest.mark.parametrize("driver", ["ENVI", "ERS", "EHdr"])
def test_bare_pixels_that_end_too_early_are_refused_not_read_as_0(
    driver: str, tmp_path: Path
) -> None:
    name = "x.ers" if driver == "ERS" else "x.bil"
    write(tmp_path / name, RNG.uniform(1, 2, (2, HIGH, WIDE)), "float32", driver=driver)
    opened(tmp_path, paths=[name])
    pixels = tmp_path / ("x" if driver == "ERS" else name)
    pixels.write_bytes(pixels.read_bytes()[:-5000])
    with pytest.raises(
        ImageryError, match=r"as large as its header says; got 11000 bytes of 16000"
    ):
        opened(tmp_path, paths=[name])


def test_stacks_of_two_telescopes_that_only_number_their_bands_are_named_in_turn(
    tmp_path: Path,
) -> None:
    truth = numbers(9)
    for name, part in (("vnir", truth[:3]), ("swir", truth[3:])):
        counted = [f"Band {i}" for i in range(1, len(part) + 1)]
        write(tmp_path / f"{name}.tif", part, "int16", names=counted)
    nine = [f"b{i}" for i in range(1, 10)]
    words = {"sensor": "aster", "level": "reflectance", "scale": 1e-4, "bands": nine}
    _, bands = opened(tmp_path, paths=["vnir.tif", "swir.tif"], **words)
    assert list(bands) == nine
    np.testing.assert_allclose(np.stack([*bands.values()]), truth * 1e-4, rtol=1e-6)


def test_an_atmosphere_of_plain_rasters_is_refused_not_ignored(tmp_path: Path) -> None:
    write(tmp_path / "s.tif", numbers(3), "uint16", names=["B2", "B4", "B8"])
    with pytest.raises(ImageryError, match="those of plain rasters; got atmosphere"):
        opened(tmp_path, sensor="sentinel2", paths=["s.tif"], scale=1e-4, atmosphere="dos")
