"""gossan in QGIS: fine element maps from a coarse survey and imagery, and how far to trust them."""

from __future__ import annotations

from typing import Any


def classFactory(iface: Any) -> Any:
    """Make the plugin; QGIS calls this."""
    from .plugin import GossanPlugin

    return GossanPlugin(iface)
