"""Start gossan, follow its events, stop it with everything that it started."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from .protocol import (
    STOPPED,
    CancelledError,
    FailedError,
    Result,
    UnusableError,
    check_hello,
    parse_event,
    result_of,
)

POLL_SECONDS = 0.1
GRACE_SECONDS = 10.0
"""How long a stopped command may take to end by itself."""
SILENCES = 20
"""Polls without a line after which the output of an ended command is taken as read."""
KEPT_LINES = 200


@dataclass(frozen=True)
class Engine:
    """A gossan that can be started: the beginning of its command line, and its environment."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    version: str = ""


class Listener:
    """Receives what a running command says; the methods do nothing."""

    def step(self, title: str) -> None:
        """A step begins."""

    def progress(self, percent: float) -> None:
        """The step is so far."""

    def note(self, text: str) -> None:
        """Report a warning; the result stands."""

    def finding(self, severity: str, text: str) -> None:
        """Report what a check found about the input."""

    def log(self, text: str) -> None:
        """Pass on a line that is no event."""


def run(
    engine: Engine,
    arguments: Sequence[str],
    listener: Listener | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    grace: float = GRACE_SECONDS,
) -> Result:
    """Run one command of gossan to its end.

    Parameters
    ----------
    engine
        The gossan to start.
    arguments
        Command and options, without ``--json``.
    listener
        Receives steps, progress and messages, in the thread of the caller.
    cancelled
        Asked ten times a second whether to stop.
    grace
        Seconds for a stopped command to end by itself before it is killed.

    Raises
    ------
    UnusableError
        gossan does not start, or is older than this plugin needs.
    FailedError
        gossan says that it could not do its work, or ended without a word.
    CancelledError
        The user stopped it.
    """
    with _started([*engine.command, "--json", *arguments], engine.environment) as process:
        return _Conversation(process, listener or Listener(), cancelled, grace).follow()


def _started(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a program in a group of its own, without a window."""
    options: dict[str, Any] = {"start_new_session": True}
    if os.name == "nt":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW  # type: ignore[attr-defined,unused-ignore]
        options = {"creationflags": flags}
    try:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=dict(environment), **options,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        kind = "missing" if isinstance(error, FileNotFoundError) else "broken"
        raise UnusableError(kind, f"{command[0]} cannot be started: {error}.") from error


class _Conversation:
    """One running command: its lines come from threads, its events go to the listener."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        listener: Listener,
        cancelled: Callable[[], bool],
        grace: float,
    ) -> None:
        self._process, self._listener = process, listener
        self._cancelled, self._grace = cancelled, grace
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        self._errors: deque[str] = deque(maxlen=KEPT_LINES)
        self._deadline: float | None = None
        self._version, self._silences = "", 0
        self._last: dict[str, Any] = {}
        self._findings: list[tuple[str, str]] = []
        self._notes: list[str] = []

    def follow(self) -> Result:
        readers = [
            threading.Thread(target=self._read_output, args=(self._process.stdout,), daemon=True),
            threading.Thread(target=self._read_errors, args=(self._process.stderr,), daemon=True),
        ]
        for reader in readers:
            reader.start()
        try:
            while self._take_line():
                self._stop_if_asked()
            self._wait()
        finally:
            if self._deadline is not None or self._process.poll() is None:
                kill_tree(self._process)
            for reader in readers:
                reader.join(1)
        return self._end()

    def _read_output(self, stream: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in stream:
                self._lines.put(line)
        self._lines.put(None)

    def _read_errors(self, stream: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in stream:
                self._errors.append(line.decode("utf-8", "replace").rstrip())

    def _take_line(self) -> bool:
        """Deal with one line, if there is one; False after the last."""
        try:
            line = self._lines.get(timeout=POLL_SECONDS)
        except queue.Empty:
            if self._process.poll() is not None:
                self._silences += 1  # a grandchild may hold the pipe open when gossan is gone
            return self._silences < SILENCES
        if line is None:
            return False
        event = parse_event(line)
        if event is None:
            self._listener.log(line.decode("utf-8", "replace").rstrip())
        else:
            self._take_event(event)
        return True

    def _take_event(self, event: dict[str, Any]) -> None:
        kind, text = event["event"], str(event.get("text", ""))
        if kind == "hello":
            self._greet(event)
        elif kind == "step" and event.get("state") == "begin":
            self._listener.step(str(event.get("title", "")))
        elif kind == "progress" and event.get("total"):
            self._listener.progress(100.0 * float(event.get("done", 0)) / float(event["total"]))
        elif kind == "note":
            self._notes.append(text)
            self._listener.note(text)
        elif kind == "finding":
            self._findings.append((str(event.get("severity", "note")), text))
            self._listener.finding(*self._findings[-1])
        elif kind in ("result", "error"):
            self._last = event

    def _greet(self, event: dict[str, Any]) -> None:
        try:
            self._version = check_hello(event)
        except UnusableError:
            kill_tree(self._process)
            raise

    def _stop_if_asked(self) -> None:
        """Interrupt once, and kill after the grace."""
        now = time.monotonic()
        if self._deadline is None:
            if self._cancelled():
                self._deadline = now + self._grace
                interrupt(self._process)
        elif now >= self._deadline:
            kill_tree(self._process)

    def _wait(self) -> None:
        """Wait for the end of a process that has closed its output."""
        while self._process.poll() is None:
            self._stop_if_asked()
            time.sleep(POLL_SECONDS / 2)

    def _end(self) -> Result:
        if self._last.get("event") == "result":
            found = result_of(self._last)
            found.findings, found.notes = self._findings, self._notes
            found.version = self._version
            return found
        if self._deadline is not None or self._last.get("kind") == "cancelled":
            raise CancelledError(STOPPED)
        if self._last:
            raise FailedError(
                str(self._last.get("kind", "internal")),
                [str(line) for line in self._last.get("lines", [])],
            )
        raise self._silent_end()

    def _silent_end(self) -> UnusableError | FailedError:
        code, said = self._process.returncode, [line for line in self._errors if line]
        tail = said[-1] if said else "it said nothing"
        if not self._version:
            if any("--json" in line for line in said):
                return UnusableError("older", f"This gossan knows no --json: {tail}")
            return UnusableError("broken", f"gossan ended with code {code} at its start: {tail}")
        return FailedError("killed", [f"gossan was ended from outside (code {code}): {tail}"])


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """Ask a command to stop: it closes its files and says so."""
    with contextlib.suppress(OSError, ValueError):
        if os.name == "nt":
            process.send_signal(signal.CTRL_BREAK_EVENT)  # type: ignore[attr-defined,unused-ignore]
        else:
            process.terminate()  # gossan takes it as an interrupt


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """End a process and whatever it has started, at once."""
    with contextlib.suppress(OSError):
        if os.name == "nt":
            if process.poll() is None:
                tree = ["taskkill", "/F", "/T", "/PID", str(process.pid)]
                subprocess.run(tree, capture_output=True, check=False)
        else:
            os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(OSError):
        process.kill()
