"""The plugin is written for Qt 5 and Qt 6: enums of Qt are named with their scope."""

from __future__ import annotations

import ast
import configparser
import re
from pathlib import Path

import pytest

from .conftest import PLUGIN

SOURCE = PLUGIN / "gossan_qgis"
FILES = sorted(path for path in SOURCE.rglob("*.py") if "core" not in path.parts)


def enums(path: Path) -> list[str]:
    """Capitalised attributes of classes of Qt, such as ``Qt.ItemDataRole.UserRole``."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Attribute):
            text = ast.unparse(node)
            if re.fullmatch(r"Q(t|[A-Z]\w+)(\.[A-Z]\w+)+", text) and not text.startswith("Qgs"):
                found.append(text)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_enums_of_qt_have_their_scope(path: Path) -> None:
    short = {text for text in enums(path) if text.count(".") == 1}
    scopes = {text.rpartition(".")[0] for text in enums(path) if text.count(".") == 2}
    assert short <= scopes | {"QtCore.QVariant", "QtCore.QMetaType"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_qt_is_imported_through_qgis(path: Path) -> None:
    assert not re.search(r"(from|import) PyQt[56]", path.read_text("utf-8"))


def test_the_metadata_name_the_versions_and_files_that_exist() -> None:
    parser = configparser.ConfigParser()
    parser.read(SOURCE / "metadata.txt", encoding="utf-8")
    general = parser["general"]
    assert (general["qgisMinimumVersion"], general["qgisMaximumVersion"]) == ("3.22", "4.99")
    assert (SOURCE / general["icon"]).exists()
    assert general["hasProcessingProvider"] == "yes"
