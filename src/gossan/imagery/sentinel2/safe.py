"""Look into a product: a folder or a zip of files, with metadata in XML."""

from __future__ import annotations

import hashlib
import math
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO
from xml.etree import ElementTree

from defusedxml.ElementTree import fromstring
from pyproj.exceptions import ProjError
from shapely.errors import ShapelyError

from gossan.errors import ImageryError, must, reason_of

DAMAGED = "The file is damaged or truncated: download it again"
UNREADABLE = (
    ElementTree.ParseError,
    ValueError,  # defusedxml refuses entities with one
    LookupError,
    OSError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What a damaged or hostile XML member raises."""
CHECKSUMS = ("md5", "sha3_256", "sha256")
"""Algorithms that manifests have used: MD5 at first, SHA3-256 since processing baseline 04."""
LIBRARY_ERRORS = (ProjError, ShapelyError)


@dataclass(frozen=True)
class SafeProduct:
    """Files of a product, in a folder or a zip."""

    path: Path
    zipped: bool
    names: tuple[str, ...]

    def text(self, name: str) -> bytes:
        """Return the bytes of a member."""
        if self.zipped:
            with zipfile.ZipFile(self.path) as archive:
                return archive.read(name)
        return (self.path / name).read_bytes()

    def gdal_path(self, name: str) -> str:
        """Name a member as GDAL wants it."""
        if self.zipped:
            return f"/vsizip/{{{self.path.resolve().as_posix()}}}/{name}"
        return str(self.path / name)

    def stamp(self, name: str) -> str:
        """Return what identifies a version of a member: size and time, or size and checksum."""
        if self.zipped:
            with zipfile.ZipFile(self.path) as archive:
                info = archive.getinfo(name)
                return f"{info.file_size:x}-{info.CRC:08x}"
        stat = (self.path / name).stat()
        return f"{stat.st_size:x}-{stat.st_mtime_ns:x}"

    def problem_of(self, name: str) -> str | None:
        """Compare a member with the checksum of ``manifest.safe``, and that of the zip.

        Returns
        -------
        What is wrong; None where the member is whole, or nothing states its checksum.
        """
        stated = self._checksum(name)
        if stated is None and not self.zipped:
            return None
        kind, expected = stated or ("md5", None)
        try:
            found = self._digest(name, kind)
        except (zipfile.BadZipFile, zlib.error, OSError) as error:
            return reason_of(error)
        wrong = expected is not None and found != expected
        return f"bytes whose {kind.upper()} is not that of manifest.safe" if wrong else None

    def _checksum(self, name: str) -> tuple[str, str] | None:
        """Checksum that manifest.safe states for a member: algorithm and hexadecimal digits."""
        manifest = next((n for n in self.names if PurePosixPath(n).name == "manifest.safe"), None)
        if manifest is None:
            return None
        place = PurePosixPath(name).relative_to(PurePosixPath(manifest).parent)
        for stream in elements(parse(self, manifest), "byteStream"):
            location = next(elements(stream, "fileLocation"), None)
            checksum = next(elements(stream, "checksum"), None)
            if location is None or checksum is None:
                continue
            kind = checksum.get("checksumName", "").lower().replace("-", "_")
            if PurePosixPath(location.get("href", "")) == place and kind in CHECKSUMS:
                return kind, (checksum.text or "").strip().lower()
        return None

    def _digest(self, name: str, kind: str) -> str:
        digest = hashlib.new(kind, usedforsecurity=False)
        with ExitStack() as stack:
            if self.zipped:
                archive = stack.enter_context(zipfile.ZipFile(self.path))
                stream: IO[bytes] = stack.enter_context(archive.open(name))
            else:
                stream = stack.enter_context((self.path / name).open("rb"))
            for piece in iter(lambda: stream.read(2**20), b""):
                digest.update(piece)
        return digest.hexdigest()


def find_product(path: Path | str) -> SafeProduct:
    """Look into a SAFE folder, a folder around one, a zip, or beside a metadata file.

    Raises
    ------
    ImageryError
        The path is no product, nor its zip.
    """
    path = Path(path)
    if path.is_file() and path.suffix.lower() == ".xml":
        path = path.parent
    if path.is_dir():
        members = sorted(p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file())
        return SafeProduct(path, False, tuple(members))
    if path.is_file() and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return SafeProduct(path, True, tuple(n for n in archive.namelist() if n[-1] != "/"))
    state = "a file that is neither" if path.exists() else "nothing there"
    raise refuse(path.name, "a SAFE folder or its zip", state, "Check the path or download again")


def parse(product: SafeProduct, member: str) -> ElementTree.Element:
    """Parse an XML member of a product.

    Raises
    ------
    ImageryError
        The file cannot be read as XML.
    """
    try:
        root: ElementTree.Element = fromstring(product.text(member))
        return root
    except UNREADABLE as error:
        raise refuse(
            product.path.name,
            f"a product with a readable {PurePosixPath(member).name}",
            str(error) or type(error).__name__,
            DAMAGED,
        ) from error


def local_name(tag: str) -> str:
    """Strip the namespace, which differs between baselines."""
    return tag.rpartition("}")[2]


def elements(element: ElementTree.Element, tag: str) -> Iterator[ElementTree.Element]:
    """Find every element of a name, at any depth, whatever the namespace."""
    return (e for e in element.iter() if local_name(e.tag) == tag)


def text_of(element: ElementTree.Element, tag: str, default: str) -> str:
    """Return the text of the first element of a name."""
    found = next(elements(element, tag), None)
    return (found.text or "").strip() if found is not None else default


def number_of(element: ElementTree.Element, tag: str) -> float:
    """Return the number in the first element of a name."""
    return number(text_of(element, tag, ""), tag)


def number(text: str | None, tag: str) -> float:
    """Read a finite number of the metadata; ``tag`` names it in the error.

    Raises
    ------
    ImageryError
        The text is no number.
    """
    try:
        found = float(text or "")
    except ValueError:
        found = math.nan
    if math.isfinite(found):
        return found
    cure = "The metadata is damaged: download the product again"
    raise ImageryError(must(f"{tag} in the metadata", "a number", repr(text), cure))


def whole_number(text: str | None, tag: str) -> int:
    """Read a whole number of the metadata."""
    return int(number(text, tag))


@contextmanager
def readable(name: str, what: str) -> Iterator[None]:
    """Turn whatever damaged metadata make Python stumble over into one line.

    Raises
    ------
    ImageryError
        What is read inside fails.
    """
    try:
        yield
    except (ValueError, LookupError, TypeError, ArithmeticError, *LIBRARY_ERRORS) as error:
        problem = (str(error) or type(error).__name__).splitlines()[0]
        raise refuse(name, f"a product with {what} that can be read", problem, DAMAGED) from error


def refuse(name: str, allowed: str, got: object, cure: str) -> ImageryError:
    """Make the error for a scene."""
    return ImageryError(must(f"scene {name}", allowed, got, cure))
