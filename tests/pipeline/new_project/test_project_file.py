"""The text of a new project file."""

from __future__ import annotations

import tomllib
from pathlib import Path

from gossan.pipeline.new_project.find_imagery import FoundImagery
from gossan.pipeline.new_project.find_survey import FoundSurvey
from gossan.pipeline.new_project.project_file import NewProject, project_document
from gossan.pipeline.options.project import parse_project


def test_every_name_survives_the_file(tmp_path: Path) -> None:
    odd = 'a "quoted" \\ name # ü.tif'
    paths = tuple(tmp_path / "scenes" / f"{i}_{odd}" for i in range(30))
    survey = FoundSurvey(
        tmp_path / "täble.csv", ("Cu", "Fe2O3"), x='E "m"', y="N", crs="EPSG:4326",
        columns={"Cu": "Cu, ppm", "Fe2O3": "Fe2O3'"}, unit={"Cu": "ppm"},
    )  # fmt: skip
    images = (FoundImagery("rasters", "bands", paths),)
    new = NewProject("x", survey, images, "EPSG:32638", assumed=("crs = EPSG:4326: a guess",))
    text = project_document(new, tmp_path / "project").as_string()
    found = parse_project(tomllib.loads(text), tmp_path / "project")
    assert found.survey[0].columns == survey.columns and found.survey[0].x == 'E "m"'
    assert [found.path(path).resolve() for path in found.imagery[0].paths] == list(paths)
    assert found.path(found.survey[0].path).resolve() == tmp_path / "täble.csv"
    assert "#   crs = EPSG:4326: a guess" in text
    assert max(map(len, text.splitlines())) <= 100
