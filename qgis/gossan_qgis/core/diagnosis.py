"""Say in plain words why an installation failed, and what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass

OFFLINE = (
    "Or install from a wheelhouse: a zip that `make wheelhouse` builds on a connected computer."
)


@dataclass(frozen=True)
class Diagnosis:
    """A cause of failure: its name, what happened, what to do, and whether to try again."""

    cause: str
    text: str
    retry: bool = False


_CAUSES = (
    (
        "proxy",
        r"\b407\b|proxy authentication",
        "The proxy asks for a user name and a password (407). Enter them in QGIS: Settings > "
        "Options > Network > Use proxy for web access, then try again. " + OFFLINE,
    ),
    (
        "antivirus",
        r"os error (32|33)\b|winerror (32|33)\b|being used by another process|sharing violation",
        "Another program, most likely the antivirus, holds a file. Several attempts were made. "
        "Wait a minute and try again, or exclude the folder of gossan from the scan.",
    ),
    (
        "permission",
        r"permission denied|access is denied|os error (5|13|30)\b|winerror 5\b|errno (13|30)\b"
        r"|read-only file system|zugriff verweigert|permissionerror",
        "The folder for gossan cannot be written. Choose another one in the settings of the plugin "
        "(Folder for gossan), on a disk where you may write and run programs.",
    ),
    (
        "disk",
        r"no space left|os error (28|112)\b|errno 28\b|disk full",
        "The disk is full. gossan needs about 1.5 GB. Free some space, or choose another folder "
        "in the settings of the plugin.",
    ),
    (
        "path",
        r"os error (206|123)\b|file ?name (is )?too long|path too long",
        "The path of the folder for gossan is too long. Choose a short one, such as C:\\gossan, in "
        "the settings of the plugin.",
    ),
    (
        "certificate",
        r"certificate|unknownissuer|ssl",
        "The server's certificate is not trusted: often a firewall inspects the traffic. Ask "
        "your IT department to add its certificate to the system. " + OFFLINE,
    ),
    (
        "system",
        r"glibc|not compatible with the version of windows|no matching (distribution|platform)"
        r"|no wheels? with a matching|exec format error|not a valid win32|cannot execute binary"
        r"|requires-python|no interpreter found|python 3\.1\d or newer",
        "This system is too old or of a kind that gossan has no build for. It needs Windows 10, "
        "macOS 12 or a Linux of 2019 (glibc 2.28) or newer, 64 bit, and Python 3.11 or newer "
        "(which is installed with it where the network allows).",
    ),
    (
        "network",
        r"connection refused|connect(ion)? (error|timed out|reset)|dns|timed? ?out|unreachable"
        r"|error sending request|tunnel|name or service|could not resolve|network|offline"
        r"|failed to fetch|host .*not found",
        "The network could not be reached. Check the connection and the proxy in QGIS (Settings > "
        "Options > Network), then try again: what was downloaded is kept. " + OFFLINE,
    ),
)
UNKNOWN = (
    "The installation failed. Press 'Copy report' and send it with a description, or choose an "
    "existing gossan in the settings of the plugin."
)
MESSAGES = (*(text for _, _, text in _CAUSES), UNKNOWN)
"""All that a diagnosis may say; shown in the language of QGIS, reported in English."""


def diagnose(text: str) -> Diagnosis:
    """Find the cause of a failure in what a program or the system said.

    >>> diagnose("error: HTTP status client error (407 Proxy Authentication Required)").cause
    'proxy'
    >>> diagnose("failed to rename: Access is denied. (os error 5)").cause
    'permission'
    >>> diagnose("something else").cause
    'unknown'
    """
    for cause, pattern, cure in _CAUSES:
        if re.search(pattern, text, re.IGNORECASE):
            return Diagnosis(cause, cure, retry=cause == "antivirus")
    return Diagnosis("unknown", UNKNOWN)
