"""Every page of the documentation can be reached, and its links and pictures exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGES = [path for path in sorted(DOCS.rglob("*.md")) if not {"_build", "made"} & set(path.parts)]
MADE = ("gallery_made/", "reference/made/", "made/")
"""Folders that the build of the site fills."""


def listed(page: Path) -> set[Path]:
    """Pages of the tables of contents of a page."""
    trees = re.findall(r"```\{toctree\}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    lines = [line for tree in trees for line in tree.splitlines() if line and line[0] != ":"]
    return {(page.parent / f"{line}.md").resolve() for line in lines if not line.startswith(MADE)}


def test_every_page_stands_in_a_table_of_contents() -> None:
    reached = {DOCS / "index.md"}.union(*(listed(page) for page in PAGES))
    assert reached == set(PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_links_and_pictures_of_a_page_exist(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    own = [one for one in targets if "://" not in one and not any(m in one for m in MADE)]
    assert [one for one in own if not (page.parent / one).exists()] == []
