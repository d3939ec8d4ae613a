"""Small real runs that lack something, so that the report must say so."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from gossan.pipeline.commands.run import run_project, validate_project
from gossan.pipeline.options.project import load_project

from ..tiny_project import PROJECT, write_tiny


@pytest.fixture(autouse=True)
def coarse_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw figures small: these tests ask what is shown, not how sharp it is."""
    monkeypatch.setattr("gossan.report.figures.DPI", 60)
    monkeypatch.setattr("gossan.report.page.SHEETS", 2)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of kriging alone: no imagery, check survey, occurrences or anomalies."""
    folder = tmp_path_factory.mktemp("bare")
    return _run(folder, _bare_project(folder))


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 15 samples, too few to hold some of them out."""
    folder = tmp_path_factory.mktemp("few")
    path = _bare_project(folder)
    table = pd.read_csv(folder / "samples.csv")
    table.iloc[:15].to_csv(folder / "samples.csv", index=False)
    return _run(folder, path)


@pytest.fixture(scope="module")
def validated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A validation, which makes no maps."""
    folder = tmp_path_factory.mktemp("validated")
    validate_project(load_project(_bare_project(folder)), folder / "run")
    return folder / "run"


def _bare_project(folder: Path) -> Path:
    path = write_tiny(folder)
    surveys, rest = PROJECT.split('[[survey]]\nname = "detailed"')
    imagery = rest[rest.index("[[imagery]]") : rest.index("[anomalies]")]
    text = (surveys + imagery).replace('elements = ["Cu", "Zn"]', 'elements = ["Cu"]')
    text = text.replace('occurrences = "mines.geojson"', "")
    path.write_text(text + '[[product]]\nname = "kriging"\nmodel = "kriging"\n')
    return path


def _run(folder: Path, project: Path) -> Path:
    run_project(load_project(project), folder / "run")
    return folder / "run"
