"""The parts of the estimate at a target are those of the map that lies in the run folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from gossan.geo.layer import values_at
from gossan.geochem.transforms import transform_from_record
from gossan.io.finished_run import open_run
from gossan.pipeline import target_parts as module
from gossan.pipeline.commands.anomalies import anomalies_of_run
from gossan.pipeline.commands.run import run_project
from gossan.pipeline.options.project import load_project
from gossan.pipeline.target_parts import drop_below, target_parts

from ..tiny_project import write_tiny


def test_the_parts_of_a_target_add_up_to_the_map_at_its_peak(finished_run: Path) -> None:
    run = open_run(finished_run)
    table = pd.read_csv(finished_run / "tables" / "target_parts.csv")
    anomalies = pd.read_csv(finished_run / "tables" / "anomalies.csv")
    record = run.find(None, "Cu")
    assert record.model == "geostatistical"
    own = table[table["element"] == "Cu"]
    found = own.groupby("anomaly")["effect"].sum()
    peaks = anomalies[(anomalies["product"] == record.product) & (anomalies["element"] == "Cu")]
    peaks = peaks.set_index("anomaly").loc[found.index]
    places = peaks[["peak_easting", "peak_northing"]].to_numpy(float)
    mapped = values_at(run.estimate(record), places)[:, 0]
    working = transform_from_record(record.transform_record).forward(mapped.astype(float))
    np.testing.assert_allclose(found, working, atol=2e-3)
    assert {"mean of the survey", "neighbouring samples", "clay"} <= set(own["part"])


def test_a_run_whose_data_have_changed_is_not_explained(finished_run: Path, tmp_path: Path) -> None:
    base = Path(shutil.copytree(finished_run.parent, tmp_path / "moved"))
    run = open_run(base / "run")
    manifest = run.manifest.model_copy(update={"inputs": {"samples.csv": "other"}})
    run.folder.write_manifest(manifest)
    anomalies = pd.read_csv(base / "run" / "tables" / "anomalies.csv")
    table, notes = target_parts(open_run(base / "run"), anomalies, {"Cu": 40.0, "Zn": 1.0}, 0.6)
    assert table.empty
    assert "changed since the run" in notes[0]


def test_the_models_of_the_run_explain_as_those_that_are_fitted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, run = load_project(write_tiny(tmp_path)), tmp_path / "run"
    result = run_project(project, run, keep_store=True)
    anomalies_of_run(run)
    table = run / "tables" / "target_parts.csv"
    again = table.read_bytes()
    monkeypatch.setattr(module, "fit_model", None)
    monkeypatch.setattr(module, "open_inputs", None)
    anomalies_of_run(run, fitted=result.fitted)
    assert len(pd.read_csv(table)) > 0
    assert table.read_bytes() == again


@pytest.mark.parametrize("nugget", [0.01, 0.3])
def test_one_sample_below_the_stated_content_changes_the_verdict(nugget: float) -> None:
    """Condition a normal law on one sample by its joint covariance, and look on either side."""
    mean, variance, threshold = 3.0, 0.5, 2.6
    needed = drop_below(np.array([mean]), np.array([variance]), nugget, threshold, 0.6)[0]
    shared = variance - nugget  # covariance of the sample with another one at the same place
    for off, wanted in ((-0.01, False), (0.01, True)):
        sample = needed + off
        after = mean + shared / variance * (sample - mean)
        left = variance - shared**2 / variance
        assert (norm.sf(threshold, after, np.sqrt(left)) >= 0.6) is np.bool_(wanted)


def test_where_the_verdict_does_not_hold_nothing_is_asked_for() -> None:
    assert np.isnan(drop_below(np.array([1.0]), np.array([0.5]), 0.1, 2.0, 0.6)).all()
    assert np.isnan(drop_below(np.array([3.0]), np.array([0.5]), 0.5, 2.0, 0.6)).all()
