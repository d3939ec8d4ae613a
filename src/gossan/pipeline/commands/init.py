"""Start a project: a project file filled in from the files of a survey and its imagery."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tomlkit
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_utm_crs_info
from tomlkit import TOMLDocument

from gossan.arrays.spacing import sample_spacing
from gossan.errors import InputError, SurveyError, must
from gossan.geo.raster import atomic_path
from gossan.geochem.findings import Findings
from gossan.geochem.table.coordinates import project
from gossan.geochem.table.positions import place_rows
from gossan.geochem.table.reading import read_table
from gossan.geochem.table.settings import SurveySettings
from gossan.geochem.table.survey import read_survey
from gossan.pipeline.new_project.answers import Answers, Ask, one_of
from gossan.pipeline.new_project.change_file import apply_settings, take_over
from gossan.pipeline.new_project.find_imagery import FoundImagery, find_imagery
from gossan.pipeline.new_project.find_survey import DEGREES, FoundSurvey, Wanted, find_survey
from gossan.pipeline.new_project.project_file import NewProject, project_document
from gossan.pipeline.options.project import load_project, parse_project
from gossan.pipeline.options.template import new_project_path

EQUAL_AREA = CRS.from_epsg(6933)
"""Metres anywhere on Earth, before the system of the maps is chosen."""


_WORDS = re.compile(r"\"([^\"]+)\"|'([^']+)'|(\S+)")


@dataclass(frozen=True)
class Change:
    """Settings for the project file, as ``KEY=VALUE``, and whether it may exist already."""

    settings: tuple[str, ...] = ()
    update: bool = False


NEW = Change()


@dataclass(frozen=True)
class Started:
    """A project file that was written, and what it assumes."""

    path: Path
    assumed: tuple[str, ...]


def start_project(
    folder: Path | str,
    wanted: Wanted,
    imagery: Sequence[str] = (),
    *,
    occurrences: Path | None = None,
    paper: bool = False,
    change: Change = NEW,
    ask: Ask | None = None,
) -> Started:
    """Write ``project.toml`` from what a survey and its imagery say of themselves.

    With ``change.update`` a project file that is there keeps its comments and all else.

    Parameters
    ----------
    folder
        Folder of the project; without ``change.update`` its project file must not exist yet.
    wanted
        The survey's table, and what the user says of it.
    imagery
        Paths and glob patterns of rasters and scenes.
    occurrences
        Vector file of known mines and outcrops.
    paper
        Also make the paper's maps as printed.
    change
        Settings to write as well, and whether an existing file is updated.
    ask
        Asks a question with a default answer; None where there is nobody to ask.

    Raises
    ------
    InputError
        A file cannot be used, or nothing says what the project file must.
    """
    path = Path(folder) / "project.toml" if change.update else new_project_path(folder)
    if occurrences is not None and not occurrences.exists():
        raise InputError(must("--occurrences", "an existing file", occurrences, "Check the path"))
    answers = Answers(ask)
    images = find_imagery(imagery)
    grids = [grid for one in images for grid in one.grids]
    survey = find_survey(wanted, grids, answers)
    places = _places(survey)
    crs = _map_crs(images, places)
    survey.zero = _zeros(survey, crs, answers)
    spacing = None if images else _pixel_m(places, crs)
    new = NewProject(
        path.parent.resolve().name, survey, images, crs, spacing, occurrences, paper,
        tuple(answers.assumed),
    )  # fmt: skip
    text = tomlkit.dumps(_changed(project_document(new, path.parent), path, change))
    parse_project(tomllib.loads(text), path.parent.resolve())
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
    return Started(path, tuple(answers.assumed))


def ask_for_files(ask: Ask, imagery: Sequence[str] | None = None) -> tuple[Path, list[str]]:
    """Ask for the survey's table, and for the imagery where none is named.

    Parameters
    ----------
    ask
        Asks a question with a default answer.
    imagery
        Paths and patterns that are known already.

    Returns
    -------
    A table that can be read, and paths or patterns that match scenes or rasters.

    Raises
    ------
    InputError
        Answer after answer cannot be used.
    """
    answers, cure = Answers(ask), "Type its path, or stop with Ctrl-C"
    table = answers.need("Table of the survey", "such as stream.xlsx", cure, _readable_table)
    if imagery:
        return Path(table), list(imagery)
    question = "Imagery: paths or patterns, with spaces between them; none: leave empty"
    return Path(table), _patterns(answers.settle(question, "", "", _readable_imagery))


def _readable_table(answer: str) -> str:
    path = Path(answer.strip("\"'")).expanduser()
    read_table(path)
    return str(path)


def _readable_imagery(answer: str) -> str:
    find_imagery(_patterns(answer))
    return answer


def _patterns(answer: str) -> list[str]:
    """Part paths at spaces, but for those in quotes.

    >>> _patterns("a/*.tif 'my scenes/*'")
    ['a/*.tif', 'my scenes/*']
    """
    return ["".join(found) for found in _WORDS.findall(answer)]


def _changed(document: TOMLDocument, path: Path, change: Change) -> TOMLDocument:
    """Put what was found into the file that is there, then the settings."""
    if path.exists():
        load_project(path)
        before = tomlkit.parse(path.read_text(encoding="utf-8-sig"))
        take_over(before, document)
        document = before
    apply_settings(document, change.settings)
    return document


def _settings(found: FoundSurvey) -> SurveySettings:
    return SurveySettings(
        path=str(found.path.resolve()),
        sheet=found.sheet,
        x=found.x,
        y=found.y,
        crs=found.crs,
        id=found.id,
        sites=str(found.sites.resolve()) if found.sites else None,
        columns=found.columns,
        unit=found.unit or None,
    )


def _places(found: FoundSurvey) -> NDArray[np.float64]:
    """Read where the samples lie, in longitude and latitude."""
    settings = _settings(found)
    placed, findings = place_rows(read_table(found.path), settings, EQUAL_AREA, Path())
    serious = [one for one in findings if one.code != "scale"]
    Findings(tuple(serious)).raise_errors(settings.name)
    return project(placed.coordinates[placed.kept], EQUAL_AREA, CRS.from_user_input(DEGREES))


def _zeros(found: FoundSurvey, crs: str, answers: Answers) -> str | None:
    """Read the survey as a run will, and settle contents of exactly 0: logarithms refuse them.

    What else is wrong with the table is left to ``check``: its cures are keys of the file that is
    about to be written.
    """
    try:
        _, findings = read_survey(_settings(found), found.elements, crs)
    except SurveyError:
        return None
    zeros = sum(len(finding.rows) for finding in findings.of("zero"))
    if not zeros:
        return None
    why = f'{zeros} contents are exactly 0; "below": under the detection limit'
    return answers.settle("zero", "missing", why, one_of("zero", ("missing", "below")))


def _map_crs(imagery: Sequence[FoundImagery], places: NDArray[np.float64]) -> str:
    """Choose the system of the maps: the imagery's where it is a UTM or national grid in metres."""
    for one in imagery:
        for grid in one.grids:
            code = grid.crs.to_authority()
            if code and grid.crs.is_projected and _true_to_scale(grid.crs):
                return ":".join(code)
    longitude, latitude = np.median(places, axis=0)
    area = AreaOfInterest(longitude, latitude, longitude, latitude)
    found = query_utm_crs_info(datum_name="WGS 84", area_of_interest=area)
    if not found:
        cure = 'Write the project file by hand: [project] crs = "EPSG:..."'
        raise InputError(must("samples", "in a zone of UTM", f"latitude {latitude:.1f}", cure))
    return f"EPSG:{found[0].code}"


def _true_to_scale(crs: CRS) -> bool:
    """Return whether a system measures metres on the ground; Web Mercator does not."""
    return crs.to_epsg() not in (3857, 3395) and crs.axis_info[0].unit_name == "metre"


def _pixel_m(places: NDArray[np.float64], crs: str) -> float:
    """Choose a pixel for maps without imagery: a tenth of the spacing, to two figures."""
    metres = project(places, CRS.from_user_input(DEGREES), CRS.from_user_input(crs))
    return float(f"{sample_spacing(metres) / 10:.2g}")
