"""The explanation of a target's estimate ends at the expected content."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from gossan.report.answer import targets_of
from gossan.report.read import open_results
from gossan.report.target_sheets import facts_of
from gossan.report.why import change_text, why_text


def test_the_factors_lead_from_the_mean_to_the_expected_content(finished_run: Path) -> None:
    results = open_results(finished_run)
    target = targets_of(results, "Cu", 1)[0]
    text = why_text(results, "Cu", target.name)
    start = float(re.match(r"mean of the survey ([\d.]+) ppm", text).group(1))  # type: ignore[union-attr]
    end = float(re.search(r"together ([\d.]+) ppm", text).group(1))  # type: ignore[union-attr]
    for factor in re.findall(r"× ([\d.]+)", text):
        start *= float(factor)
    assert start == pytest.approx(end, rel=0.03)
    assert end == pytest.approx(target.row["peak"], rel=0.01)
    assert "clay" in text and "neighbouring samples" in text
    assert dict(facts_of(results, "Cu", target))["Why the map says so"] == text


def test_features_without_effect_are_not_named(finished_run: Path, tmp_path: Path) -> None:
    """Where neighbouring samples tell nearly all, the features follow as one factor."""
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    path = run / "tables" / "target_parts.csv"
    parts = pd.read_csv(path)
    first = parts.groupby(["element", "anomaly"]).cumcount() == 0
    tiny = ~first & (parts["part"] != "neighbouring samples")
    assert tiny.any()
    parts.loc[tiny, "effect"] *= 1e-6
    parts.to_csv(path, index=False)
    results = open_results(run)
    text = why_text(results, "Cu", targets_of(results, "Cu", 1)[0].name)
    count = text.count("×")
    assert count == 2 and "neighbouring samples" in text and "× 1.00 " in text
    assert re.search(r"× 1\.00 \d+ others", text)


def test_what_would_change_the_verdict_lies_below_the_expected_content(finished_run: Path) -> None:
    results = open_results(finished_run)
    printed = [(one, change_text(results, "Cu", one.name)) for one in targets_of(results, "Cu", 10)]
    told = [(one, text) for one, text in printed if text]
    assert told
    for one, text in told:
        needed = float(re.search(r"below ([\d.]+) ppm", text).group(1))  # type: ignore[union-attr]
        assert 0 < needed < one.row["peak"]
        assert "below 60 %" in text
