"""What a command prints: text and tables for people."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from rich.console import Console
from rich.table import Table

from gossan.console.failure import Failure
from gossan.pipeline.progress import Reporter, reporter_for

if TYPE_CHECKING:
    import pandas as pd

WIDE = 10_000
"""Columns outside a terminal, where no line is folded."""


class Output(Protocol):
    """Receives what a command has to say, in text or as events."""

    interactive: bool
    """Whether questions can be asked."""
    for_programs: bool
    """Whether a program reads it, which wants to know of layers and settings."""

    def reporter(self, quiet: bool = False) -> Reporter:
        """Reporter of progress."""
        ...

    def finding(self, severity: str, text: str) -> None:
        """Print one finding about the input."""
        ...

    def note(self, text: str) -> None:
        """Print a warning that was raised on the way."""
        ...

    def say(self, text: str) -> None:
        """Print one sentence of the result."""
        ...

    def table(self, name: str, table: pd.DataFrame) -> None:
        """Print a table of the result."""
        ...

    def file(self, label: str, path: Path) -> None:
        """Print where something was written."""
        ...

    def layers(self, layers: Sequence[Mapping[str, Any]]) -> None:
        """List the layers that a GIS should show."""
        ...

    def settings(self, settings: dict[str, Any]) -> None:
        """Print the settings of a project."""
        ...

    def finish(self, command: str, exit_code: int) -> None:
        """Close the output of a command that did its work."""
        ...

    def fail(self, failure: Failure) -> None:
        """Close the output of a command that could not do its work."""
        ...


class TextOutput:
    """Prints for people: results to standard output, warnings and failures to standard error."""

    for_programs = False

    def __init__(self) -> None:
        self.interactive = sys.stdin is not None and sys.stdin.isatty()

    def reporter(self, quiet: bool = False) -> Reporter:
        """Bar, lines or silence."""
        return reporter_for(quiet, _stream(sys.stderr))

    def finding(self, severity: str, text: str) -> None:
        """Print ``severity: text``."""
        self.say(f"{severity}: {text}")

    def note(self, text: str) -> None:
        """Print to standard error."""
        _print(f"Note: {text}", sys.stderr)

    def say(self, text: str) -> None:
        """Print a line as it is."""
        _print(text, sys.stdout)

    def table(self, name: str, table: pd.DataFrame) -> None:
        """Print a table, numbers to three figures."""
        _print_table(table)

    def file(self, label: str, path: Path) -> None:
        """Print ``Label: path``."""
        self.say(f"{label.capitalize()}: {path}")

    def layers(self, layers: Sequence[Mapping[str, Any]]) -> None:
        """Print one line per layer: group, title and file."""
        for layer in layers:
            self.say(f"{layer['group']}: {layer['title']}: {layer['path']}")

    def settings(self, settings: dict[str, Any]) -> None:
        """Print one line per key that is set."""
        for key, value in _flat(settings):
            self.say(f"{key} = {value}")

    def finish(self, command: str, exit_code: int) -> None:
        """Print nothing: the result stands already."""

    def fail(self, failure: Failure) -> None:
        """Print the failure's lines to standard error."""
        if failure.lines:
            _print("\n".join(failure.lines), sys.stderr)


class Quiet(TextOutput):
    """Prints findings, warnings and failures only."""

    def say(self, text: str) -> None:
        """Print nothing."""

    def table(self, name: str, table: pd.DataFrame) -> None:
        """Print nothing."""


def prepare_streams() -> None:
    """Let no stream or terminal setting stop a command.

    Characters that a stream cannot show are escaped, and a width of 0 is ignored.
    """
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    for name in ("COLUMNS", "LINES"):
        if not os.environ.get(name, "1").strip().isdigit() or int(os.environ.get(name, "1")) < 1:
            del os.environ[name]


def _stream(stream: TextIO | None) -> TextIO:
    """Standard stream, or one that swallows everything where the process has none."""
    return StringIO() if stream is None else stream


def _print(text: str, stream: TextIO | None) -> None:
    console = Console(file=_stream(stream), soft_wrap=True, highlight=False)
    console.print(text, markup=False)


def _print_table(frame: pd.DataFrame) -> None:
    """Print a table; outside a terminal no line is folded."""
    table = Table(box=None, pad_edge=False)
    for name in frame.columns:
        numeric = frame[name].dtype.kind in "if"
        table.add_column(str(name), justify="right" if numeric else "left", overflow="fold")
    for row in frame.itertuples(index=False):
        table.add_row(*[_cell(value) for value in row])
    if _stream(sys.stdout).isatty():
        Console(highlight=False).print(table)
        return
    wide = StringIO()
    Console(width=WIDE, height=len(frame), file=wide, highlight=False).print(table)
    _print("\n".join(_stripped(wide.getvalue().splitlines())), sys.stdout)


def _flat(settings: Any, place: str = "") -> Iterator[tuple[str, object]]:
    """List the keys of nested settings that have a value."""
    if isinstance(settings, dict):
        for key, value in settings.items():
            yield from _flat(value, f"{place}.{key}" if place else str(key))
    elif isinstance(settings, list) and any(isinstance(item, dict) for item in settings):
        for number, item in enumerate(settings, 1):
            yield from _flat(item, f"{place}.{number}")
    elif settings is not None:
        yield place, settings


def _stripped(lines: Sequence[str]) -> list[str]:
    return [line.rstrip() for line in lines]


def _cell(value: object) -> str:
    if isinstance(value, float):
        if value != value:
            return ""
        return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return str(value)
