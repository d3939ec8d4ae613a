"""Changing a project file keeps what it says otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomlkit

from gossan.errors import SettingsError
from gossan.pipeline.commands.init import Change, Wanted, start_project
from gossan.pipeline.new_project.change_file import apply_settings
from gossan.pipeline.options.project import load_project

from ...tiny_project import write_tiny


def test_an_update_keeps_comments_other_surveys_and_products(tmp_path: Path) -> None:
    project = write_tiny(tmp_path)
    text = project.read_text(encoding="utf-8").replace("seed = 3", "seed = 3  # ours")
    project.write_text(text, encoding="utf-8")
    before = load_project(project)
    wanted = Wanted(tmp_path / "samples.csv", ("Cu_ppm",), "EPSG:32638")
    change = Change(("survey.1.support_m=250", "anomalies.threshold={Cu = 50}"), update=True)
    start_project(tmp_path, wanted, [str(tmp_path / "iron.tif")], change=change)
    after = load_project(project)
    assert "seed = 3  # ours" in project.read_text(encoding="utf-8")
    assert after.elements == ("Cu",)
    assert after.survey[0].support_m == 250
    assert after.survey[0].columns == {"Cu": "Cu_ppm"}
    assert after.survey[1] == before.survey[1]
    assert [Path(path).name for one in after.imagery for path in one.paths] == ["iron.tif"]
    assert after.anomalies.threshold == {"Cu": 50}
    assert after.project.name == before.project.name


def test_a_refused_change_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    project = write_tiny(tmp_path)
    before = project.read_bytes()
    wanted = Wanted(tmp_path / "samples.csv", ("Cu",), "EPSG:32638")
    with pytest.raises(SettingsError, match="support_m"):
        change = Change(("survey.1.support_m=-3",), update=True)
        start_project(tmp_path, wanted, [str(tmp_path / "clay.tif")], change=change)
    assert project.read_bytes() == before


@pytest.mark.parametrize(
    "setting", ["support_m=1", "survey.9.unit='ppm'", "survey.0.unit='ppm'", "a.b", "a.b=?", "a.b="]
)
def test_a_setting_that_leads_nowhere_is_refused(setting: str) -> None:
    document = tomlkit.parse("[[survey]]\nname = 'a'\n")
    with pytest.raises(SettingsError, match="--set must be such as"):
        apply_settings(document, [setting])


def test_brackets_in_the_name_of_a_folder_are_no_pattern(tmp_path: Path) -> None:
    from gossan.pipeline.new_project.find_imagery import find_imagery

    folder = tmp_path / "scenes [old]"
    folder.mkdir()
    write_tiny(folder)
    found = find_imagery([str(folder / "clay.tif")])
    assert [path.name for path in found[0].paths] == ["clay.tif"]
