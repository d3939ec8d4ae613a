"""The work of reading a table grows with its rows and columns, not with their squares."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import gossan.geochem.table as table_package
from gossan.geochem.table.settings import SurveySettings
from gossan.geochem.table.survey import read_survey


class Work:
    """Counts calls, and the items that containers are built from: a copy in a loop counts whole."""

    def __init__(self) -> None:
        self.steps = 0

    def called(self, frame: object, event: str, argument: object) -> None:
        self.steps += event in ("call", "c_call")

    def counting(self, container: type) -> type:
        work = self

        class Counting(container):  # type: ignore[misc]
            def __init__(self, items: Iterable[Any] = ()) -> None:
                super().__init__(items)
                work.steps += len(self)

        return Counting


def _modules() -> list[ModuleType]:
    found = pkgutil.walk_packages(table_package.__path__, f"{table_package.__name__}.")
    return [importlib.import_module(module.name) for module in found]


def _steps(path: Path, elements: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> int:
    work = Work()
    settings = SurveySettings(name="a", path=str(path), crs="EPSG:32638", unit="ppm")
    with monkeypatch.context() as patch:
        for module in _modules():
            patch.setattr(module, "set", work.counting(set), raising=False)
        sys.setprofile(work.called)
        try:
            samples, _ = read_survey(settings, elements, "EPSG:32638")
        finally:
            sys.setprofile(None)
    assert len(samples) > 0
    return work.steps


def _written(path: Path, rows: int, elements: tuple[str, ...]) -> Path:
    """Write a survey with limits, blanks, missing codes, repeated places, names and a footer."""
    rng = np.random.default_rng(7)
    lines = [",".join(["id", "easting", "northing", *elements])]
    for i in range(rows):
        place = f"{400_000 + 100 * (i % 300)},{2_600_000 + 100 * (i // 300)}"
        cells = [f"{value:.2f}" for value in rng.lognormal(3.0, 0.5, len(elements))]
        cells[i % len(cells)] = ("<5", "", "-9999", cells[0], cells[0])[i % 5]
        lines.append(",".join([f"S{i - (i % 50 == 1)}", place, *cells]))
    lines.append("end of report *")
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_four_times_the_rows_take_four_times_the_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = _written(tmp_path / "few.csv", 1_000, ("Cu", "Zn"))
    many = _written(tmp_path / "many.csv", 4_000, ("Cu", "Zn"))
    _steps(few, ("Cu", "Zn"), monkeypatch)  # what is remembered between tables is remembered
    steps = _steps(few, ("Cu", "Zn"), monkeypatch)
    assert _steps(many, ("Cu", "Zn"), monkeypatch) < 4.4 * steps


def test_four_times_the_elements_take_four_times_the_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = tuple(f"V{i:03d}" for i in range(80))
    few, many = _written(tmp_path / "few.csv", 40, names[:20]), tmp_path / "many.csv"
    _written(many, 40, names)
    _steps(few, names[:20], monkeypatch)
    _steps(many, names, monkeypatch)  # what is remembered of names is remembered
    assert _steps(many, names, monkeypatch) < 4.4 * _steps(few, names[:20], monkeypatch)
