"""Which gossan is used, how to install one, and the report for helpers."""

from __future__ import annotations

from collections.abc import Callable

from qgis.gui import QgsFileWidget
from qgis.PyQt.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from .bridge import (
    COMMAND,
    FOLDER,
    WHEELHOUSE,
    Memory,
    own_folder,
    report,
    set_setting,
    setting,
)
from .core.translations import tr
from .job import FindJob, InstallJob, Job


class SetupDialog(QDialog):
    """Settings of the plugin: everything works without a visit here."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("gossan: set up"))
        self.setMinimumWidth(720)
        self._job: Job | None = None
        self._state = QLabel()
        self._state.setWordWrap(True)
        self._state.setOpenExternalLinks(True)
        self._bar = QProgressBar()
        self._bar.setRange(0, 0)
        self._bar.hide()
        layout = QVBoxLayout(self)
        layout.addWidget(self._state)
        layout.addLayout(self._form())
        layout.addWidget(self._bar)
        layout.addWidget(self._buttons())
        self.show_state()

    def _form(self) -> QFormLayout:
        form = QFormLayout()
        files = QgsFileWidget.StorageMode
        for key, title, mode in (
            (COMMAND, "gossan to use (empty: found or installed)", files.GetFile),
            (WHEELHOUSE, "Wheelhouse (zip) for a closed network", files.GetFile),
            (FOLDER, "Folder for gossan", files.GetDirectory),
        ):
            field = QgsFileWidget()
            field.setStorageMode(mode)
            field.setFilePath(setting(key))
            if key == FOLDER:
                field.lineEdit().setPlaceholderText(str(own_folder()))
            field.fileChanged.connect(lambda path, key=key: self._change(key, path))
            form.addRow(tr(title), field)
        return form

    def _buttons(self) -> QDialogButtonBox:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self._install = QPushButton(tr("Install now"))
        copy = QPushButton(tr("Copy report"))
        role = QDialogButtonBox.ButtonRole.ActionRole
        buttons.addButton(self._install, role)
        buttons.addButton(copy, role)
        self._install.clicked.connect(self.install)
        copy.clicked.connect(self.copy_report)
        buttons.rejected.connect(self.reject)
        return buttons

    def _change(self, key: str, path: str) -> None:
        set_setting(key, path.strip())
        self.show_state()

    def show_state(self) -> None:
        """Look for a gossan in the background, and say which is used, or why none."""
        self._state.setText(tr("Looking for gossan..."))
        self._start(FindJob(tr("Look for gossan"), []), self._show_found)

    def _show_found(self) -> None:
        engine = Memory.engine
        if engine is not None:
            text = tr("gossan {} is ready:").format(engine.version)
            self._state.setText(f"<b>{text}</b><br>{engine.command[0]}")
            return
        none = tr("No gossan was found. It will be installed on first use, or press Install now.")
        lines = [none, *(probe.shown for probe in Memory.probes)]
        self._state.setText("<br>".join(lines))

    def install(self) -> None:
        """Install in the background."""
        self._start(InstallJob(tr("Install gossan"), []), self._show_found)

    def _start(self, job: Job, done: Callable[[], None]) -> None:
        self._install.setEnabled(False)
        self._bar.show()
        self._job = job
        job.step.connect(self._state.setText)
        job.done.connect(lambda _: (self._end(), done()))
        job.failed.connect(lambda error: (self._end(), self._state.setText(error)))
        job.start()

    def _end(self) -> None:
        self._job = None  # QGIS deletes it
        self._install.setEnabled(True)
        self._bar.hide()

    def copy_report(self) -> None:
        """Put the report on the clipboard."""
        QApplication.clipboard().setText(report())
        self._state.setText(tr("The report is on the clipboard. Paste it into your message."))
