"""Anomalies, thresholds and tests at occurrences of a finished run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gossan.errors import InputError
from gossan.io.contract import BASELINE
from gossan.pipeline.anomaly_evidence import evidence_of
from gossan.pipeline.commands import anomalies
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


def test_kriged_probabilities_are_computed_once_and_leave_nothing_behind(
    run_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapped: list[set[str]] = []

    def seen(run, product, thresholds, rule, known):  # type: ignore[no-untyped-def]
        mapped.append(set(known))
        return evidence_of(run, product, thresholds, rule, known if not found else None)

    monkeypatch.setattr(anomalies, "evidence_of", seen)
    found: list[bytes] = []
    for _ in range(2):
        for step in (run_copy / "steps").glob("anomalies_*.json"):
            step.unlink()  # what stands is not computed again
        anomalies_of_run(run_copy)
        found.append((run_copy / "tables" / "anomalies.csv").read_bytes())
    assert mapped[0] == {BASELINE, "geostatistical"} and all(BASELINE in one for one in mapped)
    assert found[0] == found[1] and found[0].count(b"\n") > 3
    assert not list((run_copy / "store").rglob("probability*"))


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gossan run"):
        anomalies_of_run(tmp_path)
