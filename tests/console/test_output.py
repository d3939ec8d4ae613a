"""What a command prints reaches every kind of terminal, and its exit code does not depend on it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gossan.cli import main


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["gossan", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


def test_a_command_without_streams_works(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As a program without a console is started under Windows."""
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    assert run(monkeypatch, "indices", "--sensor", "aster") == 0
    assert run(monkeypatch, "check", str(tmp_path / "none")) == 2


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp932", "utf-8"])
def test_names_that_a_terminal_cannot_show_are_escaped(
    encoding: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stream = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(stream, encoding, write_through=True))
    assert run(monkeypatch, "check", str(tmp_path / "Größe 铜 🗺")) == 2
    text = stream.getvalue().decode(encoding)
    assert "must be" in text or "does not exist" in text or "project" in text
    assert ("铜" in text) == (encoding == "utf-8") or encoding == "cp932"


@pytest.mark.parametrize("width", ["0", "-5", "wide", ""])
def test_odd_widths_of_a_terminal_are_ignored(
    width: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    assert run(monkeypatch, "indices", "--sensor", "aster") == 0
    assert len(capsys.readouterr().out.splitlines()) > 5


def test_a_cache_of_compiled_code_that_cannot_be_written_is_replaced(tmp_path: Path) -> None:
    """Through a real process: the folder stated lies below a file."""
    (tmp_path / "file").touch()
    code = "from gossan.geochem.kriging import kernels"
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "file" / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, timeout=300
    )
    assert done.returncode == 0, done.stderr.decode()
