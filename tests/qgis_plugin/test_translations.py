"""Every text of the dialogs has a translation, and no translation is left over."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
from gossan_qgis.core import translations
from gossan_qgis.core.diagnosis import MESSAGES
from gossan_qgis.core.dock_state import HEADERS
from gossan_qgis.core.protocol import STOPPED

from .conftest import PLUGIN

SOURCE = PLUGIN / "gossan_qgis"
ATTRIBUTES = ("TITLE", "HELP", "GROUP", "MAPS", "AFTER", "READY")
BY_NAME = {*HEADERS, *MESSAGES, STOPPED, "error", "warning", "note"}
"""Texts that are translated by a variable."""
LANGUAGES = ("zh", "es")


def texts() -> set[str]:
    """Texts in the source that may be shown: arguments of ``tr``, titles, and rows of tables."""
    found = set(BY_NAME)
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "tr":
                found |= {one.value for one in node.args if isinstance(one, ast.Constant)}
            elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in ATTRIBUTES:
                value = ast.literal_eval(node.value) if _plain(node.value) else ""
                found.add(value[1] if isinstance(value, tuple) else value)
            elif isinstance(node, ast.For):
                rows = [row for row in getattr(node.iter, "elts", []) if hasattr(row, "elts")]
                found |= _sentences([row.elts[1] for row in rows])
    return {one for one in found if isinstance(one, str) and re.search("[A-Za-z]{3}", one)}


def _sentences(nodes: list[ast.expr]) -> set[str]:
    values = [node.value for node in nodes if isinstance(node, ast.Constant)]
    return {value for value in values if isinstance(value, str) and " " in value}


def _plain(node: ast.expr) -> bool:
    return isinstance(node, (ast.Constant, ast.Tuple))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(language: str) -> None:
    table = translations.read_table(SOURCE / "i18n" / f"{language}.json")
    missing = {text for text in texts() if text not in table}
    assert not missing
    assert not set(table) - texts()
    for text, translated in table.items():
        assert translated and translated.count("{}") == text.count("{}")


def test_the_language_of_qgis_is_used_and_english_otherwise(tmp_path: Path) -> None:
    (tmp_path / "es.json").write_text(json.dumps({"Stop": "Detener"}), encoding="utf-8")
    try:
        translations.use_language("es_AR", tmp_path)
        assert (translations.tr("Stop"), translations.tr("Check")) == ("Detener", "Check")
        translations.use_language("fr", tmp_path)
        assert translations.tr("Stop") == "Stop"
    finally:
        translations.use_language("en")
