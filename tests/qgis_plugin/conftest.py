"""The plugin's pure parts are imported from its folder; QGIS is not needed for them."""

from __future__ import annotations

import sys
from pathlib import Path

PLUGIN = Path(__file__).resolve().parents[2] / "qgis"
if str(PLUGIN) not in sys.path:
    sys.path.append(str(PLUGIN))

collect_ignore = ["in_qgis.py"]  # runs in the Python of QGIS
