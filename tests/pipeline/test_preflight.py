"""What a run would stop at late is found from a few windows: disk, occurrences, equal features."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.raster import write_array
from gossan.pipeline import preflight
from gossan.pipeline.imagery import Imagery, open_imagery
from gossan.pipeline.options.project import Project, load_project
from gossan.pipeline.preflight import disk_mib, forecast_mib, late_errors

from .conftest import GRID, truth

Change = Callable[[str, str], Path]
PYRAMID = '\n[[product]]\nname = "sound"\nmodel = "pyramid"\nfeatures = "indices.bands.all"\n'


def opened(path: Path) -> tuple[Project, list[Imagery]]:
    project = load_project(path)
    imagery = [open_imagery(s, project.base, project.base, Blocks()) for s in project.imagery]
    return project, imagery


def test_a_sound_project_has_none(small: Path) -> None:
    small.write_text(small.read_text() + PYRAMID)
    assert late_errors(*opened(small), GRID) == []


def test_features_that_say_the_same_are_found_for_the_model_that_inverts_them(small: Path) -> None:
    clay, _, _ = truth()
    write_array(small.parent / "iron.tif", GRID, ("iron",), (2 * clay + 1)[None])
    assert late_errors(*opened(small), GRID) == []  # no product needs them to differ
    small.write_text(small.read_text() + PYRAMID)
    (error,) = late_errors(*opened(small), GRID)
    assert "'sound'" in error and "constant or repeat each other" in error


def test_features_that_differ_in_few_places_only_are_independent(small: Path) -> None:
    clay, _, _ = truth()
    band = clay.copy()
    band[-2:, -2:] = 7.0  # in the last window alone
    write_array(small.parent / "iron.tif", GRID, ("iron",), band[None].astype(np.float64))
    small.write_text(small.read_text() + PYRAMID)
    assert late_errors(*opened(small), GRID) == []


def test_a_full_disk_is_an_error_with_the_room_needed(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, imagery = opened(small)
    monkeypatch.setattr(preflight, "free_mib", lambda folder: 0.5)
    (error,) = late_errors(project, imagery, GRID)
    assert f"{disk_mib(project, imagery, GRID):.0f} MiB" in error
    twice = Grid.from_bounds(GRID.crs, GRID.bounds, (25, 20))
    assert disk_mib(project, imagery, twice) == pytest.approx(4 * disk_mib(project, imagery, GRID))


def test_occurrences_that_cannot_be_read_are_an_error(changed: Change) -> None:
    path = changed("seed = 3", 'seed = 3\noccurrences = "samples.csv"')
    (error,) = late_errors(*opened(path), GRID)
    assert "samples.csv" in error


@pytest.mark.parametrize(
    "bands, rows, columns, fitted, found_mib",
    [
        (4, 104, 78, 2 * 155, 362),
        (6, 351, 210, 2 * 593, 468),
        (11, 1024, 1024, 4 * 1400, 773),
        (11, 1500, 1500, 2 * 300, 926),
        (11, 3072, 10980, 4 * 300, 1294),
        (11, 10980, 10980, 4 * 1400, 1809),
    ],
)
def test_the_forecast_of_memory_is_that_of_whole_runs(
    bands: int, rows: int, columns: int, fitted: int, found_mib: float
) -> None:
    """Found by ``benchmarks/bench_run.py`` on two workers: surveys, square, strip, tile."""
    assert forecast_mib(bands, rows * columns, 2, fitted) == pytest.approx(found_mib, rel=0.25)
