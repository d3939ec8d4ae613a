"""Every key of a record becomes a line of TOML that reads back as its default."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from gossan.fusion.registry import MODELS
from gossan.pipeline.options.option_lines import meanings, option_lines, toml
from gossan.pipeline.options.project import LISTS, SECTIONS, ProductSettings


class Inner(BaseModel):
    depth: int = 3


class Everything(BaseModel):
    """Keys of every kind. ``share``: part of the whole; ``kind``: form of the curve."""

    name: str = 'a "quoted" word'
    share: float = Field(default=0.25, ge=0, le=1)
    kind: Literal["flat", "steep"] = "flat"
    masks: tuple[Literal["cloud", "water"], ...] = ("cloud",)
    limits: dict[str, float] = Field(default_factory=dict)
    height_m: float | None = Field(default=None, gt=0)
    """Height of the wall."""
    scale: Annotated[int, Field(ge=1)] | None = None
    folder: Path = Path("a") / "b"
    on: bool = True
    inner: Inner = Inner()


def uncommented(lines: list[str]) -> dict[str, object]:
    kept = [line.removeprefix("# ") for line in lines if not line.startswith("#  ")]
    return tomllib.loads("\n".join(kept))


def test_the_lines_read_back_as_the_defaults() -> None:
    found = uncommented(option_lines(Everything))
    assert "inner" not in found
    wanted = Everything()
    for name in ("name", "share", "kind", "on"):
        assert found[name] == getattr(wanted, name)
    assert found["masks"] == ["cloud"] and found["folder"] == "a/b" and found["limits"] == {}
    assert Everything.model_validate({**found, "inner": {}}).share == wanted.share


def test_meanings_limits_and_other_words_stand_beside_the_key() -> None:
    lines = {line.split(" = ")[0][2:]: line for line in option_lines(Everything)}
    assert 'or "steep"' in lines["kind"] and "form of the curve" in lines["kind"]
    assert "part of the whole; at least 0, at most 1" in lines["share"]
    assert "above 0" in lines["height_m"] and "default: none" in lines["height_m"]
    assert 'out of "cloud", "water"' in lines["masks"]


def test_other_defaults_examples_and_omissions_are_respected() -> None:
    found = uncommented(option_lines(Everything(share=0.5), {"height_m": "12.5"}, ("name",)))
    assert found["share"] == 0.5 and found["height_m"] == 12.5 and "name" not in found


def test_a_long_meaning_stands_above_its_line() -> None:
    class Long(BaseModel):
        key: int = 1

    Long.__doc__ = "``key``: " + "very long words " * 12
    lines = option_lines(Long)
    assert max(map(len, lines)) <= 100 and lines[-1].startswith("# key = 1")
    assert " ".join(line[1:].strip() for line in lines[:-1]).startswith("very long words")


@pytest.mark.parametrize(
    "value",
    [True, 3, 2.5, 1e-12, "plain", 'a "b" \\ c', "line\nbreak", "Łódź", ("a", 1), {"Cu": 1.5},
     {"a b": "c"}, [], {}],
)  # fmt: skip
def test_any_plain_value_reads_back(value: object) -> None:
    read = tomllib.loads(f"key = {toml(value)}")["key"]
    assert read == (list(value) if isinstance(value, tuple) else value)


def test_meanings_of_a_base_record_are_kept() -> None:
    class More(Everything):
        """``share``: another meaning."""

    assert meanings(More)["share"] == "another meaning"
    assert meanings(More)["height_m"] == "Height of the wall"


def test_every_key_of_a_project_file_has_a_meaning() -> None:
    """The template and the reference of the documentation print it."""
    records = [*SECTIONS.values(), *LISTS.values(), ProductSettings]
    records += [entry.load()[0] for entry in MODELS.values()]
    silent = [
        f"{record.__name__}.{key}"
        for record in records
        for key in record.model_fields
        if key not in ("model", "options") and not meanings(record).get(key)
    ]
    assert silent == []
