"""Anomalies, thresholds and tests at occurrences of a finished run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gossan.errors import InputError
from gossan.pipeline.commands.anomalies import anomalies_of_run


def test_anomalies_come_as_files_for_gis_and_field(district_run: Path) -> None:
    for ending in ("gpkg", "geojson", "kml", "csv"):
        assert (district_run / "anomalies" / f"sound_Cu.{ending}").exists(), ending
    numbers = pd.read_csv(district_run / "tables" / "product_numbers.csv")
    assert set(numbers["product"]) == {"kriging", "sound"}
    thresholds = pd.read_csv(district_run / "tables" / "thresholds.csv")
    assert {"samples", "kriging", "sound"} <= set(thresholds["source"])
    assert set(thresholds["rule"]) >= {"median_mad", "trimmed_mean", "tukey", "fractal"}
    assert (thresholds["samples_censored"] >= 0).all()


def test_the_kriged_anomalies_lie_in_themselves(district_run: Path) -> None:
    table = pd.read_csv(district_run / "tables" / "anomalies.csv")
    own = table[table["product"] == "kriging"]
    assert len(own) and np.allclose(own["overlap"], 1.0) and (own["status"] == "known").all()


def test_occurrences_are_tested_with_chance_beside(district_run: Path) -> None:
    table = pd.read_csv(district_run / "tables" / "occurrence_tests.csv")
    assert {"auc", "chance_lower95", "chance_upper95", "n"} <= set(table.columns)


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gossan run"):
        anomalies_of_run(tmp_path)
