"""Rasters in and out: a file as a layer, and layers as cloud-optimised GeoTIFF."""

from __future__ import annotations

import os
import re
import threading
import uuid
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS
from rasterio.errors import NotGeoreferencedWarning, RasterioError, RasterioIOError
from rasterio.shutil import copy as gdal_copy
from rasterio.windows import Window as RasterioWindow

from gossan.arrays.empties import as_float, mark_in_type
from gossan.errors import (
    GossanError,
    GridError,
    ImageryError,
    InterruptedRunError,
    from_outside,
    must,
    reading,
    reason_of,
)
from gossan.geo.grid import Grid, Window
from gossan.geo.overviews import with_overviews
from gossan.geo.remote import gdal_name, is_remote

CACHE_MIB = 256
"""GDAL's block cache; its default of 5 % of memory only costs memory here."""

os.environ.setdefault("GDAL_CACHEMAX", str(CACHE_MIB))

_open_files = threading.local()
_HANDLES_PER_THREAD = 64


@dataclass(frozen=True)
class RasterLayer:
    """Read bands of one raster file as a layer; every thread opens the file once for itself.

    Pixels equal to the band's nodata value, masked by the file, or not finite are NaN. A
    south-up file is turned north-up while reading.

    Parameters
    ----------
    path
        Any raster that GDAL reads.
    bands
        Names given to the bands.
    indexes
        Band numbers in the file, from 1, one per name.
    grid
        North-up grid of the file.
    nodata
        Values that mark empty pixels, a tuple for each band (see ``mark_in_type``).
    flipped
        True when the file's rows run from south to north.
    masked
        True when the file carries a mask or alpha band that must be honoured.
    subdataset
        GDAL's name of the data set inside the file (netCDF, HDF5); empty for plain files.
    """

    path: Path
    bands: tuple[str, ...]
    indexes: tuple[int, ...]
    grid: Grid
    nodata: tuple[tuple[float, ...], ...] = ()
    flipped: bool = False
    masked: bool = False
    subdataset: str = ""

    @property
    def marks(self) -> tuple[tuple[float, ...], ...]:
        """Values that mark empty pixels, for every band."""
        return self.nodata or ((),) * len(self.bands)

    def read(self, window: Window) -> NDArray[np.float32]:
        """Return float32 (band, row, column); NaN is empty."""
        result = as_float(self.read_raw(window), self.marks)
        if self.masked:
            result[self._read(window, masks=True) == 0] = np.nan
        return result

    def read_raw(self, window: Window) -> NDArray[Any]:
        """Return the values as the file stores them, without marking empty pixels."""
        return self._read(window, masks=False)

    def _read(self, window: Window, masks: bool) -> NDArray[Any]:
        row = self.grid.height - window.row - window.height if self.flipped else window.row
        place = RasterioWindow(window.col, row, window.width, window.height)
        try:
            source = _handle(self.path, self.subdataset)
            read = source.read_masks if masks else source.read
            values = read(list(self.indexes), window=place)
        except RasterioError as error:
            raise ImageryError(
                must(
                    f"raster {self.path.name}",
                    "readable",
                    f"a read error at row {window.row}, column {window.col} ({reason_of(error)})",
                    "The file is damaged or truncated: copy or download it again",
                )
            ) from error
        return values[:, ::-1] if self.flipped else values


def open_raster(
    path: Path | str,
    names: Sequence[str] | None = None,
    indexes: Sequence[int] | None = None,
    nodata: Sequence[Sequence[float]] = (),
    subdataset: str = "",
) -> RasterLayer:
    """Open a raster as a layer, reading its header only.

    Parameters
    ----------
    path
        Raster file.
    names
        Names for the bands; by default the bands' descriptions, else ``<stem>`` or
        ``<stem>_1``, ``<stem>_2`` ...
    indexes
        Which bands, from 1; all by default (an alpha band is taken as a mask).
    nodata
        Further nodata values of each band, beside what the file declares.
    subdataset
        GDAL's name of the data set inside the file; empty for plain files.

    Raises
    ------
    ImageryError
        The file is missing, unreadable or has complex values.
    GridError
        It has no CRS, or is rotated.
    """
    path = Path(path)
    if not (path.exists() or is_remote(path)):
        raise ImageryError(must("raster", "an existing file", path, "Check the path"))
    with reading(path, ImageryError), rasterio.open(subdataset or gdal_name(path)) as source:
        alpha = rasterio.enums.ColorInterp.alpha
        coloured = [i for i, c in zip(source.indexes, source.colorinterp) if c != alpha]
        chosen = tuple(indexes or coloured)
        _refuse_complex(path, source, chosen)
        _require_whole(path, source)
        flags = {f for i in chosen for f in source.mask_flag_enums[i - 1]}
        masked = bool(flags & {rasterio.enums.MaskFlags.per_dataset})
        further = nodata or ((),) * len(chosen)
        return RasterLayer(
            path,
            tuple(names) if names else _band_names(path, source, chosen),
            chosen,
            _grid_of(path, source),
            tuple(_marks(source, i, extra) for i, extra in zip(chosen, further)),
            source.transform.e > 0,
            masked,
            subdataset,
        )


def _refuse_complex(path: Path, source: Any, chosen: Sequence[int]) -> None:
    kinds = {source.dtypes[i - 1] for i in chosen}
    wrong = sorted(kind for kind in kinds if kind.startswith("complex"))
    if wrong:
        cure = "Export the amplitude or one part as a raster of its own"
        raise ImageryError(must(f"raster {path.name}", "of real numbers", wrong[0], cure))


RAW_DRIVERS = ("ENVI", "ERS", "EHdr")
"""Formats of bare pixels: GDAL reads 0 where such a file ends too early, without an error."""


def _require_whole(path: Path, source: Any) -> None:
    """Refuse a file of bare pixels that is shorter than its header says."""
    packed = source.tags(ns="ENVI").get("file_compression", "0") != "0"
    narrow = source.count and "NBITS" in source.tags(1, ns="IMAGE_STRUCTURE")
    if source.driver not in RAW_DRIVERS or packed or narrow:
        return
    stated = source.height * source.width * sum(np.dtype(d).itemsize for d in source.dtypes)
    found = max((Path(name).stat().st_size for name in source.files if Path(name).is_file()),
                default=stated)  # fmt: skip
    if found < stated:
        got = f"{found} bytes of {stated}"
        cure = "Copy or download the file of pixels again, or correct its header"
        raise ImageryError(must(f"raster {path.name}", "as large as its header says", got, cure))


def _marks(source: Any, index: int, extra: Sequence[float]) -> tuple[float, ...]:
    """Collect the nodata values of a band, in the type that the file stores."""
    dtype = np.dtype(source.dtypes[index - 1])
    found = (mark_in_type(value, dtype) for value in (source.nodatavals[index - 1], *extra))
    return tuple(dict.fromkeys(mark for mark in found if mark is not None))


@dataclass(frozen=True)
class RasterHeader:
    """What a raster's header states about each of its bands, and the rasters inside it.

    Attributes
    ----------
    descriptions
        Description of each band, empty where there is none.
    scales, offsets
        Declared factor and summand of each band; 1 and 0 where none is declared.
    dtypes
        NumPy type of each band.
    wavelengths_um
        Central wavelength of each band (micrometres), None where it is not stated.
    subdatasets
        GDAL's names of the data sets inside (netCDF, HDF5).
    shape
        Rows and columns.
    bad
        Numbers of the bands, from 1, that an ENVI header marks as bad (``bbl``).
    """

    descriptions: tuple[str, ...]
    scales: tuple[float, ...]
    offsets: tuple[float, ...]
    dtypes: tuple[str, ...]
    wavelengths_um: tuple[float | None, ...]
    subdatasets: tuple[str, ...]
    shape: tuple[int, int]
    bad: tuple[int, ...] = ()


def read_header(path: Path | str) -> RasterHeader:
    """Read what a raster states about its bands.

    Raises
    ------
    ImageryError
        GDAL cannot read the file.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(gdal_name(path)) as source:
                return RasterHeader(
                    tuple(text or "" for text in source.descriptions),
                    _scales(source),
                    tuple(map(float, source.offsets)),
                    tuple(source.dtypes),
                    tuple(_wavelength(source, i) for i in source.indexes),
                    tuple(source.subdatasets),
                    (source.height, source.width),
                    _bad_bands(source),
                )
    except RasterioIOError as error:
        name = Path(path).name
        is_archive = Path(path).suffix.lower() in (".zip", ".tar", ".gz", ".7z", ".rar")
        cure = "Unpack the archive and name the rasters in it" if is_archive else "Check the file"
        allowed = "readable by GDAL"
        raise ImageryError(must(f"raster {name}", allowed, reason_of(error), cure)) from error


def _scales(source: Any) -> tuple[float, ...]:
    """Read the factors that bands declare; ENVI states the number that means a reflectance of 1."""
    scales = tuple(map(float, source.scales))
    stated = source.tags(ns="ENVI").get("reflectance_scale_factor", "")
    try:
        factor = float(stated)
    except ValueError:
        return scales
    return (1.0 / factor,) * len(scales) if factor > 0 and set(scales) == {1.0} else scales


def _bad_bands(source: Any) -> tuple[int, ...]:
    """Read ENVI's list of bad bands: 0 is bad; a list of another length says nothing."""
    flags = source.tags(ns="ENVI").get("bbl", "").strip("{} ").split(",")
    if len(flags) != source.count:
        return ()
    return tuple(i for i, flag in enumerate(flags, 1) if flag.strip() in ("0", "0.0"))


def _wavelength(source: Any, index: int) -> float | None:
    """Read a band's central wavelength in micrometres (GDAL's own item, or ENVI's)."""
    tags = {key.lower(): value for key, value in source.tags(index).items()}
    imagery = source.tags(index, ns="IMAGERY")
    try:
        if "CENTRAL_WAVELENGTH_UM" in imagery:
            return float(imagery["CENTRAL_WAVELENGTH_UM"])
        found = float(tags["wavelength"])
    except (KeyError, ValueError):
        return None
    units = tags.get("wavelength_units", "nanometers" if found > 100 else "micrometers").lower()
    return found / 1000.0 if units.startswith(("nano", "nm")) else found


def _band_names(path: Path, source: Any, chosen: Sequence[int]) -> tuple[str, ...]:
    described = [source.descriptions[i - 1] for i in chosen]
    if all(described) and len(set(described)) == len(described):
        return tuple(described)
    if len(chosen) == 1:
        return (path.stem,)
    return tuple(f"{path.stem}_{i}" for i in chosen)


def _grid_of(path: Path, source: Any) -> Grid:
    t = source.transform
    if t == Affine.identity():
        cure = (
            "Give it bounds (gdal_translate -a_ullr), in netCDF by x and y with their attributes "
            "(rioxarray: write_transform); a swath, as of EMIT or PRISMA, must be orthorectified"
        )
        got = "no place of its pixels"
        raise GridError(must(f"raster {path.name}", "georeferenced", got, cure))
    if source.crs is None:
        cure = _cure_without_crs(source)
        raise GridError(must(f"raster {path.name}", "georeferenced with a CRS", "none", cure))
    if not np.isfinite(t[:6]).all():
        cure = "Assign its bounds again, for example with gdal_edit.py -a_ullr"
        raise GridError(
            must(f"raster {path.name}", "georeferenced", "a transform that is no number", cure)
        )
    if t.b or t.d:
        raise GridError(
            must(f"raster {path.name}", "north-up", "a rotated grid", "Warp it with gdalwarp")
        )
    if t.e > 0:
        t = Affine(t.a, 0.0, t.c, 0.0, -t.e, t.f + t.e * source.height)
    return Grid(CRS.from_wkt(source.crs.to_wkt()), t, source.height, source.width)


def _cure_without_crs(source: Any) -> str:
    """Say how a raster gets its CRS: one in degrees must also be brought to metres."""
    left, bottom, right, top = source.bounds
    if max(abs(left), abs(right)) > 360 or max(abs(bottom), abs(top)) > 90:
        return "Assign it, for example with gdal_edit.py -a_srs EPSG:32638"
    longitude, north = (left + right) / 2, bottom + top >= 0
    zone = int((longitude + 180) % 360 // 6) + 1
    return (
        "Its places look like degrees: bring it to metres with gdalwarp -s_srs EPSG:4326 "
        f"-t_srs EPSG:{(32600 if north else 32700) + zone} -r cubic"
    )


def _handle(path: Path, subdataset: str = "") -> Any:
    """Open a file for this thread, or return the one that it holds open."""
    cache: dict[tuple[str, int], Any] = getattr(_open_files, "cache", {})
    _open_files.cache = cache
    key = (subdataset or str(path), 0 if is_remote(path) else path.stat().st_mtime_ns)
    if key not in cache:
        if len(cache) >= _HANDLES_PER_THREAD:
            cache.pop(next(iter(cache))).close()
        cache[key] = rasterio.open(subdataset or gdal_name(path))
    return cache[key]


def read_overview(path: Path | str, max_pixels: int) -> tuple[NDArray[np.float32], Grid]:
    """Read a whole raster at a coarser pixel, through the file's overviews where it has them.

    Parameters
    ----------
    path
        Raster file.
    max_pixels
        Most pixels per band to give back; a smaller raster comes as it is.

    Returns
    -------
    float32 (band, row, column), NaN is empty, and its grid. A coarse pixel is the mean of the
    filled pixels below it, as the overviews are.

    Raises
    ------
    ImageryError, GridError
        As ``open_raster``.
    """
    layer = open_raster(path)
    factor = max(1.0, float(np.sqrt(layer.grid.height * layer.grid.width / max_pixels)))
    height, width = (max(1, int(n / factor)) for n in layer.grid.shape)
    shape = (len(layer.bands), height, width)
    average = rasterio.enums.Resampling.average
    with rasterio.open(layer.path) as source:
        found = source.read(list(layer.indexes), out_shape=shape, masked=True, resampling=average)
    values = np.ma.filled(found.astype(np.float32), np.nan)
    values[~np.isfinite(values)] = np.nan
    size = (layer.grid.pixel_width, layer.grid.pixel_height)
    left, top = layer.grid.transform.c, layer.grid.transform.f
    across, down = size[0] * layer.grid.width / width, size[1] * layer.grid.height / height
    grid = Grid(layer.grid.crs, Affine(across, 0.0, left, 0.0, -down, top), height, width)
    return values[:, ::-1] if layer.flipped else values, grid


def close_files() -> None:
    """Close the files that this thread holds open (before they are replaced or removed)."""
    for source in getattr(_open_files, "cache", {}).values():
        source.close()
    _open_files.cache = {}


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Return a temporary name in the same folder; take its place on success, remove it on failure.

    Raises
    ------
    InterruptedRunError
        The disk is full, or the folder cannot be written.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with atomic_path(folder / "a.txt") as temporary:
    ...     _ = temporary.write_text("whole")
    >>> [p.name for p in folder.iterdir()]
    ['a.txt']
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_trouble(path, error) from error
    temporary = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}.partial{path.suffix}")
    try:
        yield temporary
        _flush(temporary)
        temporary.replace(path)
    except GossanError:
        raise
    except Exception as error:
        if from_outside(error) is None:
            raise
        raise disk_trouble(path, error) from error
    finally:
        with suppress(OSError):  # a folder that became read-only must not hide the reason
            temporary.unlink(missing_ok=True)


def remove_leftovers(path: Path) -> None:
    """Remove what killed commands left behind while they wrote a file.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / ".a.0123abcd.partial.csv").write_text("half")
    >>> remove_leftovers(folder / "a.csv")
    >>> list(folder.iterdir())
    []
    """
    pattern = re.compile(
        re.escape(f".{path.stem}.") + r"[0-9a-f]{8}\.partial" + re.escape(path.suffix)
    )
    folder = path.parent
    for one in folder.iterdir() if folder.is_dir() else ():
        if pattern.fullmatch(one.name) and one.is_file():
            one.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    """Bring a file to the disk before it takes its final name; folders have no bytes to bring."""
    if path.is_dir():
        return
    with path.open("r+b") as stream:
        os.fsync(stream.fileno())


def disk_trouble(path: Path, error: Exception) -> InterruptedRunError:
    """Word a failure to write."""
    cure = "Free disk space or choose another folder; finished steps are kept"
    if isinstance(error, PermissionError) and path.exists():
        cure = f"Close the program that has {path.name} open, or choose another folder"
    reason = getattr(error, "strerror", None) or reason_of(error)
    allowed = "writable with room on the disk"
    return InterruptedRunError(must(f"the folder {path.parent}", allowed, reason, cure))


class RasterWriter:
    """Write windows of one raster in any order, from one thread at a time.

    The file is a plain tiled GeoTIFF; ``write_cog`` and ``Blocks`` use it as scratch or store.
    """

    def __init__(
        self,
        path: Path,
        grid: Grid,
        bands: Sequence[str],
        dtype: str = "float32",
        nodata: float | None = float("nan"),
        compress: str | None = None,
    ) -> None:
        self.path = Path(path)
        options: dict[str, Any] = {"tiled": True, "blockxsize": 512, "blockysize": 512}
        if compress == "zstd":
            options |= {"compress": "zstd", "zstd_level": 1}
            options |= {"predictor": 3 if dtype.startswith("float") else 2}
        self._file = rasterio.open(
            self.path,
            "w",
            driver="GTiff",
            height=grid.height,
            width=grid.width,
            count=len(bands),
            dtype=dtype,
            crs=rasterio.crs.CRS.from_wkt(grid.crs.to_wkt()),
            transform=grid.transform,
            nodata=nodata,
            BIGTIFF="IF_SAFER",
            interleave="band",
            SPARSE_OK=True,
            **options,
        )
        for index, name in enumerate(bands, 1):
            self._file.set_band_description(index, name)

    def write(self, window: Window, values: NDArray[Any]) -> None:
        """Write (band, row, column) into a window."""
        place = RasterioWindow(window.col, window.row, window.width, window.height)
        self._file.write(values, window=place)

    def tag(self, tags: Mapping[str, str], band: int | None = None) -> None:
        """Set tags of the file, or of one band (from 1)."""
        if band is None:
            self._file.update_tags(**tags)
        else:
            self._file.update_tags(band, **tags)

    def set_unit(self, unit: str) -> None:
        """Set the unit of every band."""
        self._file.units = [unit] * self._file.count

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


def cog_from(scratch: Path, path: Path, threads: int = 2, resampling: str = "AVERAGE") -> None:
    """Turn a finished GeoTIFF into a cloud-optimised one (DEFLATE, 512 blocks, overviews).

    Maps leave the run folder for any GIS, and not every one reads ZSTD or the floating-point
    predictor: DEFLATE without it costs as little time and about a third more space. The digits of
    a map are noise to DEFLATE: its lowest level makes files as small as the usual one does, in
    half the time.
    """
    with rasterio.open(scratch) as source:
        dtype = np.dtype(source.dtypes[0])
    floating = dtype.kind == "f"
    differences = not floating and dtype.itemsize < 8  # older GDAL has none of 64 bits
    own = with_overviews(scratch) if floating and resampling == "AVERAGE" else nullcontext(scratch)
    with own as shown:
        gdal_copy(
            shown,
            path,
            driver="COG",
            COMPRESS="DEFLATE",
            LEVEL="1",
            PREDICTOR="STANDARD" if differences else "NO",
            BLOCKSIZE="512",
            OVERVIEW_RESAMPLING=resampling,
            NUM_THREADS=str(threads),
            BIGTIFF="IF_SAFER",
            STATISTICS="AUTO",
        )


def write_array(
    path: Path, grid: Grid, bands: Sequence[str], array: NDArray[Any], unit: str = ""
) -> None:
    """Write an array (band, row, column) held in memory as a cloud-optimised GeoTIFF, whole."""
    with atomic_path(Path(path)) as temporary:
        scratch = temporary.with_suffix(".scratch.tif")
        try:
            nodata = float("nan") if np.issubdtype(array.dtype, np.floating) else None
            writer = RasterWriter(scratch, grid, bands, str(array.dtype), nodata)
            writer.write(grid.whole, array)
            if unit:
                writer.set_unit(unit)
            writer.close()
            cog_from(scratch, temporary, resampling="AVERAGE" if nodata is not None else "NEAREST")
        finally:
            scratch.unlink(missing_ok=True)
