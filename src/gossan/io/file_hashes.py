"""Hashes of whole files, remembered until a file is touched, and what belongs to a file."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import rasterio
from rasterio.errors import RasterioError

from gossan.geo.raster import atomic_path
from gossan.geo.remote import gdal_name, is_remote, remote_stamp

REMEMBERED_BYTES = 2**20
"""Smaller files are read again every time."""
COARSE_NS, FINE_NS = 2 * 10**9, 5 * 10**7
"""Longest time in which a file could change again without a new time stamp: where stamps count in
seconds (FAT), and where they count in less than hundredths of a second."""
SIDE_FILES = (
    *(".dbf", ".shx", ".prj", ".cpg", ".qpj", ".qix", ".sbn", ".sbx", ".dat", ".map", ".id"),
    *(".ind", ".hdr", ".aux.xml", ".aux", ".ovr", ".msk", ".rrd", ".imd", ".rpb", ".met", ".csvt"),
    *(".tfw", ".tifw", ".tiffw", ".jgw", ".jpgw", ".j2w", ".jp2w", ".pgw", ".pngw", ".wld", ".stx"),
)
"""Endings of files that readers open beside another: attributes, systems, masks, positions."""


class FileHashes:
    """Hash files as a whole; large ones are read once as long as they are not touched.

    Parameters
    ----------
    path
        JSON file to remember hashes in, by path, size, times in nanoseconds and inode.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            found = {}
        self._known: dict[str, list[object]] = found if isinstance(found, dict) else {}
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[FileHashes], tuple[Path]]:
        """Travel to another process as the file of what is remembered: locks do not travel."""
        return FileHashes, (self.path,)

    def of(self, path: Path) -> str:
        """Hash of a file."""
        status = path.stat()
        if status.st_size < REMEMBERED_BYTES:
            return file_hash(path)
        stamp = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
        known = self._known.get(str(path))
        if isinstance(known, list) and len(known) == 2 and known[0] == stamp:
            return str(known[1])
        found = file_hash(path)
        if _settled(max(status.st_mtime_ns, status.st_ctime_ns)):
            self._remember(path, [stamp, found])
        return found

    def of_all(self, paths: Sequence[Path]) -> list[str]:
        """Hash files, several at a time."""
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(self.of, paths))

    def _remember(self, path: Path, known: list[object]) -> None:
        with self._lock:
            self._known[str(path)] = known
            with atomic_path(self.path) as temporary:
                temporary.write_text(json.dumps(self._known), encoding="utf-8")

    def of_inputs(self, paths: Iterable[Path]) -> dict[str, str]:
        """Hash input files with all that belongs to them, by name; of remote ones, their state."""
        found: dict[str, str] = {}
        for path in paths:
            if is_remote(path):
                found[gdal_name(path)] = remote_stamp(path)
            for member in belonging(path):
                name = member.name
                if path.is_dir() and member.is_relative_to(path):
                    name = member.relative_to(path.parent).as_posix()
                found[name if name not in found else str(member)] = self.of(member)
        return found


def _settled(changed_ns: int) -> bool:
    """Whether a file that was changed then cannot change any more without a new time stamp."""
    finely = changed_ns % 10**7 != 0
    return time.time_ns() - changed_ns > (FINE_NS if finely else COARSE_NS)


def file_hash(path: Path) -> str:
    """Hash all bytes of a file (SHA-256, which processors compute themselves).

    >>> import tempfile
    >>> one = Path(tempfile.mkdtemp()) / "a.txt"
    >>> _ = one.write_bytes(b"copper")
    >>> file_hash(one)[:8]
    'd16f06fe'
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def belonging(path: Path) -> list[Path]:
    """List a file, its side files, and the files that it refers to (VRT); all files of a folder.

    A metadata file of a ``.SAFE`` stands for its whole product.

    >>> belonging(Path("nowhere.tif"))
    []
    """
    safe = next((p for p in (path, *path.parents) if p.suffix.upper() == ".SAFE"), None)
    if safe is not None and safe.is_dir():
        path = safe
    if path.is_dir():
        return sorted(member for member in path.rglob("*") if member.is_file())
    found: dict[Path, None] = {}
    waiting = [path]
    while waiting:
        one = waiting.pop()
        if one in found or not one.is_file():
            continue
        found[one] = None
        waiting += [*_beside(one), *_behind(one)]
    return list(found)


def _beside(path: Path) -> list[Path]:
    """Files of the same stem, or of the same name and one more ending."""
    stems = {path.stem.casefold(), path.name.casefold()}
    return sorted(
        one
        for one in path.parent.iterdir()
        for ending in SIDE_FILES
        if one.name.casefold().endswith(ending) and one.name[: -len(ending)].casefold() in stems
    )


def _behind(path: Path) -> list[Path]:
    """Files that a virtual raster is made of."""
    if path.suffix.lower() not in (".vrt", ".xml", ".dim"):
        return []
    try:
        with rasterio.open(path) as source:
            return [Path(name) for name in source.files]
    except RasterioError:
        return []
