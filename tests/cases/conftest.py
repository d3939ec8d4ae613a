"""The small project of the cases of reliability, and the command line as a person uses it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from gossan.cli import main

from .reliability import write_small


class Outcome(NamedTuple):
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def refused(self) -> str:
        """The line of a refusal: exit code 2, no traceback."""
        assert self.code == 2, (self.code, self.err, self.out)
        text = self.err or "\n".join(x for x in self.out.splitlines() if x.startswith("error"))
        assert text.strip() and "Traceback" not in text
        assert len(text.strip().splitlines()) <= 4, text
        return text


Command = Callable[..., Outcome]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Folder of the small project."""
    return write_small(tmp_path / "project")


@pytest.fixture
def gossan(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """Run a command line in this process."""

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["gossan", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main()
        out, err = capfd.readouterr()
        return Outcome(int(stopped.value.code or 0), out, err)

    return run
