"""The JSON lines of ``gossan --json``: the contract of docs/json_events.md, from outside."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PROTOCOL = 1
"""The protocol that this plugin speaks."""
OLDEST = (0, 1, 0)
"""The oldest gossan that has every command and field that this plugin uses."""


STOPPED = "Stopped. Finished steps are kept: the same command continues where it ended."


class GossanError(Exception):
    """Base of what stops a command; ``str()`` is for the user."""

    kind = "internal"


class CancelledError(GossanError):
    """The user stopped the command; finished steps are kept."""

    kind = "cancelled"


class FailedError(GossanError):
    """gossan could not do its work; ``kind`` is that of the contract."""

    def __init__(self, kind: str, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.kind = kind
        self.lines = lines


class UnusableError(GossanError):
    """This gossan cannot be used: ``kind`` is "missing", "broken" or "older"."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


@dataclass
class Result:
    """What a command said at its end, and the findings on the way."""

    command: str = ""
    exit_code: int = 0
    files: dict[str, str] = field(default_factory=dict)
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    text: list[str] = field(default_factory=list)
    layers: list[dict[str, Any]] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    findings: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    version: str = ""
    """Of the gossan that said it."""


FIELDS = ("command", "exit_code", "files", "tables", "text", "layers", "settings")
"""Fields of a result event."""


def parse_event(line: bytes | str) -> dict[str, Any] | None:
    """Read one line; None where it is no event.

    >>> parse_event(b'{"event": "note", "text": "few"}')
    {'event': 'note', 'text': 'few'}
    >>> parse_event("Traceback") is None and parse_event("[1]") is None
    True
    """
    text = line.decode("utf-8", "replace") if isinstance(line, bytes) else line
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) and isinstance(found.get("event"), str) else None


def result_of(event: Mapping[str, Any]) -> Result:
    """Take what is known from a result; fields of the wrong type are left out.

    >>> result_of({"event": "result", "command": "run", "exit_code": 0, "files": [], "new": 1})
    Result(command='run', exit_code=0, files={}, tables={}, text=[], layers=[], settings={}, ...
    """
    blank = Result()
    known = {
        name: event[name]
        for name, default in vars(blank).items()
        if name in FIELDS and isinstance(event.get(name), type(default))
    }
    return Result(**known)


def check_hello(event: Mapping[str, Any]) -> str:
    """Return the version of a gossan that this plugin can speak with.

    Raises
    ------
    UnusableError
        It is older, or speaks a protocol that this plugin does not know.

    Examples
    --------
    >>> check_hello({"event": "hello", "protocol": 1, "gossan": "1.2.0"})
    '1.2.0'
    >>> check_hello({"event": "hello", "protocol": 2, "gossan": "3.0"})
    Traceback (most recent call last):
    gossan_qgis.core.protocol.UnusableError: gossan 3.0 speaks protocol 2; this plugin knows ...
    """
    version, protocol = str(event.get("gossan", "?")), event.get("protocol")
    if protocol != PROTOCOL:
        newer = isinstance(protocol, int) and protocol > PROTOCOL
        cure = "update the plugin" if newer else "update gossan"
        text = f"gossan {version} speaks protocol {protocol}; this plugin knows {PROTOCOL}: {cure}."
        raise UnusableError("older", text)
    if version_key(version) < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise UnusableError(
            "older", f"gossan {version} is older than {wanted}, which this plugin needs."
        )
    return version


def version_key(version: str) -> tuple[int, ...]:
    """Return the numbers of a version, to compare.

    >>> version_key("0.10.2rc1") > version_key("0.9.9")
    True
    """
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
