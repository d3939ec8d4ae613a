"""Every set of samples that a run fits a model to is looked at before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gossan.evaluate.folds import divide
from gossan.geo.blocks import Blocks
from gossan.pipeline.imagery import open_imagery
from gossan.pipeline.inputs import place
from gossan.pipeline.options.project import load_project
from gossan.pipeline.surveys import working
from gossan.pipeline.training_sets import training_errors, training_sets

Change = Callable[[str, str], Path]


def looked_at(path: Path, store: Path) -> list[str]:
    project = load_project(path)
    imagery = [open_imagery(s, project.base, store, Blocks()) for s in project.imagery]
    surveys, grid = place(project, imagery)
    return training_errors(project, surveys, imagery, grid)


def test_the_sets_are_all_samples_and_those_without_each_fold(small: Path, tmp_path: Path) -> None:
    project = load_project(small)
    imagery = [open_imagery(s, project.base, tmp_path, Blocks()) for s in project.imagery]
    surveys, grid = place(project, imagery)
    data = working(surveys, "Cu", "log")
    sets = training_sets(data, project.validation, grid, project.project.seed)
    division = divide(data.observations, project.validation, grid, project.project.seed)
    folds = [(f, k) for f in division.folds.values() for k in np.unique(f.labels)]
    assert len(sets) == 1 + len(folds) and sets[0].mask.all()
    for one, (division_of, fold) in zip(sets[1:], folds, strict=True):
        np.testing.assert_array_equal(one.mask, division_of.labels != fold)


def test_plenty_of_different_samples_are_not_divided(small: Path, tmp_path: Path) -> None:
    path = small.parent / "samples.csv"
    table = pd.read_csv(path)
    rng = np.random.default_rng(3)
    more = pd.concat([table] * 5, ignore_index=True)
    numeric = table.select_dtypes("number").columns
    spread = 1e-3 * table[numeric].std().to_numpy()
    more[numeric] += rng.normal(0, 1, (len(more), len(numeric))) * spread
    assert len(more) > 300
    more.to_csv(path, index=False)
    project = load_project(small)
    imagery = [open_imagery(s, project.base, tmp_path, Blocks()) for s in project.imagery]
    surveys, grid = place(project, imagery)
    assert len(training_sets(working(surveys, "Cu", "log"), project.validation, grid, 0)) == 1


@pytest.mark.parametrize("kind", ["good", "one value"])
def test_samples_of_one_value_without_a_fold_are_named(
    kind: str, small: Path, tmp_path: Path
) -> None:
    if kind == "one value":
        path = small.parent / "samples.csv"
        table = pd.read_csv(path)
        table["Cu_ppm"] = np.where(np.arange(len(table)) == 3, 9.0, 5.0)
        table.to_csv(path, index=False)
    found = looked_at(small, tmp_path)
    wanted = ["values of Cu must be of at least two sizes; got one value without a fold"]
    assert [line[:72] for line in found] == [w[:72] for w in wanted] * (kind != "good")
