"""What the commands print: whole lines outside a terminal, and nothing when they are asked to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from gossan.cli import main
from gossan.console.output import TextOutput


def test_a_table_outside_a_terminal_folds_no_word_and_ends_no_line_with_blanks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = "imagery_with_a_long_name_" * 8
    TextOutput().table(
        "scores",
        pd.DataFrame({"product": [name, "k"], "text": ["a", "b" * 90], "r": [0.12345, 2e4]}),
    )
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[1].split() == [name, "a", "0.123"]
    assert lines[2].split()[-1] == "20000"
    assert not any(line != line.rstrip() for line in lines)


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        ("import gossan", 0.3),
        ("import sys; sys.argv = ['gossan', '--help']; from gossan.cli import main; main()", 0.5),
    ],
)
def test_import_and_help_are_quick(lines: str, seconds: float) -> None:
    """In processor time, start of Python included: other work beside does not count."""
    clock = "import atexit, sys, time\nend = sys.stderr\n"
    clock += "atexit.register(lambda: print(time.process_time(), file=end))\n"
    asked = [sys.executable, "-c", clock + lines]
    taken = [float(subprocess.run(asked, capture_output=True, text=True).stderr) for _ in range(3)]
    assert min(taken) < seconds


def test_a_mistake_is_one_line_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (["check"], ["run"], ["survey"], ["krige"], ["prepare"], ["validate"]):
        monkeypatch.setattr(sys, "argv", ["gossan", *command, str(tmp_path / "Нет такого.toml")])
        with pytest.raises(SystemExit) as stop:
            main()
        assert stop.value.code == 2
        printed = capsys.readouterr()
        assert printed.err.count("\n") == 1
        assert "must be an existing file" in printed.err
        assert list(tmp_path.iterdir()) == []
