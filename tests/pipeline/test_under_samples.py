"""Imagery that is empty, or full of an undeclared code for empty, is told before a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from affine import Affine

from gossan.geo.grid import Grid
from gossan.geo.raster import close_files, write_array
from gossan.pipeline import under_samples as module
from gossan.pipeline.commands.check import check_project
from gossan.pipeline.options.project import load_project

from .conftest import GRID, truth

Change = Callable[[str, str], Path]


def _write(folder: Path, clay: np.ndarray, iron: np.ndarray) -> None:
    close_files()
    for name, band in (("clay", clay), ("iron", iron)):
        write_array(folder / f"{name}.tif", GRID, (name,), band[None].astype(np.float32))


@pytest.mark.parametrize("code", [-9999.0, 0.0, -32768.0])
def test_an_undeclared_code_for_empty_pixels_is_reported_with_the_cure(
    small: Path, changed: Change, tmp_path: Path, code: float
) -> None:
    clay, iron, _ = truth()
    clay[:, :40] = code
    _write(tmp_path, clay, iron)
    findings = [line for line in check_project(load_project(small)).findings if "exactly" in line]
    assert len(findings) == 1
    assert f"set nodata = {code:g} in the [[imagery]]" in findings[0]
    assert "band 'clay'" in findings[0]
    project = load_project(changed('sensor = "bands"', f'sensor = "bands"\nnodata = {code}'))
    lines = check_project(project).findings
    assert not any("exactly" in line for line in lines)
    assert any("'clay' is empty under" in line for line in lines)


@pytest.mark.parametrize("code", [-3.4e38, -1e32, 1.70141e38])
def test_numbers_beyond_any_quantity_are_empty_without_being_declared(
    small: Path, tmp_path: Path, code: float
) -> None:
    clay, iron, _ = truth()
    clay[:, :40] = code
    _write(tmp_path, clay, iron)
    lines = check_project(load_project(small)).findings
    assert any("'clay' is empty under" in line for line in lines)


def test_ordinary_imagery_is_not_suspected(small: Path) -> None:
    assert not check_project(load_project(small)).findings


def test_imagery_that_is_empty_under_all_samples_blocks_a_run(small: Path, tmp_path: Path) -> None:
    clay, iron, _ = truth()
    _write(tmp_path, clay * np.nan, iron * np.nan)
    found = check_project(load_project(small))
    assert found.blocked
    assert "must be filled somewhere" in found.findings[0]


def test_imagery_that_cannot_be_opened_is_the_only_mistake_reported(
    small: Path, tmp_path: Path
) -> None:
    (tmp_path / "clay.tif").unlink()
    found = check_project(load_project(small))
    assert [line for line in found.findings if line.startswith("error")] == list(found.findings)
    assert len(found.findings) == 1


def test_imagery_beside_the_survey_is_refused(small: Path, tmp_path: Path) -> None:
    clay, _, _ = truth()
    t = GRID.transform
    far = Grid(GRID.crs, Affine(t.a, t.b, t.c + 90_000, t.d, t.e, t.f), *GRID.shape)
    write_array(tmp_path / "far.tif", far, ("far",), clay[None].astype(np.float32))
    more = '\n[[imagery]]\nname = "far"\npaths = ["far.tif"]\n'
    small.write_text(small.read_text(encoding="utf-8") + more, encoding="utf-8")
    found = check_project(load_project(small)).findings
    assert any("imagery 'far' must be lying over some sample" in line for line in found)


def test_digital_numbers_that_pass_for_reflectance_are_doubted(
    small: Path, changed: Change, tmp_path: Path
) -> None:
    """Bands called red and nir serve a vegetation mask; their scale was forgotten."""
    rng = np.random.default_rng(2)
    close_files()
    for name in ("red", "nir"):
        numbers = rng.integers(7000, 20000, GRID.shape).astype(np.float32)
        write_array(tmp_path / f"{name}.tif", GRID, (name,), numbers[None])
    project = changed('"clay.tif", "iron.tif"]', '"red.tif", "nir.tif"]\nmasks = ["vegetation"]')
    lines = check_project(load_project(project)).findings
    assert any("reflectance lies outside 0 to 1.5" in line for line in lines)


@pytest.mark.parametrize("code", [-9999.0, 0.0, 65535.0])
def test_a_code_is_found_among_many_numbers_that_are_met_often(
    code: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []

    def far(one: float, filled: np.ndarray) -> bool:
        asked.append(float(one))
        return bool(np.abs(filled[filled != one] - one).min() > np.ptp(filled[filled != one]))

    monkeypatch.setattr(module, "_far", far)
    numbers = np.random.default_rng(0).integers(500, 2500, 20_000).astype(np.float32)
    assert module._code(numbers[:300], numbers) is None
    numbers[::20] = code
    found = module._code(numbers[:300], numbers)
    assert found is not None and found.code == code
    assert set(asked) <= {code, *np.sort(np.unique(numbers))[[0, 1, -2, -1]].tolist()}
