"""The shared cases of reliability, and those of tables that need a map, through the command line.

Cases that ``gossan survey`` answers are in ``test_tables.py``; the scripts among the cases of
reliability (resumed runs, foreign files, two commands in one folder) are in ``test_run_folder.py``.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from .conftest import Command
from .test_run_folder import tree

Copy = Callable[[str], Path]


@pytest.fixture
def case(shared_cases: Path, tmp_path: Path) -> Copy:
    """Copy a case into the folder of the test, where commands may write."""

    def copied(name: str) -> Path:
        target = tmp_path / Path(name).name
        return Path(shutil.copytree(shared_cases / name, target, copy_function=shutil.copyfile))

    return copied


REFUSED = {
    "check_ready_though_disk_too_small": ("the disk", "pixel_m"),
    "element_name_path_traversal/proj": ("elements", "since it names files"),
    "raster_complex": ("img.tif", "complex"),
    "raster_nan_transform": ("img.tif",),
    "project_files/toml_deep_arrays_5000": ("project.toml",),
    "project_files/toml_deep_tables": ("project.toml",),
    "project_files/toml_huge_int_10_5_digits": ("project.toml",),
    "project_files/toml_imagery_pixel_size_m_1e_4": ("pixel_size_m",),
    "project_files/toml_imagery_pixel_size_m_inf": ("pixel_size_m",),
    "project_files/toml_imagery_pixel_size_m_tiny": ("pixel_size_m",),
    "project_files/toml_project_elements_Cu_copper": ("Cu_ppm", "copper"),
    "project_files/toml_project_elements_Cu_cu": ("elements", "Cu"),
    "project_files/toml_project_occurrences_s_csv": ("s.csv", "geometry"),
    "project_files/toml_project_pixel_m_0_0001": ("pixel_m",),
    "project_files/toml_project_seed_1": ("seed",),
    "project_files/toml_survey_delimiter": ("delimiter",),
    "project_files/toml_survey_delimiter_ab": ("delimiter",),
}
"""What the refusal of each case must name."""


def test_every_case_of_reliability_is_known(shared_cases: Path) -> None:
    folders = {
        path.parent.relative_to(shared_cases / "reliability").as_posix()
        for path in (shared_cases / "reliability").rglob("project.toml")
    }
    assert folders == {*REFUSED, "_tiny"}


@pytest.mark.parametrize("name", REFUSED)
def test_a_case_of_reliability_is_refused_by_check_and_run_before_anything_is_written(
    name: str, case: Copy, gossan: Command
) -> None:
    folder = case(f"reliability/{name}")
    before = sorted(folder.parent.rglob("*"))
    for command in ("check", "run"):
        refused = gossan(command, folder).refused
        assert all(word in refused for word in REFUSED[name]), refused
    assert sorted(folder.parent.rglob("*")) == before


def test_the_mean_of_blocks_averages_like_that_of_points(case: Copy, gossan: Command) -> None:
    folder = case("tables/block_mean")
    assert gossan("krige", folder, "-q").code == 0
    layers = pd.read_csv(folder / "krige" / "tables" / "layers.csv", index_col="layer")
    assert layers.loc["kriging_Cu_mean", "mean"] == pytest.approx(37.7, abs=0.1)


def test_a_gaussian_variogram_without_nugget_is_refused(case: Copy, gossan: Command) -> None:
    folder = case("tables/gaussian_without_nugget")
    assert "Add a nugget" in gossan("krige", folder, "-q").refused
    assert not list(folder.rglob("*.tif"))


def test_readers_of_runs_refuse_a_krige_folder(case: Copy, gossan: Command) -> None:
    folder = case("tables/sample_on_krige_folder")
    assert gossan("krige", folder, "-q").code == 0
    for command in ("sample", "report", "anomalies"):
        assert "gossan krige" in gossan(command, folder / "krige").refused


def test_gis_files_of_a_run_conform_and_are_the_same_every_time(
    case: Copy, shared_cases: Path, gossan: Command
) -> None:
    same = [f"tables/{name}" for name in ("geojson_layer_name", "gpkg_datetime")]
    texts = {(shared_cases / name / "a.csv").read_bytes() for name in same}
    texts.add((shared_cases / "tables/sample_count_large/a.csv").read_bytes())
    assert len(texts) == 1  # one run answers the three cases
    folder = case(same[0])
    assert gossan("run", folder, "-q").code == 0
    run = folder / "run"
    outlines = run / "anomalies" / "kriging_Cu.geojson"
    first = outlines.read_bytes()
    assert json.loads(first)["name"] == "kriging_Cu"
    with sqlite3.connect(outlines.with_suffix(".gpkg")) as database:
        times = database.execute("select update_time from layer_styles").fetchall()
    assert times
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time) for (time,) in times)
    assert "--count" in gossan("sample", run, "--count", 100_000).refused
    before = tree(run)
    assert gossan("anomalies", run, "-q").code == 0
    assert outlines.read_bytes() == first
    assert tree(run) == before
