"""The environment that gossan is started in: explicit, minimal, nothing of QGIS."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

KEPT = (
    # Windows needs these to start any program
    "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "TEMP", "TMP", "USERPROFILE", "APPDATA",
    "LOCALAPPDATA", "HOMEDRIVE", "HOMEPATH", "USERNAME", "NUMBER_OF_PROCESSORS",
    "PROCESSOR_ARCHITECTURE",
    # and these say who the user is elsewhere
    "HOME", "USER", "LOGNAME", "TMPDIR", "TZ", "LANG", "LC_ALL", "LC_CTYPE", "XDG_CACHE_HOME",
    "XDG_DATA_HOME",
)  # fmt: skip
"""Variables that are passed on; whatever QGIS sets for itself (PATH, PYTHON*, PROJ*, GDAL*) is not.
"""
PROXY = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
SET = {"PYTHONUTF8": "1", "PYTHONNOUSERSITE": "1", "PYTHONUNBUFFERED": "1"}
SECRET = "***"


@dataclass(frozen=True)
class Proxy:
    """The proxy of QGIS's network settings.

    >>> Proxy("proxy.lan", 8080, "ann", "p@ss").url
    'http://ann:p%40ss@proxy.lan:8080'
    >>> Proxy("proxy.lan", kind="socks5h").url
    'socks5h://proxy.lan'
    """

    host: str
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    kind: str = "http"
    excluded: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """Address with name and password, as programs read it from HTTPS_PROXY."""
        return self._url(quote(self.password, safe=""))

    @property
    def shown(self) -> str:
        """Address for reports, without the password."""
        return self._url(SECRET)

    def _url(self, password: str) -> str:
        user = quote(self.user, safe="")
        login = f"{user}:{password}@" if user and self.password else f"{user}@" if user else ""
        port = f":{self.port}" if self.port else ""
        return f"{self.kind}://{login}{self.host}{port}"


def child_environment(
    parent: Mapping[str, str], proxy: Proxy | None = None, windows: bool = os.name == "nt"
) -> dict[str, str]:
    """Return the environment for gossan.

    Parameters
    ----------
    parent
        Environment of QGIS.
    proxy
        Proxy of QGIS's settings; without one the proxy variables of ``parent`` are passed on.
    windows
        Whether PATH is that of Windows.

    Examples
    --------
    >>> hostile = {"PATH": "/qgis", "PYTHONHOME": "/qgis", "PROJ_LIB": "/qgis", "HOME": "/u/a"}
    >>> child_environment(hostile, Proxy("p", 3128), windows=False)["HTTPS_PROXY"]
    'http://p:3128'
    >>> sorted(child_environment(hostile, windows=False))
    ['HOME', 'PATH', 'PYTHONNOUSERSITE', 'PYTHONUNBUFFERED', 'PYTHONUTF8']
    """
    known = {name.upper(): value for name, value in parent.items()}
    kept = {name: known[name] for name in KEPT if name in known}
    if windows:
        root = known.get("SYSTEMROOT", r"C:\Windows")
        kept["PATH"] = ";".join((rf"{root}\System32", root, rf"{root}\System32\Wbem"))
    else:
        kept["PATH"] = "/usr/local/bin:/usr/bin:/bin"
    return {**kept, **SET, **_proxy_variables(known, proxy)}


def _proxy_variables(known: Mapping[str, str], proxy: Proxy | None) -> dict[str, str]:
    if proxy is None:
        return {name: known[name] for name in PROXY if name in known}
    found = {"HTTP_PROXY": proxy.url, "HTTPS_PROXY": proxy.url, "ALL_PROXY": proxy.url}
    if proxy.excluded:
        found["NO_PROXY"] = ",".join(proxy.excluded)
    return found


def without_secrets(environment: Mapping[str, str], secrets: Iterable[str] = ()) -> dict[str, str]:
    """Return an environment to show: passwords in addresses of proxies are masked.

    >>> without_secrets({"HTTPS_PROXY": "http://ann:secret@proxy.lan:80"})
    {'HTTPS_PROXY': 'http://ann:***@proxy.lan:80'}
    """
    return {name: masked(value, secrets) for name, value in environment.items()}


def masked(text: str, secrets: Iterable[str] = ()) -> str:
    """Mask passwords in the addresses of a text, and the secrets given."""
    import re

    found = re.sub(r"(?<=://)([^:/@\s]*):[^@/\s]+@", rf"\1:{SECRET}@", text)
    for secret in filter(None, secrets):
        found = found.replace(secret, SECRET).replace(quote(secret, safe=""), SECRET)
    return found
