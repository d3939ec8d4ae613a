"""The report says what counts as a target, and what lists the highest ground where nothing does."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gossan.io.finished_run import open_run
from gossan.pipeline.anomaly_evidence import sampled_ground
from gossan.pipeline.commands.anomalies import anomalies_of_run
from gossan.report.read import open_results
from gossan.report.thresholds import high_ground, no_target, threshold_sentence


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
    assert "no place exceeds 1000000 ppm with a probability of more than 0 %" in said
    lower = float(re.search(r"--threshold Cu=([0-9.e+]+),", said)[1])  # type: ignore[index]
    anomalies_of_run(run_copy, thresholds={"Cu": lower})
    listed = open_run(run_copy).table("anomalies", "Cu")
    assert (listed["product"] == best).any()


def test_the_highest_places_are_those_of_the_map_and_lie_apart(finished_run: Path) -> None:
    results = open_results(finished_run)
    found = high_ground(results, "Cu")
    highest = results.maps[str(results.best("Cu")), "Cu"]
    places = np.array([[one.easting, one.northing] for one in found])
    row, column = (np.rint(index).astype(int) for index in highest.grid.index_of(*places.T))
    values = highest.values[row, column]
    assert values[0] == np.nanmax(highest.values)
    assert (np.diff(values) <= 0).all()
    apart = np.hypot(*(places[:, None] - places[None]).T)[np.triu_indices(len(places), 1)]
    assert apart.min() >= 2 * sampled_ground(results.run, "Cu").spacing_m
    assert [float(one.expected.split()[0]) for one in found] == pytest.approx(values, rel=0.005)
