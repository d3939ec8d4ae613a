"""The users' page on surveys says what the code does."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from gossan.geochem.findings import CODES
from gossan.geochem.table.survey import SurveySettings

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "survey.md").read_text("utf-8")


def test_every_setting_of_a_survey_is_explained() -> None:
    words = set(re.findall(r"[a-z_]+", PAGE))
    assert set(SurveySettings.model_fields) <= words


def test_every_code_of_a_finding_is_listed_with_its_meaning() -> None:
    for code, meaning in CODES.items():
        assert f"| `{code}` | {meaning} |" in PAGE


def test_every_code_that_is_used_is_known() -> None:
    source = Path(__file__).resolve().parents[3] / "src"
    made = re.compile(r'Finding\(\s*"(?:error|warning|note)",\s*"([a-z-]+)"')
    used = {code for path in source.rglob("*.py") for code in made.findall(path.read_text("utf-8"))}
    assert len(used) > 40
    assert used <= set(CODES)


def test_the_examples_are_valid_settings() -> None:
    for block in re.findall(r"```toml\n(.*?)```", PAGE, re.S):
        for survey in tomllib.loads(block)["survey"]:
            SurveySettings(**survey)
    for line in re.findall(
        r"`((?:where|unit|missing|below|accept|drop|detection_limits) = .*?[}\]])`", PAGE
    ):
        SurveySettings(path="a.csv", **tomllib.loads(line))
