"""Checks inside real QGIS: run by the Python that has PyQGIS, one argument: a JSON file of facts.

Each check is a function; the script prints "ok NAME" for those that hold, and ends with a
traceback at the first that does not.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

FACTS = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
HOSTILE = {
    "PATH": "/nowhere", "PYTHONHOME": "/nowhere", "PYTHONPATH": "/nowhere", "PROJ_LIB": "/nowhere",
    "PROJ_DATA": "/nowhere", "GDAL_DATA": "/nowhere", "GDAL_DRIVER_PATH": "/nowhere",
}  # fmt: skip
sys.path += ["/usr/share/qgis/python", "/usr/share/qgis/python/plugins", FACTS["plugin"]]

from qgis.core import (  # noqa: E402
    QgsApplication,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProject,
    QgsRasterLayer,
    QgsSettings,
    QgsVectorLayer,
)
from qgis.gui import QgsMapCanvas  # noqa: E402
from qgis.PyQt.QtCore import QCoreApplication, QSize, Qt  # noqa: E402
from qgis.PyQt.QtWidgets import QMainWindow  # noqa: E402

QCoreApplication.setOrganizationName("gossan-tests")
app = QgsApplication([], True, FACTS["profile"])
app.initQgis()

import processing  # noqa: E402
from processing.core.Processing import Processing  # noqa: E402

Processing.initialize()
import gossan_qgis  # noqa: E402
from gossan_qgis.algorithms.base import GossanAlgorithm  # noqa: E402
from gossan_qgis.loading import Wanted  # noqa: E402

BASE = Path(FACTS["base"])
TINY = Path(FACTS["tiny"])
RUN = FACTS["run"]


class Iface:
    """What the plugin uses of QGIS's window."""

    def __init__(self) -> None:
        self.window = QMainWindow()
        self.canvas = QgsMapCanvas(self.window)
        self.window.setCentralWidget(self.canvas)
        self.window.resize(1500, 950)
        self.mainWindow = lambda: self.window
        self.mapCanvas = lambda: self.canvas
        self.addDockWidget, self.removeDockWidget = (
            self.window.addDockWidget, self.window.removeDockWidget,
        )  # fmt: skip
        self.addToolBarIcon = self.addPluginToMenu = lambda *_: None
        self.removeToolBarIcon = self.removePluginMenu = lambda *_: None


class Feedback(QgsProcessingFeedback):
    """Writes down what an algorithm says; cancels at a step."""

    def __init__(self, stop_at: str = "") -> None:
        super().__init__()
        self.printed: list[str] = []
        self.stop_at = stop_at

    def setProgressText(self, text: str) -> None:
        self.printed.append(text)
        if self.stop_at and self.stop_at in text:
            self.cancel()

    def pushWarning(self, text: str) -> None:
        self.printed.append(text)

    def reportError(self, text: str, fatalError: bool = False) -> None:
        self.printed.append(text)

    def pushInfo(self, text: str) -> None:
        self.printed.append(text)

    def pushDebugInfo(self, text: str) -> None:
        self.printed.append(text)

    def pushCommandInfo(self, text: str) -> None:
        self.printed.append(text)


def run(name: str, feedback: Feedback | None = None, **parameters: object) -> dict:
    context = QgsProcessingContext()
    context.setProject(QgsProject.instance())
    feedback = feedback or Feedback()
    return processing.run(f"gossan:{name}", parameters, context=context, feedback=feedback)


def samples() -> QgsVectorLayer:
    source = (TINY / "samples.csv").as_uri()
    text = f"{source}?delimiter=,&xField=easting&yField=northing&crs=EPSG:32638"
    layer = QgsVectorLayer(text, "soil samples", "delimitedtext")
    assert layer.isValid()
    return layer


def rasters() -> list[QgsRasterLayer]:
    return [QgsRasterLayer(str(TINY / f"{name}.tif"), name) for name in ("clay", "iron")]


def colours(layers: list) -> int:
    settings = QgsMapSettings()
    settings.setLayers(layers)
    settings.setDestinationCrs(layers[0].crs())
    settings.setExtent(layers[0].extent())
    settings.setOutputSize(QSize(80, 80))
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage()
    return len({image.pixel(x, y) for x in range(0, 80, 4) for y in range(0, 80, 4)})


def the_provider_lists_every_algorithm() -> None:
    provider = QgsApplication.processingRegistry().providerById("gossan")
    names = {one.name() for one in provider.algorithms()}
    assert names == {
        "checksurvey", "surveyquality", "krige", "indices", "runproject", "bestmap", "anomalies",
        "samplenext", "predict", "report", "catchments",
    }  # fmt: skip
    for one in provider.algorithms():
        assert one.shortHelpString() and one.displayName()
        assert one.checkParameterValues({}, QgsProcessingContext())[0] is False


def a_survey_is_checked_in_a_hostile_environment() -> None:
    before = {name: os.environ.get(name) for name in HOSTILE}
    os.environ.update(HOSTILE)
    try:
        page = str(BASE / "findings.html")
        found = run(
            "checksurvey", INPUT=samples(), ELEMENTS=["Cu_ppm"], IMAGERY=rasters(), PAGE=page
        )
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    assert (found["READY"], found["ERRORS"]) == (True, 0)
    assert "samples" in Path(page).read_text(encoding="utf-8")


def a_survey_is_kriged_and_its_layers_load_and_render() -> None:
    QgsProject.instance().clear()
    out = str(BASE / "kriged 河")
    found = run("krige", INPUT=samples(), ELEMENTS=["Cu_ppm"], PIXEL=200, OUTPUT=out)
    layers = list(QgsProject.instance().mapLayers().values())
    assert {"singlebandpseudocolor"} == {one.renderer().type() for one in layers}
    assert QgsRasterLayer(found["MAP"]).isValid()
    best = next(one for one in layers if one.source() == found["MAP"])
    assert colours([best]) > 10
    group = QgsProject.instance().layerTreeRoot().findGroup("gossan: kriged 河")
    assert [one.name() for one in group.children()] == ["Kriging"]


def a_valley_gets_its_catchments() -> None:
    QgsProject.instance().clear()
    out = str(BASE / "streams")
    heights = QgsRasterLayer(FACTS["valley"], "valley")
    found = run(
        "catchments", INPUT=samples(), ELEMENTS=["Cu_ppm"], HEIGHTS=heights, SNAP=0, STREAM=0.002,
        OUTPUT=out,
    )  # fmt: skip
    polygons = QgsVectorLayer(found["CATCHMENTS"])
    areas = [one["area_km2"] for one in polygons.getFeatures()]
    assert polygons.featureCount() > 10 and min(areas) > 0, areas
    group = QgsProject.instance().layerTreeRoot().findGroup("gossan: streams")
    layers = [one.layer() for one in group.findLayers()]
    assert {one.type() for one in layers} == {polygons.type(), heights.type()}
    assert colours(layers) > 5
    try:
        run("catchments", INPUT=samples(), ELEMENTS=["Cu_ppm"], OUTPUT=out)
    except QgsProcessingException as error:
        assert "terrain model" in str(error)
    else:
        raise AssertionError("without heights there is nothing to outline")


def a_finished_run_loads_in_groups_with_its_styles() -> None:
    QgsProject.instance().clear()
    found = run("report", RUN=RUN)
    root = QgsProject.instance().layerTreeRoot()
    (top,) = root.children()
    names = [one.name() for one in top.children()]
    assert names[0] == "Targets" and "Best map" in names, names
    shown = [one.layer() for one in top.findLayers() if one.itemVisibilityChecked()]
    kinds = {one.renderer().type() for one in shown}
    assert "singlebandpseudocolor" in kinds and len(shown) > 2, kinds
    targets = next(one for one in shown if "targets" in one.name())
    assert targets.labelsEnabled() and targets.mapTipTemplate()
    assert colours(shown) > 30
    assert Path(found["REPORT"]).exists() and QgsRasterLayer(found["MAP"]).isValid()
    assert QgsVectorLayer(found["TARGETS"]).featureCount() == sum(
        one.featureCount() for one in shown if "anomalies" in one.name()
    )
    count = len(top.findLayers())
    report = {"path": found["MAP"], "title": "again", "group": "Best map", "kind": "raster"}
    GossanAlgorithm.loader.wanted.emit(Wanted(top.name(), [{**report, "visible": True}]))
    (top,) = root.children()
    assert len(top.findLayers()) == 1 < count, "an older group of the same run is replaced"


def points_are_estimated() -> None:
    found = run("predict", RUN=RUN, INPUT=samples(), ELEMENT="Cu", OUTPUT="memory:")
    layer = found["OUTPUT"]
    assert layer.featureCount() == samples().featureCount()
    logs = [abs(f["estimate"] / f["Cu_ppm"] - 1) for f in layer.getFeatures() if f["estimate"]]
    assert sorted(logs)[len(logs) // 2] < 0.5
    assert all(
        f["lower90"] < f["estimate"] < f["upper90"] for f in layer.getFeatures() if f["estimate"]
    )


def new_samples_keep_to_the_polygon() -> None:
    area = QgsVectorLayer("Polygon?crs=EPSG:32638", "area", "memory")
    from qgis.core import QgsFeature, QgsGeometry

    inside = QgsGeometry.fromWkt(
        "POLYGON((412000 2697000,415000 2697000,415000 2699000,412000 2699000,412000 2697000))"
    )
    feature = QgsFeature()
    feature.setGeometry(inside)
    area.dataProvider().addFeature(feature)
    found = run("samplenext", RUN=RUN, COUNT=3, ELEMENT="Cu", GOAL=1, WITHIN=area)
    layer = QgsVectorLayer(found["SAMPLES"])
    assert layer.featureCount() == 3
    assert all(one.geometry().within(inside) for one in layer.getFeatures())


def a_stopped_run_leaves_nothing_half_written() -> None:
    feedback = Feedback(stop_at="kriging")
    out = BASE / "stopped"
    try:
        run("runproject", feedback, PROJECT=str(TINY / "project.toml"), OUTPUT=str(out))
    except QgsProcessingException as error:
        assert "Stopped" in str(error), error
    else:
        raise AssertionError("the run was not stopped")
    assert out.exists() and not list(out.rglob("*.partial*"))
    deadline = time.monotonic() + 10
    while _processes_of(str(out)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _processes_of(str(out))


def _processes_of(word: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += [path.parent.name] * (word.encode() in path.read_bytes())
        except OSError:
            continue
    return found


def a_broken_gossan_gets_the_right_message() -> None:
    from gossan_qgis import bridge

    settings = QgsSettings()
    for key, value in (("command", FACTS["broken"]), ("uv", FACTS["uv"]), ("folder", FACTS["own"])):
        settings.setValue(f"gossan/{key}", value)
    bridge.Memory.engine = None
    settings.setValue("proxy/proxyEnabled", True)
    settings.setValue("proxy/proxyType", "HttpProxy")
    settings.setValue("proxy/proxyHost", "refuse.lan")
    feedback = Feedback()
    try:
        run("report", feedback, RUN=RUN)
    except QgsProcessingException as error:
        assert "user name and a password" in str(error), error
        assert any("DLL load failed" in text for text in feedback.printed)
        assert "DLL load failed" in bridge.report()
    else:
        raise AssertionError("a broken gossan was used")
    finally:
        settings.setValue("proxy/proxyEnabled", False)
        bridge.set_setting("gossan/uv", "")
        bridge.set_setting("gossan/command", FACTS["gossan"])


def the_dock_shows_a_finished_project_and_zooms() -> None:
    QgsProject.instance().clear()
    dock = plugin.dock
    dock.folder.setFilePath(str(Path(RUN).parent))
    deadline = time.monotonic() + 120
    while (dock._job is not None or not dock.targets.rowCount()) and time.monotonic() < deadline:
        app.processEvents()
        time.sleep(0.02)
    assert dock.targets.rowCount() > 0, dock.state.text()
    assert dock.verdict.text().startswith("Cu: ")
    listed = [dock.elements.item(number).text() for number in range(dock.elements.count())]
    assert listed[:2] == ["Cu", "Zn"], listed
    chosen = dock.inputs()
    assert [Path(path).name for path in chosen.imagery] == ["clay.tif", "iron.tif"]
    iface.canvas.setDestinationCrs(dock._crs)
    dock.zoom_to(0)
    assert iface.canvas.extent().contains(dock._rows[0].easting, dock._rows[0].northing)
    assert dock.minimumSizeHint().width() < 600


CHECKS = (
    the_provider_lists_every_algorithm,
    a_survey_is_checked_in_a_hostile_environment,
    a_survey_is_kriged_and_its_layers_load_and_render,
    a_valley_gets_its_catchments,
    a_finished_run_loads_in_groups_with_its_styles,
    points_are_estimated,
    new_samples_keep_to_the_polygon,
    the_dock_shows_a_finished_project_and_zooms,
    a_stopped_run_leaves_nothing_half_written,
    a_broken_gossan_gets_the_right_message,
)

QgsSettings().setValue("gossan/command", FACTS["gossan"])
iface = Iface()
plugin = gossan_qgis.classFactory(iface)
plugin.initGui()
iface.window.show()
assert Qt.DockWidgetArea.RightDockWidgetArea
for check in CHECKS:
    begun = sum(os.times()[:4])
    check()
    print(f"ok {check.__name__} {sum(os.times()[:4]) - begun:.1f} s of processor", flush=True)
plugin.unload()
assert QgsApplication.processingRegistry().providerById("gossan") is None
print("ok all", flush=True)
os._exit(0)  # QGIS may crash while it tears itself down
