"""Put the layers of a result into the open project, in groups and with gossan's styles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsLayerTreeGroup,
    QgsMapLayer,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QObject, pyqtSignal, pyqtSlot
from qgis.PyQt.QtXml import QDomDocument, QDomElement

RESULT = "gossan/result"
"""Property of layers that gossan has made, which are no imagery of the user."""
PLACE = ("id", "datasource", "layername", "srs", "provider", "extent")
"""Parts of a project's layer that say where it is, not how it looks."""
STYLE_ATTRIBUTES = ("hasScaleBasedVisibilityFlag", "labelsEnabled")


@dataclass(frozen=True)
class Wanted:
    """Layers to load: their records of the JSON result, and the title of their group.

    ``project`` is the run's QGIS project, which holds their full styles; "" for none.
    """

    title: str
    layers: Sequence[dict[str, Any]]
    project: str = ""


class Loader(QObject):
    """Loads layers in the thread of the window, whichever thread an algorithm runs in."""

    wanted = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self.wanted.connect(self._load)

    @pyqtSlot(object)
    def _load(self, wanted: Wanted) -> None:
        load_layers(QgsProject.instance(), wanted)


def load_layers(project: QgsProject, wanted: Wanted) -> list[QgsMapLayer]:
    """Load layers into the groups of a result; an older group of the same result is replaced.

    Returns
    -------
    The layers that QGIS could open, in their order.
    """
    root = project.layerTreeRoot()
    top = root.findGroup(wanted.title)
    if top is not None:
        _empty(project, top)
    else:
        top = root.insertGroup(0, wanted.title)
    groups: dict[str, QgsLayerTreeGroup] = {}
    styles = read_styles(wanted.project)
    loaded = []
    for record in wanted.layers:
        layer = open_layer(record, styles)
        if not layer.isValid():
            continue
        name = str(record["group"])
        if name not in groups:
            groups[name] = top.addGroup(name)
            groups[name].setExpanded(bool(record["visible"]))
        project.addMapLayer(layer, False)
        node = groups[name].addLayer(layer)
        node.setItemVisibilityChecked(bool(record["visible"]))
        node.setExpanded(False)
        loaded.append(layer)
    return loaded


def open_layer(record: dict[str, Any], styles: Mapping[str, QDomElement]) -> QgsMapLayer:
    """Open a layer with its style: that of the run's project, else the file beside it."""
    source, title = layer_source(record), str(record["title"])
    if record["kind"] == "raster":
        layer: QgsMapLayer = QgsRasterLayer(source, title, "gdal")
    else:
        layer = QgsVectorLayer(source, title, "ogr")
    style = styles.get(str(record.get("identity", "")))
    if style is not None:
        layer.importNamedStyle(_style_document(style))
    elif record.get("style") and Path(record["style"]).exists():
        layer.loadNamedStyle(str(record["style"]))
    layer.setName(title)
    layer.setCustomProperty(RESULT, True)
    return layer


def layer_source(record: dict[str, Any]) -> str:
    """Return the source by which QGIS opens a layer."""
    parts = [str(record["path"])]
    for key, name in (("layername", "sublayer"), ("subset", "subset")):
        if record.get(name):
            parts.append(f"{key}={record[name]}")
    return "|".join(parts)


def read_styles(project: str) -> dict[str, QDomElement]:
    """Read the layers of a QGIS project file by their identity; nothing where it is missing."""
    document, found = QDomDocument(), {}
    if not project or not Path(project).exists():
        return found
    document.setContent(Path(project).read_text(encoding="utf-8"))
    element = document.documentElement().firstChildElement("projectlayers")
    layer = element.firstChildElement("maplayer")
    while not layer.isNull():
        found[layer.firstChildElement("id").text()] = layer
        layer = layer.nextSiblingElement("maplayer")
    return found


def _style_document(layer: QDomElement) -> QDomDocument:
    """Return the style of a project's layer as a document of its own."""
    document = QDomDocument("qgis")
    root = document.createElement("qgis")
    root.setAttribute("version", "3.22.0")
    for name in STYLE_ATTRIBUTES:
        if layer.hasAttribute(name):
            root.setAttribute(name, layer.attribute(name))
    part = layer.firstChildElement()
    while not part.isNull():
        if part.tagName() not in PLACE:
            root.appendChild(document.importNode(part, True))
        part = part.nextSiblingElement()
    document.appendChild(root)
    return document


def _empty(project: QgsProject, group: QgsLayerTreeGroup) -> None:
    project.removeMapLayers(group.findLayerIds())
    group.removeAllChildren()
