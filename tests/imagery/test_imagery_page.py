from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from gossan.catalogue.crosta import crosta_sets
from gossan.catalogue.indices import all_indices, paper_tables
from gossan.imagery.masks.rules import MaskSettings
from gossan.imagery.settings import ImagerySettings, MaskWord

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def imagery() -> str:
    return (DOCS / "imagery.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def indices() -> str:
    return (DOCS / "indices.md").read_text(encoding="utf-8")


def test_the_page_names_every_key_mask_and_threshold(imagery: str) -> None:
    words = [*ImagerySettings.model_fields, *MaskWord.__args__, *MaskSettings.model_fields]
    assert not [word for word in words if f"`{word}`" not in imagery and f"`{word} " not in imagery]
    for name, field in MaskSettings.model_fields.items():
        if isinstance(field.default, float):
            assert re.search(rf"`{name}`[,)( ]+{field.default:g}\b", imagery), name


def test_the_functions_that_the_page_names_exist(imagery: str) -> None:
    named = re.findall(r"`(imagery(?:\.[a-z0-9_]+)+)\.([a-z0-9_]+)", imagery)
    assert len(named) >= 10
    for module, function in named:
        assert hasattr(importlib.import_module(f"gossan.{module}"), function), (module, function)


def test_the_page_of_indices_repeats_the_catalogue_line_by_line(indices: str) -> None:
    for sensor in ("aster", "sentinel2"):
        for i in all_indices(sensor):
            line = f"| `{i.name}` | `{i.formula}` | {i.kind} | {i.meaning} | {i.reference} |"
            assert line in indices, line
        for c in crosta_sets(sensor):
            assert f"| {sensor} | `{c.name}` | {' '.join(c.bands)} |" in indices
    for row in paper_tables():
        assert f"| {row.table} | {row.feature} | {row.printed} | `{row.index}` |" in indices
