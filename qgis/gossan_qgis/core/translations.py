"""Texts of the dialogs in the language of QGIS: plain tables, English text to translation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "i18n"
_table: dict[str, str] = {}


def use_language(locale: str, folder: Path = FOLDER) -> None:
    """Translate into a language from now on; English where there is no table for it.

    Parameters
    ----------
    locale
        Language and country of QGIS, such as "zh_CN".
    folder
        Folder of the tables, ``<language>.json``.
    """
    _table.clear()
    path = folder / f"{locale.partition('_')[0].lower()}.json"
    if path.exists():
        _table.update(read_table(path))


def read_table(path: Path) -> Mapping[str, str]:
    """Read a table of translations."""
    return {str(k): str(v) for k, v in json.loads(path.read_text(encoding="utf-8")).items()}


def tr(text: str) -> str:
    """Return a text of the plugin in the language of QGIS.

    >>> tr("Not in any table")
    'Not in any table'
    """
    return _table.get(text) or text
