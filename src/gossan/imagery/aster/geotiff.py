"""Read an ASTER scene kept as one GeoTIFF per band: L1T version 004, and AST_07XT reflectance."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray

from gossan.catalogue.sensors import aster_band, aster_bands
from gossan.errors import GridError, ImageryError, must
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer
from gossan.geo.raster import RasterLayer, open_raster
from gossan.imagery.aster.metadata import NAME, AsterMetadata, read_metadata
from gossan.imagery.aster.odl import Values, parse_odl, plain_key

BAND_NAME = re.compile(r"(?:VNIR|SWIR|TIR)_?B(?:and)?0?(\d{1,2})N?(?=[_.]|$)", re.IGNORECASE)
COMPANIONS = (".met", ".xml", ".txt")
SURFACE_SCALE = 0.001


@dataclass(frozen=True)
class BandFiles:
    """Serve bands of one telescope from one file each; values of zero or less are empty.

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
        plain = all(not file.masked and file.nodata in (None, 0) for file in self.files)
        return aster_band(self.bands[0]).saturated + 1 if self.scale == 1.0 and plain else 0

    def read_raw(self, window: Window) -> NDArray[Any]:
        """Give the digital numbers as the files store them (unsigned)."""
        values = np.concatenate([file.read_raw(window) for file in self.files])
        return values if values.dtype.kind == "u" else np.maximum(values, 0).astype(np.uint16)

    def read(self, window: Window) -> NDArray[np.float32]:
        """Give float32 (band, row, column); NaN is empty."""
        values = np.concatenate([file.read(window) for file in self.files])
        values[values <= 0] = np.nan
        if self.scale != 1.0:
            values *= np.float32(self.scale)
        return values


def open_geotiffs(paths: Sequence[Path]) -> tuple[AsterMetadata, dict[str, Layer]]:
    """Open the bands of one scene, reading their headers only.

    Parameters
    ----------
    paths
        One folder, or the bands' files. Metadata are taken from the files' tags and from
        ``.met``, ``.xml`` or ``.txt`` companions in their folder.

    Returns
    -------
    The scene's metadata, and a layer for each telescope found: digital numbers (L1T) or surface
    reflectance (AST_07, AST_07XT).

    Errors: ImageryError for no bands, bands of different scenes, versions or sizes, unreadable
    files; GridError for bands in different UTM zones.
    """
    files = band_files([Path(path) for path in paths])
    granule = _one_granule(files)
    layers = {name: open_raster(path, (name,)) for name, path in files.items()}
    values: Values = {}
    for path in [*files.values(), *_companions(files, granule)]:
        found = _tags(path) if path.suffix.lower() in (".tif", ".tiff") else _companion(path)
        values = {**found, **values}
    _one_zone(layers, granule)
    metadata = read_metadata(values, granule)
    scale = SURFACE_SCALE if metadata.is_surface_reflectance else 1.0
    groups: dict[str, Layer] = {}
    for group in ("VNIR", "SWIR", "TIR"):
        names = tuple(b.name for b in aster_bands() if b.group == group and b.name in layers)
        if names:
            own = tuple(layers[name] for name in names)
            _one_grid(own, group, granule)
            groups[group] = BandFiles(own, names, scale)
    return metadata, groups


def band_files(paths: Sequence[Path]) -> dict[str, Path]:
    """Find the band of each file by its name (``..._VNIR_B01.tif``); folders are looked into.

    >>> from pathlib import Path
    >>> found = re.compile(BAND_NAME).search("AST_L1T_00407152004_1_TIR_B10.tif")
    >>> found[1]
    '10'
    """
    labels = {band.label.rstrip("N"): band.name for band in aster_bands()}
    found: dict[str, Path] = {}
    for path in _listed(paths):
        match = BAND_NAME.search(path.name)
        if match is None or match[1] not in labels or "3B" in path.stem.upper()[-4:]:
            continue
        name = labels[match[1]]
        if name in found:
            raise ImageryError(
                must(
                    f"the files of ASTER band {name}",
                    "one per scene",
                    f"{found[name].name} and {path.name}",
                    "Keep each scene in its own folder",
                )
            )
        found[name] = path
    if not found:
        raise ImageryError(
            must(
                "an ASTER scene",
                "an .hdf file, or GeoTIFFs named ..._VNIR_B01.tif and so on",
                ", ".join(str(path) for path in paths),
                "Keep the names as downloaded",
            )
        )
    return {band.name: found[band.name] for band in aster_bands() if band.name in found}


def _listed(paths: Sequence[Path]) -> list[Path]:
    result = []
    for path in paths:
        if path.is_dir():
            result += sorted(p for p in path.iterdir() if p.suffix.lower() in (".tif", ".tiff"))
        elif path.is_file():
            result.append(path)
        else:
            raise ImageryError(
                must("an ASTER scene", "an existing file or folder", path, "Check it")
            )
    return result


def _one_granule(files: dict[str, Path]) -> str:
    """Check that all names belong to one product, version and second; give the granule's name."""
    keys: dict[str, str] = {}
    for path in files.values():
        found = NAME.search(path.name)
        keys.setdefault(found[0].upper() if found else "", path.name)
    if len(keys) > 1:
        first, second = list(keys.values())[:2]
        raise ImageryError(
            must(
                "the bands of an ASTER scene",
                "of one product, version and time",
                f"{first} and {second}",
                "Give the files of one granule",
            )
        )
    return next(iter(keys)) or next(iter(files.values())).stem


def _one_zone(layers: dict[str, RasterLayer], granule: str) -> None:
    systems = {layer.grid.crs.to_string() for layer in layers.values()}
    if len(systems) > 1:
        raise GridError(
            must(
                f"the bands of {granule}",
                "in one UTM zone",
                " and ".join(sorted(systems)),
                "Give the files of one granule",
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
                    "Give the files of one granule, unchanged",
                )
            )


def _companions(files: dict[str, Path], granule: str) -> list[Path]:
    """Find metadata files beside the bands that carry the granule's name, or are alone there."""
    folders = sorted({path.parent for path in files.values()})
    found = [
        p
        for folder in folders
        for p in sorted(folder.iterdir())
        if p.suffix.lower() in COMPANIONS and p.is_file()
    ]
    named = [p for p in found if granule.lower() in p.name.lower()]
    met = [p for p in found if p.suffix.lower() == ".met"]
    return named or (met if len(met) == 1 else [])


def _tags(path: Path) -> Values:
    """Read the tags of a GeoTIFF as values; a radiance gain of the file names its band."""
    with rasterio.open(path) as source:
        tags = {**source.tags(), **source.tags(1)}
    values = {
        plain_key(key): tuple(p.strip() for p in str(v).split(",")) for key, v in tags.items()
    }
    found = BAND_NAME.search(path.name)
    if found and "RADIANCEGAIN" in values:
        label = next(b.label for b in aster_bands() if b.label.rstrip("N") == found[1])
        values[f"INCL{label}"] = values["RADIANCEGAIN"]
        if "RADIANCEBIAS" in values:
            values[f"OFFSET{label}"] = values["RADIANCEBIAS"]
    return values


def _companion(path: Path) -> Values:
    text = path.read_text(encoding="utf-8", errors="replace")
    return _xml(text) if path.suffix.lower() == ".xml" else parse_odl(text)


def _xml(text: str) -> Values:
    """Read leaves, and name and value pairs of additional attributes, of a granule's XML."""
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return {}
    values: Values = {}
    for element in root.iter():
        tags = {plain_key(child.tag.rpartition("}")[2]): child for child in element}
        name = tags.get("PSANAME", tags.get("NAME"))
        value = tags.get("PSAVALUE", tags.get("VALUE"))
        if name is not None and value is not None and name.text and value.text:
            values.setdefault(plain_key(name.text), tuple(p.strip() for p in value.text.split(",")))
        elif not len(element) and element.text and element.text.strip():
            values.setdefault(plain_key(element.tag.rpartition("}")[2]), (element.text.strip(),))
    return values
