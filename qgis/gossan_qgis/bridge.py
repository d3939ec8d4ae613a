"""What QGIS knows and gossan needs: settings, proxy, downloads, feedback."""

from __future__ import annotations

import os
import sys
from collections import deque
from pathlib import Path
from typing import Any, Callable, ClassVar

from qgis.core import (
    Qgis,
    QgsApplication,
    QgsAuthMethodConfig,
    QgsBlockingNetworkRequest,
    QgsProcessingFeedback,
    QgsSettings,
)
from qgis.PyQt.QtCore import QT_VERSION_STR, QUrl
from qgis.PyQt.QtNetwork import (
    QNetworkProxy,
    QNetworkProxyFactory,
    QNetworkProxyQuery,
    QNetworkRequest,
)

from .core.environment import Proxy, child_environment, masked
from .core.install import Plan, find_or_install
from .core.locate import Probe, candidates, data_folder, first_usable
from .core.process import Engine, Listener
from .core.report import report_text
from .core.translations import tr

PLUGIN = Path(__file__).resolve().parent
WHEELS = PLUGIN / "wheels"
COMMAND, FOLDER, WHEELHOUSE, UV = (
    "gossan/command",
    "gossan/folder",
    "gossan/wheelhouse",
    "gossan/uv",
)
"""Settings: the gossan to use, the folder for the plugin's own, the wheelhouse, the uv to use."""
KINDS = {
    "HttpProxy": "http", "HttpCachingProxy": "http", "FtpCachingProxy": "http",
    "Socks5Proxy": "socks5h",
}  # fmt: skip


class Memory:
    """What is remembered between two commands of a session."""

    engine: Engine | None = None
    probes: ClassVar[list[Probe]] = []
    last_error = ""
    log: ClassVar[deque[str]] = deque(maxlen=60)


def plugin_version() -> str:
    """Return the version of the plugin, which is that of its gossan."""
    lines = (PLUGIN / "metadata.txt").read_text(encoding="utf-8").splitlines()
    return next(line.partition("=")[2].strip() for line in lines if line.startswith("version="))


def setting(key: str) -> str:
    """Read a setting of the plugin."""
    return str(QgsSettings().value(key, "") or "")


def set_setting(key: str, value: str) -> None:
    """Write a setting of the plugin; the gossan to use is looked for anew."""
    QgsSettings().setValue(key, value)
    Memory.engine = None


def own_folder() -> Path:
    """Return the folder of the plugin's own gossan."""
    return Path(setting(FOLDER) or data_folder(os.environ))


def proxy() -> Proxy | None:
    """Read the proxy of QGIS's network settings; None where there is none."""
    settings = QgsSettings()
    if not settings.value("proxy/proxyEnabled", False, type=bool):
        return None
    kind = str(settings.value("proxy/proxyType", "") or "DefaultProxy")
    if kind == "DefaultProxy":
        return _system_proxy()
    if kind not in KINDS:
        return None
    user, password = _login(settings)
    excluded = settings.value("proxy/noProxyUrls", []) or []
    port = str(settings.value("proxy/proxyPort", "") or "0")
    return Proxy(
        str(settings.value("proxy/proxyHost", "") or ""),
        int(port) if port.isdigit() else 0,
        user, password, KINDS[kind],
        tuple(QUrl(str(one)).host() or str(one) for one in excluded),
    )  # fmt: skip


def _login(settings: QgsSettings) -> tuple[str, str]:
    identity = str(settings.value("proxy/authcfg", "") or "")
    if identity:
        config = QgsAuthMethodConfig()
        if QgsApplication.authManager().loadAuthenticationConfig(identity, config, True):
            return config.config("username"), config.config("password")
    user = str(settings.value("proxy/proxyUser", "") or "")
    return user, str(settings.value("proxy/proxyPassword", "") or "")


def _system_proxy() -> Proxy | None:
    query = QNetworkProxyQuery(QUrl("https://github.com"))
    for found in QNetworkProxyFactory.systemProxyForQuery(query):
        if found.type() == QNetworkProxy.ProxyType.HttpProxy:
            return Proxy(found.hostName(), found.port(), found.user(), found.password())
    return None


def environment() -> dict[str, str]:
    """Return the environment in which gossan is started."""
    return child_environment(os.environ, proxy())


def download(address: str) -> bytes:
    """Fetch an address through the proxy of QGIS.

    Raises
    ------
    OSError
        It could not be fetched.
    """
    request = QgsBlockingNetworkRequest()
    if (
        request.get(QNetworkRequest(QUrl(address)), True)
        != QgsBlockingNetworkRequest.ErrorCode.NoError
    ):
        raise OSError(f"network: {address}: {request.errorMessage()}")
    return bytes(request.reply().content())


class ToFeedback(Listener):
    """Passes on what gossan says to the dialog or log of an algorithm."""

    def __init__(self, feedback: QgsProcessingFeedback) -> None:
        self._feedback = feedback

    def step(self, title: str) -> None:
        """Name the step in the dialog and the log."""
        self._feedback.setProgressText(title)

    def progress(self, percent: float) -> None:
        """Move the bar."""
        self._feedback.setProgress(percent)

    def note(self, text: str) -> None:
        """Show a warning in the log."""
        self._feedback.pushWarning(text)

    def finding(self, severity: str, text: str) -> None:
        """Show a finding in the log, in the colour of its severity."""
        if severity == "error":
            self._feedback.reportError(text)
        elif severity == "warning":
            self._feedback.pushWarning(text)
        else:
            self._feedback.pushInfo(text)

    def log(self, text: str) -> None:
        """Keep a line for the report, and show it small."""
        Memory.log.append(text)
        self._feedback.pushDebugInfo(text)


def find_engine() -> Engine | None:
    """Look for a gossan that can be used; what was found is remembered."""
    if Memory.engine is None:
        commands = candidates(setting(COMMAND), own_folder(), os.environ)
        Memory.engine, Memory.probes = first_usable(commands, environment())
    if Memory.engine is None:
        return None
    # the proxy may have changed since
    return Engine(Memory.engine.command, environment(), Memory.engine.version)


def ready_engine(listener: Listener, cancelled: Callable[[], bool]) -> Engine:
    """Return a gossan that can be used, installing one where there is none.

    Raises
    ------
    InstallError
        There is none and it cannot be installed.
    CancelledError
        The user stopped the installation.
    """
    found = find_engine()
    if found is None:
        found, Memory.probes = find_or_install(
            iter(one.command for one in Memory.probes), plan(), download, listener, cancelled
        )
        Memory.engine = found
    return found


def plan() -> Plan:
    """Return what to install, and from what."""
    house = setting(WHEELHOUSE)
    name = "python.exe" if os.name == "nt" else f"bin/python3.{sys.version_info[1]}"
    return Plan(
        own_folder(), plugin_version(), environment(), WHEELS, Path(house) if house else None,
        setting(UV), tuple(str(Path(prefix) / name) for prefix in {sys.prefix, sys.base_prefix}),
    )  # fmt: skip


def versions() -> dict[str, str]:
    """Return the versions that a report names."""
    return {"Plugin": plugin_version(), "QGIS": Qgis.QGIS_VERSION, "Qt": QT_VERSION_STR}


def failed(error: BaseException) -> str:
    """Remember an error for the report, and return its text in the language of QGIS."""
    found = proxy()
    secrets: tuple[Any, ...] = (found.password,) if found else ()
    said = getattr(error, "output", "")
    Memory.last_error = masked(f"{error}\n{said}".strip(), secrets)
    return tr(str(error))


def report() -> str:
    """Return the text of "Copy report"; it starts nothing."""
    return report_text(
        versions(), Memory.probes, environment(), Memory.last_error, list(Memory.log)
    )
