"""What a run stands on: surveys, imagery, grid and hashes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from gossan.errors import InputError
from gossan.geo.blocks import Blocks
from gossan.pipeline.inputs import grid_record, input_paths, open_inputs
from gossan.pipeline.options.project import load_project


def test_the_files_of_a_run_are_listed_and_hashed(finished_run: Path, tmp_path: Path) -> None:
    project = load_project(finished_run.parent / "project.toml")
    names = {path.name for path in input_paths(project)}
    assert names == {"samples.csv", "detailed.csv", "clay.tif", "iron.tif", "mines.geojson"}
    inputs = open_inputs(project, tmp_path, Blocks())
    assert set(inputs.hashes) == names
    assert inputs.occurrences is not None and len(inputs.occurrences) == 6


def test_the_record_of_the_grid_is_that_of_the_maps(small: Path, tmp_path: Path) -> None:
    inputs = open_inputs(load_project(small), tmp_path, Blocks())
    record = grid_record(inputs.grid, inputs.surveys.coordinates)
    assert record.crs == "EPSG:32638" and record.pixel_m == (50.0, 40.0)
    assert record.bounds == inputs.grid.bounds
    assert (record.height, record.width) == inputs.grid.shape
    assert record.sample_spacing_m > 0


def test_samples_off_the_imagery_are_counted(small: Path, tmp_path: Path) -> None:
    table = pd.read_csv(small.with_name("samples.csv"))
    table.loc[:2, "easting"] += 9000
    table.to_csv(small.with_name("samples.csv"), index=False)
    notes = open_inputs(load_project(small), tmp_path, Blocks()).notes
    assert any(note.startswith(f"3 of {len(table)} samples lie off the imagery") for note in notes)


def test_a_survey_elsewhere_is_refused(small: Path, tmp_path: Path) -> None:
    table = pd.read_csv(small.with_name("samples.csv"))
    table["easting"] += 200_000
    table.to_csv(small.with_name("samples.csv"), index=False)
    with pytest.raises(InputError):
        open_inputs(load_project(small), tmp_path, Blocks())
