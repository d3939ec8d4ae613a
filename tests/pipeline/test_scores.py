"""Every product is held against the check survey's samples and against its kriged layer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from gossan.report.read import open_results
from gossan.report.tables import score_tables

from ..tiny_project import GRID


def test_the_paper_s_evaluation_states_r_n_and_domain_of_every_product(finished_run: Path) -> None:
    scores = pd.read_csv(finished_run / "tables" / "scores.csv")
    assert scores["domain"].notna().all() and scores["n"].gt(0).all()
    found = scores[scores["comparison"] == "check layer: detailed"].set_index("product")
    assert set(found.index) == {"kriging", "sound", "literal", "geostatistical"}
    share = found["n"] / (GRID.height * GRID.width)
    assert share.between(0.2, 0.5).all()
    assert (found["r"] > 0.5).all() and (found["spearman"] > 0.5).all()
    assert found.loc["sound", "r"] > found.loc["kriging", "r"]
    assert found["domain"].str.contains("of a sample of detailed").all()
    samples = scores[scores["comparison"] == "check: detailed"].set_index("product")
    assert np.isfinite(samples[["r", "spearman", "skill"]].drop("kriging")).all(axis=None)


def test_the_report_shows_r_with_the_kriged_check_survey(finished_run: Path) -> None:
    titles = [table.title for table in score_tables(open_results(finished_run), "Cu")]
    assert "r with the kriged layer of the check survey" in titles
