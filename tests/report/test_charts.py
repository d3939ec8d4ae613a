"""Charts hold the numbers of the run's tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gossan.report.charts import (
    calibration_chart,
    colours,
    coverage,
    occurrence_chart,
    prediction_area_chart,
    skill_chart,
)
from gossan.report.read import Results, open_results

KRIGING = "Kriging: your samples only"
"""Title of kriging for people."""


@pytest.fixture(scope="module")
def results(finished_run: Path) -> Results:
    return open_results(finished_run)


def test_the_calibration_curve_goes_through_nineteen_levels_of_the_held_out_samples(
    results: Results, finished_run: Path
) -> None:
    figure = calibration_chart(results, "Cu")
    assert figure is not None
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    held = pd.read_csv(finished_run / "tables" / "held_out.csv")
    own = held[
        (held["element"] == "Cu")
        & (held["product"] == "kriging")
        & (held["comparison"] == "blocks")
    ]
    off = np.abs(np.log(own["observed"] / own["estimate"])) / own["standard_error"]
    line = lines[f"{KRIGING}, spatial blocks"]
    drawn = {round(x, 2): y for x, y in zip(line.get_xdata(), line.get_ydata())}
    for level, half in ((0.5, 0.67448975), (0.9, 1.64485363)):  # of the normal law
        assert drawn[level] == pytest.approx((off <= half).mean())
    assert set(coverage(results, "Cu").columns) >= {"0.5", "0.8", "0.9", "0.95"}


def test_random_folds_are_not_drawn_and_spatial_folds_are_solid(results: Results) -> None:
    figure = calibration_chart(results, "Cu")
    assert figure is not None
    styles = {line.get_label(): line.get_linestyle() for line in figure.axes[0].lines}
    assert not [label for label in styles if "random" in label]
    assert styles[f"{KRIGING}, spatial blocks"] == "-"
    assert styles[f"{KRIGING}, check survey detailed"] == "--"


def test_the_skill_chart_shows_fair_tests_only(results: Results) -> None:
    figure = skill_chart(results, "Cu")
    assert figure is not None
    legend = figure.axes[0].get_legend()
    assert legend is not None
    shown = [text.get_text() for text in legend.get_texts()]
    assert shown == ["spatial blocks", "check survey detailed"]
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    shown = ("sound", "literal", "geostatistical")
    assert labels == [results.title(name, "Cu") for name in shown]


def test_the_prediction_area_plot_crosses_where_the_test_says(
    results: Results, finished_run: Path
) -> None:
    figure = prediction_area_chart(results, "Cu")
    assert figure is not None
    tests = pd.read_csv(finished_run / "tables" / "occurrence_tests.csv")
    best = tests[(tests["element"] == "Cu") & (tests["product"] == results.best("Cu"))].iloc[0]
    dot = next(line for line in figure.axes[0].lines if line.get_marker() == "o")
    assert float(dot.get_ydata()[0]) == pytest.approx(best["crossing_occurrences"], abs=0.09)


def test_without_occurrences_there_is_no_chart_of_them(bare: Path) -> None:
    results = open_results(bare)
    assert prediction_area_chart(results, "Cu") is None
    assert occurrence_chart(results, "Cu") is None


def test_ten_products_have_ten_colours_and_kriging_is_grey(results: Results) -> None:
    first, manifest = results.manifest.products[0], results.manifest
    many = [first.model_copy(update={"product": f"map{k}"}) for k in range(10)]
    kriged = first.model_copy(update={"product": "kriging"})
    run = replace(results.run, manifest=manifest.model_copy(update={"products": [kriged, *many]}))
    found = colours(Results(run))
    assert len(set(found.values())) == 11
    red, green, blue = (int(found["kriging"][k : k + 2], 16) for k in (1, 3, 5))
    assert red == green == blue
