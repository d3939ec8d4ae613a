"""Charts hold the numbers of the run's tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gossan.arrays.distribution import Distribution
from gossan.evaluate.occurrences import judge_occurrences
from gossan.io.run_folder import RunFolder
from gossan.report.build import build_report
from gossan.report.charts import calibration_chart, coverage, prediction_area_chart
from gossan.report.read import open_results

MakeRun = Callable[..., Path]


def test_the_calibration_curve_goes_through_nineteen_levels_of_the_held_out_samples(
    make_run: MakeRun,
) -> None:
    run = make_run(["kriging", "sound"])
    results = open_results(run)
    figure = calibration_chart(results, "Cu")
    assert figure is not None
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 20]
    held = results.table("held_out", "Cu")
    own = held[(held["product"] == "kriging") & (held["comparison"] == "spatial folds")]
    off = np.abs(np.log(own["observed"] / own["estimate"])) / own["standard_error"]
    drawn = {round(x, 2): y for x, y in zip(lines[0].get_xdata(), lines[0].get_ydata())}
    for level, half in ((0.5, 0.67448975), (0.9, 1.64485363)):  # of the normal law
        assert drawn[level] == pytest.approx((off <= half).mean())
    assert set(coverage(results, "Cu").columns) >= {"0.5", "0.8", "0.9", "0.95"}


def test_the_prediction_area_plot_crosses_where_the_test_says(make_run: MakeRun) -> None:
    run = RunFolder(make_run(["kriging", "sound"]))
    rng = np.random.default_rng(4)
    area = Distribution.of_samples(np.exp(rng.normal(3, 1, 4000)))
    found = judge_occurrences(np.exp(rng.normal(4.2, 0.7, 15)), area, draws=20)
    plots = [found.area_plot.assign(product=name, element="Cu") for name in ("kriging", "sound")]
    run.write_table("prediction_area", pd.concat(plots))
    run.write_table("occurrence_curves", found.curve.assign(product="kriging", element="Cu"))
    figure = prediction_area_chart(open_results(run.root), "Cu")
    assert figure is not None
    (dot,) = [line for line in figure.axes[0].lines if line.get_marker() == "o"][:1]
    assert float(dot.get_ydata()[0]) == pytest.approx(found.crossing_occurrences, abs=0.05)
    page = build_report(run.root).read_text(encoding="utf-8")
    assert "Prediction-area plot" in page
    assert (run.figures / "prediction_area_Cu.png").exists()


def test_without_occurrences_there_is_no_prediction_area_plot(make_run: MakeRun) -> None:
    assert prediction_area_chart(open_results(make_run(["kriging"])), "Cu") is None
