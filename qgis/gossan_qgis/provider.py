"""The provider "gossan" of the Processing toolbox."""

from __future__ import annotations

from qgis.core import QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from .algorithms import ALGORITHMS
from .bridge import PLUGIN, plugin_version


class GossanProvider(QgsProcessingProvider):
    """Lists gossan's algorithms, whether or not gossan is installed yet."""

    def id(self) -> str:
        """Return the identity of the provider."""
        return "gossan"

    def name(self) -> str:
        """Return the name in the toolbox."""
        return "gossan"

    def longName(self) -> str:
        """Return the name with its version."""
        return f"gossan {plugin_version()}"

    def icon(self) -> QIcon:
        """Return gossan's icon."""
        return QIcon(str(PLUGIN / "icon.svg"))

    def loadAlgorithms(self) -> None:
        """Add every algorithm."""
        for algorithm in ALGORITHMS:
            self.addAlgorithm(algorithm())
