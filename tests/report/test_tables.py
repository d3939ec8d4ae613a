"""Tables for reading: three figures, plain headings, and rows of one kind of test each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gossan.report.read import Results, open_results
from gossan.report.tables import (
    anomaly_tables,
    cell,
    learnt_tables,
    number_text,
    occurrence_tables,
    run_tables,
    score_tables,
    table_of,
)


@pytest.fixture(scope="module")
def results(finished_run: Path) -> Results:
    return open_results(finished_run)


@pytest.mark.parametrize(
    ("value", "text"),
    [(12345.6, "12346"), (12.345, "12.3"), (3.0, "3"), (-0.5, "−0.5"), (np.inf, "–"),
     (2e12, "2e+12")],
)  # fmt: skip
def test_numbers_have_three_figures_and_no_exponents_within_reach(value: float, text: str) -> None:
    assert number_text(value) == text


def test_cells_sort_by_what_they_hold() -> None:
    assert float(cell(0.071144).key) == 0.071144 and cell(np.int64(3)).number
    assert cell(True).text == "yes" and cell(np.bool_(False)).key == "0"
    assert cell(None).text == cell(pd.NA).text == "" and cell("Zn").key == "zn"
    assert cell(float("nan")).key == ""


def test_columns_without_a_value_are_left_out_and_an_empty_frame_is_no_table() -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [np.nan] * 2, "c": ["x", "y"]})
    table = table_of(frame, "T", {"a": "first", "b": "second", "z": "none"})
    assert table is not None and table.columns == ("first",) and table.numeric == (True,)
    assert table_of(frame.head(0), "T") is None
    long = table_of(pd.DataFrame({"n": range(13)}), "T")
    assert long is not None and long.long


def test_skill_in_the_page_is_that_of_the_run(results: Results, finished_run: Path) -> None:
    validation = next(one for one in score_tables(results, "Cu") if one.title == "Validation")
    scores = pd.read_csv(finished_run / "tables" / "scores.csv")
    samples = scores["domain"].str.startswith("samples")
    own = scores[(scores["element"] == "Cu") & samples]
    assert len(validation.rows) == len(own)
    place = validation.columns.index("skill")
    shown = sorted(float(row[place].key) for row in validation.rows if row[place].key)
    np.testing.assert_allclose(shown, sorted(own["skill"].dropna()), rtol=1e-6)
    labels = {row[validation.columns.index("tested on")].text for row in validation.rows}
    assert {"spatial blocks", "check survey detailed"} <= labels


def test_anomalies_are_ranked_and_compared(results: Results) -> None:
    titles = [one.title for one in anomaly_tables(results, "Cu")]
    assert titles == ["Anomalies of each product in numbers", "Anomalies, ranked",
                      "Thresholds by every rule"]  # fmt: skip
    assert len(occurrence_tables(results, "Cu")) == 1


def test_products_are_called_by_their_titles_and_the_best_map_comes_first(results: Results) -> None:
    codes = {one.product for one in results.manifest.products}
    titles = {one.title for one in results.manifest.products}
    found = [*score_tables(results, "Cu"), *anomaly_tables(results, "Cu")]
    found += [*occurrence_tables(results, "Cu"), *learnt_tables(results, "Cu")]
    shown = [
        [row[one.columns.index("product")].text for row in one.rows]
        for one in found
        if "product" in one.columns
    ]
    assert len(shown) > 4 and not codes & titles
    assert set().union(*shown) <= titles
    ranked = next(one for one in found if one.title == "Anomalies, ranked")
    first = ranked.rows[0][ranked.columns.index("product")].text
    assert first == results.title(str(results.best("Cu")), "Cu")
    assert {"samples inside", "share like sampled ground", "m to sample"} <= set(ranked.columns)


def test_what_models_learnt_and_what_the_run_found_is_laid_out(results: Results) -> None:
    assert "Variograms" in [one.title for one in learnt_tables(results, "Cu")]
    titles = [one.title for one in run_tables(results)]
    assert "Findings while reading the surveys" in titles
    for one in run_tables(results):
        assert all(len(row) == len(one.columns) for row in one.rows)
