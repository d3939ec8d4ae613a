"""docs/paper.md: its tables are those of the catalogue, and the tests that it names exist."""

from __future__ import annotations

import re
from pathlib import Path

from gossan.catalogue.indices import find_index, paper_tables

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "paper.md").read_text(encoding="utf-8")


def test_every_line_of_tables_1_and_2_stands_on_the_page() -> None:
    for row in paper_tables():
        formula = find_index("aster", row.index).formula
        assert (
            f"| {row.table} | {row.feature} | {row.printed} | `{row.index}` | `{formula}` |" in PAGE
        )


def test_every_test_named_on_the_page_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)
    assert len(named) > 15
    for path, function in named:
        source = (ROOT / path).read_text(encoding="utf-8")
        assert f"def {function}(" in source if function else source
