"""Look into a product: a folder or a zip of files, with metadata in XML."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

from gossan.errors import ImageryError, must


@dataclass(frozen=True)
class Product:
    """See the files of a product alike in a folder and in a zip."""

    path: Path
    zipped: bool
    names: tuple[str, ...]

    def text(self, name: str) -> bytes:
        """Give the bytes of a member."""
        if self.zipped:
            with zipfile.ZipFile(self.path) as archive:
                return archive.read(name)
        return (self.path / name).read_bytes()

    def gdal_path(self, name: str) -> str:
        """Name a member as GDAL wants it."""
        if self.zipped:
            return f"/vsizip/{self.path.resolve().as_posix()}/{name}"
        return str(self.path / name)

    def stamp(self, name: str) -> str:
        """Tell one version of a member from another: size and time, or size and checksum."""
        if self.zipped:
            with zipfile.ZipFile(self.path) as archive:
                info = archive.getinfo(name)
                return f"{info.file_size:x}-{info.CRC:08x}"
        stat = (self.path / name).stat()
        return f"{stat.st_size:x}-{stat.st_mtime_ns:x}"


def find_product(path: Path | str) -> Product:
    """Look into a SAFE folder, a folder around one, a zip, or beside a metadata file."""
    path = Path(path)
    if path.is_file() and path.suffix.lower() == ".xml":
        path = path.parent
    if path.is_dir():
        members = sorted(p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file())
        return Product(path, False, tuple(members))
    if path.is_file() and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return Product(path, True, tuple(n for n in archive.namelist() if n[-1] != "/"))
    state = "a file that is neither" if path.exists() else "nothing there"
    raise refuse(path.name, "a SAFE folder or its zip", state, "Check the path or download again")


def parse(product: Product, member: str) -> ElementTree.Element:
    """Parse an XML member of a product."""
    try:
        return ElementTree.fromstring(product.text(member))
    except (ElementTree.ParseError, OSError, zipfile.BadZipFile) as error:
        raise refuse(
            product.path.name,
            f"a product with a readable {PurePosixPath(member).name}",
            str(error),
            "The file is damaged or truncated: download it again",
        ) from error


def local_name(tag: str) -> str:
    """Strip the namespace, which differs between baselines."""
    return tag.rpartition("}")[2]


def elements(element: ElementTree.Element, tag: str) -> Iterator[ElementTree.Element]:
    """Find every element of a name, at any depth, whatever the namespace."""
    return (e for e in element.iter() if local_name(e.tag) == tag)


def text_of(element: ElementTree.Element, tag: str, default: str) -> str:
    """Give the text of the first element of a name."""
    found = next(elements(element, tag), None)
    return (found.text or "").strip() if found is not None else default


def number_of(element: ElementTree.Element, tag: str) -> float:
    """Give the number in the first element of a name."""
    text = text_of(element, tag, "")
    try:
        return float(text)
    except ValueError as error:
        raise ImageryError(
            must(f"{tag} in the metadata", "a number", repr(text), "Download the product again")
        ) from error


def refuse(name: str, allowed: str, got: object, cure: str) -> ImageryError:
    """Word what is wrong with a scene."""
    return ImageryError(must(f"scene {name}", allowed, got, cure))
