"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from .presence import data_folder
from .tiny_project import write_tiny

ROOT = Path(__file__).resolve().parent.parent

settings.register_profile(
    "gossan", max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("gossan")


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Folder of the real surveys (GOSSAN_TEST_DATA, default ../shared/data)."""
    return data_folder("GOSSAN_TEST_DATA", ROOT.parent / "shared" / "data")


@pytest.fixture(scope="session")
def shared_cases() -> Path:
    """Folder of the small inputs that earlier versions got wrong (GOSSAN_TEST_CASES)."""
    return data_folder("GOSSAN_TEST_CASES", ROOT.parent / "shared" / "cases", holds="tables")


@pytest.fixture(scope="session")
def reference() -> Path:
    """Folder of numbers that other programs computed (each file says which and how)."""
    return ROOT / "tests" / "reference"


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real run of the tiny project with its anomalies, made once per session; do not change it.

    ``project.toml`` stands beside it.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return made_once(shared / "tiny", _make_tiny) / "run"


@pytest.fixture(autouse=True)
def untimed_forecast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``check`` forecast by a given pace: timing models takes seconds in every test."""
    from gossan.pipeline import time_needed
    from gossan.pipeline.pace import Pace

    monkeypatch.setattr(time_needed, "timed", lambda *_: Pace(100, 0.1, 1e-6))
    monkeypatch.setattr(time_needed, "timed_file", lambda: 1e-7)


@pytest.fixture
def run_copy(finished_run: Path, tmp_path: Path) -> Path:
    """The finished run to be changed by a test."""
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


def _make_tiny(folder: Path) -> None:
    from gossan.pipeline.commands.anomalies import anomalies_of_run
    from gossan.pipeline.commands.run import run_project
    from gossan.pipeline.options.project import load_project

    run_project(load_project(write_tiny(folder)), folder / "run")
    anomalies_of_run(folder / "run")


def made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """Let the first of several processes make a folder, and the others wait for it."""
    done = folder.with_name(f"{folder.name}.done")
    try:
        folder.mkdir()
    except FileExistsError:
        for _ in range(3000):
            if done.exists():
                return folder
            time.sleep(0.1)
        pytest.fail(f"{folder} was not finished in time")
    make(folder)
    done.touch()
    return folder
