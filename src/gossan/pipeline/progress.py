"""Progress: a bar in a terminal, lines elsewhere, or nothing."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from gossan.errors import GossanWarning, InterruptedRunError

Advance = Callable[[int, int], None]


class Reporter(Protocol):
    """Receives the titles of the steps and how far each one is."""

    def step(self, title: str) -> AbstractContextManager[Advance]:
        """Open a step; the context gives a function of (done, total)."""
        ...

    def say(self, text: str) -> None:
        """Print one line."""
        ...


@contextmanager
def named_if_interrupted(title: str) -> Iterator[None]:
    """Say in which step a run was interrupted.

    Raises
    ------
    InterruptedRunError
        The one that came, with the step in front.

    >>> with named_if_interrupted("Tables"):
    ...     raise InterruptedRunError("The disk is full.")
    Traceback (most recent call last):
        ...
    gossan.errors.InterruptedRunError: Tables: The disk is full.
    """
    try:
        yield
    except InterruptedRunError as error:
        raise InterruptedRunError(f"{title}: {error}") from error


class Silent:
    """Prints nothing (the default in Python, and ``--quiet``)."""

    @contextmanager
    def step(self, title: str) -> Iterator[Advance]:
        """Run the step silently."""
        with named_if_interrupted(title):
            yield lambda done, total: None

    def say(self, text: str) -> None:
        """Print nothing."""


class PlainProgress:
    """Prints a line when a step begins and one when a long step ends: for logs."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr

    @contextmanager
    def step(self, title: str) -> Iterator[Advance]:
        """Print the title, and the time if it took more than a second."""
        begun = time.perf_counter()
        self.say(title)
        with named_if_interrupted(title):
            yield lambda done, total: None
        taken = time.perf_counter() - begun
        if taken > 1:
            self.say(f"  {taken:.0f} s")

    def say(self, text: str) -> None:
        """Write a line."""
        print(text, file=self._stream, flush=True)


class _Count(MofNCompleteColumn):
    """How many of how many; nothing where the number is not known."""

    def render(self, task: Task) -> Text:
        """Show the count."""
        return Text("") if task.total is None else super().render(task)


class BarProgress:
    """Draws a bar for the current step: for a terminal."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)

    @contextmanager
    def step(self, title: str) -> Iterator[Advance]:
        """Draw the bar while the step lasts."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            _Count(),
            TimeElapsedColumn(),
        )
        with (
            named_if_interrupted(title),
            Progress(*columns, console=self._console, transient=True) as progress,
        ):
            task = progress.add_task(title, total=None)
            begun = time.perf_counter()
            yield lambda done, total: progress.update(task, completed=done, total=total)
            taken = time.perf_counter() - begun
        self._console.print(f"[dim]{taken:6.1f} s[/dim]  {title}")

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self._console.print(text, highlight=False)


def reporter_for(quiet: bool, stream: TextIO | None = None) -> Reporter:
    """Choose by ``--quiet`` and by where the output goes."""
    if quiet:
        return Silent()
    stream = stream or sys.stderr
    if stream.isatty():
        return BarProgress()
    return PlainProgress(stream)


@contextmanager
def collected_warnings(reporter: Reporter) -> Iterator[list[str]]:
    """Collect the warnings of a block, then print each once."""
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", GossanWarning)
        yield notes
    notes += dict.fromkeys(str(warning.message) for warning in caught)
    for note in notes:
        reporter.say(f"Note: {note}")
