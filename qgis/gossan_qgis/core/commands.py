"""Command lines of gossan, from what dialogs and models hold."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

UNITS = ("", "ppm", "ppb", "percent", "g/t")
"""Units to choose from; "" leaves it to the name of the field."""


@dataclass(frozen=True)
class ProjectInputs:
    """What a project is made of, as a dialog knows it.

    Parameters
    ----------
    folder
        Folder of the project file.
    survey
        Table of the survey.
    elements
        Names of its columns, or of elements.
    imagery
        Rasters and scenes.
    crs
        System of the survey's coordinates; "" where the table holds points.
    unit
        Unit of all elements; "" leaves it to the names of the columns.
    support_m
        Side of the square that a sample stands for.
    occurrences
        Known mines; "" for none.
    """

    folder: Path
    survey: Path
    elements: tuple[str, ...]
    imagery: tuple[str, ...] = ()
    crs: str = ""
    unit: str = ""
    support_m: float = 0.0
    occurrences: str = ""
    name: str = ""
    settings: tuple[str, ...] = ()


def update_arguments(inputs: ProjectInputs) -> list[str]:
    """Return the arguments that write the project file, or bring it up to date.

    >>> inputs = ProjectInputs(Path("p"), Path("s.gpkg"), ("Cu_ppm",), ("a b.tif",), unit="ppm")
    >>> update_arguments(inputs)[:7]
    ['update', 'p', '--survey', 's.gpkg', '--elements', 'Cu_ppm', '--imagery']
    >>> update_arguments(inputs)[-4:]
    ['--set', 'survey.1.unit="ppm"', '--set', 'survey.1.support_m=0.0']
    """
    found = ["update", str(inputs.folder), "--survey", str(inputs.survey)]
    found += ["--elements", ",".join(inputs.elements)]
    for path in inputs.imagery:
        found += ["--imagery", path]
    if inputs.crs:
        found += ["--crs", inputs.crs]
    settings = dict(
        [("project.name", inputs.name)] * bool(inputs.name)
        + [("project.occurrences", inputs.occurrences)] * bool(inputs.occurrences)
        + [("survey.1.unit", inputs.unit)] * bool(inputs.unit)
    )
    texts = [f"{key}={toml(value)}" for key, value in settings.items()]
    for text in [*texts, f"survey.1.support_m={float(inputs.support_m)!r}", *inputs.settings]:
        found += ["--set", text]
    return found


def toml(value: Any) -> str:
    """Write a plain value as TOML.

    >>> toml('a "b" 河'), toml([1, True]), toml({"Cu": 40.0})
    ('"a \\\\"b\\\\" 河"', '[1, true]', '{"Cu" = 40.0}')
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{toml(str(k))} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def thresholds(text: str) -> list[str]:
    """Return the options for thresholds such as "Cu=60, Zn=500".

    >>> thresholds("Cu=60, Zn = 500")
    ['--threshold', 'Cu=60', '--threshold', 'Zn=500']
    """
    parts = [part.replace(" ", "") for part in text.replace(";", ",").split(",") if part.strip()]
    return [word for part in parts for word in ("--threshold", part)]


def sample_arguments(run: str, options: Mapping[str, Any]) -> list[str]:
    """Return the arguments that propose samples; empty options are left out.

    >>> sample_arguments("run", {"count": 5, "element": "", "within": "a.gpkg"})
    ['sample', 'run', '--count', '5', '--within', 'a.gpkg']
    """
    return ["sample", run, *_options(options)]


def predict_arguments(run: str, at: str, out: str, options: Mapping[str, Any]) -> list[str]:
    """Return the arguments that estimate at points.

    >>> predict_arguments("run", "a.csv", "b.csv", {"element": "Cu"})
    ['predict', 'run', '--at', 'a.csv', '--out', 'b.csv', '--element', 'Cu']
    """
    return ["predict", run, "--at", at, "--out", out, *_options(options)]


def _options(options: Mapping[str, Any]) -> list[str]:
    given = {name: value for name, value in options.items() if value not in ("", None)}
    return [word for name, value in given.items() for word in (f"--{name}", str(value))]


def elements_of(settings: Mapping[str, Any]) -> list[str]:
    """Return the elements of a project's settings.

    >>> elements_of({"project": {"elements": ["Cu"]}}), elements_of({})
    (['Cu'], [])
    """
    return list(settings.get("project", {}).get("elements", []))


def imagery_of(settings: Mapping[str, Any], folder: Path) -> list[str]:
    """Return the files of a project's imagery, as absolute paths."""
    return [
        str((folder / path).resolve())
        for one in settings.get("imagery", [])
        for path in one.get("paths", [])
    ]


def survey_of(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the first survey of a project's settings."""
    surveys: Sequence[Mapping[str, Any]] = settings.get("survey", [])
    return surveys[0] if surveys else {}
