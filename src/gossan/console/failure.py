"""Turn any exception into what the user is shown, and an exit code."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gossan.errors import GossanError, InterruptedRunError, from_outside

STOPPED = "Stopped; finished steps are kept. Run the same command again to continue."


@dataclass(frozen=True)
class Failure:
    """Why a command could not do its work.

    ``kind`` is "input" (something must change: files, settings, options), "interrupted" (disk
    full or the like), "cancelled" (Ctrl-C) or "internal" (a bug in gossan).
    """

    kind: str
    lines: tuple[str, ...]
    exit_code: int


def failure_of(error: BaseException) -> Failure:
    """Classify an exception.

    >>> failure_of(KeyboardInterrupt()).exit_code
    130
    >>> failure_of(PermissionError(13, "Permission denied", "out")).lines
    ('out could not be read or written (Permission denied). Check the path, permissions and ...',)
    """
    if isinstance(error, KeyboardInterrupt):
        return Failure("cancelled", (STOPPED,), 130)
    if hasattr(error, "format_message"):  # of the parser of the command line
        return Failure("input", _usage(error), 2)
    if isinstance(error, InterruptedRunError):
        return Failure("interrupted", tuple(str(error).splitlines()), 2)
    if isinstance(error, GossanError):
        return Failure("input", tuple(str(error).splitlines()), 2)
    foreign = from_outside(error)
    if foreign is not None:
        return Failure("input", (foreign,), 2)
    return Failure("internal", _bug(error), 1)


def _usage(error: Any) -> tuple[str, ...]:
    """Word a wrong command line; nothing where the help was shown instead."""
    text = " ".join(error.format_message().split()).rstrip(".")
    command = getattr(getattr(error, "ctx", None), "command_path", "gossan")
    return (f"{text}. See: {command} --help",) if text else ()


def _bug(error: BaseException) -> tuple[str, ...]:
    """Report a bug: what and where in two lines, and the rest in a file to send."""
    frame = traceback.extract_tb(error.__traceback__)[-1:]
    where = f" ({Path(frame[0].filename).name}, line {frame[0].lineno})" if frame else ""
    reason = (str(error).strip() or "no message").splitlines()[0]
    first = f"gossan stopped on a bug of its own: {type(error).__name__}: {reason}{where}."
    path = _write_report(error)
    sent = f"the file {path}" if path else "this line"
    return first, f"Please report it with {sent}, the command and, if possible, the project file."


def _write_report(error: BaseException) -> Path | None:
    lines = [f"gossan {version('gossan')}", f"Python {sys.version}", platform.platform()]
    lines += ["", "gossan " + " ".join(sys.argv[1:]), ""]
    lines += traceback.format_exception(error)
    try:
        handle, name = tempfile.mkstemp(prefix="gossan_error_", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write("\n".join(line.rstrip("\n") for line in lines) + "\n")
    except OSError:
        return None
    return Path(name)
