"""Find the SAFE products that a path of a project file means."""

from __future__ import annotations

import itertools
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

from gossan.errors import ImageryError, must
from gossan.imagery.sentinel2.safe import find_product

METADATA = ("MTD_MSIL*.xml", "S2*_MTD_SAF*.xml")


def product_paths(path: Path) -> list[Path]:
    """List the products at a path: itself, or those in a folder that holds several.

    A product is a folder with the metadata of a user product, or a zip; how it is called does not
    matter. A zip beside the folder that it was unpacked to counts once.
    """
    if not path.is_dir() or _is_product(path):
        return [path]
    metadata = (
        file
        for depth, name in itertools.product(("*/", "*/*/"), METADATA)
        for file in path.glob(depth + name)
    )
    folders = sorted({file.parent for file in metadata})
    names = {folder.name.removesuffix(".SAFE") for folder in folders}
    zips = [
        file
        for file in sorted(path.iterdir())
        if file.is_file()
        and file.name.removesuffix(".zip").removesuffix(".SAFE") not in names
        and zipfile.is_zipfile(file)
    ]
    return [*folders, *zips] or [path]


def _is_product(path: Path) -> bool:
    return any(next(path.glob(pattern), None) for pattern in METADATA)


def of_tile(paths: Sequence[Path], tile: str | None) -> list[Path]:
    """Keep the products that hold a tile, by the names of their granules.

    Raises
    ------
    ImageryError
        None does.
    """
    if tile is None or len(paths) < 2:
        return list(paths)
    wanted = re.compile(rf"GRANULE/[^/]*T?{tile.upper().removeprefix('T')}(?:_|\.|/)")
    found = [path for path in paths if any(map(wanted.search, find_product(path).names))]
    if not found:
        names = ", ".join(path.name for path in paths[:4])
        raise ImageryError(
            must("tile", "in one of the products", f"{tile} ({names})", "Name another")
        )
    return found
