"""The text of the "Copy report" button: what a helper needs to know, without passwords."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping, Sequence

from .environment import masked, without_secrets
from .locate import Probe


def report_text(
    versions: Mapping[str, str],
    probes: Sequence[Probe],
    environment: Mapping[str, str],
    last_error: str,
    log: Sequence[str] = (),
) -> str:
    """Return versions, every gossan that was tried, the environment and the last error.

    Parameters
    ----------
    versions
        Of QGIS, Qt and the plugin, by name.
    probes
        Every gossan that was asked.
    environment
        Environment that gossan is started in; passwords are masked.
    last_error
        What the user was shown last; "" for nothing.
    log
        The last lines that gossan or the installer said.
    """
    lines = ["gossan plugin report", ""]
    lines += [f"{name}: {value}" for name, value in versions.items()]
    lines += [f"System: {platform.platform()} ({platform.machine()})"]
    lines += [f"Python of QGIS: {sys.version.split()[0]}", "", "gossan found:"]
    lines += [f"  {one.shown}" for one in probes] or ["  none"]
    lines += ["", "Environment of gossan:"]
    lines += [f"  {name}={value}" for name, value in sorted(without_secrets(environment).items())]
    lines += ["", "Last error:", *(f"  {line}" for line in (last_error or "none").splitlines())]
    lines += ["", "Last lines:", *(f"  {line}" for line in log)]
    return masked("\n".join(lines)) + "\n"
