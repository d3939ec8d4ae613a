"""On a CI server only missing data are excused, and only where that is stated."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import ROOT
from .presence import data_folder, missing, missing_program

SKIPPED, FAILED = pytest.skip.Exception, pytest.fail.Exception


@pytest.fixture(autouse=True)
def no_data_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOSSAN_TEST_DATA", raising=False)
    monkeypatch.delenv("GOSSAN_TEST_CASES", raising=False)


@pytest.mark.parametrize(("server", "outcome"), [("", SKIPPED), ("true", FAILED)])
def test_missing_data_are_skipped_at_a_desk_and_fail_on_a_server(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("CI", server)
    with pytest.raises(outcome, match="set GOSSAN_TEST_DATA to their folder"):
        data_folder("GOSSAN_TEST_DATA", tmp_path / "data")


@pytest.mark.parametrize("variable", ["GOSSAN_TEST_DATA", "GOSSAN_TEST_CASES"])
def test_data_that_are_listed_as_absent_are_skipped_everywhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("GOSSAN_TEST_DATA", "absent")
    with pytest.raises(SKIPPED):
        data_folder(variable, tmp_path)


def test_a_folder_that_is_there_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    assert data_folder("GOSSAN_TEST_CASES", tmp_path, holds="tables") == tmp_path.resolve()
    monkeypatch.setenv("GOSSAN_TEST_CASES", str(tmp_path / "tables"))
    assert data_folder("GOSSAN_TEST_CASES", tmp_path) == (tmp_path / "tables").resolve()


def test_absent_data_excuse_no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("GOSSAN_TEST_DATA", "absent")
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(FAILED, match="QGIS is not installed"):
        missing_program("QGIS is not installed")
    monkeypatch.setattr("sys.platform", "win32")
    with pytest.raises(SKIPPED):
        missing_program("QGIS is not installed")
    with pytest.raises(FAILED):
        missing("6S is not installed")


def test_no_test_skips_by_itself() -> None:
    """What depends on the system may; everything else goes through ``presence``."""
    own = re.compile(r"pytest\.skip\(|importorskip|skipif\((?!\s*(?:sys\.platform|os\.name) )")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        if path.name not in ("presence.py", Path(__file__).name)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if own.search(line)
    ]
    assert found == []
