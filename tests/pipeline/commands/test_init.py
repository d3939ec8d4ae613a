"""From files to a started run in three commands, without an editor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gossan.pipeline.commands.init import Wanted, ask_for_files, start_project
from gossan.pipeline.options.project import load_project

Command = Callable[..., tuple[int, str, str]]
CASES = {
    "dawadimi_west": ("stream_sediment.csv", "idx_*.tif", "Cu,Zn", "mineral_occurrences.geojson"),
    "meuse": ("meuse_points.csv", "meuse_grid_40m.tif", "", ""),
    "macedonia_soil": ("horizons.csv", "*.tif", "K2O", ""),
}


def _init(command: Command, data: Path, case: str, folder: Path, *more: str) -> str:
    table, images, elements, occurrences = CASES[case]
    words = ["--survey", data / case / table, "--imagery", data / case / images]
    words += ["--elements", elements] if elements else []
    words += ["--occurrences", data / case / occurrences] if occurrences else []
    code, out, err = command("init", folder, *words, *more)
    assert code == 0, err
    assert "Traceback" not in err
    return out


@pytest.mark.parametrize("case", list(CASES))
def test_real_surveys_are_ready_after_init(
    case: str, test_data: Path, tmp_path: Path, command: Command
) -> None:
    out = _init(command, test_data, case, tmp_path / "p")
    text = (tmp_path / "p" / "project.toml").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 60
    for line in out.splitlines():
        if line.startswith("Assumed: "):
            assert line.removeprefix("Assumed: ") in text
    code, out, err = command("check", tmp_path / "p")
    assert code == 0 and "Ready: gossan run" in out, out + err


def test_what_is_written_is_what_the_files_say(
    test_data: Path, tmp_path: Path, command: Command
) -> None:
    for case in CASES:
        _init(command, test_data, case, tmp_path / case)
    found = {case: load_project(tmp_path / case) for case in CASES}
    crs = {case: (p.project.crs, p.survey[0].crs) for case, p in found.items()}
    assert crs == {  # PROVENANCE.md of each survey
        "dawadimi_west": ("EPSG:32638", "EPSG:32638"),
        "meuse": ("EPSG:28992", "EPSG:28992"),
        "macedonia_soil": ("EPSG:32634", "EPSG:4326"),
    }
    assert found["meuse"].project.elements == ("Cd", "Cu", "Pb", "Zn")
    assert found["meuse"].survey[0].unit == dict.fromkeys(("Cd", "Cu", "Pb", "Zn"), "ppm")
    assert found["dawadimi_west"].survey[0].columns == {"Cu": "Cu_ppm_icp", "Zn": "Zn_ppm_icp"}
    assert found["dawadimi_west"].survey[0].unit is None
    soil = found["macedonia_soil"].survey[0]
    assert soil.id == "ProfID" and soil.sites and soil.sites.endswith("site-level.csv")
    assert all(p.survey[0].support_m == 0.0 for p in found.values())


def test_what_cannot_be_found_is_asked_at_a_terminal(test_data: Path, tmp_path: Path) -> None:
    asked: dict[str, str] = {}

    def ask(question: str, default: str) -> str:
        asked[question.split(" (")[0]] = default
        return {"elements": "Zn", "crs of the survey": "EPSG:28992"}.get(
            question.split(" (")[0], default
        )

    survey = test_data / "meuse" / "meuse_points.csv"
    started = start_project(tmp_path, Wanted(survey), ask=ask)
    project = load_project(started.path)
    assert asked == {"crs of the survey": "", "elements": "", "unit of Zn": "ppm"}
    assert project.project.elements == ("Zn",) and project.survey[0].crs == "EPSG:28992"
    assert project.project.crs == "EPSG:32631" and project.project.pixel_m != "finest"


WRONG = {
    "crs of the survey": ["somewhere", "EPSG:99999", "EPSG:4326", "EPSG:32651", "28992"],
    "elements": ["Xx", "Zn"],
    "unit of Zn": ["pounds", "ppm"],
}
"""Answers of which all but the last cannot be used on meuse: a code that is none, degrees, another
zone of the Earth, an element that is not there, a unit that is none."""


def test_answers_that_cannot_be_used_are_asked_again(test_data: Path, tmp_path: Path) -> None:
    left = {question: list(answers) for question, answers in WRONG.items()}
    asked: list[str] = []

    def ask(question: str, default: str) -> str:
        asked.append(question)
        return left[question.splitlines()[-1].split(" (")[0]].pop(0)

    survey, images = (test_data / "meuse" / name for name in ("meuse_points.csv", "*.tif"))
    started = start_project(tmp_path, Wanted(survey), [str(images)], ask=ask)
    project = load_project(started.path)
    assert project.survey[0].crs == "EPSG:28992" and project.survey[0].unit == {"Zn": "ppm"}
    again = [question.splitlines()[0] for question in asked if "\n" in question]
    told = ["'somewhere'", "EPSG:99999", "degrees", "imagery", "column of Xx", "'pounds'"]
    assert len(again) == len(told)
    assert all(word in line for word, line in zip(told, again, strict=True))


def test_files_are_asked_for_until_they_can_be_read(test_data: Path) -> None:
    folder = test_data / "meuse"
    given = iter(
        ["none.csv", f'"{folder / "meuse_points.csv"}"', "none/*.tif", f"'{folder}/*.tif'"]
    )
    survey, imagery = ask_for_files(lambda question, guess: next(given))
    assert survey == folder / "meuse_points.csv" and imagery == [f"{folder}/*.tif"]
    assert next(given, None) is None


def test_a_system_that_is_none_is_one_line_on_the_command_line(
    test_data: Path, tmp_path: Path, command: Command
) -> None:
    words = ["--survey", test_data / "meuse" / "meuse_points.csv", "--elements", "Zn"]
    code, _, err = command("init", tmp_path / "p", *words, "--crs", "somewhere")
    assert code == 2 and len(err.strip().splitlines()) == 1 and "'somewhere'" in err


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (["--survey", "none.csv"], "none.csv"),
        (["--survey", "{meuse}"], "--crs EPSG:<code>"),
        (["--survey", "{meuse}", "--imagery", "nothing/*.tif"], "nothing/*.tif"),
        (["--survey", "{dawadimi}"], "--elements Cu,Zn"),
        (["--survey", "{dawadimi}", "--elements", "Xx"], "column of Xx"),
    ],
)
def test_what_cannot_be_found_is_one_line_elsewhere(
    words: list[str], printed: str, test_data: Path, tmp_path: Path, command: Command
) -> None:
    files = {
        "{meuse}": test_data / "meuse" / "meuse_points.csv",
        "{dawadimi}": test_data / "dawadimi_west" / "stream_sediment.csv",
    }
    code, _, err = command("init", tmp_path / "p", *(files.get(word, word) for word in words))
    assert code == 2 and len(err.strip().splitlines()) == 1 and printed in err
    assert not (tmp_path / "p" / "project.toml").exists()


def test_what_a_key_of_the_file_cures_is_left_to_check(tmp_path: Path, command: Command) -> None:
    folder, table = tmp_path / "Río Blanco", tmp_path / "two signs.csv"
    rows = [f"{500000 + 100 * k};{4000000 + 37 * k};{10 + k}.{k % 4 * 125}" for k in range(30)]
    table.write_text("\n".join(["E;N;Cu", *rows, "500050;4000099;23,5"]), encoding="utf-8")
    words = ["--survey", table, "--elements", "Cu", "--crs", "EPSG:32638"]
    code, out, err = command("init", folder, *words)
    assert code == 0 and f'gossan check "{folder}"' in out, err
    code, out, err = command("check", folder)
    assert code == 2 and 'Set decimal = "point"' in out + err


def test_a_project_file_is_never_replaced(tmp_path: Path, command: Command) -> None:
    assert command("init", tmp_path, "--all")[0] == 0
    before = (tmp_path / "project.toml").read_bytes()
    for words in ([], ["--all"], ["--survey", "a.csv"]):
        code, _, err = command("init", tmp_path, *words)
        assert code == 2 and "project.toml" in err
    assert (tmp_path / "project.toml").read_bytes() == before
