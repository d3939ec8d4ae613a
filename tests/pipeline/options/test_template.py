"""Every line of the template is true: un-commented, it loads, and defaults change nothing."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from gossan.fusion.registry import MODELS, settings_of
from gossan.imagery.sensors import readers_of
from gossan.imagery.settings import ImagerySettings
from gossan.pipeline.options.option_lines import meanings
from gossan.pipeline.options.project import (
    LISTS,
    SECTIONS,
    ProductSettings,
    Project,
    ProjectSettings,
    load_project,
    parse_project,
)
from gossan.pipeline.options.template import EXAMPLES, NESTED, template, write_template

LINES = template().splitlines()
KEY = re.compile(r"# (\w+) = .*")
TABLE = re.compile(r"(?:# )?(\[\[?[\w.]+\]\]?)$")
COMPANY = {
    "mean": 'method = "simple"',
    "cell_m": 'declustering = "cells"',
    "sites": 'id = "Sample"',
    "value": 'analyte = "Analyte"',
    "cover": 'masks = ["cover"]',
}
"""Keys that mean something only beside another."""


def _tables() -> list[tuple[str, int]]:
    """Table of each commented key, and the key's line."""
    table, found = "", []
    for i, line in enumerate(LINES):
        head = TABLE.match(line)
        table = head[1] if head else table
        if KEY.match(line):
            found.append((table, i))
    return found


def _example(line: str) -> bool:
    key = KEY.match(line)
    assert key
    every = [item for e in (*EXAMPLES.values(), *NESTED.values()) for item in e.items()]
    return any(name == key[1] and f"= {value}" in line for name, value in every)


def _name_sensor(lines: list[str], table: str, key: str) -> None:
    """Name a sensor that reads the key, or the table that it is in."""
    outer = table.strip("[]").partition(".")[2]
    readers = readers_of(ImagerySettings.model_fields[outer or key])
    if readers and "bands" not in readers:
        at = next(i for i, line in enumerate(lines) if line.startswith("sensor = "))
        lines[at] = f'sensor = "{readers[0]}"'


def _load(text: str) -> Project:
    return parse_project(tomllib.loads(text), Path())


@pytest.mark.parametrize(("table", "number"), _tables(), ids=lambda part: str(part))
def test_each_commented_line_loads(table: str, number: int) -> None:
    if "product" in table or 0 <= number - LINES.index('# name = "detailed"') < 9:
        return  # whole blocks, below
    lines = list(LINES)
    key = KEY.match(lines[number])
    assert key
    lines[number] = lines[number][2:]
    if "imagery" in table:
        _name_sensor(lines, table, key[1])
    if key[1] in COMPANY:
        lines[number] += "\n" + COMPANY[key[1]]
    if f"# {table}" in lines and not table.startswith("[["):
        at = max(i for i in range(number) if lines[i] == f"# {table}")
        lines[at] = table
    _load("\n".join(lines))


def test_all_default_lines_together_change_nothing() -> None:
    lines = [
        line[2:]
        if (TABLE.match(line) and line.startswith("# [") and "[[" not in line)
        or (KEY.match(line) and not _example(line))
        else line
        for line in LINES[: LINES.index("# [[product]]")]
    ]
    start = lines.index('name = "detailed"')
    text = "\n".join(lines[: start - 3] + lines[start + 9 :])
    text = re.sub(
        r"^(crs|pixel_size_m|cloud_probability|block_km|column|edge|dem|longest_range_m) = .*$",
        "",
        text,
        flags=re.M,
    )
    whole, plain = tomllib.loads(text), tomllib.loads(template())
    whole["project"].pop("crs", None)
    whole["survey"][0]["crs"] = plain["survey"][0]["crs"]
    found, wanted = (parse_project(one, Path()).model_dump() for one in (whole, plain))
    assert found == wanted


def _blocks(first: str) -> list[str]:
    """Blocks of commented lines that begin with a table, up to a line without."""
    text, found = "\n".join(LINES) + "\n", []
    for start in [m.end() for m in re.finditer(rf"^# {re.escape(first)}\n", text, re.M)]:
        body = text[start:].split("\n\n")[0].splitlines()
        found.append(
            "\n".join([first, *(line[2:] for line in body if KEY.match(line) or TABLE.match(line))])
        )
    return found


@pytest.mark.parametrize("block", _blocks("[[product]]"), ids=list(MODELS))
def test_each_product_of_the_template_loads_with_its_defaults(block: str) -> None:
    product = _load(template() + block).product[0]
    record = settings_of(product.model)()
    for name, value in record.model_dump().items():
        if value is not None:
            assert getattr(product.options, name) == getattr(record, name)


def test_the_check_survey_of_the_template_loads() -> None:
    assert _load(template() + _blocks("[[survey]]")[0]).survey[1].role == "check"


def test_no_key_is_left_out() -> None:
    text = template()
    records = [*SECTIONS.values(), *LISTS.values(), *(settings_of(word) for word in MODELS)]
    records += [type(f.default) for r in records for f in r.model_fields.values()
                if isinstance(f.default, tuple(SECTIONS.values()))]  # fmt: skip
    for record in records:
        for name, field in record.model_fields.items():
            default = field.get_default(call_default_factory=True)
            inner = getattr(type(default), "model_fields", None)
            for key in inner or [name]:
                if key not in ("model", "atmosphere") or record is ProductSettings:
                    assert re.search(rf"^(# )?{key} = ", text, re.M), f"{record.__name__}.{key}"


def test_no_line_is_longer_than_a_screen() -> None:
    assert max(map(len, LINES)) <= 100


def test_meanings_come_from_the_records() -> None:
    assert meanings(ProjectSettings)["occurrences"].startswith("Known mines")
    assert meanings(ProjectSettings)["seed"].endswith("same seed, same maps")


def test_the_template_as_written_is_read_back(tmp_path: Path) -> None:
    assert load_project(write_template(tmp_path)).validation.folds == 5
