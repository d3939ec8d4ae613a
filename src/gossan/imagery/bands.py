"""Open any rasters as they are and stack their bands on one grid."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gossan.errors import GossanWarning, ImageryError, must
from gossan.geo.layer import Layer, MappedLayer, RenamedLayer
from gossan.geo.raster import declared_scale, open_raster
from gossan.imagery.settings import ImagerySettings
from gossan.imagery.stack import stack


@dataclass(frozen=True)
class Rescale:
    """Turn stored values into physical ones: ``value = stored * scale + offset``.

    Parameters
    ----------
    scale, offset
        Factor and summand, the same for every band.
    nodata
        Stored value that means empty, tested before scaling; None for none.

    Examples
    --------
    >>> Rescale(1e-4, -0.1, 0.0)(np.array([[[0.0, 3000.0]]]))
    array([[[nan, 0.2]]], dtype=float32)
    """

    scale: float = 1.0
    offset: float = 0.0
    nodata: float | None = None

    def __call__(self, stored: NDArray[np.floating]) -> NDArray[np.float32]:
        """Scale (band, row, column) values."""
        value = np.asarray(stored * self.scale + self.offset, np.float32)
        if self.nodata is not None:
            value[stored == np.float32(self.nodata)] = np.nan
        return value


def open_bands(settings: ImagerySettings, base_folder: Path | str = ".") -> Layer:
    """Open the rasters of an imagery with ``sensor = "bands"`` as one stack.

    Parameters
    ----------
    settings
        Names the files (one or many bands each), and optionally the bands' names, scale,
        offset, nodata and pixel size.
    base_folder
        Folder that relative paths start from.

    Returns
    -------
    Layer on one grid: that of the finest raster, cut to the ground that all rasters share.

    Errors
    ------
    ImageryError for a missing file or names that do not fit; GridError without common ground.

    Notes
    -----
    A band is called by ``settings.bands``, else by its description in the file, else by the
    file's name. Coarser rasters come to the finest grid by cubic convolution, finer ones to a
    coarser ``pixel_size_m`` by area mean (``geo.warp.to_grid``).
    """
    paths = [resolve(path, base_folder, settings.name) for path in settings.paths]
    layers: list[Layer] = [open_raster(path) for path in paths]
    names = _names(settings, paths, layers)
    named = [RenamedLayer(layer, own) for layer, own in zip(layers, names)]
    if (settings.scale, settings.offset) == (1.0, 0.0):
        _tell_scales(settings.name, paths)
    if (settings.scale, settings.offset, settings.nodata) == (1.0, 0.0, None):
        return stack(named, pixel_size=settings.pixel_size_m)
    rescale = Rescale(settings.scale, settings.offset, settings.nodata)
    scaled = [MappedLayer(layer, rescale, layer.bands) for layer in named]
    return stack(scaled, pixel_size=settings.pixel_size_m)


def _tell_scales(name: str, paths: Sequence[Path]) -> None:
    """Say which rasters declare a scale that nobody asked to apply."""
    for path in paths:
        scale, offset = declared_scale(path)
        if (scale, offset) != (1.0, 0.0):
            warnings.warn(
                f"imagery {name!r}: {path.name} declares value = stored * {scale:g} + {offset:g}, "
                f"which is not applied; set scale = {scale:g} and offset = {offset:g} to apply it.",
                GossanWarning,
                stacklevel=2,
            )


def resolve(path: Path, base_folder: Path | str, name: str) -> Path:
    """Find a path of a project file beside the project file, or say that it is missing."""
    found = Path(base_folder) / path.expanduser()
    if not found.exists():
        raise ImageryError(
            must(
                f"imagery {name!r}: path",
                "an existing file or folder",
                str(found),
                "Mend paths in the project file",
            )
        )
    return found


def band_name(text: str) -> str:
    """Turn any text into a band name: lower case, digits and underscores.

    >>> band_name("Silica Index (B11/B10)")
    'silica_index_b11_b10'
    """
    return re.sub(r"[^0-9a-z]+", "_", text.lower()).strip("_") or "band"


def _names(
    settings: ImagerySettings, paths: Sequence[Path], layers: Sequence[Layer]
) -> list[tuple[str, ...]]:
    """Name the bands of every file, uniquely over all files."""
    counts = [len(layer.bands) for layer in layers]
    if settings.bands:
        if len(settings.bands) != sum(counts):
            raise ImageryError(
                must(
                    f"imagery {settings.name!r}: bands",
                    f"{sum(counts)} names, one for each band",
                    len(settings.bands),
                    "Name every band of every path in turn",
                )
            )
        ends = np.cumsum(counts).tolist()
        names = [settings.bands[end - n : end] for end, n in zip(ends, counts)]
    else:
        names = [_own_names(path, layer) for path, layer in zip(paths, layers)]
        flat = [name for own in names for name in own]
        if len(set(flat)) != len(flat):
            names = [
                tuple(f"{band_name(path.stem)}_{name}" for name in own)
                for path, own in zip(paths, names)
            ]
    flat = [name for own in names for name in own]
    if len(set(flat)) != len(flat):
        twice = next(name for name in flat if flat.count(name) > 1)
        raise ImageryError(
            must(
                f"imagery {settings.name!r}: band names",
                "unique",
                f"{twice!r} twice",
                "Set bands = [...] in the project file",
            )
        )
    return names


def _own_names(path: Path, layer: Layer) -> tuple[str, ...]:
    """Name bands after the file where it holds one, else after their descriptions."""
    if len(layer.bands) == 1:
        return (band_name(path.stem),)
    return tuple(band_name(name) for name in layer.bands)
