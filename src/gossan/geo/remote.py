"""Rasters at an address, opened through GDAL's virtual file systems under names that are paths."""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from pathlib import Path
from urllib.request import Request, urlopen

__all__ = ["gdal_name", "is_remote", "remote_path", "remote_stamp", "remote_text"]

SYSTEMS = {
    "http": "/vsicurl/http:",
    "https": "/vsicurl/https:",
    "s3": "/vsis3",
    "gs": "/vsigs",
    "az": "/vsiaz",
}
"""How the name that GDAL opens begins, by the scheme of an address."""
TIMEOUT_S = 30.0
_ADDRESS = re.compile(r"(\w+):/{1,2}(?=[^/])")


def remote_path(address: str) -> Path | None:
    """Return the path that stands for an address; None where it is a file's.

    >>> remote_path("https://example.org/b4.tif").as_posix()
    '/vsicurl/https:/example.org/b4.tif'
    >>> remote_path("s3://bucket/b4.tif").as_posix()
    '/vsis3/bucket/b4.tif'
    >>> remote_path("scenes/b4.tif") is None
    True
    """
    found = _ADDRESS.match(address)
    if found is None or found[1].lower() not in SYSTEMS:
        return None
    return Path(f"{SYSTEMS[found[1].lower()]}/{address[found.end() :]}")


def is_remote(path: Path) -> bool:
    """Whether a path stands for an address.

    >>> is_remote(Path("/vsis3/bucket/b4.tif")), is_remote(Path("b4.tif"))
    (True, False)
    """
    return path.as_posix().startswith(tuple(f"{begin}/" for begin in set(SYSTEMS.values())))


def gdal_name(path: Path | str) -> str:
    """Return the name that GDAL opens: a path has lost one stroke of an address.

    >>> gdal_name(remote_path("https://example.org/b4.tif"))
    '/vsicurl/https://example.org/b4.tif'
    """
    if isinstance(path, str) or not is_remote(path):
        return str(path)
    return re.sub(r"^(/vsicurl/\w+:)/", r"\1//", path.as_posix())


def remote_stamp(path: Path) -> str:
    """Say by a hash which state of a remote file this is: its address, length, tag and date.

    Object stores are not asked; the address alone counts there, as where a server does not say.
    """
    name = gdal_name(path)
    parts = [name]
    if name.startswith("/vsicurl/"):
        request = Request(name.removeprefix("/vsicurl/"), method="HEAD")
        with suppress(OSError), urlopen(request, timeout=TIMEOUT_S) as answer:
            parts += [str(answer.headers.get(word)) for word in _STATE]
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()


_STATE = ("Content-Length", "ETag", "Last-Modified")


def remote_text(path: Path) -> str:
    """Read a text file at an address of the web.

    Raises
    ------
    OSError
        The server does not give it.
    """
    name = gdal_name(path)
    if not name.startswith("/vsicurl/"):
        raise OSError("only texts at https:// addresses are read")
    with urlopen(name.removeprefix("/vsicurl/"), timeout=TIMEOUT_S) as answer:
        return str(answer.read().decode("utf-8"))
