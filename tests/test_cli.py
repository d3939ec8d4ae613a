"""What the commands print: whole lines outside a terminal, and nothing when they are asked to."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pytest
import typer

from gossan.cli import app, main
from gossan.console.output import TextOutput


@pytest.mark.parametrize("terminal", ["xterm", "dumb"])
def test_a_table_outside_a_terminal_folds_no_word_and_ends_no_line_with_blanks(
    terminal: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", terminal)
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


COMMANDS = typer.main.get_command(app)


@pytest.mark.parametrize("name", sorted(COMMANDS.commands))  # type: ignore[attr-defined]
def test_the_help_of_every_command_has_examples_that_its_parser_takes(name: str) -> None:
    command = COMMANDS.commands[name]  # type: ignore[attr-defined]
    lines = [line.strip() for line in str(command.help).splitlines()]
    examples = [line.partition("gossan ")[2] for line in lines if line.startswith("Example")]
    assert examples
    for words in map(shlex.split, examples):
        assert words[0] == name
        command.make_context(name, words[1:])


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        app(["--version"])
    assert not stop.value.code and version("gossan") in capsys.readouterr().out


def test_a_shell_completes_the_names_of_commands() -> None:
    asked = "import sys; sys.argv = ['gossan']; from gossan.cli import app; app(prog_name='gossan')"
    words = {"_GOSSAN_COMPLETE": "complete_bash", "COMP_WORDS": "gossan pre", "COMP_CWORD": "1"}
    found = subprocess.run(
        [sys.executable, "-c", asked], env=os.environ | words, capture_output=True, text=True
    )
    assert found.stdout.split() == ["predict", "prepare"]


def test_ctrl_c_says_that_finished_steps_are_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def stopped(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gossan.pipeline.options.project.load_project", stopped)
    monkeypatch.setattr(sys, "argv", ["gossan", "run", str(tmp_path)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 130
    assert capsys.readouterr().err.strip() == (
        "Stopped; finished steps are kept. Run the same command again to continue."
    )
