"""A small project in files: two bands, a survey of 80 samples, and how to change both."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from affine import Affine
from pyproj import CRS

from gossan.cli import main
from gossan.geo.grid import Grid
from gossan.geo.raster import write_array

from ..tiny_project import IMAGERY, surfaces, survey_text

GRID = Grid(CRS.from_epsg(32638), Affine(50.0, 0, 411_000.0, 0, -40.0, 2_700_000.0), 150, 130)

HEAD = """
[project]
name = "Small"
elements = ["Cu"]
seed = 3
"""
PROJECT = HEAD + survey_text("regional", "samples.csv", 'Cu = "Cu_ppm"', "fit") + IMAGERY


def truth() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Clay, iron and ln Cu, which follows clay and a smooth trend."""
    made = surfaces(GRID, slope=1.0)
    return made["clay"], made["iron"], made["ln_cu"]


def write_small(folder: Path, count: int = 80) -> Path:
    clay, iron, ln_cu = truth()
    for name, band in (("clay", clay), ("iron", iron)):
        write_array(folder / f"{name}.tif", GRID, (name,), band[None].astype(np.float32))
    rng = np.random.default_rng(5)
    rows, cols = rng.integers(0, GRID.height, count), rng.integers(0, GRID.width, count)
    easting, northing = GRID.coordinates()
    table = pd.DataFrame(
        {
            "id": np.arange(count),
            "easting": easting[cols],
            "northing": northing[rows],
            "Cu_ppm": np.exp(ln_cu[rows, cols] + 0.05 * rng.normal(size=count)).round(3),
        }
    ).drop_duplicates(["easting", "northing"])
    table.to_csv(folder / "samples.csv", index=False)
    path = folder / "project.toml"
    path.write_text(PROJECT, encoding="utf-8")
    return path


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Project file of a small district."""
    return write_small(tmp_path)


@pytest.fixture
def changed(small: Path) -> Callable[[str, str], Path]:
    """Replace words in the small project's file."""

    def change(old: str, new: str) -> Path:
        text = small.read_text(encoding="utf-8")
        assert old in text
        small.write_text(text.replace(old, new), encoding="utf-8")
        return small

    return change


@pytest.fixture
def true_ln_cu() -> tuple[Grid, np.ndarray]:
    """Grid and true ln Cu of the small district."""
    return GRID, truth()[2]


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run the program as a shell would: exit code, standard output, standard error."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["gossan", *map(str, words)])
        code = 0
        with warnings.catch_warnings():
            try:
                main()
            except SystemExit as stop:
                code = int(stop.code or 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run
