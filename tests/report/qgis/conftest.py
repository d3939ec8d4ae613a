"""The script that QGIS runs imports what only the Python of QGIS has."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

collect_ignore = ["open_in_qgis.py"]


@pytest.fixture
def bare_copy(bare: Path, tmp_path: Path) -> Path:
    """The run of kriging alone, to be changed by a test."""
    return Path(shutil.copytree(bare, tmp_path / "bare"))
