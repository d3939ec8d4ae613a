"""What the dock lists of a result and a project file."""

from __future__ import annotations

from pathlib import Path

import pytest
from gossan_qgis.core.dock_state import state_of, target_rows
from gossan_qgis.core.protocol import Result

TARGET = {
    "element": "Cu", "area_km2": 4.0, "rank": 1, "name": "Cu-1", "status": "new",
    "easting": 1000.0, "northing": 2000.0, "place": "1000 E, 2000 N", "area": "4 km²",
    "expected": "66 ppm", "probability": None, "supports": "two samples", "against": "",
}  # fmt: skip


def test_a_target_is_listed_and_its_view_holds_it_twice_over() -> None:
    (row,) = target_rows(Result(tables={"targets": [TARGET]}))
    assert row.cells == ("Cu-1", "new", "66 ppm", "", "4 km²")
    assert row.tip == "1000 E, 2000 N\n+ two samples"
    left, bottom, right, top = row.box
    assert (right - left) ** 2 / 1e6 >= 2 * 4.0
    assert ((left + right) / 2, (bottom + top) / 2) == (1000.0, 2000.0)


def test_small_targets_get_a_view_of_two_kilometres() -> None:
    (row,) = target_rows(Result(tables={"targets": [{**TARGET, "area_km2": 0.01}]}))
    assert row.box[2] - row.box[0] == pytest.approx(2000.0)


def test_the_settings_of_an_odd_project_leave_blanks(tmp_path: Path) -> None:
    settings = {"project": {"elements": ["Cu", "Zn"]}, "survey": [{"path": "s.csv", "unit": {
        "Cu": "ppm", "Zn": "percent"}}]}  # fmt: skip
    state = state_of(settings, tmp_path)
    assert (state.unit, state.support_m, state.imagery) == ("", 0.0, ())
    assert state.survey == str((tmp_path / "s.csv").resolve())
