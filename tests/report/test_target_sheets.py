"""A sheet for every one of the first targets, with its place, samples and the way to it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd

from gossan.report.answer import targets_of
from gossan.report.figures import element_scale
from gossan.report.read import open_results
from gossan.report.target_sheets import bearing, target_sheet, write_target_sheets


def test_a_sheet_names_the_place_and_the_nearest_samples(finished_run: Path) -> None:
    results = open_results(finished_run)
    targets = targets_of(results, "Cu", 10)
    figure = target_sheet(results, "Cu", targets[0], targets, element_scale(results, "Cu"))
    text = "\n".join(one.get_text() for one in figure.texts)
    assert targets[0].place in text and targets[0].degrees in text
    samples = results.samples.dropna(subset=["Cu"])
    away = np.hypot(samples["easting"] - targets[0].easting,
                    samples["northing"] - targets[0].northing)  # fmt: skip
    nearest = samples.iloc[int(away.argmin())]
    assert f"{nearest['Cu']:.3g} at {away.min():.0f} m" in text.replace("\n", " ")


def test_targets_are_the_anomalies_of_the_best_map_best_first(finished_run: Path) -> None:
    results = open_results(finished_run)
    table = pd.read_csv(finished_run / "tables" / "anomalies.csv")
    own = table[(table["element"] == "Cu") & (table["product"] == results.best("Cu"))]
    found = targets_of(results, "Cu", 3)
    assert [one.name for one in found] == own.sort_values("rank")["anomaly"].head(3).tolist()


def test_a_page_for_each_target(run_copy: Path) -> None:
    results = open_results(run_copy)
    path = write_target_sheets(results, "Cu", element_scale(results, "Cu"))
    assert path is not None
    assert path.read_bytes().count(b"/Type /Page\n") + path.read_bytes().count(
        b"/Type /Page "
    ) == len(targets_of(results, "Cu", 10))
    if shutil.which("pdftotext"):
        found = subprocess.run(["pdftotext", str(path), "-"], capture_output=True, text=True)
        assert "How to get there" in found.stdout


def test_bearings_are_those_of_the_compass() -> None:
    assert bearing(0, 0, 100, 100) == "141 m NE (45°)"
    assert bearing(0, 0, -1, -1000) == "1.0 km S (180°)"
