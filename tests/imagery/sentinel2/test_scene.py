from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from pyproj import CRS

from gossan.catalogue.sensors import sentinel2_bands
from gossan.demo.write_sentinel2 import SimulatedSentinel2, digital_numbers, write_sentinel2
from gossan.errors import GridError, ImageryError, InputError
from gossan.geo.grid import Grid, Window
from gossan.imagery.atmosphere.settings import AtmosphereSettings
from gossan.imagery.sentinel2.jp2_store import without_decoding
from gossan.imagery.sentinel2.metadata import read_metadata
from gossan.imagery.sentinel2.scene import SPECTRAL, open_sentinel2

from ...presence import missing_program

LEFT, TOP = 563040.0, 4392240.0
GRIDS = {p: Grid.from_bounds(32645, (LEFT, TOP - 1380, LEFT + 1020, TOP), p) for p in (10, 20, 60)}


def reflectance(level: str, seed: int = 2) -> dict[str, np.ndarray]:
    """A tilted plane with texture in every band; some pixels empty, some saturated."""
    rng = np.random.default_rng(seed)
    bands = {}
    for i, band in enumerate(sentinel2_bands()):
        if level == "L2A" and band.name == "b10":
            continue
        grid = GRIDS[band.pixel_m]
        easting, northing = grid.coordinates()
        plane = 0.1 + 0.02 * i + (easting[None, :] - LEFT) * 1e-4 + (TOP - northing[:, None]) * 5e-5
        bands[band.name] = np.round(plane + rng.uniform(-0.02, 0.02, grid.shape), 4)
    bands["b04"][3, 5] = np.nan
    bands["b11"][-2, -3] = np.inf
    return bands


def scene(level: str = "L2A", **more) -> SimulatedSentinel2:
    classes = (np.arange(69 * 51).reshape(69, 51) // 40) % 12
    return SimulatedSentinel2(GRIDS, reflectance(level), classes, level=level, **more)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("s2")
    return {level: write_sentinel2(scene(level), folder) for level in ("L1C", "L2A")}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


def copy_of(safe: Path, folder: Path) -> Path:
    return Path(shutil.copytree(safe, folder / safe.name))


def edit(safe: Path, pattern: str, change: Callable[[str], str]) -> Path:
    for path in safe.rglob(pattern):
        path.write_text(change(path.read_text()))
    return safe


@pytest.mark.parametrize("level", ["L1C", "L2A"])
@pytest.mark.parametrize("pixel", [10, 20, 60])
def test_numbers_equal_gdals_sentinel2_driver_pixel_for_pixel(
    written: dict[str, Path], store: Path, level: str, pixel: int
) -> None:
    name = f"SENTINEL2_{level}:{written[level] / f'MTD_MSI{level}.xml'}:{pixel}m:EPSG_32645"
    bands = tuple(b.name for b in sentinel2_bands() if b.pixel_m == pixel)
    bands = tuple(b for b in bands if level == "L1C" or b != "b10")
    layer = open_sentinel2(written[level], bands).numbers(store)[pixel]
    with rasterio.open(name) as theirs:
        assert theirs.crs.to_epsg() == 32645 and tuple(theirs.transform) == tuple(
            layer.grid.transform
        )
        found = {
            f"b{t['BANDNAME'][1:].lower():0>2}": i
            for i in theirs.indexes
            if re.fullmatch(r"B\d+A?", (t := theirs.tags(i)).get("BANDNAME", ""))
        }
        for i, band in enumerate(bands):
            np.testing.assert_array_equal(layer.read(layer.grid.whole)[i], theirs.read(found[band]))


def test_the_system_gdal_reads_the_same_numbers(
    written: dict[str, Path], store: Path, tmp_path: Path
) -> None:
    if not shutil.which("gdal_translate"):
        missing_program("GDAL is not installed: apt-get install gdal-bin")
    name = f"SENTINEL2_L2A:{written['L2A'] / 'MTD_MSIL2A.xml'}:10m:EPSG_32645"
    out = tmp_path / "gdal.tif"
    subprocess.run(["gdal_translate", "-q", name, str(out)], check=True)
    layer = open_sentinel2(written["L2A"], ["b04", "b03", "b02", "b08"]).numbers(store)[10]
    with rasterio.open(out) as theirs:
        names = [theirs.tags(i)["BANDNAME"] for i in theirs.indexes]
        for i, label in enumerate(["B4", "B3", "B2", "B8"]):
            band = theirs.read(names.index(label) + 1)
            np.testing.assert_array_equal(layer.read(layer.grid.whole)[i], band)


@pytest.mark.parametrize("level", ["L1C", "L2A"])
def test_reflectance_comes_back_as_it_was_written(
    written: dict[str, Path], store: Path, level: str
) -> None:
    layer = open_sentinel2(written[level], ["B04", "b11", "b8a"]).reflectance(store)
    assert layer.bands == ("b04", "b11", "b8a") and layer.grid.aligned_with(GRIDS[10])
    truth, values = reflectance(level), layer.read(layer.grid.whole)
    np.testing.assert_allclose(values[0], truth["b04"], atol=1e-6)
    assert np.isnan(values[0, 3, 5])
    coarse = values[1].reshape(69, 2, 51, 2).mean((1, 3))
    inner = np.isfinite(coarse)
    assert np.isnan(values[1, -4:-2, -6:-4]).any()
    difference = np.abs(coarse - truth["b11"])[inner]
    assert np.median(difference) < 0.01 and difference.max() < 0.05
    easting, _northing = layer.grid.coordinates()
    gradient = np.polyfit(easting - LEFT, np.nanmean(values[2], axis=0), 1)[0]
    assert gradient == pytest.approx(1e-4, rel=0.03)  # in place after cubic convolution


def test_the_default_is_the_ten_bands_that_see_the_ground(written: dict[str, Path]) -> None:
    assert open_sentinel2(written["L2A"]).bands == SPECTRAL
    assert open_sentinel2(written["L1C"]).grid.aligned_with(GRIDS[10])
    assert read_metadata(written["L2A"]).bands == tuple(
        b.name for b in sentinel2_bands() if b.name != "b10"
    )
    assert open_sentinel2(written["L1C"], ["b10"]).grid.aligned_with(GRIDS[60])


@pytest.mark.parametrize("baseline", ["02.14", "03.01", "04.00", "05.11"])
@pytest.mark.parametrize("unit", ["S2A", "S2B", "S2C"])
def test_the_offset_comes_from_the_metadata_and_never_from_the_date(
    tmp_path: Path, baseline: str, unit: str
) -> None:
    made = scene(baseline=baseline, unit=unit)  # one date for all: 2023
    safe = write_sentinel2(replace(made, reflectance={"b04": made.reflectance["b04"]}), tmp_path)
    found = open_sentinel2(safe)
    assert (found.metadata.unit, found.metadata.baseline) == (unit, baseline)
    assert found.metadata.offsets["b04"] == (0 if float(baseline) < 4 else -1000)
    values = found.reflectance(tmp_path / "store").read(Window(0, 0, 138, 102))[0]
    np.testing.assert_allclose(values, made.reflectance["b04"], atol=1e-6)


def test_an_offset_left_in_would_ruin_dark_ratios_as_in_public_readers(
    written: dict[str, Path], store: Path
) -> None:
    opened = open_sentinel2(written["L2A"], ["b02", "b12"])
    right = opened.reflectance(store).read(Window(0, 0, 60, 60))
    raw = {p: layer.read(Window(0, 0, 30, 30)) for p, layer in opened.numbers(store).items()}
    truth = reflectance("L2A")
    assert np.nanmedian(right[0] - truth["b02"][:60, :60]) == pytest.approx(0, abs=1e-6)
    assert np.median(raw[10] / 1e4) - np.median(truth["b02"][:30, :30]) == pytest.approx(
        0.1, abs=1e-3
    )


def test_special_numbers_are_masked_before_the_offset(tmp_path: Path) -> None:
    values = np.full(GRIDS[10].shape, 0.25)
    values[0, 0], values[0, 1] = np.nan, np.inf
    made = SimulatedSentinel2(GRIDS, {"b02": values})
    np.testing.assert_array_equal(digital_numbers(values, -1000)[0, :3], [0, 65535, 3500])
    found = open_sentinel2(write_sentinel2(made, tmp_path))
    row = found.reflectance(tmp_path).read(Window(0, 0, 1, 3))[0, 0]
    np.testing.assert_allclose(row, [np.nan, np.nan, 0.25])
    flags = found.flags(tmp_path, GRIDS[10])
    assert flags.bands == ("nodata", "saturated")
    np.testing.assert_array_equal(flags.read(Window(0, 0, 1, 3))[:, 0], [[1, 0, 0], [0, 1, 0]])


def test_flags_join_bands_of_all_pixel_sizes(written: dict[str, Path], store: Path) -> None:
    flags = open_sentinel2(written["L2A"]).flags(store, GRIDS[10]).read(GRIDS[10].whole)
    assert flags[0].sum() == 1 and flags[0, 3, 5] == 1
    assert flags[1].sum() == 4 and flags[1, -4:-2, -6:-4].all()


def test_a_zip_reads_as_its_folder(written: dict[str, Path], store: Path, tmp_path: Path) -> None:
    for level, safe in written.items():
        packed = tmp_path / f"{safe.stem}.zip"
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(safe.rglob("*")):
                archive.write(path, f"{safe.name}/{path.relative_to(safe)}")
        ours = open_sentinel2(packed)
        assert replace(ours.metadata, files=()) == replace(read_metadata(safe), files=()), level
        window = Window(7, 9, 50, 40)
        np.testing.assert_array_equal(
            ours.reflectance(tmp_path / "zip").read(window),
            open_sentinel2(safe).reflectance(store).read(window),
        )


def test_a_folder_around_the_product_and_its_xml_open_too(
    written: dict[str, Path], tmp_path: Path
) -> None:
    safe = copy_of(written["L2A"], tmp_path / "download")
    assert open_sentinel2(tmp_path / "download").metadata.tile == "45SWC"
    assert open_sentinel2(safe / "MTD_MSIL2A.xml").metadata.level == "L2A"


def test_scene_classes_come_as_codes_and_never_in_between(
    written: dict[str, Path], store: Path
) -> None:
    layer = open_sentinel2(written["L2A"]).classes(store, GRIDS[10])
    assert layer is not None and layer.bands == ("scl",)
    truth = np.repeat(np.repeat(scene().classes, 2, 0), 2, 1)
    np.testing.assert_array_equal(layer.read(GRIDS[10].whole)[0], truth)
    assert open_sentinel2(written["L1C"]).classes(store, GRIDS[10]) is None


def test_metadata_say_sun_view_time_and_place(written: dict[str, Path]) -> None:
    found = read_metadata(written["L1C"])
    assert found.crs == CRS.from_epsg(32645) and set(found.grids) == {10, 20, 60}
    assert (found.sun_zenith_deg, found.sun_azimuth_deg) == (30.2, 141.7)
    assert found.view_zenith_deg == pytest.approx(3.6, abs=1e-3)
    assert found.view_azimuth_deg == pytest.approx(104.5)
    assert found.time.isoformat() == "2023-08-19T05:06:49.024000+00:00"
    assert found.distance_factor == 0.9755
    geometry = open_sentinel2(written["L1C"]).geometry
    assert geometry.sun_elevation == pytest.approx(59.8)


def test_images_are_decoded_once_and_again_only_when_they_change(tmp_path: Path) -> None:
    made = SimulatedSentinel2(GRIDS, {"b02": reflectance("L2A")["b02"]})
    safe, kept = write_sentinel2(made, tmp_path), tmp_path / "store"
    layer = open_sentinel2(safe).reflectance(kept)
    assert not kept.exists()  # nothing runs until it is read
    layer.read(Window(0, 0, 5, 5))
    (first,) = kept.iterdir()
    written_at = first.stat().st_mtime_ns
    open_sentinel2(safe).decode(kept)
    assert [p.stat().st_mtime_ns for p in kept.iterdir()] == [written_at]
    shutil.rmtree(safe)
    changed = replace(made, reflectance={"b02": made.reflectance["b02"] * 0.5})
    values = open_sentinel2(write_sentinel2(changed, tmp_path)).reflectance(kept)
    np.testing.assert_allclose(
        values.read(GRIDS[10].whole)[0], made.reflectance["b02"] * 0.5, atol=6e-5
    )
    assert len(list(kept.iterdir())) == 2


def test_a_stack_can_be_clipped_and_coarsened(written: dict[str, Path], store: Path) -> None:
    found = open_sentinel2(written["L2A"], ["b02", "b12"])
    extent = (LEFT + 105, TOP - 500, LEFT + 395, TOP - 203)
    layer = found.reflectance(store, extent=extent)
    assert layer.grid.bounds == (LEFT + 100, TOP - 500, LEFT + 400, TOP - 200)
    coarse = found.reflectance(store, pixel_size=60)
    assert coarse.grid.shape == (23, 17)
    truth = reflectance("L2A")["b02"].reshape(23, 6, 17, 6).mean((1, 3))
    np.testing.assert_allclose(coarse.read(coarse.grid.whole)[0], truth, atol=1e-5)
    with pytest.raises(GridError, match="touching the survey"):
        found.reflectance(store, extent=(0, 0, 10, 10))


def test_l2a_is_not_corrected_twice_and_l1c_goes_through_a_word(
    written: dict[str, Path], store: Path
) -> None:
    with pytest.raises(ImageryError, match="none for L2A, which is corrected; got 'dos'"):
        open_sentinel2(written["L2A"]).surface(store, AtmosphereSettings(method="dos"))
    found = open_sentinel2(written["L1C"])
    plain = found.surface(store).read(Window(0, 0, 20, 20))
    relative = found.surface(store, AtmosphereSettings(method="iarr"))
    mean = np.nanmean(relative.read(relative.grid.whole), axis=(1, 2))
    np.testing.assert_allclose(mean, 1.0, rtol=1e-3)
    assert np.isfinite(plain).sum() > 3000


def bad(case: str, safe: Path) -> Path:
    images = sorted(safe.rglob("*B02*.jp2"))
    if case == "truncated image":
        images[0].write_bytes(images[0].read_bytes()[:-4000])
    elif case == "cut header":
        images[0].write_bytes(images[0].read_bytes()[:60])
    elif case == "not an image":
        images[0].write_bytes(b"<html>404</html>" * 40)
    elif case == "no metadata":
        (safe / "MTD_MSIL2A.xml").unlink()
    elif case == "no tile metadata":
        next(safe.rglob("MTD_TL.xml")).unlink()
    elif case == "truncated metadata":
        text = (safe / "MTD_MSIL2A.xml").read_text()
        (safe / "MTD_MSIL2A.xml").write_text(text[: len(text) // 2])
    elif case == "another tile":
        images[0].rename(images[0].with_name(images[0].name.replace("45SWC", "45SXC")))
    elif case == "another date":
        images[0].rename(images[0].with_name(images[0].name.replace("20230819", "20230829")))
    elif case == "another place":
        edit(safe, "MTD_TL.xml", lambda t: t.replace(f"<ULX>{LEFT:.0f}", f"<ULX>{LEFT + 60:.0f}"))
    elif case == "another zone":
        edit(safe, "MTD_TL.xml", lambda t: t.replace("EPSG:32645", "EPSG:32644"))
    elif case == "another size":
        edit(safe, "MTD_TL.xml", lambda t: t.replace("<NROWS>138", "<NROWS>120"))
    elif case == "unknown baseline":
        strip = re.compile(r"<BOA_ADD_OFFSET_VALUES_LIST>.*</BOA_ADD_OFFSET_VALUES_LIST>", re.S)
        edit(safe, "MTD_MSIL2A.xml", lambda t: strip.sub("", t).replace("05.11", "99.99"))
    elif case == "no baseline":
        strip = re.compile(r"<BOA_ADD_OFFSET_VALUES_LIST>.*</BOA_ADD_OFFSET_VALUES_LIST>", re.S)
        edit(safe, "MTD_MSIL2A.xml", lambda t: strip.sub("", t).replace(">05.11<", "><"))
    elif case == "missing band":
        for path in safe.rglob("*B12*.jp2"):
            path.unlink()
    elif case == "no images":
        for path in safe.rglob("*.jp2"):
            path.unlink()
    elif case == "no quantification":
        edit(safe, "MTD_MSIL2A.xml", lambda t: t.replace("BOA_QUANT", "X_QUANT"))
    elif case == "words for numbers":
        edit(safe, "MTD_TL.xml", lambda t: t.replace("<NROWS>138", "<NROWS>many"))
    return safe


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("truncated image", r"a whole JPEG 2000 file; got \d+ bytes of \d+.*download it again"),
        ("cut header", "a whole JPEG 2000 file"),
        ("not an image", "a whole JPEG 2000 file; got no JPEG 2000 file"),
        ("no metadata", "MTD_MSIL1C.xml or MTD_MSIL2A.xml; got neither"),
        ("no tile metadata", r"metadata of its tile \(MTD_TL.xml\); got none"),
        ("truncated metadata", "a readable MTD_MSIL2A.xml; got"),
        ("another tile", "images of tile 45SWC; got T45SXC"),
        ("another date", r"images of one date; got T45SWC_20230819\S+ and T45SWC_20230829"),
        ("another place", "The image belongs to another tile"),
        ("another zone", "The image belongs to another tile"),
        ("another size", "120 x 102 pixels; got 138 x 102"),
        ("unknown baseline", "got baseline 99.99 without offsets"),
        ("no baseline", "got baseline unknown without offsets"),
        ("missing band", "holding band b12; got b01, b02"),
        ("no images", "JPEG 2000 images; got none"),
        ("no quantification", "states its quantification value"),
        ("words for numbers", "NROWS in the metadata must be a number; got 'many'"),
    ],
)
def test_bad_products_get_one_clear_line_and_leave_nothing_behind(
    written: dict[str, Path], tmp_path: Path, case: str, says: str
) -> None:
    safe = bad(case, copy_of(written["L2A"], tmp_path))
    bands = ["b02", "b12"]
    with pytest.raises(InputError, match=says) as caught:
        open_sentinel2(safe, bands).reflectance(tmp_path / "store").read(Window(0, 0, 9, 9))
    assert "\n" not in str(caught.value)
    kept = tmp_path / "store"
    assert not kept.exists() or not [p for p in kept.iterdir() if "B02" in p.name]


def test_a_path_that_is_no_product_says_so(tmp_path: Path) -> None:
    with pytest.raises(ImageryError, match="a SAFE folder or its zip; got nothing there"):
        open_sentinel2(tmp_path / "S2A_none.SAFE")
    (tmp_path / "cut.zip").write_bytes(b"PK\x03\x04" + b"0" * 100)
    with pytest.raises(ImageryError, match="a SAFE folder or its zip; got a file that is neither"):
        open_sentinel2(tmp_path / "cut.zip")
    with pytest.raises(ImageryError, match="a Sentinel-2 band"):
        open_sentinel2(write_sentinel2(scene(), tmp_path), ["b13"])


def as_before_2016(safe: Path, tile: str = "45SWC") -> Path:
    """Rename the files of a product as products were named before December 2016."""
    (safe / "MTD_MSIL1C.xml").rename(safe / "S2A_OPER_MTD_SAFL1C_PDMC_20160116T204256.xml")
    old = safe / "GRANULE" / f"S2A_OPER_MSI_L1C_TL_SGS__20160116T102000_A002973_T{tile}_N02.01"
    next((safe / "GRANULE").iterdir()).rename(old)
    (old / "MTD_TL.xml").rename(
        old / f"S2A_OPER_MTD_L1C_TL_SGS__20160116T102000_A002973_T{tile}.xml"
    )
    for image in (old / "IMG_DATA").iterdir():
        name = f"S2A_OPER_MSI_L1C_TL_SGS__20160116T102000_A002973_T{tile}_{image.stem[-3:]}.jp2"
        image.rename(image.with_name(name))
    return safe


def test_products_named_as_before_2016_open_too_one_granule_at_a_time(
    written: dict[str, Path], store: Path, tmp_path: Path
) -> None:
    old = as_before_2016(copy_of(written["L1C"], tmp_path))
    window = Window(10, 20, 30, 40)
    ours = open_sentinel2(old).reflectance(tmp_path / "store").read(window)
    new = open_sentinel2(written["L1C"]).reflectance(store).read(window)
    np.testing.assert_array_equal(ours, new)
    granule = next((old / "GRANULE").iterdir())
    other = shutil.copytree(granule, granule.with_name(granule.name.replace("45SWC", "45SXC")))
    for path in list(other.rglob("*45SWC*")):
        path.rename(path.with_name(path.name.replace("45SWC", "45SXC")))
    edit(other, "*.xml", lambda t: t.replace("45SWC", "45SXC"))
    with pytest.raises(ImageryError, match="of one tile; got 2"):
        open_sentinel2(old)
    assert open_sentinel2(old, tile="45SXC").metadata.tile == "45SXC"


def as_sen2cor_named_before_2016(safe: Path) -> Path:
    """Rename an L2A product as Sen2Cor did then: the quantity of the classes in the middle."""
    stamp = "SGS__20160116T102000_A002973_T45SWC"
    (safe / "MTD_MSIL2A.xml").rename(safe / "S2A_USER_MTD_SAFL2A_PDMC_20160116T204256.xml")
    old = safe / "GRANULE" / f"S2A_USER_MSI_L2A_TL_{stamp}_N02.01"
    next((safe / "GRANULE").iterdir()).rename(old)
    (old / "MTD_TL.xml").rename(old / f"S2A_USER_MTD_L2A_TL_{stamp}.xml")
    for image in [p for p in (old / "IMG_DATA").rglob("*.jp2")]:
        label, pixel = image.stem.split("_")[-2:]
        if label == "SCL":
            image.rename(old / "IMG_DATA" / f"S2A_USER_SCL_L2A_TL_{stamp}_{pixel}.jp2")
        else:
            image.rename(image.with_name(f"S2A_USER_MSI_L2A_TL_{stamp}_{label}_{pixel}.jp2"))
    return safe


def test_scene_classes_of_long_named_products_are_found(
    written: dict[str, Path], store: Path, tmp_path: Path
) -> None:
    old = open_sentinel2(as_sen2cor_named_before_2016(copy_of(written["L2A"], tmp_path)))
    new = open_sentinel2(written["L2A"])
    ours, theirs = (
        one.classes(place, GRIDS[20]) for one, place in ((old, tmp_path / "store"), (new, store))
    )
    assert ours is not None and theirs is not None
    window = Window(0, 0, *GRIDS[20].shape)
    np.testing.assert_array_equal(ours.read(window), theirs.read(window))


def with_manifest(safe: Path, algorithm: str) -> Path:
    """Write manifest.safe as the ground segment does: a checksum for each image."""
    rows = "".join(
        f'<dataObject ID="{path.stem}"><byteStream mimeType="application/octet-stream" '
        f'size="{path.stat().st_size}"><fileLocation locatorType="URL" '
        f'href="./{path.relative_to(safe).as_posix()}"/><checksum checksumName="{algorithm}">'
        f"{hashlib.new(algorithm.lower().replace('-', '_'), path.read_bytes()).hexdigest()}"
        "</checksum></byteStream></dataObject>"
        for path in safe.rglob("*.jp2")
    )
    text = f'<xfdu:XFDU xmlns:xfdu="urn:ccsds:schema:xfdu:1">{rows}</xfdu:XFDU>'
    (safe / "manifest.safe").write_text(text, encoding="utf-8")
    return safe


def flip_a_byte(path: Path) -> None:
    """Change one byte in the middle of the code-stream: the image still decodes."""
    content = bytearray(path.read_bytes())
    content[2 * len(content) // 3] ^= 0x10
    path.write_bytes(content)


@pytest.mark.parametrize("algorithm", ["MD5", "SHA3-256"])
def test_damage_inside_a_code_stream_is_found_by_the_checksum_of_the_manifest(
    written: dict[str, Path], tmp_path: Path, algorithm: str
) -> None:
    safe = with_manifest(copy_of(written["L2A"], tmp_path), algorithm)
    window = Window(0, 0, 9, 9)
    open_sentinel2(safe, ["b02"]).reflectance(tmp_path / "whole").read(window)
    flip_a_byte(next(safe.rglob("*B02*.jp2")))
    with pytest.raises(ImageryError, match=r"whose (MD5|SHA3_256) is not that of manifest.safe"):
        open_sentinel2(safe, ["b02"]).reflectance(tmp_path / "harmed").read(window)
    assert not list((tmp_path / "harmed").glob("*"))


def test_damage_inside_a_zip_is_found_by_its_checksum(
    written: dict[str, Path], tmp_path: Path
) -> None:
    safe = copy_of(written["L2A"], tmp_path)
    path = tmp_path / "product.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for one in sorted(safe.rglob("*")):
            if one.is_file():
                archive.write(one, one.relative_to(tmp_path).as_posix())
    with zipfile.ZipFile(path) as archive:
        image = next(i for i in archive.infolist() if "B02" in i.filename)
    content = bytearray(path.read_bytes())
    content[image.header_offset + len(image.filename) + 30 + 2 * image.file_size // 3] ^= 0x10
    path.write_bytes(content)
    with pytest.raises(ImageryError, match="Bad CRC-32"):
        open_sentinel2(path, ["b02"]).reflectance(tmp_path / "store").read(Window(0, 0, 9, 9))


def test_a_preview_reads_the_same_numbers_without_a_store(
    written: dict[str, Path], store: Path, tmp_path: Path
) -> None:
    window = Window(30, 20, 45, 33)
    whole = open_sentinel2(written["L2A"]).reflectance(store).read(window)
    with without_decoding():
        found = open_sentinel2(written["L2A"]).reflectance(tmp_path / "none").read(window)
    np.testing.assert_array_equal(found, whole)
    assert not list(tmp_path.rglob("*.tif"))


def test_a_preview_finds_damage_inside_a_code_stream(
    written: dict[str, Path], tmp_path: Path
) -> None:
    safe = with_manifest(copy_of(written["L2A"], tmp_path), "MD5")
    flip_a_byte(next(safe.rglob("*B02*.jp2")))
    with without_decoding(), pytest.raises(ImageryError, match=r"not that of manifest.safe"):
        open_sentinel2(safe, ["b02"]).reflectance(tmp_path / "harmed").read(Window(0, 0, 9, 9))
