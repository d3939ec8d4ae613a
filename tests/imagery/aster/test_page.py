"""The page on ASTER says what the code does."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

from gossan.imagery.aster.settings import AsterSettings
from gossan.imagery.settings import ImagerySettings

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "aster.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_every_setting_is_on_the_page_and_nothing_else() -> None:
    table = PAGE.split("## Settings")[1].split("## Calibration")[0]
    named = {
        key
        for line in table.splitlines()
        if line.startswith("| `")
        for key in re.findall(r"`(\w+)`", line.split("|")[1])
    }
    assert named == set(AsterSettings.model_fields) - {"atmosphere"}


def test_defaults_on_the_page_are_those_of_the_code() -> None:
    table = PAGE.split("## Settings")[1].split("## Calibration")[0]
    pairs = re.findall(r"^\| `(\w+)` \|.*\| `?\"?([\w.]+)\"?`? \|$", table, re.MULTILINE)
    assert len(pairs) == 6
    for key, printed in pairs:
        assert str(AsterSettings.model_fields[key].default) == printed


def test_the_example_is_a_valid_imagery() -> None:
    (example,) = blocks("toml")
    (imagery,) = tomllib.loads(example)["imagery"]
    found = ImagerySettings.model_validate(imagery)
    assert found.atmosphere.method == "6s"


def test_the_python_example_names_what_exists() -> None:
    (code,) = blocks("python")
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom):
            module = __import__(str(node.module), fromlist=["x"])
            assert all(hasattr(module, alias.name) for alias in node.names)
