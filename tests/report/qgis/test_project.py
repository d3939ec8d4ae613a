"""A project lists its layers in the order of the groups, and is read back as XML."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import shapely
from pyproj import CRS

from gossan.report.qgis.items import GROUPS, Item, Label, basemap
from gossan.report.qgis.project import Bookmark, QgisProject

UTM = CRS.from_epsg(32638)
BOUNDS = (0.0, 0.0, 100.0, 50.0)


def written(path: Path, *items: Item, marks: tuple[Bookmark, ...] = ()) -> ET.Element:
    QgisProject('A "b" & <c>', UTM, BOUNDS, items, marks).write(path / "p.qgs")
    return ET.parse(path / "p.qgs").getroot()


def item(group: str, key: str, **more: object) -> Item:
    return Item(key, key.upper(), group, f"{key}.tif", "gdal", ET.Element("qgis"), **more)  # type: ignore[arg-type]


def test_layers_are_sorted_by_group_and_named_once_everywhere(tmp_path: Path) -> None:
    root = written(tmp_path, basemap(), item("Kriging", "k"), item("Best map", "b", visible=True))
    groups = [one.get("name") for one in root.findall("layer-tree-group/layer-tree-group")]
    assert groups == [name for name in GROUPS if name in groups] and len(groups) == 3
    ids = [one.findtext("id") for one in root.iter("maplayer")]
    assert ids == [one.get("id") for one in root.findall("layerorder/layer")]
    assert ids == [one.get("id") for one in root.iter("layer-tree-layer")]
    shown = [
        one.get("name")
        for one in root.iter("layer-tree-layer")
        if one.get("checked") == "Qt::Checked"
    ]
    assert shown == ["B"]


def test_names_systems_and_the_view_are_kept(tmp_path: Path) -> None:
    root = written(tmp_path, item("Best map", "b"), basemap())
    assert root.findtext("title") == 'A "b" & <c>'
    systems = [one.findtext("srs/spatialrefsys/authid") for one in root.iter("maplayer")]
    assert systems == ["EPSG:32638", "EPSG:3857"]
    extent = [
        float(str(root.findtext(f"mapcanvas/extent/{k}"))) for k in ("xmin", "ymin", "xmax", "ymax")
    ]
    assert extent == list(BOUNDS) and root.findtext("properties/Paths/Absolute") == "false"


def test_labels_and_bookmarks_are_written(tmp_path: Path) -> None:
    points = Item("p", "P", "Targets", "p.gpkg", "ogr", ET.Element("qgis"), geometry="Point",
                  label=Label("name", {"name": "Target"}))  # fmt: skip
    root = written(tmp_path, points, marks=(Bookmark("T1", "Targets", (1.0, 2.0, 3.0, 4.0)),))
    (layer,) = root.iter("maplayer")
    assert layer.get("labelsEnabled") == "1" and layer.get("geometry") == "Point"
    assert [(a.get("field"), a.get("name")) for a in layer.iter("alias")] == [("name", "Target")]
    (mark,) = root.iter("Bookmark")
    assert shapely.from_wkt(str(mark.get("extent"))).bounds == (1, 2, 3, 4)
