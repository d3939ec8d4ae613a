"""What `check` calls ready runs; what `run` would refuse late is refused first, by both."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import rasterio
from affine import Affine

from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.geo.raster import write_array
from gossan.geo.warp import MOST_READ, to_grid

from .conftest import Command
from .reliability import GRID, bands
from .test_names import edit


@pytest.mark.parametrize(
    ("old", "new", "printed"),
    [
        ("pixel_m = 30", "pixel_m = 0.01", "MiB free"),
        ("pixel_m = 30", "pixel_m = 0.0001", "pixels a side"),
        ("pixel_m = 30", "pixel_m = inf", "got inf"),
        ("pixel_m = 30", "pixel_m = 0", "pixel_m"),
        ("support_m = 30", "support_m = 1e7", "at most"),
        (
            'model = "pyramid"\nfeatures = "im.b1+im.b2"\nscope = "global"',
            'model = "blend"',
            "needs features",
        ),
        ("pixel_m = 30", "pixel_m = -5", "pixel_m"),
        ("pixel_m = 30", "pixel_m = 30\nseed = -1", "seed"),
        ("pixel_m = 30", "pixel_m = 30\nseed = " + "1" * 10_000, "valid TOML"),
        ("pixel_m = 30", 'pixel_m = 30\noccurrences = "s.csv"', "without geometry"),
        ("support_m = 30", 'support_m = 30\ndelimiter = ""', "delimiter"),
        ('paths = ["img.tif"]', 'paths = ["img.tif"]\npixel_size_m = 1e-4', "pixels a side"),
        ('paths = ["img.tif"]', 'paths = ["img.tif"]\npixel_size_m = 1e-300', "pixels a side"),
        ('name = "tiny"', "name = " + "[" * 5000 + "]" * 5000, "flat"),
        ('name = "tiny"', 'name = "tiny"\n[' + "a." * 900 + "a]", "flat"),
    ],
)
def test_settings_out_of_reach_are_refused_by_check_and_run_alike(
    small: Path, gossan: Command, old: str, new: str, printed: str
) -> None:
    edit(small, (old, new))
    for command in ("check", "run"):
        assert printed in gossan(command, small).refused
    assert not (small / "run").exists()


def write(folder: Path, values: np.ndarray, **changes: object) -> None:
    with rasterio.open(folder / "img.tif") as source:
        profile = {k: source.profile[k] for k in ("crs", "transform", "height", "width")}
    profile |= {"driver": "GTiff", "count": 2, "dtype": str(values.dtype), **changes}
    (folder / "img.tif").unlink()
    with rasterio.open(folder / "img.tif", "w", **profile) as made:
        made.write(values)
        made.descriptions = ("b1", "b2")


@pytest.mark.parametrize("harm", ["equal", "constant", "complex", "transform"])
def test_rasters_that_no_model_can_use_are_refused_by_check_and_run_alike(
    small: Path, gossan: Command, harm: str
) -> None:
    values = bands()
    made = {"equal": values[[0, 0]], "constant": np.stack([values[0], 0 * values[1] + 5])}
    nan = {"transform": Affine(float("nan"), 0, 0, 0, -30, 0)} if harm == "transform" else {}
    write(small, made.get(harm, values * (1 + 1j) if harm == "complex" else values), **nan)
    for command in ("check", "run"):
        assert gossan(command, small).refused
    assert not list(small.rglob("*.tif"))[1:]


def test_a_coarse_map_reads_its_source_in_bounded_pieces_with_the_same_values() -> None:
    class Watched(ArrayLayer):
        def read(self, window):  # type: ignore[no-untyped-def]
            assert window.height * window.width <= MOST_READ
            return super().read(window)

    side = 5000
    fine = Grid(GRID.crs, Affine(10.0, 0, 500_000.0, 0, -10.0, 4_000_000.0), side, side)
    values = np.random.default_rng(3).random((1, side, side), dtype=np.float32)
    coarse = Grid(GRID.crs, Affine(500.0, 0, 500_000.0, 0, -500.0, 4_000_000.0), 100, 100)
    found = to_grid(Watched(fine, ("b",), values), coarse).read(coarse.whole)
    expected = values.reshape(1, 100, 50, 100, 50).mean(axis=(2, 4), dtype=np.float64)
    assert np.allclose(found, expected, atol=1e-5)


def test_text_that_a_spreadsheet_would_run_is_neutral_and_comes_back_through_predict(
    small: Path, gossan: Command
) -> None:
    assert gossan("run", small, "-q").code == 0
    easting, northing = GRID.coordinates()
    table = pd.DataFrame({"easting": easting[5:8], "northing": northing[5:8]})
    table["site"] = ['=HYPERLINK("http://x")', "-5", "@SUM(A1)"]
    table.to_csv(small / "places.csv", index=False)
    out, again = small / "out.csv", small / "again.csv"
    for source, target in ((small / "places.csv", out), (out, again)):
        done = gossan("predict", small / "run", "--at", source, "--out", target)
        assert done.code == 0, done.err
    first, second = pd.read_csv(out, dtype=str), pd.read_csv(again, dtype=str)
    assert first["site"].tolist() == ['\'=HYPERLINK("http://x")', "-5", "'@SUM(A1)"]
    assert first["site"].tolist() == second["site"].tolist()
    assert first["estimate"].tolist() == second["estimate"].tolist()


def test_a_read_only_folder_is_one_line(small: Path, gossan: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert "file" in gossan("run", small, "--out", tmp_path / "file" / "run").refused
    write_array(tmp_path / "a.tif", GRID, ("b1", "b2"), bands())
    assert "a.tif" in gossan("check", tmp_path / "a.tif").refused


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names themselves")
def test_a_folder_whose_name_is_not_utf8_is_named_with_a_cure(
    small: Path, gossan: Command, tmp_path: Path
) -> None:
    folder = tmp_path / os.fsdecode(b"gr\xf6\xdfe")
    small.rename(folder)
    for command in ("check", "run"):
        assert "name is not UTF-8. Rename it" in gossan(command, folder).refused
    (folder / "project.toml").unlink()
    assert "project" in gossan("check", folder).refused


def test_a_run_that_needs_far_more_memory_than_is_free_is_refused_by_check_and_run_alike(
    small: Path, gossan: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = {"available": 100 * 2**20}
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(**free))
    for command in ("check", "run"):
        assert "the memory must be able to hold about" in gossan(command, small).refused
    assert not (small / "run").exists()
    free["available"] = 200 * 2**20
    checked = gossan("check", small)
    assert checked.code == 0
    assert "200 MiB free" in checked.out


POOR = {
    "few with imagery": ("samples of Cu with every feature must be at least 10", "forest"),
    "one value in a fold": ("of at least two sizes; got one value without a fold", "kriging"),
    "classes": ("clusters must be 1 to", "pyramid"),
    "small map": ("at least 8 x 8 pixels for model 'atprk'", "atprk"),
    "no column": ("column must be a column of the survey", "kriging"),
    "columns for pixels": ("must be imagery, which it passes over", "guarded_pyramid"),
    "columns beside imagery": ("'covariates' alone, or imagery", "forest"),
    "no columns": ("needs covariates in the [[survey]]", "forest"),
}


@pytest.mark.parametrize("harm", POOR)
def test_data_too_poor_for_a_model_are_refused_before_the_folder_is_begun(
    small: Path, gossan: Command, harm: str
) -> None:
    said, model = POOR[harm]
    table, values = pd.read_csv(small / "s.csv"), bands()
    options = f'model = "{model}"\nfeatures = "im.b1+im.b2"'
    if harm == "few with imagery":
        values[:, :, 8:] = np.nan
    elif harm == "one value in a fold":
        table["Cu_ppm"] = np.where(np.arange(len(table)) == 7, 9.0, 5.0)
    elif harm == "classes":
        values = np.round(values.clip(-0.9, 0.9) / 2 + 0.5)
        options += "\nclusters = 12"
    elif harm == "small map":
        edit(small, ("pixel_m = 30", "pixel_m = 300"))
    elif harm == "no column":
        edit(small, ("[[survey]]", '[validation]\nkinds = ["column"]\ncolumn = "x"\n\n[[survey]]'))
    elif harm.startswith("columns"):
        edit(small, ("support_m = 30", 'support_m = 30\ncovariates = ["Zn_ppm"]'))
        beside = "+im.b1" if "beside" in harm else ""
        options = f'model = "{model}"\nfeatures = "covariates{beside}"'
    elif harm == "no columns":
        options = f'model = "{model}"\nfeatures = "covariates"'
    table.to_csv(small / "s.csv", index=False)
    write(small, values)
    edit(small, ('model = "pyramid"\nfeatures = "im.b1+im.b2"\nscope = "global"', options))
    for command in ("check", "run"):
        assert said in gossan(command, small).refused
    assert not (small / "run" / "manifest.json").exists()
    assert not (small / "run" / "layers").exists()
