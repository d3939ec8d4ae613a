"""The demo's whole job in real QGIS, from layers to targets, with pictures of what a user sees.

Run by the Python that has PyQGIS, with one argument: a JSON file of facts (see try_installed.py).
Where these say so, only the pictures are taken, of a run that is there.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

FACTS = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
sys.path += ["/usr/share/qgis/python", "/usr/share/qgis/python/plugins", FACTS["plugins"]]

import qgis.utils  # noqa: E402
from qgis.core import (  # noqa: E402
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
    QgsProcessingParameterFile,
    QgsProject,
    QgsRasterLayer,
    QgsSettings,
    QgsVectorLayer,
)
from qgis.gui import QgsLayerTreeMapCanvasBridge, QgsLayerTreeView, QgsMapCanvas  # noqa: E402
from qgis.PyQt.QtCore import QCoreApplication, Qt  # noqa: E402
from qgis.PyQt.QtWidgets import QDockWidget, QMainWindow, QWidget  # noqa: E402

QCoreApplication.setOrganizationName("gossan-tests")
app = QgsApplication([], True, FACTS["profile"])
app.initQgis()

import processing  # noqa: E402
from processing.core.Processing import Processing  # noqa: E402

Processing.initialize()
import gossan_qgis  # noqa: E402
from gossan_qgis.setup_dialog import SetupDialog  # noqa: E402

WIDTH = 1000
"""Width of the pictures, at most."""
DEMO, OUT = Path(FACTS["demo"]), Path(FACTS["out"])


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Feedback(QgsProcessingFeedback):
    """Writes what an algorithm says to the terminal."""

    def setProgressText(self, text: str) -> None:
        say(f"  # {text}")

    def pushWarning(self, text: str) -> None:
        say(f"  warning: {text}")

    def reportError(self, text: str, fatalError: bool = False) -> None:
        say(f"  error: {text}")


class Window(QMainWindow):
    """A window with a map, a list of layers, and what the plugin asks of QGIS."""

    def __init__(self) -> None:
        super().__init__()
        from qgis.core import QgsLayerTreeModel

        self.canvas = QgsMapCanvas(self)
        self.setCentralWidget(self.canvas)
        self.resize(1500, 1300)
        root = QgsProject.instance().layerTreeRoot()
        self.bridge = QgsLayerTreeMapCanvasBridge(root, self.canvas)
        self.view = QgsLayerTreeView()
        self.model = QgsLayerTreeModel(root)
        self.view.setModel(self.model)
        layers = QDockWidget("Layers", self)
        layers.setWidget(self.view)
        self.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, layers)
        self.resizeDocks([layers], [330], Qt.Orientation.Horizontal)

    def mainWindow(self) -> QWidget:
        return self

    def mapCanvas(self) -> QgsMapCanvas:
        return self.canvas

    def __getattr__(self, name: str) -> Any:
        """Accept the menus and tool bars of QGIS, which this window does not have."""
        if name in ("addToolBarIcon", "addPluginToMenu", "removeToolBarIcon", "removePluginMenu"):
            return lambda *_: None
        raise AttributeError(name)


def fail(why: str) -> NoReturn:
    """Say in one line why the job ends here; nothing waits for what cannot come any more."""
    say(f"FAILED: {why}")
    os._exit(1)  # QGIS may crash while it tears itself down


def wait_for_targets(dock: Any) -> None:
    """Wait while the dock reads project and results; fail where it then lists no target."""
    deadline = time.monotonic() + 1200
    while dock._job is not None:
        settle(0.1)
        if time.monotonic() > deadline:
            fail(f"the panel still says {dock.state.text()!r} after 20 minutes")
    if not dock.targets.rowCount():
        said = [dock.messages.item(row).text() for row in range(dock.messages.count())]
        reason = "; ".join(said) or dock.state.text() or "the run has none"
        fail(f"no target of the run: {reason.rstrip('.')}. Make the demo again: gossan demo DIR")


def settle(seconds: float) -> None:
    """Let QGIS draw."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        app.processEvents()
        time.sleep(0.02)


def picture(widget: QWidget, name: str) -> None:
    settle(2)
    deadline = time.monotonic() + 120
    while window.canvas.isDrawing() and time.monotonic() < deadline:
        settle(0.2)
    image = widget.grab().toImage()
    if image.width() > WIDTH:
        image = image.scaledToWidth(WIDTH, Qt.TransformationMode.SmoothTransformation)
    image.save(str(Path(FACTS["pictures"]) / f"{name}.png"))


def run(name: str, **parameters: object) -> dict[str, Any]:
    context = QgsProcessingContext()
    context.setProject(QgsProject.instance())
    begun = time.monotonic()
    found = processing.run(f"gossan:{name}", parameters, context=context, feedback=Feedback())
    say(f"ok {name}: {time.monotonic() - begun:.0f} s")
    return dict(found)


def points(name: str) -> QgsVectorLayer:
    text = f"{(DEMO / name).as_uri()}?delimiter=,&xField=easting&yField=northing&crs=EPSG:32645"
    layer = QgsVectorLayer(text, f"{Path(name).stem} soil survey", "delimitedtext")
    assert layer.isValid(), name
    return layer


def run_model(folder: str) -> dict[str, Any]:
    """Run a model that buffers the proposed samples: outputs feed other algorithms."""
    model = QgsProcessingModelAlgorithm("gossan", "gossan", "gossan")
    model.initAlgorithm()
    parameter = QgsProcessingParameterFile("run", "run", QgsProcessingParameterFile.Folder)
    model.addModelParameter(parameter, QgsProcessingModelParameter("run"))
    source = QgsProcessingModelChildParameterSource
    propose = QgsProcessingModelChildAlgorithm("gossan:samplenext")
    propose.setChildId("propose")
    propose.addParameterSources("RUN", [source.fromModelParameter("run")])
    propose.addParameterSources("COUNT", [source.fromStaticValue(3)])
    model.addChildAlgorithm(propose)
    buffer = QgsProcessingModelChildAlgorithm("native:buffer")
    buffer.setChildId("buffer")
    buffer.addParameterSources("INPUT", [source.fromChildOutput("propose", "SAMPLES")])
    buffer.addParameterSources("DISTANCE", [source.fromStaticValue(100)])
    made = QgsProcessingModelOutput("buffered")
    made.setChildId("buffer")
    made.setChildOutputName("OUTPUT")
    buffer.setModelOutputs({"buffered": made})
    model.addChildAlgorithm(buffer)
    wanted = {"run": folder, "buffer:buffered": str(OUT / "buffered.gpkg")}
    found, ok = model.run(wanted, QgsProcessingContext(), Feedback())
    assert ok, found
    say("ok a model")
    return dict(found)


def map_copper(inputs: dict[str, Any]) -> dict[str, Any]:
    """Check the layers, and make the best map of them."""
    checked = run("checksurvey", **{k: inputs[k] for k in ("INPUT", "ELEMENTS", "SCENES", "PIXEL")})
    assert checked["READY"], checked
    best = run("bestmap", **inputs)
    assert best["COUNT"] > 0 and best["VERDICT"].startswith("Cu: "), best
    assert QgsVectorLayer(best["TARGETS"]).featureCount() > 0
    return best


def use_every_algorithm(best: dict[str, Any]) -> None:
    """Go on from the best map with all other algorithms."""
    project = str(OUT / "project.toml")
    run(
        "surveyquality",
        PROJECT=project,
        OUTPUT=str(OUT / "quality"),
        PAGE=str(OUT / "quality.html"),
    )
    run("krige", PROJECT=project, OUTPUT=str(OUT / "kriging"))
    run("indices", PROJECT=project, OUTPUT=str(OUT / "prepared"))
    run("runproject", PROJECT=project, OUTPUT=best["RUN"])
    run("anomalies", RUN=best["RUN"], THRESHOLDS="Cu=60")
    assert run("samplenext", RUN=best["RUN"], COUNT=8)["SAMPLES"]
    estimates = run("predict", RUN=best["RUN"], INPUT=points("detailed.csv"), OUTPUT="memory:")
    assert estimates["OUTPUT"].featureCount() == points("detailed.csv").featureCount()
    assert Path(run("report", RUN=best["RUN"])["REPORT"]).exists()
    run_model(best["RUN"])
    assert QgsVectorLayer(str(OUT / "buffered.gpkg")).featureCount() == 3


for key, value in FACTS["settings"].items():
    QgsSettings().setValue(f"gossan/{key}", value)
sys.excepthook = lambda kind, error, _: fail(f"{kind.__name__}: {error}")
window = Window()
qgis.utils.iface = window
plugin = gossan_qgis.classFactory(window)
plugin.initGui()
window.show()
window.canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:32645"))

samples = points("regional.csv")
known = QgsVectorLayer(str(DEMO / "occurrences.geojson"), "known mines", "ogr")
QgsProject.instance().addMapLayers([samples, known])
scenes = [*DEMO.glob("scenes/*.hdf"), *DEMO.glob("scenes/*.SAFE/MTD_MSIL2A.xml")]
whole = {
    "INPUT": samples, "ELEMENTS": ["Cu_ppm"], "UNIT": 1, "SUPPORT": 1000.0, "PIXEL": 30.0,
    "SCENES": [str(path) for path in scenes], "OCCURRENCES": known, "OUTPUT": str(OUT),
}  # fmt: skip

from processing.gui.AlgorithmDialog import AlgorithmDialog  # noqa: E402

algorithm = QgsApplication.processingRegistry().createAlgorithmById("gossan:bestmap")
dialog = AlgorithmDialog(algorithm)
rasters = [QgsRasterLayer(str(path), path.stem) for path in sorted(DEMO.glob("imagery/*.tif"))]
if not rasters or not all(one.isValid() for one in rasters):
    fail(f"no rasters in {DEMO / 'imagery'}. Make the demo again: gossan demo DIR")
QgsProject.instance().addMapLayers(rasters)
layers = {"INPUT": samples.id(), "OCCURRENCES": known.id(), "IMAGERY": [r.id() for r in rasters]}
dialog.setParameters({**whole, **layers, "SCENES": [], "OUTPUT": "copper"})
dialog.resize(1000, 760)
dialog.show()
picture(dialog, "qgis_best_map")
dialog.close()
QgsProject.instance().removeMapLayers(layers["IMAGERY"])

if FACTS["whole"]:
    best = map_copper(whole)
setup = SetupDialog(window)
setup.show()
while setup._job is not None:
    settle(0.1)
setup.close()

plugin.dock.show()
window.resizeDocks([plugin.dock], [470], Qt.Orientation.Horizontal)
plugin.dock.folder.setFilePath(str(OUT))
wait_for_targets(plugin.dock)
plugin.dock.samples.setLayer(samples)
(copper,) = plugin.dock.elements.findItems("Cu_ppm", Qt.MatchFlag.MatchExactly)
copper.setCheckState(Qt.CheckState.Checked)
plugin.dock.elements.scrollToItem(copper)
plugin.dock.folder.blockSignals(True)
plugin.dock.folder.lineEdit().setText(OUT.name)  # a picture for every computer
samples_node = QgsProject.instance().layerTreeRoot().findLayer(samples.id())
samples_node.setItemVisibilityChecked(False)
window.canvas.zoomToFullExtent()
window.view.expandToDepth(0)
picture(window, "qgis_dock")
plugin.dock.zoom_to(0)
picture(window, "qgis_target")

if FACTS["whole"]:
    use_every_algorithm(best)
say("ok the whole job")
os._exit(0)  # QGIS may crash while it tears itself down
