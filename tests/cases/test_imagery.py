"""Scenes as they really come, through `gossan check`, `prepare` and `run`.

Every one comes out right or is refused in one line.

The expected numbers were worked out by hand from the digital numbers and the metadata, or read with
rasterio alone.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
from numpy.typing import NDArray

from gossan.cli import main
from gossan.geo.raster import close_files
from gossan.pipeline.commands.run import run_project
from gossan.pipeline.options.project import load_project

Prepare = Callable[[str], Path]

QUICK = """
[validation]
folds = 2

[[product]]
name = "fine"
model = "pyramid"
features = "{imagery}.pc1"
"""
"""A cheap map from the imagery instead of the map to trust, whose models take longer."""

REFUSED = ("bands-indices-ignored", "s2-metadata-traceback", "s2-plain-no-names")
READY = (
    "aster-cog-by-telescope",
    "aster-gains-met",
    "aster-gains-xml",
    "aster-own-reflectance",
    "aster-vnir-only",
    "bands-mask-roles",
    "constant-band-cure",
    "empty-bands-hyperspectral",
    "nodata-envi",
    "plain-tiles-split",
    "s2-edge-dn1",
    "s2-plain-offset",
    "s2-plain-scl",
    "s2-plain-upper-names",
    "s2-plain-zero",
)
WITH_REPORT = ("aster-vnir-only", "constant-band-cure", "s2-edge-dn1")
"""One of each sensor goes on to anomalies and report, which take most of the time of a run."""


def gossan(*arguments: object) -> tuple[int, str]:
    """Run a command line in this process; returns its exit code and everything it printed."""
    text, before = io.StringIO(), sys.argv
    sys.argv = ["gossan", *map(str, arguments)]
    close_files()
    try:
        with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
            main()
    except SystemExit as stopped:
        return int(stopped.code or 0), text.getvalue()
    finally:
        sys.argv = before
    raise AssertionError("the command line ends with an exit code")


@pytest.fixture(scope="module")
def cases(shared_cases: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy of the cases: reading must not write beside the inputs, and here it may."""
    source = shared_cases / "imagery"
    folder = Path(shutil.copytree(source, tmp_path_factory.mktemp("cases") / "imagery"))
    assert {path.name for path in folder.iterdir()} == {*REFUSED, *READY}
    for path in folder.glob("*/project.toml"):
        path.chmod(0o644)
        text = path.read_text(encoding="utf-8")
        name = tomllib.loads(text)["imagery"][0]["name"]
        path.write_text(text + QUICK.format(imagery=name), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def prepared(cases: Path) -> Prepare:
    """Check a case, which must be ready, and prepare it; returns the folder of layers."""
    done: dict[str, Path] = {}

    def prepare(name: str) -> Path:
        if name not in done:
            found = checked(cases, name)
            assert found[-1].startswith("Ready"), found
            code, shown = gossan("prepare", cases / name, "--out", cases / name / "prepared")
            assert code == 0, shown
            done[name] = cases / name / "prepared" / "layers"
        return done[name]

    return prepare


def bands_of(path: Path) -> dict[str, NDArray[np.float32]]:
    with rasterio.open(path) as source:
        return dict(zip(source.descriptions, source.read()))


def ground_of(map_path: Path, path: Path, *bands: int) -> list[NDArray[np.float64]]:
    """Read bands of a raster on the ground of a map whose pixels are the same."""
    with rasterio.open(map_path) as found, rasterio.open(path) as source:
        window = source.window(*found.bounds).round_offsets().round_lengths()
        return [source.read(band, window=window).astype(float) for band in bands]


def checked(cases: Path, name: str) -> list[str]:
    """Lines that `gossan check` prints."""
    return gossan("check", cases / name)[1].splitlines()


def refused(cases: Path, name: str) -> str:
    """Check, prepare and run must refuse a case alike; returns the line."""
    found = next(x for x in checked(cases, name) if x.startswith("error: "))
    line = found.removeprefix("error: ")
    for command in ("prepare", "run"):
        code, shown = gossan(command, cases / name, "--out", cases / name / command)
        assert code == 2 and line in shown.splitlines(), shown
        assert "Traceback" not in shown
    return line


@pytest.mark.parametrize("name", ["aster-gains-xml", "aster-gains-met"])
def test_gains_come_from_the_archives_metadata(name: str, prepared: Prepare) -> None:
    found = bands_of(prepared(name) / "aster_bands.tif")
    assert found["b1"][50, 50] == pytest.approx(0.115610, abs=1e-6)
    (swir,) = prepared(name).parent.parent.glob("g/*SWIR_B04.tif")
    with rasterio.open(swir) as source:
        number = float(source.read(1)[25, 25])
    # L = (DN - 1) 0.2174; rho = pi L d^2 / (ESUN sin 75.8); 3 May is day 124 of the leap year 2000
    distance = 1 - 0.01672 * np.cos(np.radians(0.9856 * (124 - 4)))
    reflectance = np.pi * (number - 1) * 0.2174 * distance**2 / (225.4 * np.sin(np.radians(75.8)))
    assert reflectance == pytest.approx(0.254024, abs=1e-6)


def test_one_file_per_telescope_with_gains_as_tags(prepared: Prepare) -> None:
    found = bands_of(prepared("aster-cog-by-telescope") / "aster_bands.tif")
    assert list(found) == [f"b{i}" for i in range(1, 10)]
    # no metadata but the name: the sun is worked out from time and place, to 0.6 degree of theirs
    assert found["b1"][50, 50] == pytest.approx(0.115610, rel=0.004)


def test_the_authors_own_flaash_stack_has_indices_masks_and_composites(
    cases: Path, prepared: Prepare
) -> None:
    folder = prepared("aster-own-reflectance")
    indices = bands_of(folder / "aster_indices.tif")
    assert len(indices) == 13
    with rasterio.open(cases / "aster-own-reflectance" / "flaash.dat") as source:
        b4, b5, b6 = (source.read(i).astype(float) / 1e4 for i in (4, 5, 6))
    np.testing.assert_allclose(indices["argillic"], (b4 + b6) / b5, rtol=1e-6)
    assert (folder / "aster_composite.tif").exists()


def test_a_scene_of_visible_bands_alone_has_a_default_project(
    cases: Path, prepared: Prepare
) -> None:
    folder = prepared("aster-vnir-only")
    assert list(bands_of(folder / "aster_bands.tif")) == ["b1", "b2", "b3"]
    assert list(bands_of(folder / "aster_indices.tif")) == ["ferric_iron"]
    notes = checked(cases, "aster-vnir-only")
    assert any("1 of the paper's indices" in note for note in notes)


def test_indices_without_a_known_spectrum_are_refused(cases: Path) -> None:
    line = refused(cases, "bands-indices-ignored")
    assert "indices must be used with bands whose part of the spectrum is known" in line
    assert "roles = {" in line


def test_bands_named_by_their_role_serve_masks(cases: Path, prepared: Prepare) -> None:
    folder = prepared("bands-mask-roles")
    red, nir = ground_of(folder / "l9_bands.tif", cases / "bands-mask-roles" / "l.tif", 3, 4)
    plants = (nir - red) / (nir + red) > 0.25
    empty = np.isnan(bands_of(folder / "l9_bands.tif")["red"])
    np.testing.assert_array_equal(empty, plants | np.isnan(red))


def test_constant_bands_are_set_aside_with_a_note(cases: Path, prepared: Prepare) -> None:
    found = bands_of(prepared("constant-band-cure") / "emit_bands.tif")
    assert "hyper_3" not in found and len(found) == 5
    notes = checked(cases, "constant-band-cure")
    assert any("'hyper_3' is -0.01 everywhere: left out" in note for note in notes)


def test_empty_bands_are_set_aside_with_a_note(cases: Path, prepared: Prepare) -> None:
    folder = prepared("empty-bands-hyperspectral")
    assert len(bands_of(folder / "enmap_bands.tif")) == 6
    assert len(bands_of(folder / "enmap_pc.tif")) == 6
    notes = checked(cases, "empty-bands-hyperspectral")
    assert sum("is empty: left out" in note for note in notes) == 2


def test_nodata_of_an_envi_header_is_compared_in_the_files_type(prepared: Prepare) -> None:
    found = bands_of(prepared("nodata-envi") / "cov_bands.tif")
    for values in found.values():
        assert np.isnan(values).sum() == 300 and np.nanmin(values) >= 0
    for values in bands_of(prepared("nodata-envi") / "cov_pc.tif").values():
        assert -5 < np.nanmin(values) < np.nanmax(values) < 5


def test_tiles_of_one_export_are_joined(cases: Path, prepared: Prepare) -> None:
    found = bands_of(prepared("plain-tiles-split") / "s2_bands.tif")
    assert list(found) == ["b02", "b03", "b04", "b08", "b11", "b12"]
    parts = []
    for column in (0, 50):
        name = f"S2-0000000000-{column:010d}.tif"
        with rasterio.open(cases / "plain-tiles-split" / name) as source:
            parts.append(source.read(3))
    with rasterio.open(prepared("plain-tiles-split") / "s2_bands.tif") as source:
        rows, cols = source.shape
        left, top = source.transform.c, source.transform.f
    with rasterio.open(cases / "plain-tiles-split" / "S2-0000000000-0000000000.tif") as source:
        row, col = map(int, source.index(left + 1, top - 1))
    wanted = np.concatenate(parts, axis=1)[row : row + rows, col : col + cols] * 1e-4
    np.testing.assert_allclose(found["b04"], wanted, atol=1e-6)


def test_swath_edges_of_dn_1_are_empty(prepared: Prepare) -> None:
    folder = prepared("s2-edge-dn1")
    exposure = bands_of(folder / "s2_exposure.tif")["exposure"]
    assert (exposure[:, 90:] == 0).all() and (exposure[:, :88] == 1).all()
    for values in bands_of(folder / "s2_indices.tif").values():
        assert np.isnan(values[:, 90:]).all()


def test_damaged_metadata_are_one_line(cases: Path) -> None:
    assert "BOA_ADD_OFFSET in the metadata must be a number" in refused(
        cases, "s2-metadata-traceback"
    )


def test_a_stack_without_band_names_is_refused_with_the_cure(cases: Path) -> None:
    line = refused(cases, "s2-plain-no-names")
    assert "none recognised among" in line and "Set bands = [" in line


@pytest.mark.parametrize("name", ["s2-plain-offset", "s2-plain-zero"])
def test_dn_0_is_empty_before_the_offset(name: str, prepared: Prepare) -> None:
    folder = prepared(name)
    for file in ("s2_bands.tif", "s2_indices.tif"):
        for values in bands_of(folder / file).values():
            assert np.isnan(values).sum() == 300
    masks = pd.read_csv(folder.parent / "tables" / "masks.csv").set_index("mask")["share"]
    assert masks["nodata"] > 0


def test_scene_classes_in_a_stack_are_classes_and_no_feature(prepared: Prepare) -> None:
    folder = prepared("s2-plain-scl")
    found = bands_of(folder / "s2_bands.tif")
    assert "scl" not in found and len(found) == 6
    masks = pd.read_csv(folder.parent / "tables" / "masks.csv").set_index("mask")["share"]
    assert masks["cloud"] == pytest.approx(0.04)


def test_band_names_in_capitals_are_the_same_bands(prepared: Prepare) -> None:
    folder = prepared("s2-plain-upper-names")
    assert list(bands_of(folder / "s2_bands.tif")) == ["b02", "b03", "b04", "b08", "b11", "b12"]
    assert len(bands_of(folder / "s2_indices.tif")) == 7


@pytest.mark.parametrize("name", WITH_REPORT)
def test_what_check_calls_ready_runs_to_its_report(name: str, cases: Path, tmp_path: Path) -> None:
    code, shown = gossan("run", cases / name, "--out", tmp_path / "run")
    assert code == 0, shown
    assert (tmp_path / "run" / "report.html").exists()
    assert_mapped(tmp_path / "run")


@pytest.mark.parametrize("name", [name for name in READY if name not in WITH_REPORT])
def test_what_check_calls_ready_runs_to_its_maps(name: str, cases: Path, tmp_path: Path) -> None:
    close_files()
    run_project(load_project(cases / name), tmp_path / "run")
    assert_mapped(tmp_path / "run")


def assert_mapped(run: Path) -> None:
    fine = bands_of(run / "layers" / "fine_Cu.tif")
    assert np.isfinite(next(iter(fine.values()))).mean() > 0.5
