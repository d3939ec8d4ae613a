"""Run by the Python of QGIS: open projects, look at them, and print what was seen as JSON."""

import json
import sys

from qgis.core import (
    QgsApplication,
    QgsFeature,
    QgsGeometry,
    QgsLayoutExporter,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsPointXY,
    QgsProject,
)
from qgis.PyQt.QtCore import QSize


def rendered(project, nodes, path):
    shown = [node.layer() for node in nodes]
    settings = QgsMapSettings()
    settings.setLayers(shown)
    settings.setOutputSize(QSize(500, 500))
    settings.setDestinationCrs(project.crs())
    settings.setExtent(project.viewSettings().defaultViewExtent())
    settings.setFlag(QgsMapSettings.DrawLabeling)
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    job.renderedImage().save(path)


def legend(layer):
    renderer = layer.renderer()
    if not hasattr(renderer, "legendSymbologyItems"):
        return []
    return [name for name, _ in renderer.legendSymbologyItems()]


def add_observation(layer):
    """Add a point as a geologist does."""
    feature = QgsFeature(layer.fields())
    feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(411_500, 2_699_000)))
    feature["note"] = "malachite"
    return layer.startEditing() and layer.addFeature(feature) and layer.commitChanges()


def seen(path):
    project = QgsProject.instance()
    project.clear()
    read = project.read(path)
    layers = project.mapLayers().values()
    root = project.layerTreeRoot()
    nodes = [node for node in root.findLayers() if node.isVisible() and node.layer()]
    rendered(project, nodes, path.replace(".qgs", ".png"))
    targets = root.findGroup("Targets")
    if targets is not None:
        listed = [node for node in targets.findLayers() if node.isVisible()]
        rendered(project, listed, path.replace(".qgs", "_targets.png"))
    vectors = [one for one in layers if one.type() == one.VectorLayer]
    field = [one for one in vectors if "field" in path and "observations" in one.source()]
    return {
        "added": {one.name(): add_observation(one) for one in field},
        "sources": [one.source() for one in layers],
        "read": read,
        "crs": project.crs().authid(),
        "layers": len(layers),
        "invalid": [one.name() for one in layers if not one.isValid()],
        "groups": [group.name() for group in root.findGroups()],
        "visible": [node.layer().source() for node in nodes],
        "legends": {one.name(): legend(one) for one in layers if one.type() == one.RasterLayer},
        "features": {one.name(): one.featureCount() for one in vectors},
        "classes": {
            one.name(): {item.label(): 0 for item in one.renderer().legendSymbolItems()}
            for one in vectors
        },
        "labelled": [one.name() for one in vectors if one.labelsEnabled()],
        "aliases": {
            one.name(): [one.attributeDisplayName(i) for i in range(one.fields().count())]
            for one in vectors
        },
        "bookmarks": [mark.name() for mark in project.bookmarkManager().bookmarks()],
        "layouts": [atlas(one, path) for one in project.layoutManager().printLayouts()],
    }


def atlas(layout, path):
    """Export the first page of an atlas and list the names of all pages."""
    pages = layout.atlas()
    pages.beginRender()
    names = []
    while pages.next():
        names.append(pages.currentFilename())
    pages.first()
    picture = path.replace("gossan.qgs", f"{layout.name().replace(' ', '_')}.png")
    settings = QgsLayoutExporter.ImageExportSettings()
    settings.dpi = 60
    done = QgsLayoutExporter(layout).exportToImage(picture, settings)
    return {"name": layout.name(), "pages": names, "picture": picture, "exported": int(done)}


program = QgsApplication([], False)
program.initQgis()
facts = [seen(path) for path in sys.argv[1:]]
print(json.dumps(facts))
sys.stdout.flush()
program.exitQgis()
