"""Read an ASTER L1T scene in HDF-EOS2 (HDF4), version 003, window by window."""

from __future__ import annotations

import re
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS

from gossan.catalogue.sensors import AsterBand, aster_band, aster_bands
from gossan.errors import ImageryError, MissingDependencyError, must
from gossan.geo.child_process import in_child_process
from gossan.geo.grid import Grid, Window
from gossan.imagery.aster.metadata import SURFACE_SCALE, AsterMetadata, numbers, read_metadata
from gossan.imagery.aster.odl import Values, parse_odl

GROUPS = {"VNIR": "v", "SWIR": "s", "TIR": "t"}
FALSE_NORTHING = 10_000_000.0
MOST_TURNED_DEG = 0.01
"""Map orientation from which an image is not north-up; level 2 of version 003 follows the track."""
_LIBRARY = threading.Lock()  # the HDF4 library keeps global tables: one thread at a time


_decoded: dict[tuple[str, int, str], NDArray[Any]] = {}
_DECODED_BANDS = 12


@dataclass(frozen=True)
class HdfLayer:
    """Layer of the digital numbers of one telescope, read from the HDF file.

    Digital number 0 is empty (NaN); saturated pixels keep their number. Reading is safe from
    many threads: the HDF4 library is entered by one at a time.

    Parameters
    ----------
    path
        The ``.hdf`` file.
    grid
        Where the telescope's pixels are.
    bands, datasets
        Names of the bands, and of their data sets in the file.
    scale
        Factor of what is stored (0.001 in level 2).
    """

    path: Path
    grid: Grid
    bands: tuple[str, ...]
    datasets: tuple[str, ...]
    scale: float = 1.0

    @property
    def entries(self) -> int:
        """Number of different digital numbers (256, or 4096 for thermal bands); 0 in level 2."""
        return aster_band(self.bands[0]).saturated + 1 if self.scale == 1.0 else 0

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read float32 digital numbers or reflectance (band, row, column); NaN is empty."""
        result = self.read_raw(window).astype(np.float32)
        result[result <= 0] = np.nan
        if self.scale != 1.0:
            result *= np.float32(self.scale)
        return result

    def read_raw(self, window: Window) -> NDArray[Any]:
        """Return the digital numbers as the file stores them (unsigned)."""
        with _LIBRARY:
            file = _open(self.path)
            try:
                return np.stack([self._read_one(file, name, window) for name in self.datasets])
            finally:
                file.end()

    def _read_one(self, file: Any, name: str, window: Window) -> NDArray[Any]:
        from pyhdf.error import HDF4Error

        row, col, height, width = window
        key = (str(self.path), self.path.stat().st_mtime_ns, name)
        if key in _decoded:
            return _decoded[key][window.slices]
        dataset = None
        try:
            dataset = file.select(name)
            if _is_compressed(dataset):
                return _keep(key, dataset.get())[window.slices]
            values: NDArray[Any] = dataset.get(start=(row, col), count=(height, width))
            return values
        except (HDF4Error, ValueError) as error:
            raise _damaged(self.path, f"{name} cannot be read at row {row}") from error
        finally:
            if dataset is not None:
                dataset.endaccess()


def _is_compressed(dataset: Any) -> bool:
    """Whether a data set is compressed: a window of it then costs decoding all of it."""
    from pyhdf.error import HDF4Error

    try:
        return int(dataset.getcompress()[0]) != 0
    except HDF4Error:
        return False


def _keep(key: tuple[str, int, str], values: NDArray[Any]) -> NDArray[Any]:
    """Cache the last decoded bands (at most 250 MB)."""
    while len(_decoded) >= _DECODED_BANDS:
        _decoded.pop(next(iter(_decoded)))
    _decoded[key] = values
    return values


def open_hdf(path: Path, time: datetime | None = None) -> tuple[AsterMetadata, dict[str, HdfLayer]]:
    """Open a scene of version 003 (L1T, AST_07, AST_07XT), reading its headers only.

    Parameters
    ----------
    path
        The ``.hdf`` file as downloaded.
    time
        When the scene was taken, for files that do not say.

    Returns
    -------
    The scene's metadata, and for each telescope that was on (``VNIR``, ``SWIR``, ``TIR``) a
    layer of its digital numbers, or of surface reflectance.

    Raises
    ------
    ImageryError
        The file is not HDF4, is truncated, lacks metadata, or holds another product.
    """
    path = Path(path)
    texts, shapes = in_child_process(path.name, ImageryError, _survey_file, path)
    by_attribute = {name: parse_odl(text) for name, text in texts.items()}
    values: Values = {}
    for found in by_attribute.values():
        values = {**found, **values}
    metadata = read_metadata(values, path.name, time)
    if "UPPERLEFTM" not in values:
        raise ImageryError(
            must(
                f"{path.name}",
                "an ASTER L1T file with its product metadata",
                f"metadata {', '.join(sorted(texts)) or 'none'} without UPPERLEFTM",
                "Download the L1T granule (AST_L1T) as .hdf, unchanged",
            )
        )
    layers = {}
    scale = SURFACE_SCALE if metadata.is_surface_reflectance else 1.0
    for group, letter in GROUPS.items():
        bands = [b for b in aster_bands() if b.group == group and b.name in shapes]
        if bands:
            own = {**values, **by_attribute.get(f"productmetadata.{letter}", {})}
            layers[group] = _group_layer(path, bands, shapes, own, scale)
    if not layers:
        raise ImageryError(
            must(
                f"{path.name}",
                "an ASTER L1T file with image data",
                "no ImageData set",
                "Download the granule again",
            )
        )
    return metadata, layers


def _group_layer(
    path: Path,
    bands: list[AsterBand],
    shapes: dict[str, tuple[str, int, int]],
    values: Values,
    scale: float,
) -> HdfLayer:
    found = {shapes[band.name][1:] for band in bands}
    if len(found) > 1:
        raise _damaged(path, f"the bands of {bands[0].group} differ in size")
    (shape,) = found
    grid = scene_grid(values, shape, bands[0].pixel_m, path.name)
    names = tuple(b.name for b in bands)
    return HdfLayer(path, grid, names, tuple(shapes[name][0] for name in names), scale)


def scene_grid(values: Values, shape: tuple[int, int], pixel_m: int, name: str) -> Grid:
    """Place a telescope's pixels.

    ``UPPERLEFTM`` and ``LOWERRIGHTM`` are northing, easting of the centres of the first and last
    pixel, so the corner lies half a pixel further out. South of the equator the northing is
    negative, or zone and latitude say so: 10 000 000 is added to a negative northing and the
    southern UTM system taken.

    Raises
    ------
    ImageryError
        The zone is missing, the corners do not fit the image, or the image is not north-up.
    """
    turned = numbers(values, "MAPORIENTATIONANGLE", 1, name)
    if turned is not None and abs(turned[0]) > MOST_TURNED_DEG:
        cure = "Order version 004, or warp it (gdalwarp -t_srs EPSG:326xx) and read the result"
        got = f"turned by {turned[0]:.2f} degrees along the track"
        raise ImageryError(must(f"{name}: the image", "north-up", got, cure))
    first = numbers(values, "UPPERLEFTM", 2, name)
    last = numbers(values, "LOWERRIGHTM", 2, name)
    zone, southern = _zone(values, name)
    if first is None:
        raise ImageryError(
            must(f"{name}: UPPERLEFTM", "in the metadata", "nothing", "Download it again")
        )
    north, east = first
    if last is not None:
        steps = max(shape[0], 2), max(shape[1], 2)
        spans = (north - last[0]) / steps[0], (last[1] - east) / steps[1]
        if any(abs(span / pixel_m - 1) > 0.05 for span in spans) and min(shape) > 20:
            raise ImageryError(
                must(
                    f"{name}: the corners",
                    f"{pixel_m} m pixels apart for {shape} pixels",
                    f"{spans[0]:.1f} x {spans[1]:.1f} m",
                    "The metadata is damaged: download the scene again",
                )
            )
    if north < 0:
        north, southern = north + FALSE_NORTHING, True
    crs = CRS.from_epsg((32700 if southern else 32600) + zone)
    half = pixel_m / 2
    transform = Affine(pixel_m, 0.0, east - half, 0.0, -pixel_m, north + half)
    return Grid(crs, transform, *shape)


def _zone(values: Values, name: str) -> tuple[int, bool]:
    keys = ["UTMZONENUMBER", *(k for k in sorted(values) if re.fullmatch(r"UTMZONECODE\w*", k))]
    for key in keys:
        found = numbers(values, key, 1, name)
        if found is not None and 1 <= abs(found[0]) <= 60:
            south = numbers(values, "NORTHBOUNDINGCOORDINATE", 1, name)
            return abs(int(found[0])), found[0] < 0 or (south is not None and south[0] < 0)
    raise ImageryError(
        must(
            f"{name}: the UTM zone",
            "1 to 60 in the metadata",
            ", ".join(values.get("UTMZONENUMBER", ("nothing",))),
            "Only scenes in UTM are read: order L1T without another projection",
        )
    )


def _headers(path: Path) -> tuple[dict[str, str], dict[str, tuple[str, int, int]]]:
    """Read the text attributes, and by band the data set's name, rows and columns."""
    if not path.is_file():
        raise ImageryError(must("an ASTER scene", "an existing file", path, "Check the path"))
    hdf4_library()
    from pyhdf.error import HDF4Error

    with _LIBRARY:
        file = _open(path)
        try:
            attributes = file.attributes()
            datasets = file.datasets()
        except HDF4Error as error:
            raise _damaged(path, "its table of contents cannot be read") from error
        finally:
            file.end()
    texts = {k.lower(): v for k, v in attributes.items() if isinstance(v, str)}
    shapes = {}
    for band in aster_bands():
        for name in (band.dataset, f"Band{band.label}"):  # L1T; level 2
            if name in datasets and len(datasets[name][1]) == 2:
                shapes[band.name] = (name, *datasets[name][1])
    return texts, shapes


def _survey_file(path: Path) -> tuple[dict[str, str], dict[str, tuple[str, int, int]]]:
    """Read the headers and, once, all pixels: what ends the library does so in the child process.

    Afterwards the pixels are read in the process that needs them, window by window.
    """
    texts, shapes = _headers(path)
    file = _open(path)
    for name, _, _ in shapes.values():
        _read_whole(file, name)
    file.end()
    return texts, shapes


def _read_whole(file: Any, name: str) -> None:
    """Decode a data set; an error is reported by who needs its pixels."""
    from pyhdf.error import HDF4Error

    with suppress(HDF4Error, ValueError):
        dataset = file.select(name)
        dataset.get()
        dataset.endaccess()


def hdf4_library() -> Any:
    """Return the module ``pyhdf.SD``.

    Raises
    ------
    MissingDependencyError
        It is not installed, or its compiled part does not load.
    """
    try:
        from pyhdf import SD
    except ImportError as error:
        cure = "pip install pyhdf (conda install pyhdf), or use the V004 GeoTIFF granule"
        raise MissingDependencyError(
            must("pyhdf", "installed and able to load for ASTER .hdf files", error, cure)
        ) from error
    return SD


def _open(path: Path) -> Any:
    library = hdf4_library()
    from pyhdf.error import HDF4Error

    try:
        return library.SD(str(path), library.SDC.READ)
    except HDF4Error as error:
        raise _damaged(path, "it does not open as HDF4") from error


def _damaged(path: Path, what: str) -> ImageryError:
    return ImageryError(
        must(
            path.name,
            "a whole ASTER HDF4 file",
            what,
            "It is damaged, truncated or another format: download it again",
        )
    )
