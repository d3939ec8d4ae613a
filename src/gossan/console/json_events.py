"""JSON lines for programs that start gossan: the contract of docs/json_events.md."""

from __future__ import annotations

import itertools
import json
import math
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from gossan.console.failure import Failure
from gossan.errors import InterruptedRunError
from gossan.pipeline.progress import Advance, Reporter, named_if_interrupted

if TYPE_CHECKING:
    import pandas as pd

PROTOCOL = 1
"""Number of the protocol: it grows when an event or field changes its meaning or goes away."""
PROGRESS_SECONDS = 0.1
"""Shortest time between two progress events of a step."""


class JsonEvents:
    """Writes every event as one line of JSON; text that other code prints goes to stderr."""

    interactive = False
    for_programs = True

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self.steps = itertools.count(1)
        self._text: list[str] = []
        self._tables: dict[str, list[dict[str, Any]]] = {}
        self._files: dict[str, str] = {}
        self._layers: list[dict[str, Any]] = []
        self._settings: dict[str, Any] = {}

    def hello(self, arguments: Sequence[str]) -> None:
        """Introduce gossan: the first event of every command."""
        facts = {"protocol": PROTOCOL, "gossan": version("gossan"), "pid": os.getpid()}
        self.emit("hello", **facts, python=sys.version.split()[0], arguments=list(arguments))

    def emit(self, event: str, **fields: Any) -> None:
        """Write one event.

        Raises
        ------
        InterruptedRunError
            The program that reads the events is gone.
        """
        line = json.dumps(_plain({"event": event, **fields}), allow_nan=False)
        try:
            with self._lock:
                self._stream.write(line + "\n")
                self._stream.flush()
        except (OSError, ValueError) as error:
            raise InterruptedRunError("The program that reads the events is gone.") from error

    def reporter(self, quiet: bool = False) -> Reporter:
        """Report steps, and progress unless quiet, as events."""
        return EventReporter(self, quiet)

    def finding(self, severity: str, text: str) -> None:
        """Emit a finding."""
        self.emit("finding", severity=severity, text=text)

    def note(self, text: str) -> None:
        """Emit a note."""
        self.emit("note", text=text)

    def say(self, text: str) -> None:
        """Keep a sentence for the result."""
        self._text.append(text)

    def table(self, name: str, table: pd.DataFrame) -> None:
        """Keep a table for the result, as one object per row."""
        self._tables[name] = table.to_dict(orient="records")  # type: ignore[assignment]

    def file(self, label: str, path: Path) -> None:
        """Keep an absolute path for the result."""
        self._files[label] = str(Path(path).resolve())

    def layers(self, layers: Sequence[Mapping[str, Any]]) -> None:
        """Keep the layers that a GIS should show for the result."""
        self._layers += [dict(layer) for layer in layers]

    def settings(self, settings: dict[str, Any]) -> None:
        """Keep the settings of a project for the result."""
        self._settings = settings

    def finish(self, command: str, exit_code: int) -> None:
        """Emit the result: the last event."""
        self.emit(
            "result",
            command=command,
            exit_code=exit_code,
            files=self._files,
            tables=self._tables,
            layers=self._layers,
            settings=self._settings,
            text=self._text,
        )

    def fail(self, failure: Failure) -> None:
        """Emit the error: the last event."""
        fields = {"kind": failure.kind, "exit_code": failure.exit_code}
        with suppress(InterruptedRunError):  # nobody reads any more
            self.emit("error", **fields, lines=list(failure.lines))


class EventReporter:
    """Emits the steps of a command and how far each one is."""

    def __init__(self, events: JsonEvents, quiet: bool = False) -> None:
        self._events, self._quiet = events, quiet

    @contextmanager
    def step(self, title: str) -> Iterator[Advance]:
        """Emit the beginning and the end of a step."""
        number, begun, state = next(self._events.steps), time.perf_counter(), "failed"
        self._events.emit("step", id=number, state="begin", title=title)
        try:
            with named_if_interrupted(title):
                yield self._advance(number)
            state = "end"
        finally:
            seconds = round(time.perf_counter() - begun, 3)
            self._events.emit("step", id=number, state=state, title=title, seconds=seconds)

    def say(self, text: str) -> None:
        """Emit a note."""
        self._events.note(text.removeprefix("Note: "))

    def _advance(self, number: int) -> Advance:
        last = -math.inf

        def advance(done: int, total: int) -> None:
            nonlocal last
            now = time.perf_counter()
            if not self._quiet and (done >= total or now - last >= PROGRESS_SECONDS):
                last = now
                self._events.emit("progress", id=number, done=done, total=total)

        return advance


def take_stdout() -> JsonEvents:
    """Reserve standard output for events; whatever else prints there goes to standard error."""
    stream = sys.stdout or StringIO()
    sys.stdout = sys.stderr
    return JsonEvents(stream)


def _plain(value: Any) -> Any:
    """Reduce a value to what JSON has: no NaN, no infinity, no types of libraries."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if hasattr(value, "item"):
        return _plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value)
