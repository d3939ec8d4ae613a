"""Masks of a Sentinel-2 product other than Sen2Cor's scene classes.

Level 1C has no scene classes but a cloud mask: from baseline 04.00 on ``MSK_CLASSI_B00.jp2`` (60 m;
bands opaque cloud, cirrus, snow), before that ``MSK_CLOUDS_B00.gml`` (polygons of opaque cloud and
cirrus). Level 2A adds the cloud probability ``MSK_CLDPRB``.

Source: Sentinel-2 Products Specification Document (S2-PDGS-TAS-DI-PSD), quality indicators.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from shapely import Polygon, STRtree

from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer, MappedLayer
from gossan.geo.warp import to_grid
from gossan.imagery.masks.cover import Polygons
from gossan.imagery.sentinel2.jp2_store import DecodedBand, store_name
from gossan.imagery.sentinel2.metadata import Sentinel2Metadata
from gossan.imagery.sentinel2.safe import SafeProduct, elements, parse, readable, refuse, text_of

CLASSIFICATION = r"MSK_CLASSI_B00\.jp2"
CLOUDS = r"(?:.*_)?MSK_CLOUDS_(?:.*_)?B00(?:_MSIL1C)?\.gml"
PROBABILITY = r"(?:.*_)?(?:MSK_CLDPRB|CLD)_(20|60)m\.jp2"
OPAQUE, CIRRUS, SNOW = 1, 2, 4
"""Bits of the bands ``classi`` and ``clouds``."""


def cloud_mask(
    product: SafeProduct, metadata: Sentinel2Metadata, store: Path, grid: Grid, workers: int | None
) -> Layer | None:
    """Return the product's cloud mask on a grid; None where it has none.

    One band of bits: ``classi`` (opaque cloud 1, cirrus 2, snow 4) or ``clouds`` (1, 2).
    """
    for member in _quality(product, metadata, CLASSIFICATION):
        names, pixels = ("opaque", "cirrus", "snow"), metadata.grid_of(60)
        target = Path(store) / store_name(product, member)
        image = DecodedBand(product, member, names, pixels, target, workers)
        return to_grid(MappedLayer(image, _bits, ("classi",)), grid, classes=True)
    for member in _quality(product, metadata, CLOUDS):
        opaque, cirrus = (read_gml(product, member, word) for word in ("OPAQUE", "CIRRUS"))
        return CloudPolygons(grid, opaque, cirrus)
    return None


def cloud_probability(
    product: SafeProduct, metadata: Sentinel2Metadata, store: Path, grid: Grid, workers: int | None
) -> Layer:
    """Return Sen2Cor's cloud probability in per cent on a grid (band ``cldprb``).

    Raises
    ------
    ImageryError
        The product has none: level 1C.
    """
    found = sorted(
        (int(match.group(1)), member)
        for member in _quality(product, metadata, PROBABILITY)
        if (match := re.search(PROBABILITY + "$", member))
    )
    if not found:
        cure = "Leave cloud_probability out, or give the L2A product"
        raise refuse(metadata.name, "one with a cloud probability (MSK_CLDPRB)", "none", cure)
    pixel, member = found[0]
    target = Path(store) / store_name(product, member)
    pixels = metadata.grid_of(pixel)
    image = DecodedBand(product, member, ("cldprb",), pixels, target, workers)
    return to_grid(image, grid, classes=True)


def _quality(product: SafeProduct, metadata: Sentinel2Metadata, pattern: str) -> Iterator[str]:
    """Find quality indicators of the granule by their file name."""
    granule = metadata.files[0].member.partition("/IMG_DATA/")[0]
    wanted = re.compile(re.escape(f"{granule}/QI_DATA/") + pattern)
    return (name for name in product.names if wanted.fullmatch(name))


def _bits(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Join opaque cloud, cirrus and snow, each 0 or more, to bits."""
    weights = np.array([OPAQUE, CIRRUS, SNOW], np.float32)[:, None, None]
    return ((values > 0) * weights).sum(axis=0, keepdims=True, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class CloudPolygons:
    """Layer of polygons of opaque cloud and cirrus as bits 1 and 2 of a band ``clouds``."""

    grid: Grid
    opaque: Polygons = field(repr=False)
    cirrus: Polygons = field(repr=False)
    bands: tuple[str, ...] = ("clouds",)

    def read(self, window: Window) -> NDArray[np.float32]:
        """Rasterise a window: a pixel counts where its centre lies in a polygon."""
        place = self.grid.crop(window)
        inside = OPAQUE * self.opaque.inside(place) + CIRRUS * self.cirrus.inside(place)
        return inside[None].astype(np.float32)


def read_gml(product: SafeProduct, member: str, word: str) -> Polygons:
    """Read the polygons of one mask type (``OPAQUE``, ``CIRRUS``) of a mask in GML."""
    root = parse(product, member)
    features = (f for f in elements(root, "MaskFeature") if text_of(f, "maskType", "") == word)
    with readable(product.path.name, PurePosixPath(member).name):
        shapes = [_polygon(part) for one in features for part in elements(one, "Polygon")]
    return Polygons(tuple(shapes), STRtree(shapes))


def _polygon(part: ElementTree.Element) -> Polygon:
    outer = [ring for e in elements(part, "exterior") for ring in _rings(e)]
    inner = [ring for e in elements(part, "interior") for ring in _rings(e)]
    return Polygon(outer[0], inner)


def _rings(element: ElementTree.Element) -> Iterator[NDArray[np.float64]]:
    """Return (n, 2) easting and northing of each ring; a third coordinate is left out."""
    for listed in elements(element, "posList"):
        numbers = np.array((listed.text or "").split(), float)
        if not np.isfinite(numbers).all():
            raise ValueError("a corner that is not a number")
        yield numbers.reshape(-1, int(listed.get("srsDimension", 2)))[:, :2]
