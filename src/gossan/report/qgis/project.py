"""Assemble a QGIS project as plain XML: layers in groups, bookmarks, print layouts."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import shapely
from pyproj import CRS

from gossan.geo.raster import atomic_path
from gossan.report.maps import Bounds
from gossan.report.qgis.items import GROUPS, OPEN, Item
from gossan.report.qgis.raster_styles import VERSION

__all__ = ["Bookmark", "QgisProject", "write_xml"]

DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>"
STYLE_PARTS = ("pipe", "renderer-v2", "blendMode")


@dataclass(frozen=True)
class Bookmark:
    """A place to jump to."""

    name: str
    group: str
    frame: Bounds


@dataclass(frozen=True, eq=False)
class QgisProject:
    """What a QGIS project holds; sources of layers are relative to its folder."""

    name: str
    crs: CRS
    bounds: Bounds
    items: Sequence[Item]
    bookmarks: Sequence[Bookmark] = ()
    layouts: Sequence[ET.Element] = field(default=(), repr=False)

    def write(self, path: Path) -> None:
        """Write the project whole."""
        write_xml(path, self._root())

    def _root(self) -> ET.Element:
        items = sorted(self.items, key=lambda item: GROUPS.index(item.group))
        root = ET.Element("qgis", version=VERSION, projectname=self.name)
        ET.SubElement(root, "title").text = self.name
        _crs(ET.SubElement(root, "projectCrs"), self.crs)
        _tree(root, items)
        _canvas(root, self.bounds, self.crs)
        layers = ET.SubElement(root, "projectlayers")
        layers.extend(_map_layer(item, item.crs or self.crs) for item in items)
        order = ET.SubElement(root, "layerorder")
        for item in items:
            ET.SubElement(order, "layer", id=item.identity)
        _bookmarks(root, self.bookmarks, self.crs)
        ET.SubElement(root, "Layouts").extend(self.layouts)
        _properties(root)
        return root


def write_xml(path: Path, root: ET.Element) -> None:
    """Write XML as QGIS writes it, whole or not at all."""
    ET.indent(root)
    with atomic_path(path) as temporary:
        text = f"{DOCTYPE}\n{ET.tostring(root, encoding='unicode')}\n"
        temporary.write_text(text, encoding="utf-8")


def _tree(root: ET.Element, items: Sequence[Item]) -> None:
    tree = ET.SubElement(root, "layer-tree-group")
    groups: dict[str, ET.Element] = {}
    for item in items:
        if item.group not in groups:
            groups[item.group] = ET.SubElement(
                tree, "layer-tree-group", name=item.group, checked="Qt::Checked",
                expanded="1" if item.group in OPEN else "0",
            )  # fmt: skip
        ET.SubElement(
            groups[item.group], "layer-tree-layer", id=item.identity, name=item.title,
            source=item.address, providerKey=item.provider, expanded="0",
            checked="Qt::Checked" if item.visible else "Qt::Unchecked",
        )  # fmt: skip


def _canvas(root: ET.Element, bounds: Bounds, crs: CRS) -> None:
    canvas = ET.SubElement(root, "mapcanvas", name="theMapCanvas", annotationsVisible="1")
    ET.SubElement(canvas, "units").text = "meters"
    extent = ET.SubElement(canvas, "extent")
    for name, value in zip(("xmin", "ymin", "xmax", "ymax"), bounds):
        ET.SubElement(extent, name).text = f"{value:.3f}"
    ET.SubElement(canvas, "rotation").text = "0"
    _crs(ET.SubElement(canvas, "destinationsrs"), crs)
    settings = ET.SubElement(root, "ProjectViewSettings", UseProjectScales="0")
    named = {k: f"{v:.3f}" for k, v in zip(("xmin", "ymin", "xmax", "ymax"), bounds)}
    _crs(ET.SubElement(settings, "DefaultViewExtent", named), crs)


def _map_layer(item: Item, crs: CRS) -> ET.Element:
    kind = {"type": "vector", "geometry": item.geometry} if item.vector else {"type": "raster"}
    layer = ET.Element("maplayer", {**kind, "hasScaleBasedVisibilityFlag": "0"})
    ET.SubElement(layer, "id").text = item.identity
    ET.SubElement(layer, "datasource").text = item.address
    ET.SubElement(layer, "layername").text = item.title
    _crs(ET.SubElement(layer, "srs"), crs)
    ET.SubElement(layer, "provider", encoding="UTF-8").text = item.provider
    layer.extend(part for part in item.style if part.tag in STYLE_PARTS)
    if item.label is not None:
        _label(layer, item)
    return layer


def _label(layer: ET.Element, item: Item) -> None:
    """Add labels beside features, names of columns for people, and the map tip."""
    assert item.label is not None
    if item.label.text:
        layer.set("labelsEnabled", "1")
        settings = ET.SubElement(ET.SubElement(layer, "labeling", type="simple"), "settings")
        text = ET.SubElement(
            settings, "text-style", fieldName=item.label.text, fontSize="9",
            fontSizeUnit="Point", fontWeight="75", textColor="29,43,47,255", textOpacity="1",
        )  # fmt: skip
        ET.SubElement(
            text, "text-buffer", bufferDraw="1", bufferSize="0.8", bufferSizeUnits="MM",
            bufferColor="255,255,255,255", bufferOpacity="1",
        )  # fmt: skip
        ET.SubElement(settings, "placement", placement="6", dist="0.5", distUnits="MM")
    aliases = ET.SubElement(layer, "aliases")
    for name, alias in item.label.aliases.items():
        ET.SubElement(aliases, "alias", field=name, name=alias)
    ET.SubElement(layer, "mapTip").text = item.label.tip


def _bookmarks(root: ET.Element, bookmarks: Sequence[Bookmark], crs: CRS) -> None:
    parent = ET.SubElement(root, "Bookmarks")
    for number, one in enumerate(bookmarks):
        mark = ET.SubElement(
            parent, "Bookmark", id=f"gossan_{number}", name=one.name, group=one.group,
            extent=shapely.box(*one.frame).wkt,
        )  # fmt: skip
        _crs(mark, crs)


def _properties(root: ET.Element) -> None:
    properties = ET.SubElement(root, "properties")
    paths = ET.SubElement(properties, "Paths")
    ET.SubElement(paths, "Absolute", type="bool").text = "false"
    system = ET.SubElement(properties, "SpatialRefSys")
    ET.SubElement(system, "ProjectionsEnabled", type="int").text = "1"


def _crs(parent: ET.Element, crs: CRS) -> None:
    system = ET.SubElement(parent, "spatialrefsys")
    ET.SubElement(system, "wkt").text = crs.to_wkt()
    authority = crs.to_authority()
    if authority:
        ET.SubElement(system, "srid").text = str(authority[1])
        ET.SubElement(system, "authid").text = ":".join(authority)
    ET.SubElement(system, "description").text = crs.name
    ET.SubElement(system, "geographicflag").text = "true" if crs.is_geographic else "false"
