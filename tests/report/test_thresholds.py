"""The report says what counts as a target, and what lists the highest ground where nothing does."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from gossan.io.finished_run import open_run
from gossan.pipeline.commands.anomalies import anomalies_of_run
from gossan.report.read import open_results
from gossan.report.thresholds import no_target, threshold_sentence


def test_the_sentence_names_limit_rule_and_probability(finished_run: Path) -> None:
    table = pd.read_csv(finished_run / "tables" / "product_numbers.csv")
    limit = table.loc[table["element"] == "Cu", "threshold"].iloc[0]
    text = threshold_sentence(open_results(finished_run), "Cu")
    number = float(re.search(r"exceed ([0-9.]+) ppm", text)[1])  # type: ignore[index]
    assert abs(number / limit - 1) < 0.005
    assert text.endswith("the threshold given by you, with a mean probability of 60 % or more.")
    assert "median + 2 MAD of the samples" in threshold_sentence(open_results(finished_run), "Zn")


def test_where_there_is_no_target_the_command_that_is_named_lists_some(run_copy: Path) -> None:
    anomalies_of_run(run_copy, thresholds={"Cu": 1e6})
    results = open_results(run_copy)
    best = str(results.best("Cu"))
    assert "the threshold given by you" in threshold_sentence(results, "Cu")
    said = no_target(results, "Cu")
    highest = results.maps[best, "Cu"]
    place = re.search(r"highest at (\d+) E, (\d+) N", said)
    assert place is not None
    row, column = highest.grid.index_of(float(place[1]), float(place[2]))
    assert highest.values[round(float(row)), round(float(column))] == highest.values.max()
    lower = float(re.search(r"--threshold Cu=([0-9.e+]+),", said)[1])  # type: ignore[index]
    anomalies_of_run(run_copy, thresholds={"Cu": lower})
    listed = open_run(run_copy).table("anomalies", "Cu")
    assert (listed["product"] == best).any()
