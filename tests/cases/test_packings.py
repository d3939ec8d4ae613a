"""Scenes in the packings that programs and archives write come out as their pixels say.

Truth is the array that was written; other programs' conventions are those of their headers (ENVI's
reflectance scale factor, ER Mapper's names of systems, Earth Engine's names of bands).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio

from .conftest import Command
from .reliability import GRID, bands
from .test_names import edit

STORED = np.round(1000 + 500 * bands()).astype(np.int16)
HOLE = (slice(None), slice(10, 14), slice(5, 9))


def envi(folder: Path, extra: str = "", hole: int = -9999) -> np.ndarray:
    values = STORED.copy()
    values[HOLE] = hole
    (folder / "stack.dat").write_bytes(values.astype("<i2").tobytes())
    (folder / "stack.hdr").write_text(
        f"ENVI\nsamples = {GRID.width}\nlines = {GRID.height}\nbands = 2\nheader offset = 0\n"
        "file type = ENVI Standard\ndata type = 2\ninterleave = bsq\nbyte order = 0\n"
        "map info = {UTM, 1, 1, 500000, 4000000, 30, 30, 45, North, WGS-84, units=Meters}\n"
        "band names = {b1, b2}\n" + extra,
        encoding="utf-8",
    )
    return values


def prepared(folder: Path, gossan: Command) -> np.ndarray:
    assert gossan("check", folder).code == 0
    done = gossan("prepare", folder, "--out", folder / "prep")
    assert done.code == 0, done.err
    with rasterio.open(folder / "prep" / "layers" / "im_bands.tif") as made:
        return made.read()


@pytest.mark.parametrize("named", ["stack.dat", "stack.hdr"])
def test_envi_is_opened_by_pixels_or_header_and_its_scale_is_taken_where_asked(
    named: str, small: Path, gossan: Command
) -> None:
    values = envi(small, "data ignore value = -9999\nreflectance scale factor = 10000\n")
    edit(small, ('paths = ["img.tif"]', f'paths = ["{named}"]\nscale = "file"'))
    expected = np.where(values == -9999, np.nan, values / 10_000)
    np.testing.assert_allclose(prepared(small, gossan), expected, atol=1e-7)
    edit(small, ('scale = "file"', ""))
    assert "declares value = stored * 0.0001" in gossan("check", small).out


def test_one_system_under_another_name_moves_no_pixel(small: Path, gossan: Command) -> None:
    with rasterio.open(
        small / "x.ers", "w", driver="ERS", width=GRID.width, height=GRID.height, count=2,
        dtype="float32", crs="EPSG:32645", transform=GRID.transform, nodata=-99999,
    ) as made:  # fmt: skip
        made.write(bands())
    with rasterio.open(small / "x.ers") as named:
        assert named.crs.to_wkt().startswith('PROJCS["NUTM45"')
    edit(small, ('paths = ["img.tif"]', 'paths = ["x.ers"]\nbands = ["b1", "b2"]'))
    np.testing.assert_array_equal(prepared(small, gossan), bands())


def test_a_far_number_is_asked_about_though_few_pixels_hold_it(
    small: Path, gossan: Command
) -> None:
    envi(small)
    edit(small, ('paths = ["img.tif"]', 'paths = ["stack.dat"]'))
    assert "is exactly -9999 under" in gossan("check", small).out


def test_roles_and_tables_by_band_are_read_in_any_case(small: Path, gossan: Command) -> None:
    with rasterio.open(
        small / "sr.tif", "w", driver="GTiff", width=GRID.width, height=GRID.height, count=2,
        dtype="float32", crs="EPSG:32645", transform=GRID.transform,
    ) as made:  # fmt: skip
        made.write(bands())
        made.descriptions = ("SR_B4", "SR_B5")
    (small / "project.toml").write_text(
        (small / "project.toml").read_text("utf-8").split("[[product]]")[0], "utf-8"
    )
    roles = 'roles = { red = "SR_B4", nir = "SR_B5" }\nscale = { SR_B4 = 2.0, SR_B5 = 3.0 }'
    edit(small, ('paths = ["img.tif"]', f'paths = ["sr.tif"]\n{roles}'))
    expected = bands() * np.array([2, 3], np.float32)[:, None, None]
    np.testing.assert_allclose(prepared(small, gossan), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("degrees", "gdalwarp -s_srs EPSG:4326 -t_srs EPSG:32645"),
        ("no place", "georeferenced; got no place of its pixels"),
        ("archive", "Unpack the archive"),
    ],
)
def test_what_cannot_be_placed_is_refused_with_a_cure_that_works(
    harm: str, said: str, small: Path, gossan: Command
) -> None:
    name = "x.zip" if harm == "archive" else "x.tif"
    place = {"degrees": rasterio.Affine(3e-4, 0, 86.5, 0, -3e-4, 36.1)}.get(harm)
    crs = "EPSG:32645" if harm == "no place" else None
    if harm == "archive":
        (small / name).write_bytes(b"PK\x05\x06" + b"\0" * 18)
    else:
        with rasterio.open(
            small / name, "w", driver="GTiff", width=GRID.width, height=GRID.height, count=2,
            dtype="float32", crs=crs, transform=place,
        ) as made:  # fmt: skip
            made.write(bands())
    edit(small, ('paths = ["img.tif"]', f'paths = ["{name}"]'))
    assert said in gossan("check", small).refused


def stack_of(folder: Path, values: np.ndarray, **more: object) -> None:
    with rasterio.open(
        folder / "img.tif", "w", driver="GTiff", width=GRID.width, height=GRID.height,
        count=len(values), dtype=values.dtype.name, crs="EPSG:32645", transform=GRID.transform,
        **more,
    ) as made:  # fmt: skip
        made.write(values)
        made.descriptions = ("b1", "b2")


def test_a_dummy_of_32_bits_is_named_as_the_file_stores_it(small: Path, gossan: Command) -> None:
    values = STORED.astype(np.int32)
    values[HOLE] = -2147483647  # Geosoft's dummy, which float32 rounds to -2147483648
    stack_of(small, values)
    assert "set nodata = -2147483647 in" in gossan("check", small).out
    edit(small, ('paths = ["img.tif"]', 'paths = ["img.tif"]\nnodata = -2147483647'))
    assert "set nodata" not in gossan("check", small).out
    assert np.isnan(prepared(small, gossan)).sum() == 2 * 16


def test_a_code_that_is_none_of_the_usual_ones_is_asked_about(small: Path, gossan: Command) -> None:
    values = STORED.astype(np.float32)
    values[HOLE] = -7777.5
    stack_of(small, values)
    assert "is exactly -7777.5 under 16 of" in gossan("check", small).out


def test_pixels_that_are_0_in_all_bands_are_asked_about_though_they_are_few(
    small: Path, gossan: Command
) -> None:
    values = STORED.astype(np.float32)
    values[HOLE] = 0
    stack_of(small, values)
    assert "2 bands are exactly 0 together under 16 of" in gossan("check", small).out
    values[0, 30, 30] = 0  # a band that is 0 by itself, too: then 0 is a number like others
    stack_of(small, values)
    assert "exactly 0" not in gossan("check", small).out


def test_reflectance_that_a_mask_takes_is_not_reported(small: Path, gossan: Command) -> None:
    values = np.round((0.3 + 0.05 * bands() + 0.2) / 2.75e-5).astype(np.uint16)
    values[HOLE] = 0  # fill of Landsat: -0.2 once the offset is added
    quality = np.full((1, *GRID.shape), 21824, np.uint16)
    quality[HOLE] = 1
    stack_of(small, values)
    with rasterio.open(
        small / "qa.tif", "w", driver="GTiff", width=GRID.width, height=GRID.height, count=1,
        dtype="uint16", crs="EPSG:32645", transform=GRID.transform,
    ) as made:  # fmt: skip
        made.write(quality)
    scaled = 'scale = 2.75e-5\noffset = -0.2\nroles = { red = "b1", nir = "b2" }'
    edit(small, ('paths = ["img.tif"]', f'paths = ["img.tif"]\n{scaled}'))
    assert "reflectance lies outside 0 to 1.5" in gossan("check", small).out
    masked = 'masks = ["nodata"]\nquality = { path = "qa.tif", product = "landsat" }'
    edit(small, (scaled, f"{scaled}\n{masked}"))
    assert "reflectance lies outside" not in gossan("check", small).out


def big_endian_lines(folder: Path, values: np.ndarray) -> str:
    """ENVI, interleaved by line, most significant byte first."""
    envi(folder, "data ignore value = -9999\n")
    header = (folder / "stack.hdr").read_text("utf-8")
    header = header.replace("interleave = bsq", "interleave = bil").replace(
        "order = 0", "order = 1"
    )
    (folder / "stack.hdr").write_text(header, "utf-8")
    (folder / "stack.dat").write_bytes(values.transpose(1, 0, 2).astype(">i2").tobytes())
    return "stack.dat"


def internal_mask(folder: Path, values: np.ndarray) -> str:
    """GeoTIFF with a mask inside and no nodata value."""
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(
            folder / "m.tif", "w", driver="GTiff", width=GRID.width, height=GRID.height, count=2,
            dtype="int16", crs="EPSG:32645", transform=GRID.transform,
        ) as made,
    ):  # fmt: skip
        made.write(values)
        made.write_mask(np.where(values[0] == -9999, 0, 255).astype(np.uint8))
    return "m.tif"


def south_up(folder: Path, values: np.ndarray) -> str:
    """GeoTIFF whose rows run from south to north."""
    t = GRID.transform
    place = rasterio.Affine(t.a, 0, t.c, 0, -t.e, t.f + t.e * GRID.height)
    with rasterio.open(
        folder / "s.tif", "w", driver="GTiff", width=GRID.width, height=GRID.height, count=2,
        dtype="int16", crs="EPSG:32645", transform=place, nodata=-9999,
    ) as made:  # fmt: skip
        made.write(values[:, ::-1])
    return "s.tif"


def code_for_each_band(folder: Path, values: np.ndarray) -> str:
    """VRT that declares another nodata value for each band."""
    own = values.copy()
    own[1][values[1] == -9999] = -32768
    stack_of(folder, own)
    bands = "".join(
        f'<VRTRasterBand dataType="Int16" band="{n}"><NoDataValue>{code}</NoDataValue>'
        '<SimpleSource><SourceFilename relativeToVRT="1">img.tif</SourceFilename>'
        f"<SourceBand>{n}</SourceBand></SimpleSource></VRTRasterBand>"
        for n, code in ((1, -9999), (2, -32768))
    )
    place = ", ".join(map(str, GRID.transform.to_gdal()))
    (folder / "v.vrt").write_text(
        f'<VRTDataset rasterXSize="{GRID.width}" rasterYSize="{GRID.height}"><SRS>EPSG:32645</SRS>'
        f"<GeoTransform>{place}</GeoTransform>{bands}</VRTDataset>",
        "utf-8",
    )
    return "v.vrt"


@pytest.mark.parametrize("pack", [big_endian_lines, internal_mask, south_up, code_for_each_band])
def test_packings_give_the_pixels_that_were_written(
    pack: Callable[[Path, np.ndarray], str], small: Path, gossan: Command
) -> None:
    values = STORED.copy()
    values[HOLE] = -9999
    name = pack(small, values)
    edit(small, ('paths = ["img.tif"]', f'paths = ["{name}"]\nbands = ["b1", "b2"]'))
    expected = np.where(values == -9999, np.nan, values.astype(float))
    np.testing.assert_array_equal(prepared(small, gossan), expected)
