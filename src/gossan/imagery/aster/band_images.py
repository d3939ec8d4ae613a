"""Find which image of which file holds which ASTER band: by file name, description or telescope."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import rasterio
from rasterio.errors import RasterioIOError

from gossan.catalogue.sensors import aster_bands
from gossan.errors import ImageryError, must
from gossan.imagery.aster.metadata import NAME, product_of, refuse_other_product

BAND_NAME = re.compile(r"(?:VNIR|SWIR|TIR)_?B(?:and)?0?(\d{1,2})N?(?=[_.]|$)", re.IGNORECASE)
TELESCOPE_NAME = re.compile(r"(?:^|[_.\-])(VNIR|SWIR|TIR)(?=[_.\-]|$)", re.IGNORECASE)
DESCRIPTION = re.compile(
    r"(?:aster\W*)?(?:(?:vnir|swir|tir)_?)?(?:b|band|imagedata)?[\s_]*0?(\d{1,2})(n?)",
    re.IGNORECASE,
)
RASTERS = (".tif", ".tiff", ".vrt")


@dataclass(frozen=True)
class BandImage:
    """Locate one band: its file, and its number in that file, from 1."""

    path: Path
    index: int = 1


def find_band_images(paths: Sequence[Path]) -> dict[str, BandImage]:
    """Find the image of each band; folders are looked into.

    Three layouts are known: one file per band (``..._VNIR_B01.tif``, as LP DAAC has them), one
    file per telescope (``..._VNIR.tif`` of bands 1 to 3N, as AWS and the Planetary Computer have
    them), and one file whose bands are described as B01 ... B14 (as Earth Engine exports them).

    Returns
    -------
    Bands in the order of the sensor.

    Raises
    ------
    ImageryError
        No band is found, or one is found twice.
    """
    found: dict[str, BandImage] = {}
    listed = _rasters(paths)
    for path in listed:
        for name, image in _images_of(path).items():
            if name in found:
                raise ImageryError(
                    must(
                        f"the files of ASTER band {name}",
                        "one per scene",
                        f"{found[name].path.name} and {path.name}",
                        "Keep each scene in its own folder",
                    )
                )
            found[name] = image
    if not found:
        for path in listed:
            named = NAME.search(path.name)
            refuse_other_product(product_of(named[1]) if named else "", path.name)
        names = [path.name for path in listed] or [str(path) for path in paths]
        raise ImageryError(
            must(
                "an ASTER scene",
                "an .hdf file, GeoTIFFs named ..._VNIR_B01.tif or ..._VNIR.tif and so on, or a "
                "raster whose bands are described as B01 ... B14",
                ", ".join(names[:5]),
                "Keep the names as downloaded; for reflectance made elsewhere set level = "
                '"reflectance"',
            )
        )
    return {band.name: found[band.name] for band in aster_bands() if band.name in found}


def band_of_description(text: str | None) -> str | None:
    """Recognise an ASTER band in a band's description; None when it is none.

    >>> band_of_description("B3N"), band_of_description("Band 4"), band_of_description("3B")
    ('b3', 'b4', None)
    >>> band_of_description("b09"), band_of_description("ndvi")
    ('b9', None)
    """
    match = DESCRIPTION.fullmatch((text or "").strip())
    if match is None or (match[2] and match[1] != "3"):
        return None
    return _BY_NUMBER.get(match[1])


_BY_NUMBER = {band.label.rstrip("N"): band.name for band in aster_bands()}


def _images_of(path: Path) -> dict[str, BandImage]:
    """List the bands of a file."""
    match = BAND_NAME.search(path.name)
    if match is not None:
        backward = "3B" in path.stem.upper()[-4:]
        name = _BY_NUMBER.get(match[1])
        return {} if name is None or backward else {name: BandImage(path)}
    try:
        with rasterio.open(path) as source:
            described = [band_of_description(text) for text in source.descriptions]
    except RasterioIOError:
        return {}  # the reader of that file says what is wrong when it is asked for
    if all(described):
        return {name: BandImage(path, i) for i, name in enumerate(described, 1) if name}
    telescope = TELESCOPE_NAME.search(path.stem)
    group = telescope[1].upper() if telescope else ""
    names = [band.name for band in aster_bands() if band.group == group]
    if len(names) != len(described):
        return {}
    return {name: BandImage(path, i) for i, name in enumerate(names, 1)}


def _rasters(paths: Sequence[Path]) -> list[Path]:
    result = []
    for path in paths:
        if path.is_dir():
            result += sorted(p for p in path.iterdir() if p.suffix.lower() in RASTERS)
        elif path.is_file():
            result.append(path)
        else:
            raise ImageryError(
                must("an ASTER scene", "an existing file or folder", path, "Check the path")
            )
    return result
