"""What the dock shows, worked out without a window."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .commands import UNITS, elements_of, imagery_of, survey_of
from .protocol import Result

SMALLEST_VIEW_M = 2000.0
"""Side of the view of a target, at least."""
COLUMNS = ("name", "status", "expected", "probability", "area")
"""Columns of the list of targets."""
HEADERS = ("Target", "Status", "Expected", "Probability", "Area")


@dataclass(frozen=True)
class ProjectState:
    """What a project file says, as far as the dock shows it."""

    name: str = ""
    survey: str = ""
    elements: tuple[str, ...] = ()
    imagery: tuple[str, ...] = ()
    unit: str = ""
    support_m: float = 0.0
    occurrences: str = ""


@dataclass(frozen=True)
class TargetRow:
    """One target of the list."""

    cells: tuple[str, ...]
    tip: str
    easting: float
    northing: float
    view_m: float = field(default=SMALLEST_VIEW_M)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Return left, bottom, right and top of a view of the target."""
        half = self.view_m / 2
        return (
            self.easting - half, self.northing - half, self.easting + half, self.northing + half,
        )  # fmt: skip


def state_of(settings: Mapping[str, Any], folder: Path) -> ProjectState:
    """Read the settings that ``gossan show`` prints.

    >>> settings = {"project": {"name": "A", "elements": ["Cu"]},
    ...             "survey": [{"path": "a.csv", "unit": {"Cu": "ppm"}, "support_m": 0.0}],
    ...             "imagery": [{"paths": ["b.tif"]}]}
    >>> found = state_of(settings, Path("/p"))
    >>> found.elements, found.unit, Path(found.survey).name
    (('Cu',), 'ppm', 'a.csv')
    """
    project, survey = settings.get("project", {}), survey_of(settings)
    known = project.get("occurrences")
    return ProjectState(
        str(project.get("name", "")),
        str((folder / str(survey.get("path", ""))).resolve()),
        tuple(elements_of(settings)),
        tuple(imagery_of(settings, folder)),
        _unit(survey.get("unit")),
        float(survey.get("support_m") or 0.0),
        str((folder / known).resolve()) if known else "",
    )


def _unit(said: Any) -> str:
    """Return the unit of all elements, where the file says one that the dock offers."""
    units = set(said.values()) if isinstance(said, Mapping) else {said}
    found = units.pop() if len(units) == 1 else ""
    return found if found in UNITS else ""


def target_rows(result: Result) -> list[TargetRow]:
    """Return the rows of the list of targets, in the order of the result."""
    rows = []
    for target in result.tables.get("targets", []):
        cells = tuple(_text(target.get(name)) for name in COLUMNS)
        side = 3000.0 * math.sqrt(max(float(target.get("area_km2") or 0.0), 0.0))
        rows.append(
            TargetRow(
                cells, _tip(target), float(target["easting"]), float(target["northing"]),
                max(side, SMALLEST_VIEW_M),
            )
        )  # fmt: skip
    return rows


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _tip(target: Mapping[str, Any]) -> str:
    parts = {"": target.get("place"), "+": target.get("supports"), "-": target.get("against")}
    return "\n".join(f"{sign} {text}".strip() for sign, text in parts.items() if text)


def progress_text(titles: Sequence[str]) -> str:
    """Return the line beside the bar: the step that runs, and how many are done.

    >>> progress_text(["Surveys and imagery", "Cu: kriging"])
    'Cu: kriging (step 2)'
    """
    return f"{titles[-1]} (step {len(titles)})" if titles else ""
