"""Write a QGIS project with relative paths, groups and styles, as plain XML."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pyproj import CRS

from gossan.geo.raster import atomic_path, open_raster
from gossan.io.contract import BASELINE
from gossan.io.qgis_styles import anomaly_style, zone_style
from gossan.pipeline.imagery_used import KRIGED, LEGEND, PART, USED
from gossan.report.figures import element_scale
from gossan.report.palette import ERROR, SHARE, Scale, common_scale
from gossan.report.read import Map, Results

VERSION = "3.22.0-Białowieża"
STEPS = 17
TARGETS, BEST, DOUBT, KRIGING, OTHERS, HALOS, IMAGERY = GROUPS = (
    "Targets",
    "Best map",
    "Its error and applicability",
    "Kriging",
    "Other maps",
    "All elements together",
    "Imagery",
)
IMAGERY_USED = {KRIGED: ("#d55e00", "255"), USED: ("#009e73", "0"), PART: ("#e69f00", "255")}
"""Colour and opacity of each class; where imagery was used the maps below show through."""
DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>"


@dataclass(frozen=True, eq=False)
class Item:
    """One layer of the project: its title, place and style."""

    key: str
    title: str
    group: str
    source: str
    provider: str
    style: ET.Element
    visible: bool = False

    @property
    def identity(self) -> str:
        """Identity of the layer in the project; QGIS ignores those of ten characters or fewer."""
        return f"gossan_layer_{self.key}"


def write_qgis(results: Results) -> Path:
    """Write ``gossan.qgs`` and a ``.qml`` style beside every map.

    Groups: targets, best maps, their errors and applicability, kriging, other maps, imagery. The
    best map of the first element and its targets are switched on. Paths are relative, so the run
    folder may be moved.
    """
    items = [*_element_items(results), *_other_items(results)]
    items.sort(key=lambda item: GROUPS.index(item.group))
    for item in reversed(items):  # a file of several items keeps the first one's style
        if item.provider == "gdal":
            _write_style(results.run.root / item.source, item.style)
    path = results.run.root / "gossan.qgs"
    _write(path, _project(results, items))
    return path


def _element_items(results: Results) -> Iterable[Item]:
    """Layers of each element; the best map and the targets of the first one are switched on."""
    for number, element in enumerate(results.elements):
        best, scale = results.best(element), element_scale(results, element)
        for one in results.of(element):
            title = f"{element}: {results.title(one.product, element)}"
            group = _group(one.product, best)
            shown = one.product == best and number == 0
            yield from _anomaly_items(
                results, one, title, TARGETS if group == BEST else OTHERS, shown
            )
            yield _raster(results, one, title, group, scale, shown)
        for (product, own), error in results.errors.items():
            if own == element:
                title = f"{element}: standard error, {results.title(product, element)}"
                errors = common_scale([error.values], error.unit, ERROR)
                yield _raster(results, error, title, _group(product, best, DOUBT), errors)
    if results.applicability is not None:
        index, _ = results.applicability
        source = index.path.relative_to(results.run.root).as_posix()
        title = "Dissimilarity of ground from the samples"
        scale = common_scale([index.values], "", ERROR)
        yield Item("applicability", title, DOUBT, source, "gdal", _ramp_style(scale))


def _group(product: str, best: str | None, of_best: str = BEST) -> str:
    """Group of a product's layer."""
    if product == best:
        return of_best
    return KRIGING if product == BASELINE else OTHERS


def _anomaly_items(
    results: Results, one: Map, title: str, group: str, shown: bool
) -> Iterable[Item]:
    path = results.run.anomaly_file(one.product, one.element, "gpkg")
    source = path.relative_to(results.run.root).as_posix()
    if not results.outlines(one.product, one.element):
        return
    styles = {"anomalies": anomaly_style(), "zones": zone_style((1.0, 2.0, 4.0))}
    for layer, style in styles.items():
        text = style[style.index("<qgis") :]
        yield Item(
            f"{layer}_{one.name}", f"{title}, {layer}", group,
            f"{source}|layername={layer}", "ogr", ET.fromstring(text),
            shown and layer == "anomalies",
        )  # fmt: skip


def _other_items(results: Results) -> Iterable[Item]:
    for one in results.halos:
        scale = common_scale([one.values], one.unit)
        yield _raster(results, one, one.name.replace("_", " "), HALOS, scale)
    for one in results.shares:
        scale = Scale(0.0, 1.0, False, one.unit, SHARE)
        yield _raster(results, one, one.name.replace("_", " "), IMAGERY, scale)
    if results.imagery_used is not None:
        path, features = results.imagery_used
        source = path.relative_to(results.run.root).as_posix()
        for band, name in enumerate(features, 1):
            title = f"where imagery was used: {name}"
            style = _legend_style(band)
            yield Item(f"{path.stem}_{band}", title, IMAGERY, source, "gdal", style)
    for one in results.pictures:
        source = one.path.relative_to(results.run.root).as_posix()
        title = one.name.replace("_", " ")
        yield Item(one.name, title, IMAGERY, source, "gdal", _colour_style(), True)


def _raster(
    results: Results, one: Map, title: str, group: str, scale: Scale, visible: bool = False
) -> Item:
    source = one.path.relative_to(results.run.root).as_posix()
    named = f"{title} [{one.unit}]" if one.unit else title
    return Item(one.name, named, group, source, "gdal", _ramp_style(scale), visible)


def _ramp_style(scale: Scale) -> ET.Element:
    """Colour one band by the report's scale."""
    root = ET.Element("qgis", version=VERSION, styleCategories="AllStyleCategories")
    pipe = ET.SubElement(root, "pipe")
    renderer = ET.SubElement(
        pipe, "rasterrenderer", type="singlebandpseudocolor", band="1", opacity="1",
        alphaBand="-1", nodataColor="",
        classificationMin=f"{scale.low:.9g}", classificationMax=f"{scale.high:.9g}",
    )  # fmt: skip
    shader = ET.SubElement(
        ET.SubElement(renderer, "rastershader"), "colorrampshader",
        colorRampType="INTERPOLATED", classificationMode="1", clip="0", labelPrecision="4",
        minimumValue=f"{scale.low:.9g}", maximumValue=f"{scale.high:.9g}",
    )  # fmt: skip
    for value, colour in scale.colours_of(STEPS):
        label = f"{value:.4g}"
        ET.SubElement(shader, "item", value=f"{value:.9g}", color=colour, alpha="255", label=label)
    ET.SubElement(root, "blendMode").text = "0"
    return root


def _legend_style(band: int) -> ET.Element:
    """Colour the classes of where imagery was used."""
    root = ET.Element("qgis", version=VERSION, styleCategories="AllStyleCategories")
    pipe = ET.SubElement(root, "pipe")
    renderer = ET.SubElement(
        pipe, "rasterrenderer", type="paletted", band=str(band), opacity="0.7",
        alphaBand="-1", nodataColor="",
    )  # fmt: skip
    palette = ET.SubElement(renderer, "colorPalette")
    for value, label in LEGEND.items():
        colour, alpha = IMAGERY_USED[value]
        ET.SubElement(
            palette, "paletteEntry", value=str(value), color=colour, alpha=alpha, label=label
        )
    return root


def _colour_style() -> ET.Element:
    """Show three bands as red, green and blue, stretched by QGIS between its cuts."""
    root = ET.Element("qgis", version=VERSION, styleCategories="AllStyleCategories")
    pipe = ET.SubElement(root, "pipe")
    ET.SubElement(
        pipe, "rasterrenderer", type="multibandcolor", redBand="1", greenBand="2", blueBand="3",
        opacity="1", alphaBand="-1", nodataColor="",
    )  # fmt: skip
    return root


def _write_style(layer: Path, style: ET.Element) -> None:
    _write(layer.with_suffix(".qml"), style)


def _write(path: Path, root: ET.Element) -> None:
    ET.indent(root)
    with atomic_path(path) as temporary:
        text = f"{DOCTYPE}\n{ET.tostring(root, encoding='unicode')}\n"
        temporary.write_text(text, encoding="utf-8")


def _project(results: Results, items: list[Item]) -> ET.Element:
    name = results.manifest.name
    root = ET.Element("qgis", version=VERSION, projectname=name)
    ET.SubElement(root, "title").text = name
    rasters = [item for item in items if item.provider == "gdal"]
    crs = open_raster(results.run.root / rasters[0].source).grid.crs if rasters else None
    if crs is not None:
        _crs(ET.SubElement(root, "projectCrs"), crs)
    _tree(root, items)
    if crs is not None:
        _canvas(root, results, rasters[0], crs)
    layers = ET.SubElement(root, "projectlayers")
    for item in items:
        layers.append(_map_layer(item, crs))
    order = ET.SubElement(root, "layerorder")
    for item in items:
        ET.SubElement(order, "layer", id=item.identity)
    properties = ET.SubElement(root, "properties")
    paths = ET.SubElement(properties, "Paths")
    ET.SubElement(paths, "Absolute", type="bool").text = "false"
    system = ET.SubElement(properties, "SpatialRefSys")
    ET.SubElement(system, "ProjectionsEnabled", type="int").text = "1"
    return root


def _tree(root: ET.Element, items: list[Item]) -> None:
    tree = ET.SubElement(root, "layer-tree-group")
    groups: dict[str, ET.Element] = {}
    for item in items:
        if item.group not in groups:
            shown = "1" if item.group in (TARGETS, BEST, IMAGERY) else "0"
            groups[item.group] = ET.SubElement(
                tree, "layer-tree-group", name=item.group, checked="Qt::Checked",
                expanded=shown,
            )  # fmt: skip
        ET.SubElement(
            groups[item.group], "layer-tree-layer", id=item.identity, name=item.title,
            source=f"./{item.source}", providerKey=item.provider, expanded="0",
            checked="Qt::Checked" if item.visible else "Qt::Unchecked",
        )  # fmt: skip


def _canvas(root: ET.Element, results: Results, item: Item, crs: CRS) -> None:
    bounds = open_raster(results.run.root / item.source).grid.bounds
    canvas = ET.SubElement(root, "mapcanvas", name="theMapCanvas", annotationsVisible="1")
    ET.SubElement(canvas, "units").text = "meters"
    extent = ET.SubElement(canvas, "extent")
    for name, value in zip(("xmin", "ymin", "xmax", "ymax"), bounds):
        ET.SubElement(extent, name).text = f"{value:.3f}"
    ET.SubElement(canvas, "rotation").text = "0"
    _crs(ET.SubElement(canvas, "destinationsrs"), crs)


def _map_layer(item: Item, crs: CRS | None) -> ET.Element:
    attributes: Mapping[str, str] = (
        {"type": "raster"} if item.provider == "gdal" else {"type": "vector", "geometry": "Polygon"}
    )
    layer = ET.Element("maplayer", {**attributes, "hasScaleBasedVisibilityFlag": "0"})
    ET.SubElement(layer, "id").text = item.identity
    ET.SubElement(layer, "datasource").text = f"./{item.source}"
    ET.SubElement(layer, "layername").text = item.title
    if crs is not None:
        _crs(ET.SubElement(layer, "srs"), crs)
    provider = ET.SubElement(layer, "provider", encoding="UTF-8")
    provider.text = item.provider
    for part in item.style:
        if part.tag in ("pipe", "renderer-v2", "blendMode"):
            layer.append(part)
    return layer


def _crs(parent: ET.Element, crs: CRS) -> None:
    system = ET.SubElement(parent, "spatialrefsys")
    ET.SubElement(system, "wkt").text = crs.to_wkt()
    authority = crs.to_authority()
    if authority:
        ET.SubElement(system, "srid").text = str(authority[1])
        ET.SubElement(system, "authid").text = ":".join(authority)
    ET.SubElement(system, "description").text = crs.name
    ET.SubElement(system, "geographicflag").text = "true" if crs.is_geographic else "false"
