"""What QGIS starts: the provider, and with a window the dock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qgis.core import QgsApplication, QgsSettings
from qgis.PyQt.QtCore import Qt, QUrl
from qgis.PyQt.QtGui import QDesktopServices, QIcon

try:  # Qt 6 has moved it
    from qgis.PyQt.QtGui import QAction
except ImportError:
    from qgis.PyQt.QtWidgets import QAction

from .algorithms.base import GossanAlgorithm
from .bridge import PLUGIN
from .core.translations import tr, use_language
from .loading import Loader
from .provider import GossanProvider


class GossanPlugin:
    """The plugin: ``iface`` is None under ``qgis_process``."""

    def __init__(self, iface: Any) -> None:
        self.iface = iface
        self.provider: GossanProvider | None = None
        self.dock: Any = None
        self.actions: list[QAction] = []
        use_language(str(QgsSettings().value("locale/userLocale", "en") or "en"))

    def initProcessing(self) -> None:
        """Add the provider; all that ``qgis_process`` needs."""
        self.provider = GossanProvider()
        QgsApplication.processingRegistry().addProvider(self.provider)

    def initGui(self) -> None:
        """Add the provider, and with a window the dock and its menu."""
        GossanAlgorithm.loader = Loader()
        self.initProcessing()
        if self.iface is not None:
            self._add_dock()

    def _add_dock(self) -> None:
        from .dock import GossanDock
        from .setup_dialog import SetupDialog

        window = self.iface.mainWindow()
        self.dock = GossanDock(self.iface, window)
        self.iface.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.dock)
        self.dock.hide()
        show = self._action(tr("gossan panel"), lambda _=False: self.dock.setUserVisible(True))
        self.iface.addToolBarIcon(show)
        self._action(tr("Set up..."), lambda _=False: SetupDialog(window).exec())
        page = QUrl.fromLocalFile(str(PLUGIN / "help" / "index.html"))
        self._action(tr("Help"), lambda _=False: QDesktopServices.openUrl(page))

    def _action(self, text: str, work: Callable[..., Any]) -> QAction:
        action = QAction(QIcon(str(PLUGIN / "icon.svg")), text, self.iface.mainWindow())
        action.triggered.connect(work)
        self.iface.addPluginToMenu("gossan", action)
        self.actions.append(action)
        return action

    def unload(self) -> None:
        """Take everything away again."""
        GossanAlgorithm.loader = None
        for action in self.actions:
            self.iface.removePluginMenu("gossan", action)
            self.iface.removeToolBarIcon(action)
        if self.dock is not None:
            self.iface.removeDockWidget(self.dock)
            self.dock.deleteLater()
            self.dock = None
        if self.provider is not None:
            QgsApplication.processingRegistry().removeProvider(self.provider)
            self.provider = None
