"""Layers of a QGIS project have identities that QGIS keeps, and tips that name their columns."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from gossan.report.qgis.items import BASEMAP, GROUPS, Item, Label, basemap


def test_an_identity_is_longer_than_those_that_qgis_ignores() -> None:
    item = Item("a", "A", "Best map", "a.tif", "gdal", ET.Element("qgis"))
    assert len(item.identity) > 10 and item.address == "./a.tif" and not item.vector


def test_the_basemap_is_off_last_and_in_its_own_system() -> None:
    found = basemap()
    assert not found.visible and found.group == BASEMAP == GROUPS[-1]
    assert found.crs is not None and found.crs.to_epsg() == 3857
    assert not found.address.startswith("./")


@pytest.mark.parametrize("aliases", [{}, {"a": "First", "b": "Second"}])
def test_a_tip_has_a_row_for_each_column(aliases: dict[str, str]) -> None:
    tip = Label("a", aliases).tip
    assert tip.count("<tr>") == len(aliases)
    assert all(alias in tip and f'"{name}"' in tip for name, alias in aliases.items())
