"""Names that become files: safe on every system, and never shared."""

from __future__ import annotations

import re
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gossan.names import checked_name, file_name, sharing_a_file


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "x/../y", "/etc", "C:\\x", "a\\b", "a:b", "Cu?", "Cu*", 'a"b', "a|b"),
        *("con", "NUL", "aux.txt", "Com1", "LPT9", "Cu\n", "Cu\x00", " Cu", "Cu ", "Cu.", "-rf"),
        "x" * 61,
    ],
)
def test_names_that_reach_outside_or_that_windows_cannot_hold_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"^must "):
        checked_name(name)


@pytest.mark.parametrize("name", ["Cu", "Th/U", "K2O+Na2O", "Fe_pct", "медь", "d.13C", "REE (sum)"])
def test_names_of_elements_and_ratios_are_taken(name: str) -> None:
    assert checked_name(name) == name


@given(st.text(min_size=1, max_size=80))
def test_a_file_name_is_one_plain_part_of_a_path(name: str) -> None:
    stem = file_name(name)
    for path in (PurePosixPath("layers", stem), PureWindowsPath("layers", stem)):
        assert path.name == stem
        assert path.parent.name == "layers"
    assert re.fullmatch(r"[\w-]+", stem)
    assert not PureWindowsPath(stem).is_reserved()


@given(st.lists(st.sampled_from("aA/.-_ :é"), min_size=1, max_size=3), st.data())
def test_different_names_have_different_files(first: list[str], data: st.DataObject) -> None:
    second = data.draw(st.lists(st.sampled_from("aA/.-_ :é"), min_size=1, max_size=3))
    names = "".join(first), "".join(second)
    same = len({name.casefold() for name in names}) == 1
    assert bool(sharing_a_file(names)) == same or names[0] == names[1]
