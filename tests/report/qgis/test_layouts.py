"""A print layout covers the ground of its scale about the first target."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from gossan.report.qgis.items import Item
from gossan.report.qgis.layouts import MAP_MM, SCALE, target_layout


def test_the_map_covers_its_paper_at_the_scale_and_shows_its_layers_in_order() -> None:
    style = ET.Element("qgis")
    points = Item("targets_Cu", "Cu: targets", "Targets", "a.gpkg", "ogr", style)
    grid = Item("best_Cu", "Cu <best>", "Best map", "a.tif", "gdal", style)
    layout = target_layout("Targets of Cu & Zn", points, [points, grid], (500_000.0, 2_700_000.0))
    assert layout.get("name") == "Targets of Cu & Zn"
    (extent,) = {tuple(float(one.get(k)) for k in ("xmin", "ymin", "xmax", "ymax"))  # type: ignore[arg-type]
                 for one in layout.iter("Extent")}  # fmt: skip
    left, bottom, right, top = extent
    assert (right - left, top - bottom) == pytest.approx([side / 1000 * SCALE for side in MAP_MM])
    assert ((left + right) / 2, (bottom + top) / 2) == pytest.approx((500_000, 2_700_000))
    text = ET.tostring(layout, encoding="unicode")
    assert text.index(points.identity) < text.index(grid.identity)
