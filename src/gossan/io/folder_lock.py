"""One command at a time in a folder: a lock that the system releases when a process ends."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from gossan.errors import InputError, must
from gossan.geo.raster import disk_trouble

LOCK = ".gossan.lock"
_FAR = 2**30
"""Byte that Windows locks: beyond the text, which stays readable for others."""


@contextmanager
def locked(folder: Path, *, reading: bool = False) -> Iterator[None]:
    """Keep other commands out of a folder.

    The system's own file lock ends with the process, however it ends; the text in the file says
    who holds it. Where it names another computer, which this one cannot ask, it is believed.

    Parameters
    ----------
    folder
        The run folder; it is made where it is missing, unless it is only read.
    reading
        Nothing is written: a folder that is missing or read-only needs no lock.

    Raises
    ------
    InputError
        Another process works there: one line that names it.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with locked(folder):
    ...     print((folder / LOCK).exists())
    True
    """
    path = folder / LOCK
    if reading and not os.access(folder, os.W_OK):
        yield
        return
    with _opened(path) as stream:
        _hold(stream, folder)
        try:
            yield
        finally:
            stream.truncate(0)
            _remove(path)
            if sys.platform == "win32":  # which removes no open file
                stream.close()
                _remove(path)
            with suppress(OSError):
                folder.rmdir()  # nothing was written


def _opened(path: Path) -> BinaryIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a+b")
    except OSError as error:
        raise disk_trouble(path, error) from error


def _hold(stream: BinaryIO, folder: Path) -> None:
    """Take the lock of a folder and write down who has it."""
    path, here = folder / LOCK, socket.gethostname()
    holder = _holder(path)
    if not _take(stream.fileno(), path) or holder.get("host", here) != here:
        raise _refusal(folder, holder)
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    stream.truncate(0)
    stream.write(json.dumps({"host": here, "process": os.getpid(), "since": since}).encode())
    stream.flush()


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _holder(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _refusal(folder: Path, holder: dict[str, Any]) -> InputError:
    who = f"process {holder.get('process', '?')} on {holder.get('host', 'this computer')}"
    got = f"in use by {who}" + (f" since {holder['since']}" if "since" in holder else "")
    cure = f"Wait until it has finished, or choose another --out. Delete {LOCK} if it is gone"
    return InputError(must(f"the folder {folder}", "used by one command at a time", got, cure))


def _take(number: int, path: Path) -> bool:
    """Take the system's lock of an open file, without waiting."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(number, _FAR, os.SEEK_SET)
            msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return sys.platform == "win32" or os.path.samestat(os.fstat(number), path.stat())
    except OSError:
        return False
