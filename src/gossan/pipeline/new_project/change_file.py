"""Change a project file and keep its comments and whatever else it says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tomlkit
from tomlkit import TOMLDocument
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT

from gossan.errors import SettingsError, must

OWN = ("path", "x", "y", "crs", "id", "sheet", "sites", "columns", "unit", "zero", "medium")
"""Keys of a [[survey]] that belong to its table: all are replaced when the table is."""


def apply_settings(document: TOMLDocument, settings: Sequence[str]) -> None:
    """Set keys such as ``survey.1.support_m=1000``: the value in TOML, tables counted from 1.

    Raises
    ------
    SettingsError
        A setting is not ``KEY=VALUE``, or its key leads nowhere.

    Examples
    --------
    >>> import tomlkit
    >>> document = tomlkit.parse("[project]\\nname = 'A'  # mine\\n")
    >>> apply_settings(document, ["project.name='B'", "anomalies.threshold={Cu = 60}"])
    >>> print(tomlkit.dumps(document))
    [project]
    name = 'B'  # mine
    <BLANKLINE>
    [anomalies]
    threshold = {Cu = 60}
    <BLANKLINE>
    """
    for setting in settings:
        key, equals, value = setting.partition("=")
        *tables, last = key.strip().split(".")
        try:
            if not equals or not tables:
                raise ValueError
            _table(document, tables)[last] = tomlkit.value(value.strip())
        except (TOMLKitError, ValueError, LookupError, TypeError):
            allowed = 'such as survey.1.support_m=1000 or project.elements=["Cu"]'
            cure = "Write KEY=VALUE, the value as in the project file"
            raise SettingsError(must("--set", allowed, repr(setting), cure)) from None


def _table(document: TOMLDocument, keys: Sequence[str]) -> Any:
    """Find a table by its keys, and make it where there is none."""
    found: Any = document
    for key in keys:
        if isinstance(found, (AoT, list)):
            number = int(key)
            if number < 1:
                raise LookupError
            found = found[number - 1]
        else:
            if key not in found:
                found[key] = tomlkit.table()
            found = found[key]
    return found


def take_over(old: TOMLDocument, new: TOMLDocument) -> None:
    """Bring what a newly written project file says of survey and imagery into an older one.

    The table of the first [[survey]], the elements, the occurrences and the files of the imagery
    are replaced. Names and everything else stay.
    """
    project = old.setdefault("project", tomlkit.table())
    for key, value in new["project"].items():  # type: ignore[union-attr]
        if key in ("elements", "occurrences") or key not in project:
            project[key] = value
    surveys, found = old.get("survey"), new["survey"][0]  # type: ignore[index]
    if not surveys:
        old["survey"] = new["survey"]
    elif _said(surveys[0], OWN) != _said(found, OWN):
        for key in OWN:
            surveys[0].pop(key, None)
        surveys[0].update(_said(found, OWN))
    _take_imagery(old, new.get("imagery", []))


def _take_imagery(document: TOMLDocument, found: Sequence[Any]) -> None:
    """Replace the files of each sensor's [[imagery]]; its name and settings stay."""
    before = {one.get("sensor"): one for one in document.get("imagery", [])}
    kept = tomlkit.aot()
    for one in found:
        table = before.get(one["sensor"], one)
        if list(table["paths"]) != list(one["paths"]):
            table["paths"] = one["paths"]
        kept.append(table)
    if [list(one["paths"]) for one in kept] != [list(one["paths"]) for one in before.values()]:
        document.pop("imagery", None)
        if kept:
            document["imagery"] = kept


def _said(table: Any, keys: Sequence[str]) -> dict[str, Any]:
    return {key: table[key] for key in keys if key in table}
