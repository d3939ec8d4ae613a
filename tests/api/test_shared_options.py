"""The project file, the command line and Python share names and defaults of options."""

from __future__ import annotations

import inspect
import tomllib
from typing import Any

import pytest
import typer

import gossan as gs
from gossan.cli import app
from gossan.fusion.registry import MODELS, settings_of
from gossan.pipeline.options.project import LISTS, SECTIONS, ProductSettings, parse_project
from gossan.pipeline.options.template import template

COMMAND_ONLY = {
    "all": "which lines init writes",
    "at": "table of places to predict at",
    "avoid": "polygons of a sampling plan",
    "count": "size of a sampling plan",
    "element": "one of those of a run",
    "goal": "aim of a sampling plan",
    "help": "",
    "keep_store": "which scratch stays",
    "imagery": "files that init sorts",
    "out": "where results go",
    "product": "one of those of a run",
    "profile": "what is printed",
    "quiet": "what is printed",
    "run": "finished run that catchments reads",
    "set": "keys of a project file to change",
    "survey": "table that init reads",
    "tracks": "lines of a sampling plan",
    "within": "polygons of a sampling plan",
}
"""Options of commands that no project file has: they say what to read, print or write."""


def keys() -> set[str]:
    """Every key of a project file, at any depth."""
    found: set[str] = set()
    waiting: list[Any] = [*SECTIONS.values(), *LISTS.values()]
    while waiting:
        record = waiting.pop()
        for name, field in record.model_fields.items():
            found.add(name)
            default = field.get_default(call_default_factory=True)
            if hasattr(type(default), "model_fields"):
                waiting.append(type(default))
    return found


def commands() -> dict[str, list[Any]]:
    """Options of each command."""
    group: Any = typer.main.get_command(app)
    return {
        name: [one for one in command.params if one.param_type_name == "option"]
        for name, command in group.commands.items()
    }


@pytest.mark.parametrize("name", sorted(commands()))
def test_an_option_is_a_key_of_the_project_file_or_the_command_s_own(name: str) -> None:
    for option in commands()[name]:
        word = option.opts[0].removeprefix("--").replace("-", "_")
        assert word in keys() or word in COMMAND_ONLY or name == "demo", word


def test_an_option_that_the_project_file_has_too_says_nothing_by_default() -> None:
    """So that the project's value, or its default, holds."""
    for name, options in commands().items():
        for option in options:
            word = option.name or ""
            if word in keys() and name not in ("demo", "init"):
                assert option.default in (None, "", (), False), f"{name} --{word}"


@pytest.mark.parametrize("word", sorted(MODELS))
def test_an_estimator_has_the_options_and_defaults_of_the_product(word: str) -> None:
    made = getattr(gs.models, gs.api.estimators.class_name(word))()
    record = settings_of(word)()
    product = next(
        p for p in parse_project(tomllib.loads(template() + f"""
[[product]]
name = "mine"
model = "{word}"
features = "indices.all"
"""), __import__("pathlib").Path()).product
    )  # fmt: skip
    for name, value in made.get_params().items():
        if name == "transform":
            assert value is None is ProductSettings.model_fields["transform"].default
            continue
        assert value == getattr(record, name) == getattr(product.options, name)
    assert set(inspect.signature(type(made)).parameters) == set(made.get_params())


def test_options_of_scenes_and_surveys_are_keys_of_the_project_file(district_folder: Any) -> None:
    scene = district_folder / "AST_L1T.hdf"
    with pytest.raises(gs.GossanError, match="atmospher"):
        gs.open_aster(scene, atmospher="none")
    with pytest.raises(gs.GossanError, match="suport_m"):
        gs.read_survey(district_folder / "stream.csv", crs="EPSG:32645", suport_m=3)
