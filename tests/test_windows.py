"""What breaks on Windows alone, looked for on every system."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gossan.geo.raster import atomic_path
from gossan.names import LONGEST_NAME, file_name

from .conftest import ROOT

SOURCES = sorted([*(ROOT / "src").rglob("*.py"), *(ROOT / "qgis" / "gossan_qgis").rglob("*.py")])
POSIX_ONLY = {"fcntl", "grp", "pwd", "pty", "resource", "termios"}
FAILS_THERE = {"os.rename", "os.symlink", "os.fork", "os.getuid", "os.geteuid", "os.mkfifo"}
LONGEST_PATH = 259
FOLDER = r"C:\Users\a.geologist\Documents\projects\2024 survey of the northern district\run"


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def test_modules_that_windows_lacks_are_not_imported_on_the_way_in() -> None:
    found = []
    for path in SOURCES:
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias.name for alias in node.names]
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                found += [f"{path.name}: {name}" for name in names if name in POSIX_ONLY]
    assert found == []


def test_calls_that_fail_there_are_not_made() -> None:
    found = [f"{path.name}: {name}" for path in SOURCES for name, _ in calls(path)]
    assert [one for one in found if one.partition(": ")[2] in FAILS_THERE] == []


def test_text_is_read_and_written_in_a_stated_encoding() -> None:
    """The system's own is cp1252 there."""
    found = []
    for path in SOURCES:
        for name, call in calls(path):
            stated = any(keyword.arg == "encoding" for keyword in call.keywords)
            method = name.rpartition(".")[2]
            if method == "write_text" and not stated and len(call.args) < 2:
                found.append(f"{path.name}:{call.lineno}")
            if method == "read_text" and not stated and not call.args:
                found.append(f"{path.name}:{call.lineno}")
    assert found == []


def test_the_longest_names_fit_into_a_path_there(tmp_path: Path) -> None:
    stem = file_name("p" * LONGEST_NAME, "e" * LONGEST_NAME, "se")
    with atomic_path(tmp_path / f"{stem}.tif") as temporary:
        temporary.write_bytes(b"")
        longest = max(len(temporary.name), len(f"{stem}.tif.aux.xml"))
    assert len(FOLDER) + len(r"\layers" "\\") + longest <= LONGEST_PATH


@pytest.mark.parametrize("words", [["check", "Нет такого.toml"], ["check", "没有.toml"]])
def test_a_console_of_western_europe_shows_every_name(tmp_path: Path, words: list[str]) -> None:
    environment = os.environ | {"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "gossan", *words],
        cwd=tmp_path, env=environment, capture_output=True, timeout=120,
    )  # fmt: skip
    said = done.stderr.decode("cp1252")
    assert done.returncode == 2 and "must be an existing file" in said, said
    assert said.count("\n") == 1 and "Traceback" not in said
