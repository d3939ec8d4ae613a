"""Read an ASTER scene kept as GeoTIFFs: L1T of any layout, and AST_07XT reflectance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
import rasterio
from defusedxml.ElementTree import ParseError, fromstring
from numpy.typing import NDArray

from gossan.catalogue.sensors import aster_band, aster_bands
from gossan.errors import GridError, ImageryError, must
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer
from gossan.geo.raster import RasterLayer, open_raster
from gossan.imagery.aster.band_images import BandImage, find_band_images
from gossan.imagery.aster.metadata import NAME, SURFACE_SCALE, AsterMetadata, read_metadata
from gossan.imagery.aster.odl import Values, parse_odl, plain_key

COMPANIONS = (".met", ".xml", ".txt")


@dataclass(frozen=True)
class BandFiles:
    """Layer of the bands of one telescope, an image each; values of zero or less are empty.

    The files declare no nodata: their background is 0 (negative fill in level 2).
    ``scale`` multiplies what is stored (0.001 in level 2).
    """

    files: tuple[RasterLayer, ...]
    bands: tuple[str, ...]
    scale: float = 1.0

    @property
    def grid(self) -> Grid:
        """Grid shared by the files."""
        return self.files[0].grid

    @property
    def entries(self) -> int:
        """Number of different digital numbers; 0 for level 2, or files with fill of their own."""
        plain = all(not file.masked and {0.0, *sum(file.marks, ())} == {0.0} for file in self.files)
        return aster_band(self.bands[0]).saturated + 1 if self.scale == 1.0 and plain else 0

    def read_raw(self, window: Window) -> NDArray[Any]:
        """Return the digital numbers as the files store them (unsigned)."""
        values = np.concatenate([file.read_raw(window) for file in self.files])
        return values if values.dtype.kind == "u" else np.maximum(values, 0).astype(np.uint16)

    def read(self, window: Window) -> NDArray[np.float32]:
        """Return float32 (band, row, column); NaN is empty."""
        values = np.concatenate([file.read(window) for file in self.files])
        values[values <= 0] = np.nan
        if self.scale != 1.0:
            values *= np.float32(self.scale)
        return values


def open_geotiffs(
    paths: Sequence[Path], time: datetime | None = None
) -> tuple[AsterMetadata, dict[str, Layer]]:
    """Open the bands of one scene, reading their headers only.

    Parameters
    ----------
    paths
        One folder, or the bands' files. Metadata are taken from the files' tags and from
        ``.met``, ``.xml`` or ``.txt`` companions in their folder.
    time
        When the scene was taken, for files that do not say.

    Returns
    -------
    The scene's metadata, and a layer for each telescope found: digital numbers (L1T) or surface
    reflectance (AST_07, AST_07XT).

    Raises
    ------
    ImageryError
        There are no bands, they are of different scenes, versions or sizes, or cannot be read.
    GridError
        Bands lie in different UTM zones.
    """
    images = find_band_images([Path(path) for path in paths])
    files = list(dict.fromkeys(image.path for image in images.values()))
    granule = _one_granule(files)
    layers = {
        name: open_raster(image.path, (name,), (image.index,)) for name, image in images.items()
    }
    values: Values = {}
    for name, image in images.items():
        values = {**_tags(name, image), **values}
    for path in _companions(files, granule):
        values = {**_companion(path), **values}
    _one_zone(layers, granule)
    metadata = read_metadata(values, granule, time)
    scale = SURFACE_SCALE if metadata.is_surface_reflectance else 1.0
    groups: dict[str, Layer] = {}
    for group in ("VNIR", "SWIR", "TIR"):
        names = tuple(b.name for b in aster_bands() if b.group == group and b.name in layers)
        if names:
            own = tuple(layers[name] for name in names)
            _one_grid(own, group, granule)
            groups[group] = BandFiles(own, names, scale)
    return metadata, groups


def _one_granule(files: Sequence[Path]) -> str:
    """Return the name of the granule; all files must be of one product, version and second."""
    keys: dict[str, str] = {}
    for path in files:
        found = NAME.search(path.name)
        keys.setdefault(found[0].upper() if found else "", path.name)
    if len(keys) > 1:
        first, second = list(keys.values())[:2]
        raise ImageryError(
            must(
                "the bands of an ASTER scene",
                "of one product, version and time",
                f"{first} and {second}",
                "Select the files of one granule",
            )
        )
    return next(iter(keys)) or files[0].stem


def _one_zone(layers: dict[str, RasterLayer], granule: str) -> None:
    systems = {layer.grid.crs.to_string() for layer in layers.values()}
    if len(systems) > 1:
        raise GridError(
            must(
                f"the bands of {granule}",
                "in one UTM zone",
                " and ".join(sorted(systems)),
                "Select the files of one granule",
            )
        )


def _one_grid(layers: tuple[RasterLayer, ...], group: str, granule: str) -> None:
    for layer in layers[1:]:
        if not layer.grid.aligned_with(layers[0].grid):
            raise ImageryError(
                must(
                    f"the {group} bands of {granule}",
                    "on one grid",
                    f"{layers[0].path.name} and {layer.path.name} that differ",
                    "Select the files of one granule, unchanged",
                )
            )


def _companions(files: Sequence[Path], granule: str) -> list[Path]:
    """Find metadata files beside the bands that carry the granule's name, or are alone there."""
    folders = sorted({path.parent for path in files})
    found = [
        p
        for folder in folders
        for p in sorted(folder.iterdir())
        if p.suffix.lower() in COMPANIONS and p.is_file()
    ]
    named = [p for p in found if granule.lower() in p.name.lower()]
    met = [p for p in found if p.suffix.lower() == ".met"]
    return named or (met if len(met) == 1 else [])


def _tags(name: str, image: BandImage) -> Values:
    """Read the tags of a band and its file as values; a radiance gain names its band."""
    with rasterio.open(image.path) as source:
        tags, own = source.tags(), source.tags(image.index)
    values = _plain(tags)
    label = aster_band(name).label
    one_band = _plain(own) if own else {}
    for tag, key in (("RADIANCEGAIN", "INCL"), ("RADIANCEBIAS", "OFFSET")):
        found = one_band.get(tag, values.get(tag))
        if found is not None:
            values[f"{key}{label}"] = found
    return values


def _plain(tags: Mapping[str, str]) -> Values:
    return {plain_key(key): tuple(p.strip() for p in str(v).split(",")) for key, v in tags.items()}


def _companion(path: Path) -> Values:
    text = path.read_text(encoding="utf-8", errors="replace")
    return _xml(text) if path.suffix.lower() == ".xml" else parse_odl(text)


def _xml(text: str) -> Values:
    """Read leaves, and name and value pairs of additional attributes, of a granule's XML."""
    try:
        root = fromstring(text)
    except (ParseError, ValueError):  # not XML, or with entities
        return {}
    values: Values = {}
    for element in root.iter():
        children = {_local(child): child for child in element}
        name = children.get("PSANAME", children.get("NAME"))
        stated = [e.text for e in element.iter() if _local(e) in ("PSAVALUE", "VALUE") and e.text]
        if name is not None and name.text and stated:
            pieces = (piece.strip() for text in stated for piece in text.split(","))
            values.setdefault(plain_key(name.text), tuple(pieces))
        elif not len(element) and element.text and element.text.strip():
            values.setdefault(_local(element), (element.text.strip(),))
    return values


def _local(element: Element) -> str:
    return plain_key(str(element.tag).rpartition("}")[2])
