"""gossan: a fine element map from a coarse geochemical survey and satellite imagery."""

from __future__ import annotations

from importlib.metadata import version

__version__ = version("gossan")
