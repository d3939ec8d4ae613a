"""Decode JPEG 2000 once: a tiled store of digital numbers that later passes read.

Decoding is the most expensive step of a Sentinel-2 scene. Windows follow the tiles of the file, so
that each is decoded once. GDAL can read across several tiles of a truncated file without an error
and with wrong values; a read of one tile fails.
"""

from __future__ import annotations

import hashlib
import threading
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import IO, Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS
from rasterio.errors import RasterioError
from rasterio.windows import Window as RasterioWindow

from gossan.errors import ImageryError, must, reason_of
from gossan.geo.blocks import Blocks, Progress
from gossan.geo.grid import Grid, Window
from gossan.geo.raster import RasterLayer, RasterWriter, atomic_path, open_raster
from gossan.imagery.sentinel2.safe import SafeProduct, refuse

_END_OF_CODESTREAM = b"\xff\xd9"


def decode(
    product: SafeProduct,
    member: str,
    bands: tuple[str, ...],
    grid: Grid,
    target: Path,
    blocks: Blocks | None = None,
) -> RasterLayer:
    """Decode one image into a tiled GeoTIFF, or reuse an existing one.

    Parameters
    ----------
    product, member
        The image and where it lies.
    bands
        Names given to the image's bands.
    grid
        Grid that the metadata state; the image must agree with it.
    target
        The store's file. Name it by :func:`store_name`, which holds a stamp of the source, so
        that a changed source is decoded again.
    blocks
        Threads to use.

    Returns
    -------
    RasterLayer of the digital numbers as stored (nothing is marked empty).

    Raises
    ------
    ImageryError
        The image is damaged, truncated or of another place or size than the metadata say.
    """
    if not target.exists():
        verify(product, member)
        _decode(product.gdal_path(member), target, bands, grid, blocks or Blocks())
    return open_raster(target)


@dataclass(frozen=True)
class DecodedBand:
    """Layer of the digital numbers of one image, decoded when first read.

    Inside :func:`without_decoding` single windows come straight from the image.

    Parameters
    ----------
    product, member, bands, grid, target
        As :func:`decode` takes them.
    workers
        Number of decoding threads.
    """

    product: SafeProduct = field(repr=False)
    member: str
    bands: tuple[str, ...]
    grid: Grid
    target: Path
    workers: int | None = None

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read the store, which is filled first unless only a preview is wanted."""
        if _previewing.get() and not self.target.exists():
            return self._preview(window)
        return self.stored().read(window)

    def _preview(self, window: Window) -> NDArray[np.float32]:
        """Read a window straight from the image, tile by tile."""
        verify(self.product, self.member)
        source = self.product.gdal_path(self.member)
        side = _check_image(source, self.grid)
        result = np.empty((len(self.bands), *window.shape), np.float32)
        handles = _Handles(source)
        try:
            for part in _parts(window, side):
                rows, columns = part.within(window)
                result[:, rows, columns] = _read_tile(handles, len(self.bands), part)
        finally:
            handles.close()
        return result

    def stored(self, progress: Progress | None = None) -> RasterLayer:
        """Return the store, decoding the image if it is not there yet."""
        if self.target in _stores and self.target.exists():
            return _stores[self.target]
        with _decoding:
            if self.target not in _stores or not self.target.exists():
                blocks = Blocks(workers=self.workers, progress=progress)
                _stores[self.target] = decode(
                    self.product, self.member, self.bands, self.grid, self.target, blocks
                )
            return _stores[self.target]

    def check(self) -> None:
        """Refuse a truncated or misplaced image without decoding it."""
        check_whole(self.product, self.member)
        _check_image(self.product.gdal_path(self.member), self.grid)


_decoding = threading.Lock()
_stores: dict[Path, RasterLayer] = {}
_previewing: ContextVar[bool] = ContextVar("previewing", default=False)


@contextmanager
def without_decoding() -> Iterator[None]:
    """Read images that have no store yet directly, for a few windows, without filling the store."""
    token = _previewing.set(True)
    try:
        yield
    finally:
        _previewing.reset(token)


def verify(product: SafeProduct, member: str) -> None:
    """Refuse an image that is truncated or does not match its checksum in ``manifest.safe``.

    Raises
    ------
    ImageryError
        With the reason.
    """
    problem = _problem(product, member, product.stamp(member))
    if problem:
        raise _damaged(member, problem)


@lru_cache(maxsize=1024)
def _problem(product: SafeProduct, member: str, stamp: str) -> str | None:
    """Return what is wrong with an image; hashed once for each ``stamp`` of the file."""
    return _truncation(product, member) or product.problem_of(member)


def store_name(product: SafeProduct, member: str) -> str:
    """Name the store of an image: its own name and a stamp of path, size and time."""
    text = f"{product.path.name}/{member}:{product.stamp(member)}"
    stamp = hashlib.sha256(text.encode()).hexdigest()[:10]
    return f"{Path(member).stem}.{stamp}.tif"


def check_whole(product: SafeProduct, member: str) -> None:
    """Refuse a truncated JP2 file without decoding it.

    Raises
    ------
    ImageryError
        The boxes of the file do not reach to its end.
    """
    problem = _truncation(product, member)
    if problem:
        raise _damaged(member, problem)


def _truncation(product: SafeProduct, member: str) -> str | None:
    """Walk the boxes of a JP2 file to its end; return what is wrong, or None."""
    if not product.zipped:
        with (product.path / member).open("rb") as stream:
            return _box_problem(stream, (product.path / member).stat().st_size)
    try:
        with zipfile.ZipFile(product.path) as archive, archive.open(member) as stream:
            return _box_problem(stream, archive.getinfo(member).file_size)
    except (zipfile.BadZipFile, zlib.error) as error:
        return reason_of(error)


def _box_problem(stream: IO[bytes], size: int) -> str | None:
    """Return what is wrong with the boxes of a JP2 stream of ``size`` bytes, or None."""
    start = 0
    while start + 8 <= size:
        stream.seek(start)
        head = stream.read(16)
        length, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if start == 0 and kind != b"jP  ":
            return "no JPEG 2000 file"
        length = int.from_bytes(head[8:16], "big") if length == 1 else length
        end = size if length == 0 else start + length
        if end > size:
            return f"{size} bytes of {end}"
        if kind == b"jp2c":
            stream.seek(end - 2)
            whole = stream.read(2) == _END_OF_CODESTREAM
            return None if whole else "a code-stream without its end"
        if end <= start:
            break
        start = end
    return "no code-stream"


def _decode(source: str, target: Path, bands: tuple[str, ...], grid: Grid, blocks: Blocks) -> None:
    """Decode tile by tile with several threads and write the store whole or not at all."""
    side = _check_image(source, grid)
    tiles = Blocks(side, blocks.workers, progress=blocks.progress)
    handles = _Handles(source)
    try:
        with atomic_path(target) as temporary:
            writer = RasterWriter(temporary, grid, bands, "uint16", None, "zstd")
            try:
                for window, values in tiles.map(partial(_read_tile, handles, len(bands)), grid):
                    writer.write(window, values)
            finally:
                writer.close()
    finally:
        handles.close()


def _check_image(source: str, grid: Grid) -> int:
    """Return the side of an image's tiles; it must lie where the metadata say."""
    name = source.rpartition("/")[2]
    try:
        with rasterio.open(source) as image:
            shape, transform, crs = image.shape, image.transform, image.crs
            side = max(image.block_shapes[0])
    except RasterioError as error:
        raise _damaged(name, str(error).splitlines()[0]) from error
    if shape != grid.shape:
        raise refuse(
            name,
            f"of {grid.height} x {grid.width} pixels",
            f"{shape[0]} x {shape[1]}",
            "The image belongs to another product: download it again",
        )
    if crs is not None:
        placed = Grid(CRS.from_wkt(crs.to_wkt()), Affine(*transform[:6]), *shape)
        if not placed.aligned_with(grid):
            raise refuse(
                name,
                f"placed at {grid.bounds[0], grid.bounds[3]} in {grid.crs.to_string()}",
                f"{placed.bounds[0], placed.bounds[3]} in {placed.crs.to_string()}",
                "The image belongs to another tile: download it again",
            )
    return int(side) if 128 <= side <= 4096 else 1024


def _parts(window: Window, side: int) -> Iterator[Window]:
    """Cut a window along the tiles of an image."""
    bottom, right = window.row + window.height, window.col + window.width
    for row in range(window.row - window.row % side, bottom, side):
        for col in range(window.col - window.col % side, right, side):
            top, left = max(row, window.row), max(col, window.col)
            yield Window(top, left, min(row + side, bottom) - top, min(col + side, right) - left)


class _Handles:
    """Open a source once per thread, and close all of them together."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._local = threading.local()
        self._all: list[Any] = []

    def get(self) -> Any:
        """Return this thread's own open file."""
        if not hasattr(self._local, "file"):
            self._local.file = rasterio.open(self.source)
            self._all.append(self._local.file)
        return self._local.file

    def close(self) -> None:
        """Close every file."""
        for file in self._all:
            file.close()


def _read_tile(handles: _Handles, count: int, window: Window) -> NDArray[np.uint16]:
    """Decode one tile."""
    place = RasterioWindow(window.col, window.row, window.width, window.height)
    try:
        values: NDArray[np.uint16] = handles.get().read(range(1, count + 1), window=place)
    except RasterioError as error:
        problem = f"a tile at row {window.row}, column {window.col} that does not decode"
        raise _damaged(handles.source.rpartition("/")[2], problem) from error
    return values


def write_jp2(path: Path, grid: Grid, array: NDArray[np.integer], tile: int = 1024) -> None:
    """Write (row, column) or (band, row, column) whole numbers as lossless JPEG 2000, in tiles."""
    bands = array.reshape(-1, *grid.shape)
    with rasterio.open(
        path,
        "w",
        driver="JP2OpenJPEG",
        height=grid.height,
        width=grid.width,
        count=len(bands),
        dtype=array.dtype.name,
        crs=rasterio.crs.CRS.from_wkt(grid.crs.to_wkt()),
        transform=grid.transform,
        QUALITY="100",
        REVERSIBLE="YES",
        YCBCR420="NO",
        BLOCKXSIZE=str(tile),
        BLOCKYSIZE=str(tile),
    ) as image:
        image.write(bands)


def _damaged(name: str, problem: str) -> ImageryError:
    return ImageryError(
        must(
            f"image {Path(name).name}",
            "a whole JPEG 2000 file",
            problem,
            "The file is damaged or truncated: download it again",
        )
    )
