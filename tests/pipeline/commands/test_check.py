"""`check` says what a run is made of, and names everything that would stop one."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from gossan.pipeline.commands.check import CheckFinding, check_project
from gossan.pipeline.options.project import load_project

Change = Callable[[str, str], Path]


def test_facts_state_survey_imagery_maps_and_resources(small: Path) -> None:
    found = check_project(load_project(small))
    assert not found.blocked
    facts = found.facts.set_index("what")["found"]
    assert facts["imagery indices"].startswith("2 bands, 130 x 150 pixels of 50 x 40 metre")
    table = pd.read_csv(small.parent / "samples.csv")
    assert f"{len(table)} samples" in facts["survey regional (fit)"]
    assert "Cu in ppm" in facts["survey regional (fit)"]
    assert {"maps", "products", "memory needed", "disk needed"} <= set(facts.index)
    assert not (small.parent / "run").exists()


def test_everything_wrong_is_listed_in_one_go(small: Path, changed: Change) -> None:
    changed('elements = ["Cu"]', 'elements = ["Cu", "Zn"]')
    changed("seed = 3", 'seed = 3\ncrs = "EPSG:32638"')
    changed("clay.tif", "lost.tif")
    found = check_project(load_project(small))
    errors = [one.text for one in found.records if one.severity == "error"]
    assert found.blocked
    assert any("lost.tif" in text for text in errors) and any("Zn" in text for text in errors)
    order = [one.severity for one in found.records]
    assert order == sorted(order, key=["error", "warning", "note"].index)


@pytest.mark.parametrize(("count", "severity"), [(8, "error"), (25, "warning")])
def test_few_samples_are_a_warning_and_too_few_an_error(
    count: int, severity: str, small: Path
) -> None:
    path = small.parent / "samples.csv"
    pd.read_csv(path).head(count).to_csv(path, index=False)
    found = check_project(load_project(small))
    assert found.blocked == (severity == "error")
    assert any(f"{count}" in one.text for one in found.records if one.severity == severity)


@pytest.mark.parametrize(("threshold", "said"), [(1e6, "above all"), (0.001, "below all")])
def test_a_threshold_that_no_sample_reaches_or_all_do_is_a_warning(
    threshold: float, said: str, small: Path
) -> None:
    text = small.read_text("utf-8")
    small.write_text(f"{text}\n[anomalies]\nthreshold = {{ Cu = {threshold} }}\n", "utf-8")
    found = check_project(load_project(small))
    (line,) = [one.text for one in found.records if "threshold of Cu" in one.text]
    assert said in line and not found.blocked
    text += "\n[kriging]\nsimulation = { realisations = 9, threshold = { Cu = [20.0, 1e7] } }\n"
    small.write_text(text, "utf-8")
    found = check_project(load_project(small))
    assert any("1e+07, lies above all" in one.text for one in found.records)


def test_an_element_of_one_value_cannot_be_mapped(small: Path) -> None:
    path = small.parent / "samples.csv"
    pd.read_csv(path).assign(Cu_ppm=5.0).to_csv(path, index=False)
    found = check_project(load_project(small))
    (error,) = [one.text for one in found.records if one.severity == "error"]
    assert "values of Cu must be different from each other; got 5 everywhere" in error


@pytest.mark.parametrize(
    ("line", "severity", "text"),
    [
        ("error: no CRS", "error", "no CRS"),
        ("note: a: b", "note", "a: b"),
        ("regional: far off", "warning", "regional: far off"),
    ],
)
def test_a_line_without_a_severity_is_a_warning(line: str, severity: str, text: str) -> None:
    found = CheckFinding.parse(line)
    assert (found.severity, found.text) == (severity, text)
    assert str(found) == f"{severity}: {text}"


def test_check_and_survey_state_the_same_spacing(
    small: Path, command: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    told = [
        command(*words)[1] for words in (["check", small], ["survey", small, "--out", tmp_path])
    ]
    first, second = (re.search(r"spacing (\d+) m", text) for text in told)
    assert first and second and first[1] == second[1]
