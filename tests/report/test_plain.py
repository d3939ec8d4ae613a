"""The plain sentence says what the scores say."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from gossan.report.plain import plain_verdict
from gossan.report.read import open_results


@pytest.mark.parametrize("kind", ["check: ", "blocks"])
def test_the_sentence_holds_the_skill_that_the_verdict_goes_by(
    finished_run: Path, tmp_path: Path, kind: str
) -> None:
    """That of the check survey where there is one, else that of the spatial blocks."""
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    path = run / "tables" / "scores.csv"
    scores = pd.read_csv(path)
    assert scores["comparison"].str.startswith("check: ").any()
    if kind == "blocks":
        scores = scores[~scores["comparison"].str.startswith("check: ")]
        scores.to_csv(path, index=False)
    results = open_results(run)
    own = scores[(scores["element"] == "Cu") & scores["comparison"].str.startswith(kind)]
    skill = float(own.set_index("product").loc[results.best("Cu"), "skill"])
    assert skill > 0.05
    text = plain_verdict(results, "Cu")
    assert text.startswith(f"Squared error {100 * skill:.0f} % lower than kriging's")
    assert "known occurrences are " in text


def test_no_remark_is_added_where_kriging_is_the_best_map(finished_run: Path) -> None:
    results = open_results(finished_run)
    assert results.best("Zn") == "kriging"
    assert plain_verdict(results, "Zn") == ""
