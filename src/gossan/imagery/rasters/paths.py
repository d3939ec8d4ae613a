"""Find the rasters that an imagery names: files, folders, patterns, data sets inside files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gossan.errors import ImageryError, must
from gossan.geo.raster import RasterHeader, read_header
from gossan.geo.remote import is_remote, remote_path
from gossan.imagery.rasters.stac_items import StacItem, read_item

SUFFIXES = (".tif", ".tiff", ".vrt", ".jp2", ".img", ".ers", ".nc", ".asc", ".grd", ".bil", ".bsq")
PATTERN = set("*?[")


@dataclass(frozen=True)
class RasterSource:
    """One raster: its file, the data set in it (GDAL's name, usually none), its header."""

    path: Path
    header: RasterHeader
    subdataset: str = ""

    @property
    def stem(self) -> str:
        """Name of the raster: the data set's, else the file's."""
        return self.subdataset.rpartition(":")[2].strip('"/') or self.path.stem


def resolve(path: Path, base_folder: Path | str, name: str) -> Path:
    """Find a path of a project file beside the project file; addresses are taken as they are.

    Raises
    ------
    ImageryError
        There is nothing at that path.
    """
    address = path if is_remote(path) else remote_path(path.as_posix())
    if address is not None:
        return address
    found = Path(base_folder) / path.expanduser()
    if not found.exists():
        raise ImageryError(
            must(
                f"imagery {name!r}: path",
                "an existing file or folder",
                str(found),
                "Correct paths in the project file",
            )
        )
    return found


def resolve_all(paths: Sequence[Path], base_folder: Path | str, name: str) -> list[Path]:
    """Find the files and folders of ``paths``; patterns such as ``bands/*.tif`` are expanded.

    A STAC item (``items/*.json``) stands for the rasters that it names.

    Raises
    ------
    ImageryError
        A path does not exist, a pattern matches nothing, or an item cannot be used.
    """
    found: list[Path] = []
    for path in _expanded(paths, base_folder, name):
        found += read_item(path).assets if _is_item(path) else [path]
    return list(dict.fromkeys(found))


def items_among(paths: Sequence[Path], base_folder: Path | str, name: str) -> list[StacItem]:
    """Read the STAC items among the files of ``paths``."""
    return [read_item(path) for path in _expanded(paths, base_folder, name) if _is_item(path)]


def _is_item(path: Path) -> bool:
    return path.suffix.lower() == ".json" and (path.is_file() or is_remote(path))


def _expanded(paths: Sequence[Path], base_folder: Path | str, name: str) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if not PATTERN & set(str(path)) or (Path(base_folder) / path).exists():
            found.append(resolve(path, base_folder, name))
            continue
        absolute = Path(base_folder).resolve() / path.expanduser()
        anchor = Path(absolute.anchor)
        matched = sorted(anchor.glob(str(absolute.relative_to(anchor))))
        if not matched:
            cure = "Correct paths in the project file"
            raise ImageryError(must(f"imagery {name!r}: path", "matched by a file", path, cure))
        found += matched
    return list(dict.fromkeys(found))


DATA_OF_ENVI = ("", ".dat", ".img", ".bsq", ".bil", ".bip", ".raw", ".bin")
"""Endings of the file of pixels beside a header of ENVI."""


def _pixels_of(header: Path) -> Path:
    """Name the file of pixels that an ENVI header describes; other files are their own.

    GDAL opens ENVI rasters by their pixels, people by their header.
    """
    if header.suffix.lower() != ".hdr":
        return header
    found = [header.with_suffix(ending) for ending in DATA_OF_ENVI]
    return next((path for path in found if path.is_file()), header)


def raster_sources(paths: Sequence[Path], name: str) -> list[RasterSource]:
    """List the rasters in files and folders, reading headers only.

    Raises
    ------
    ImageryError
        A folder holds no raster, or GDAL cannot read a file.
    """
    return [source for path in paths for file in _files(path, name) for source in _inside(file)]


def _files(path: Path, name: str) -> list[Path]:
    if not path.is_dir() or (path / "hdr.adf").exists():  # the latter is an Esri grid
        return [_pixels_of(path)]
    found = [p for p in sorted(path.iterdir()) if p.is_file() and _is_raster(p)]
    if not found:
        cure = f"Name files, or a folder of {', '.join(SUFFIXES)}"
        raise ImageryError(must(f"imagery {name!r}: {path.name}", "a folder of rasters", 0, cure))
    return found


def _is_raster(path: Path) -> bool:
    """Whether a file is a raster, by its suffix or the ENVI header beside it."""
    return path.suffix.lower() in SUFFIXES or (
        path.suffix.lower() not in (".hdr", ".xml") and path.with_suffix(".hdr").exists()
    )


def _inside(path: Path) -> list[RasterSource]:
    """List a file's own raster, else those of its data sets that have the most pixels."""
    header = read_header(path)
    if header.dtypes or not header.subdatasets:
        return [RasterSource(path, header)]
    found = [RasterSource(path, read_header(name), name) for name in header.subdatasets]
    largest = max(source.header.shape for source in found)
    return [source for source in found if source.header.shape == largest]
