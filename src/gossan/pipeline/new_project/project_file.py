"""Write the project file of found surveys and imagery as TOML, with comments on what it assumes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit import TOMLDocument
from tomlkit.items import AoT, Array, Table

from gossan.names import as_word
from gossan.pipeline.new_project.find_imagery import FoundImagery
from gossan.pipeline.new_project.find_survey import FoundSurvey
from gossan.pipeline.options.template import SUPPORT_ADVICE

WIDTH = 92


@dataclass(frozen=True)
class NewProject:
    """Everything that a filled project file says."""

    name: str
    survey: FoundSurvey
    imagery: Sequence[FoundImagery]
    crs: str
    pixel_m: float | None = None
    occurrences: Path | None = None
    paper: bool = False
    assumed: Sequence[str] = ()


def project_document(new: NewProject, folder: Path) -> TOMLDocument:
    """Return the content of the project file; paths are relative to ``folder``."""
    document = tomlkit.document()
    document.add(tomlkit.comment("A gossan project, filled in from the files that it names."))
    command = f"gossan check {as_word(folder.name)}"
    document.add(tomlkit.comment(f"Next: {command}. Every key: gossan init --all"))
    if new.assumed:
        document.add(tomlkit.comment("Assumed, because no file says it; please check:"))
        for line in new.assumed:
            document.add(tomlkit.comment(f"  {line}"))
    document.add(tomlkit.nl())
    document.add("project", _project(new, folder))
    document.add("survey", _list_of(_survey(new.survey, folder)))
    if new.imagery:
        document.add("imagery", _list_of(*(_imagery(one, folder) for one in new.imagery)))
    return document


def _project(new: NewProject, folder: Path) -> Table:
    table = tomlkit.table()
    table.add("name", new.name)
    table.add("elements", _array(list(new.survey.elements)))
    table.add("crs", new.crs)
    table["crs"].comment("of the maps, in metres")
    if new.pixel_m is not None:
        table.add("pixel_m", new.pixel_m)
        table["pixel_m"].comment("a tenth of the distance between samples: no imagery says it")
    if new.occurrences is not None:
        table.add("occurrences", _relative(new.occurrences, folder))
    if new.paper:
        table.add("paper", True)
        table["paper"].comment("also the maps by the paper's method as printed")
    table.add(tomlkit.nl())
    return table


def _survey(found: FoundSurvey, folder: Path) -> Table:
    table = tomlkit.table()
    table.add("name", "survey")
    table.add("path", _relative(found.path, folder))
    for key in ("sheet", "x", "y", "crs", "id"):
        value = getattr(found, key)
        if value is not None:
            table.add(key, value)
    if found.sites is not None:
        table.add("sites", _relative(found.sites, folder))
    table.add("columns", _inline(found.columns))
    if found.unit:
        table.add("unit", _inline(found.unit))
    for key in ("zero", "medium"):
        if getattr(found, key) is not None:
            table.add(key, getattr(found, key))
    for line in SUPPORT_ADVICE:
        table.add(tomlkit.comment(line))
    table.add(tomlkit.nl())
    return table


def _imagery(found: FoundImagery, folder: Path) -> Table:
    table = tomlkit.table()
    table.add("name", found.name)
    table.add("sensor", found.sensor)
    table.add("paths", _array([_relative(path, folder) for path in found.paths]))
    table.add(tomlkit.nl())
    return table


def _list_of(*tables: Table) -> AoT:
    listed = tomlkit.aot()
    for table in tables:
        listed.append(table)
    return listed


def _inline(values: dict[str, str]) -> Any:
    table = tomlkit.inline_table()
    table.update(values)
    return table


def _array(values: Sequence[str]) -> Array:
    """Return an array, filled to the width of a line where it is long."""
    array = tomlkit.array()
    lines: list[list[str]] = [[]]
    for value in values:
        if lines[-1] and len(", ".join([*lines[-1], value])) + 4 * len(lines[-1]) > WIDTH:
            lines.append([])
        lines[-1].append(value)
    if len(lines) == 1:
        array.extend(values)
        return array
    for line in lines:
        array.add_line(*line, indent="    ")
    array.add_line(indent="")
    return array


def _relative(path: Path, folder: Path) -> str:
    """Return a path relative to the project's folder; as it is on another drive."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:
        return path.resolve().as_posix()
