"""Write the masks of a simulated Sentinel-2 product: JPEG 2000 from baseline 04.00 on, else GML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import numpy as np
from numpy.typing import NDArray

from gossan.geo.grid import Grid
from gossan.imagery.sentinel2.jp2_store import write_jp2

_TYPES = {"OPAQUE": 1, "CIRRUS": 2}
_EOP, _GML = "http://www.opengis.net/eop/2.0", "http://www.opengis.net/gml/3.2"


def write_cloud_mask(
    folder: Path, grids: Mapping[int, Grid], bits: NDArray[np.integer], baseline: str
) -> None:
    """Write a cloud mask (row, column) at 60 m; bits: opaque cloud 1, cirrus 2, snow 4.

    ``MSK_CLASSI_B00.jp2`` with three bands, or ``MSK_CLOUDS_B00.gml``, which knows no snow.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if float(baseline) >= 4:
        bands = np.stack([(bits & bit) > 0 for bit in (1, 2, 4)]).astype(np.uint8)
        write_jp2(folder / "MSK_CLASSI_B00.jp2", grids[60], bands)
        return
    root = Element("eop:Mask", {"xmlns:eop": _EOP, "xmlns:gml": _GML, "gml:id": "MSK_CLOUDS_B00"})
    members = SubElement(root, "eop:maskMembers")
    for word, bit in _TYPES.items():
        for number, ring in enumerate(_runs(grids[60], (bits & bit) > 0)):
            _feature(members, word, number, ring)
    tree = ElementTree.ElementTree(root)
    tree.write(folder / "MSK_CLOUDS_B00.gml", encoding="UTF-8", xml_declaration=True)


def write_cloud_probability(folder: Path, grid: Grid, percent: NDArray[np.integer]) -> None:
    """Write a cloud probability (row, column) in per cent at 20 m."""
    folder.mkdir(parents=True, exist_ok=True)
    write_jp2(folder / "MSK_CLDPRB_20m.jp2", grid, percent.astype(np.uint8))


def _runs(grid: Grid, marked: NDArray[np.bool_]) -> Iterator[str]:
    """Return a ring, as GML lists it, around each run of marked pixels in a row."""
    left, _, _, top = grid.bounds
    for row, line in enumerate(marked):
        ends = np.flatnonzero(np.diff(np.concatenate([[False], line, [False]]).astype(np.int8)))
        for first, last in ends.reshape(-1, 2):
            west, east = (left + k * grid.pixel_width for k in (first, last))
            north, south = (top - k * grid.pixel_height for k in (row, row + 1))
            corners = [(west, north), (east, north), (east, south), (west, south), (west, north)]
            yield " ".join(f"{x:.0f} {y:.0f}" for x, y in corners)


def _feature(members: Element, word: str, number: int, ring: str) -> None:
    feature = SubElement(members, "eop:MaskFeature", {"gml:id": f"{word}.{number}"})
    SubElement(feature, "eop:maskType", codeSpace="urn:gs2:S2PDGS:maskType").text = word
    polygon = SubElement(
        SubElement(feature, "eop:extentOf"), "gml:Polygon", {"gml:id": f"{word}.{number}_Polygon"}
    )
    outer = SubElement(SubElement(polygon, "gml:exterior"), "gml:LinearRing")
    SubElement(outer, "gml:posList", srsDimension="2").text = ring
