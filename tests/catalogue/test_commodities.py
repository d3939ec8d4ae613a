"""Occurrences of one commodity do not count for another element."""

from __future__ import annotations

import pytest

from gossan.catalogue.commodities import names_commodity


@pytest.mark.parametrize(
    ("text", "element", "expected"),
    [
        ("Copper", "Cu", True),
        ("Gold; Silver", "Cu", False),
        ("Cu-Au-Mo", "Au", True),
        ("Cu, Au", "CuO", True),
        ("PB ZN", "Pb", True),
        ("Marble", "Ca", False),
        ("As in the report", "As", False),
        ("In situ", "In", False),
        ("медь", "Cu", True),
        ("铜 金", "Au", True),
        ("Gold", "my_index", True),
    ],
)
def test_commodities_are_read_as_geologists_write_them(
    text: str, element: str, expected: bool
) -> None:
    assert names_commodity(text, element) is expected
