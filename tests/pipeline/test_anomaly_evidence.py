"""What a real run knows of its anomalies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gossan.geo.layer import values_at
from gossan.geochem.transforms import transform_from_record
from gossan.io.finished_run import FinishedRun, open_run
from gossan.io.tables import Table
from gossan.pipeline.anomaly_evidence import (
    evidence_of,
    held_out_error,
    occurrences_of,
    probability_of,
    sampled_ground,
    smallest_of,
    working_layer,
)
from gossan.pipeline.anomaly_rule import rule_of
from gossan.pipeline.commands.predict import predict_at


@pytest.fixture
def run(finished_run: Path) -> FinishedRun:
    return open_run(finished_run)


def test_the_interval_and_probability_are_those_that_predict_states(
    run: FinishedRun, tmp_path: Path
) -> None:
    """At a place, `gossan predict` and the evidence of an anomaly say the same."""
    product = run.product("geostatistical", "Cu")
    assert product is not None
    places = run.samples[["easting", "northing"]].iloc[:20]
    places.to_csv(tmp_path / "at.csv", index=False)
    predict_at(run.root, tmp_path / "at.csv", "geostatistical", "Cu", tmp_path / "out.csv")
    printed = pd.read_csv(tmp_path / "out.csv")
    evidence = evidence_of(run, product, {"Cu": 40.0, "Zn": 60.0}, rule_of(run))
    assert evidence.interval is not None and evidence.probability is not None
    bounds = values_at(evidence.interval, places.to_numpy(float))
    np.testing.assert_allclose(bounds, printed[["lower90", "upper90"]], rtol=1e-4)
    middle = np.log(printed["estimate"])
    error = (np.log(printed["upper90"]) - middle) / stats.norm.ppf(0.95)
    expected = stats.norm.sf(np.log(40.0), middle, error)
    found = values_at(evidence.probability, places.to_numpy(float))[:, 0]
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_a_map_without_errors_has_that_of_its_held_out_samples(run: FinishedRun) -> None:
    product = run.product("sound", "Cu")
    assert product is not None and product.standard_error is None
    scores = run.table(Table.SCORES, "Cu")
    own = scores[(scores["product"] == "sound") & (scores["comparison"] == "blocks")]
    transform = transform_from_record(product.transform_record)
    assert held_out_error(run, product, transform) == pytest.approx(own["rmse"].iloc[0], rel=1e-3)
    working = working_layer(run, product)
    assert working is not None
    error = working.read(working.grid.whole)[1]
    assert np.nanmin(error) == np.nanmax(error) == pytest.approx(own["rmse"].iloc[0], rel=1e-3)
    assert probability_of(run, product, 40.0) is not None
    assert 0 < smallest_of(run, product) < (sampled_ground(run, "Cu").spacing_m / 1e3) ** 2


def test_only_occurrences_of_the_element_count(run_copy: Path) -> None:
    table = pd.read_csv(run_copy / "tables" / "occurrences.csv")
    table["commodity"] = ["Gold"] + ["Copper; Gold"] * (len(table) - 1)
    table.to_csv(run_copy / "tables" / "occurrences.csv", index=False)
    run = open_run(run_copy)
    rule = rule_of(run)
    copper = occurrences_of(run, "Cu", rule)
    assert copper is not None and len(copper) == len(table) - 1
    assert occurrences_of(run, "Zn", rule) is None
    everything = rule.model_copy(update={"commodities": {"Zn": ("*",), "Cu": ("Au",)}})
    for element in ("Zn", "Cu"):
        found = occurrences_of(run, element, everything)
        assert found is not None and len(found) == len(table)


def test_the_table_of_anomalies_tells_place_interval_and_reasons(finished_run: Path) -> None:
    table = open_run(finished_run).table(Table.ANOMALIES)
    assert len(table)
    assert table["peak_longitude"].between(43.9, 44.5).all()  # 411 km E in zone 38 north
    assert table["peak_latitude"].between(24.0, 24.5).all()
    sure = table.dropna(subset=["peak_upper90"])
    assert (sure["peak_lower90"] < sure["peak"]).all() and (
        sure["peak"] < sure["peak_upper90"]
    ).all()
    assert (table["probability"].dropna() >= 0.6).all()
    assert (table["supports"].fillna("") + table["against"].fillna("") != "").all()
