"""The plain sentence says what the scores say."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from gossan.report.plain import plain_verdict
from gossan.report.read import open_results


def test_the_sentence_holds_the_skill_on_spatial_blocks(finished_run: Path) -> None:
    results = open_results(finished_run)
    scores = pd.read_csv(finished_run / "tables" / "scores.csv")
    folds = scores[(scores["element"] == "Cu") & (scores["comparison"] == "blocks")]
    skill = float(folds.set_index("product").loc[results.best("Cu"), "skill"])
    assert skill > 0.05
    text = plain_verdict(results, "Cu")
    assert text.startswith(f"Squared error {100 * skill:.0f} % lower than kriging's")
    assert "known occurrences are " in text


def test_no_remark_is_added_where_kriging_is_the_best_map(finished_run: Path) -> None:
    results = open_results(finished_run)
    assert results.best("Zn") == "kriging"
    assert plain_verdict(results, "Zn") == ""
