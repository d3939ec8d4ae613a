"""Anomalies follow the project file as it is now."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def tiny(finished_run: Path, tmp_path: Path) -> Path:
    """The tiny project with its run, as a copy that names itself as its project's folder."""
    folder = Path(shutil.copytree(finished_run.parent, tmp_path / "tiny"))
    manifest = folder / "run" / "manifest.json"
    text = manifest.read_text(encoding="utf-8")
    old, new = (path.as_posix() for path in (finished_run.parent.resolve(), folder.resolve()))
    assert old in text
    manifest.write_text(text.replace(old, new), encoding="utf-8")
    return folder


def _change(folder: Path, old: str, new: str) -> None:
    path = folder / "project.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def _thresholds(folder: Path) -> dict[str, float]:
    table = pd.read_csv(folder / "run" / "tables" / "product_numbers.csv")
    return dict(zip(table["element"], table["threshold"], strict=True))


def _anomalies(command: Command, folder: Path, *thresholds: str) -> tuple[int, str, str]:
    words = [word for one in thresholds for word in ("--threshold", one)]
    return command("anomalies", folder / "run", *words)


def test_changed_anomaly_settings_are_used_and_reported(tiny: Path, command: Command) -> None:
    code, out, err = command("anomalies", tiny / "run")
    assert code == 0 and "has changed" not in out + err
    _change(tiny, "threshold = { Cu = 40.0 }", "threshold = { Cu = 33.0 }")
    code, out, err = command("anomalies", tiny / "run")
    assert (
        code == 0 and "[anomalies] has changed since the run and is taken: threshold" in out + err
    )
    assert _thresholds(tiny)["Cu"] == 33.0
    code, out, err = command("anomalies", tiny / "run")
    assert "has changed" not in out + err


def test_what_else_has_changed_names_the_command_to_run(tiny: Path, command: Command) -> None:
    _change(tiny, "folds = 3", "folds = 4")
    code, out, err = command("anomalies", tiny / "run")
    assert code == 0
    assert f"[validation] of {tiny / 'project.toml'} has changed" in out + err
    assert f"gossan run {tiny}" in out + err


def test_a_threshold_on_the_command_line_wins(tiny: Path, command: Command) -> None:
    code, _, err = command(
        "anomalies", tiny / "run", "--threshold", "Zn=71", "--threshold", "Cu=35"
    )
    assert code == 0, err
    assert _thresholds(tiny) == {"Cu": 35.0, "Zn": 71.0}


@pytest.mark.parametrize(
    ("given", "printed"),
    [("Zn", "such as Zn=500"), ("Pb=3", "one of Cu, Zn"), ("Zn=-1", "above 0")],
)
def test_wrong_thresholds_are_one_line(
    given: str, printed: str, tiny: Path, command: Command
) -> None:
    code, _, err = command("anomalies", tiny / "run", "--threshold", given)
    assert code == 2 and printed in err and len(err.strip().splitlines()) == 1


def test_a_table_without_rows_replaces_one_of_before(tiny: Path, command: Command) -> None:
    assert len(pd.read_csv(tiny / "run" / "tables" / "anomalies.csv"))
    code, _, err = command(
        "anomalies", tiny / "run", "--threshold", "Zn=1e6", "--threshold", "Cu=1e6"
    )
    assert code == 0, err
    assert not len(pd.read_csv(tiny / "run" / "tables" / "anomalies.csv"))
