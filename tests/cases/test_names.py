"""Names of the project file that become files, through the command line."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from .conftest import Command


def edit(folder: Path, *changes: tuple[str, str]) -> Path:
    path = folder / "project.toml"
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("old", "new", "printed"),
    [
        ('["Cu"]', '["x/../../../../ESCAPED"]', "since it names files"),
        ('["Cu"]', '["Cu", "CU"]', "must name Cu once"),
        ('["Cu"]', '["con"]', "Windows reserves"),
        ('["Cu"]', '["Cu", "copper"]', "'Cu_ppm' for Cu and copper"),
        ('name = "ps"', 'name = "nul"', "Windows reserves"),
        ('name = "ps"', 'name = "Kriging"', "is used twice"),
        ('name = "im"', 'name = "aux"', "Windows reserves"),
        ('name = "s"', 'name = "../s"', "since it names files"),
        ('elements = ["Cu"]', 'elements = ["Cu", "Cu_se"]', "the same file kriging_cu_se.tif"),
    ],
)
def test_names_that_would_write_elsewhere_or_over_another_map_are_refused(
    small: Path, gossan: Command, old: str, new: str, printed: str
) -> None:
    before = sorted(small.parent.rglob("*"))
    edit(small, (old, new))
    for command in ("check", "run"):
        assert printed in gossan(command, small).refused
    assert sorted(small.parent.rglob("*")) == before


def test_a_ratio_is_safe_in_files_and_itself_in_tables(small: Path, gossan: Command) -> None:
    table = pd.read_csv(small / "s.csv")
    table["Zn/Cu"] = table["Zn_ppm"] / table["Cu_ppm"] + 0.01 * table.index
    table.to_csv(small / "s.csv", index=False)
    text = 'elements = ["Zn/Cu", "Zn-Cu"]'
    edit(small, ('elements = ["Cu"]', text), ('name = "ps"', 'name = "ps"\nelements = ["Zn/Cu"]'))
    edit(small, ("support_m = 30", 'columns = { "Zn/Cu" = "Zn/Cu", "Zn-Cu" = "Cu_ppm" }'))
    done = gossan("run", small, "--quiet")
    assert done.code == 0, done.err
    maps = {path.name for path in (small / "run" / "layers").glob("kriging*.tif")}
    assert len(maps) == 4
    homes = {path.parent for path in small.rglob("kriging*.tif")}
    assert homes <= {small / "run" / "layers", small / "run" / "field"}
    scores = pd.read_csv(small / "run" / "tables" / "scores.csv")
    assert set(scores["element"]) == {"Zn/Cu", "Zn-Cu"}
    assert 'id="trusted_Zn-Cu' in (small / "run" / "report.html").read_text(encoding="utf-8")
