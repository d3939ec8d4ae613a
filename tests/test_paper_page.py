"""docs/paper.md: its tables are those of the catalogue, and the tests that it names exist."""

from __future__ import annotations

import re
from pathlib import Path

from gossan.catalogue.indices import find_index, paper_tables

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "paper.md").read_text(encoding="utf-8")
PAPER = (ROOT / "tests" / "reference" / "ding2023_imagery.txt").read_text(encoding="utf-8")
SENTENCES, ROWS = (
    part.strip().splitlines() for part in PAPER.split("[section 4.1]")[1].split("[tables]")
)


def printed(text: str) -> set[str]:
    """Split the ratios of a line; "5/3 and 1/2" of ferrous iron is one entry of the page."""
    return {text} if text == "5/3 and 1/2" else set(re.split(", | and ", text))


def test_every_sentence_of_section_4_1_stands_on_the_page_and_no_quotation_is_wrong() -> None:
    table = PAGE.split("## Section 4.1")[1].split("## Section 5")[0]
    first = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| ")]
    quoted = [text for cell in first for text in re.findall(r'"([^"]+)"|(Figure \d)', cell)]
    phrases = {quotation or figure for quotation, figure in quoted}
    assert len(SENTENCES) == 10 and len(phrases) > 12
    assert not [text for text in phrases if not any(text in one for one in SENTENCES)]
    assert not [one for one in SENTENCES if not any(text in one for text in phrases)]


def test_every_line_that_the_paper_prints_in_tables_1_and_2_is_on_the_page_and_no_other() -> None:
    on_page: dict[tuple[str, str], set[str]] = {}
    for table, feature, ratio in re.findall(r"^\| ([12]) \| ([^|]+) \| ([^|]+) \| `", PAGE, re.M):
        on_page.setdefault((table, feature), set()).add(ratio)
    in_paper: dict[tuple[str, str], set[str]] = {}
    for table, feature, ratios in (row.split("\t") for row in ROWS):
        in_paper.setdefault((table, feature), set()).update(printed(ratios))
    assert on_page == in_paper and len(in_paper) == 24


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
