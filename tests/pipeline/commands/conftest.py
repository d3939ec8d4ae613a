"""A run of a small simulated district, made once for all tests of the commands."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gossan.demo.district import simulate_district
from gossan.demo.folder import write_district
from gossan.pipeline.commands.anomalies import anomalies_of_run
from gossan.pipeline.commands.run import run_project
from gossan.pipeline.options.project import load_project

from ...conftest import made_once

PRODUCTS = """
[anomalies]
threshold = { Cu = 40.0 }

[[product]]
name = "kriging"
model = "kriging"

[[product]]
name = "sound"
model = "pyramid"
features = "aster.indices.pc2"
"""


@pytest.fixture(scope="session")
def district(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Project file of a small district in raw scenes, with two products; its run is beside it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return made_once(shared / "district", _make_district) / "project.toml"


@pytest.fixture(scope="session")
def district_run(district: Path) -> Path:
    """The run of the district with its anomalies; do not change it."""
    return district.parent / "run"


def _make_district(folder: Path) -> None:
    made = simulate_district(seed=4, shape=(220, 200), regional_km2=0.6, elements=("Cu", "Zn"))
    path = write_district(made, folder, scenes="raw")
    path.write_text(path.read_text(encoding="utf-8") + PRODUCTS, encoding="utf-8")
    run_project(load_project(path), folder / "run")
    anomalies_of_run(folder / "run")
