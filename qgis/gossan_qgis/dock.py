"""A panel for those who do not know Processing: survey, imagery, elements, run, results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsMapLayerProxyModel,
    QgsProcessingException,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.gui import QgsCollapsibleGroupBox, QgsDockWidget, QgsFileWidget, QgsMapLayerComboBox
from qgis.PyQt.QtCore import Qt, QUrl
from qgis.PyQt.QtGui import QDesktopServices
from qgis.PyQt.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from .core.commands import UNITS, ProjectInputs, toml, update_arguments
from .core.dock_state import (
    HEADERS,
    ProjectState,
    TargetRow,
    progress_text,
    state_of,
    target_rows,
)
from .core.protocol import Result
from .core.translations import tr
from .job import Job
from .layers_to_files import export_features, file_stem, raster_files, scene_paths
from .loading import RESULT, Wanted, load_layers
from .setup_dialog import SetupDialog

USER = Qt.ItemDataRole.UserRole
CHECKED, UNCHECKED = Qt.CheckState.Checked, Qt.CheckState.Unchecked
NARROW = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
READY = "Ready: press Make the map."


class GossanDock(QgsDockWidget):
    """The panel."""

    def __init__(self, iface: Any, parent: QWidget | None = None) -> None:
        super().__init__("gossan", parent)
        self.setObjectName("GossanDock")
        self._iface = iface
        self._job: Job | None = None
        self._titles: list[str] = []
        self._rows: list[TargetRow] = []
        self._files: dict[str, str] = {}
        self._crs = QgsCoordinateReferenceSystem()
        inner = QWidget()
        layout = QVBoxLayout(inner)
        layout.addLayout(self._project_row())
        layout.addWidget(self._survey_box())
        layout.addWidget(self._imagery_box())
        layout.addLayout(self._run_row())
        layout.addWidget(self._result_box(), 1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inner)
        self.setWidget(scroll)
        self.show_fields()
        self.show_rasters()
        QgsProject.instance().layersAdded.connect(lambda _: self.show_rasters())
        QgsProject.instance().layersRemoved.connect(lambda _: self.show_rasters())

    def _project_row(self) -> QFormLayout:
        self.folder = QgsFileWidget()
        self.folder.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self.folder.fileChanged.connect(self.open_project)
        setup = QPushButton(tr("Set up..."))
        setup.clicked.connect(lambda: SetupDialog(self).exec())
        form = QFormLayout()
        form.addRow(tr("Project folder"), self.folder)
        form.addRow(setup)
        return form

    def _survey_box(self) -> QWidget:
        box = QgsCollapsibleGroupBox(tr("1  Survey"))
        form = QFormLayout(box)
        self.samples = QgsMapLayerComboBox()
        self.samples.setFilters(QgsMapLayerProxyModel.PointLayer)
        self.samples.setAllowEmptyLayer(True)
        self.samples.layerChanged.connect(lambda _: self.show_fields())
        self.elements = QListWidget()
        self.elements.setMaximumHeight(110)
        self.unit = QComboBox()
        self.unit.addItems([tr("from the field name, otherwise the usual one"), *UNITS[1:]])
        self.support = QDoubleSpinBox()
        self.support.setRange(0, 100_000)
        self.support.setSuffix(" m")
        self.support.setToolTip(
            tr("Side of the square that a sample stands for (0: a point), in metres")
        )
        self.occurrences = QgsMapLayerComboBox()
        self.occurrences.setFilters(QgsMapLayerProxyModel.VectorLayer)
        self.occurrences.setAllowEmptyLayer(True)
        self.occurrences.setLayer(None)
        for box_of_choices in (self.samples, self.occurrences, self.unit):
            box_of_choices.setMinimumContentsLength(12)
            box_of_choices.setSizeAdjustPolicy(NARROW)
        form.addRow(tr("Samples"), self.samples)
        form.addRow(tr("Elements"), self.elements)
        form.addRow(tr("Unit"), self.unit)
        form.addRow(tr("A sample stands for"), self.support)
        form.addRow(tr("Known mines"), self.occurrences)
        return box

    def _imagery_box(self) -> QWidget:
        box = QgsCollapsibleGroupBox(tr("2  Imagery"))
        layout = QVBoxLayout(box)
        self.imagery = QListWidget()
        self.imagery.setMaximumHeight(110)
        add = QPushButton(tr("Add files or scenes..."))
        add.clicked.connect(self._choose_files)
        layout.addWidget(self.imagery)
        layout.addWidget(add)
        return box

    def _run_row(self) -> QVBoxLayout:
        self.check = QPushButton(tr("Check"))
        self.start = QPushButton(tr("Make the map"))
        self.stop = QPushButton(tr("Stop"))
        self.check.clicked.connect(lambda: self.work(["check"]))
        self.start.clicked.connect(lambda: self.work(["check", "run"]))
        self.stop.clicked.connect(self._stop)
        buttons = QHBoxLayout()
        for button in (self.check, self.start, self.stop):
            buttons.addWidget(button)
        self.bar = QProgressBar()
        self.state = QLabel()
        self.state.setWordWrap(True)
        self.messages = QListWidget()
        self.messages.setWordWrap(True)
        self.messages.setMaximumHeight(120)
        column = QVBoxLayout()
        column.addLayout(buttons)
        column.addWidget(self.bar)
        column.addWidget(self.state)
        column.addWidget(self.messages)
        self._busy(False)
        self.messages.hide()
        return column

    def _result_box(self) -> QWidget:
        box = QgsCollapsibleGroupBox(tr("3  Results"))
        layout = QVBoxLayout(box)
        self.verdict = QLabel(tr("No results yet."))
        self.verdict.setWordWrap(True)
        self.targets = QTableWidget(0, len(HEADERS))
        self.targets.setHorizontalHeaderLabels([tr(name) for name in HEADERS])
        self.targets.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.targets.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.targets.verticalHeader().hide()
        self.targets.setMinimumHeight(150)
        self.targets.cellClicked.connect(lambda row, _: self.zoom_to(row))
        self.report = QPushButton(tr("Open the report"))
        self.report.clicked.connect(self._open_report)
        self.report.setEnabled(False)
        for widget in (self.verdict, self.targets, self.report):
            layout.addWidget(widget)
        return box

    def show_fields(self) -> None:
        """List the fields of the samples; none is checked."""
        layer = self.samples.currentLayer()
        self.elements.clear()
        for field in layer.fields() if isinstance(layer, QgsVectorLayer) else ():
            _add_checkable(self.elements, field.name(), field.name(), False)

    def show_rasters(self) -> None:
        """List the raster layers of the project; what is checked stays so."""
        checked = {item.data(USER) for item in _items(self.imagery) if item.checkState() == CHECKED}
        files = [item.data(USER) for item in _items(self.imagery) if _is_file(item)]
        self.imagery.clear()
        for layer in QgsProject.instance().mapLayers().values():
            if isinstance(layer, QgsRasterLayer) and not layer.customProperty(RESULT):
                _add_checkable(self.imagery, layer.name(), layer.id(), layer.id() in checked)
        for path in files:
            _add_checkable(self.imagery, Path(path).name, path, path in checked)

    def _merge_files(self) -> None:
        """Check the layer of a file that the project has open, instead of listing both."""
        layers = QgsProject.instance().mapLayers()
        sources = {one.source(): name for name, one in layers.items()}
        shown = {item.data(USER): item for item in _items(self.imagery)}
        for path, item in shown.items():
            if path in sources and sources[path] in shown:
                shown[sources[path]].setCheckState(CHECKED)
                self.imagery.takeItem(self.imagery.row(item))

    def _choose_files(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self, tr("Add files or scenes..."))
        for path in scene_paths(paths):
            _add_checkable(self.imagery, Path(path).name, path, True)

    def open_project(self, folder: str) -> None:
        """Show what the project file of a folder says, and the results of its run."""
        if not (Path(folder) / "project.toml").exists():
            return
        job = self._job_of(tr("Read project"), [["show", folder]])
        job.done.connect(lambda result: self._show_project(result, Path(folder)))
        job.start()

    def _show_project(self, result: Result, folder: Path) -> None:
        state = state_of(result.settings, folder)
        self._take_survey(state)
        self.unit.setCurrentIndex(UNITS.index(state.unit))
        self.support.setValue(state.support_m)
        self.imagery.clear()
        for path in state.imagery:
            _add_checkable(self.imagery, Path(path).name, path, True)
        self.show_rasters()
        self._merge_files()
        if (folder / "run" / "manifest.json").exists():
            job = self._job_of(tr("Read results"), [["results", str(folder / "run")]])
            job.done.connect(self.show_result)
            job.start()

    def _take_survey(self, state: ProjectState) -> None:
        self.samples.setAdditionalItems([state.survey])
        self.samples.setCurrentIndex(self.samples.count() - 1)
        self.elements.clear()
        for name in state.elements:
            _add_checkable(self.elements, name, name, True)

    def inputs(self) -> ProjectInputs:
        """Write the layers to files, and return what the project is made of.

        Raises
        ------
        QgsProcessingException
            Something is missing, or a layer cannot be written.
        """
        folder = Path(self.folder.filePath())
        elements = tuple(_checked(self.elements))
        if not self.folder.filePath():
            raise QgsProcessingException(tr("Choose a folder for the project."))
        if not elements:
            raise QgsProcessingException(tr("Choose the element fields."))
        folder.mkdir(parents=True, exist_ok=True)
        settings = []
        if self.occurrences.currentLayer() is not None:
            _export(self.occurrences.currentLayer(), folder / "occurrences.gpkg")
            settings = [f"project.occurrences={toml('occurrences.gpkg')}"]
        return ProjectInputs(
            folder, self._survey(folder), elements, self._imagery_files(),
            unit=UNITS[self.unit.currentIndex()], support_m=self.support.value(),
            settings=tuple(settings),
        )  # fmt: skip

    def _survey(self, folder: Path) -> Path:
        layer = self.samples.currentLayer()
        if layer is None:
            path = Path(self.samples.currentText())
            if not path.is_file():
                raise QgsProcessingException(tr("Choose the sample layer."))
            return path
        return _export(layer, folder / f"{file_stem(layer.name())}.gpkg")

    def _imagery_files(self) -> tuple[str, ...]:
        layers, files = [], []
        for identity in _checked(self.imagery):
            layer = QgsProject.instance().mapLayer(identity)
            if layer is None:
                files.append(identity)
            else:
                layers.append(layer)
        return (*raster_files(layers), *files)

    def work(self, commands: list[str]) -> None:
        """Write the project file and run commands on it."""
        self.messages.clear()
        try:
            inputs = self.inputs()
        except (QgsProcessingException, OSError) as error:
            self._failed(str(error))
            return
        project = str(inputs.folder)
        job = self._job_of(
            "gossan", [update_arguments(inputs), *([one, project] for one in commands)]
        )
        job.done.connect(self.show_check if commands == ["check"] else self.show_result)
        job.start()

    def _job_of(self, title: str, commands: list[list[str]]) -> Job:
        self._titles = []
        self._job = job = Job(title, commands)
        job.step.connect(self._show_step)
        job.said.connect(self._say)
        job.progressChanged.connect(lambda percent: self.bar.setValue(int(percent)))
        job.failed.connect(self._failed)
        job.done.connect(lambda _: self._end())
        self._busy(True)
        return job

    def _stop(self) -> None:
        if self._job is not None:
            self._job.cancel()

    def _end(self) -> None:
        self._job = None  # QGIS deletes it
        self._busy(False)

    def _busy(self, busy: bool) -> None:
        for button in (self.check, self.start):
            button.setEnabled(not busy)
        self.stop.setEnabled(busy)
        self.bar.setVisible(busy)
        if not busy:
            self.state.clear()

    def _show_step(self, title: str) -> None:
        self._titles.append(title)
        self.state.setText(progress_text(self._titles))

    def _say(self, severity: str, text: str) -> None:
        self.messages.show()
        self.messages.addItem(f"{tr(severity)}: {text}")

    def _failed(self, text: str) -> None:
        self._end()
        self.state.setText(text)
        self._say("error", text)

    def show_check(self, result: Result) -> None:
        """Say whether a run can start."""
        wrong = tr("The check found errors; they are listed here.")
        self.state.setText(wrong if result.exit_code else tr(READY))

    def show_result(self, result: Result) -> None:
        """List verdicts and targets, and load the layers."""
        if result.exit_code:
            self.show_check(result)
            return
        self._files = result.files
        self.verdict.setText("\n\n".join(result.text))
        self._rows = target_rows(result)
        self.targets.setRowCount(len(self._rows))
        for number, row in enumerate(self._rows):
            for column, text in enumerate(row.cells):
                item = QTableWidgetItem(text)
                item.setToolTip(row.tip)
                self.targets.setItem(number, column, item)
        self.targets.resizeColumnsToContents()
        self.report.setEnabled(bool(result.files.get("report")))
        title = f"gossan: {Path(result.files.get('run', '')).parent.name}"
        wanted = Wanted(title, result.layers, result.files.get("project", ""))
        loaded = load_layers(QgsProject.instance(), wanted)
        self._crs = next((one.crs() for one in loaded if one.crs().isValid()), self._crs)

    def zoom_to(self, number: int) -> None:
        """Show a target on the map."""
        project = QgsProject.instance()
        canvas = self._iface.mapCanvas()
        system = canvas.mapSettings().destinationCrs()
        transform = QgsCoordinateTransform(self._crs, system, project)
        canvas.setExtent(transform.transformBoundingBox(QgsRectangle(*self._rows[number].box)))
        canvas.refresh()

    def _open_report(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(self._files.get("report", "")))


def _export(layer: QgsVectorLayer, path: Path) -> Path:
    """Write a layer, unless it is that very file already."""
    if Path(layer.source().split("|")[0]) == path:
        return path
    return export_features(_LayerSource(layer), path)


class _LayerSource:
    """A layer as Processing sees it."""

    def __init__(self, layer: QgsVectorLayer) -> None:
        self._layer = layer
        self.fields, self.wkbType = layer.fields, layer.wkbType
        self.sourceCrs, self.getFeatures = layer.crs, layer.getFeatures


def _add_checkable(listed: QListWidget, text: str, data: str, checked: bool) -> None:
    item = QListWidgetItem(text)
    item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
    item.setCheckState(CHECKED if checked else UNCHECKED)
    item.setData(USER, data)
    item.setToolTip(data)
    listed.addItem(item)


def _items(listed: QListWidget) -> list[QListWidgetItem]:
    return [listed.item(number) for number in range(listed.count())]


def _checked(listed: QListWidget) -> list[str]:
    return [item.data(USER) for item in _items(listed) if item.checkState() == CHECKED]


def _is_file(item: QListWidgetItem) -> bool:
    """Tell a file or scene from a layer, which the project may have dropped."""
    return bool(Path(item.data(USER)).is_absolute())
