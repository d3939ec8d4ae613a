"""The drained demo from the command line to the report, on a district of a few kilometres."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from gossan.cli import app
from gossan.demo import show
from gossan.demo.district import simulate_district
from gossan.io.finished_run import open_run
from gossan.pipeline import target_parts


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo as a user starts it; what a run has fitted explains its targets."""
    base = tmp_path_factory.mktemp("drained")
    small = partial(simulate_district, shape=(200, 160), regional_km2=0.6, detailed_km2=0.4)

    def refuse(*_: object) -> None:
        raise AssertionError("the run was opened and fitted again")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(show, "simulate_district", small)
        patch.setattr(show, "ELEMENTS", ("Cu",))
        patch.setattr(target_parts, "_opened", refuse)
        ended = CliRunner().invoke(app, ["demo", str(base), "--drainage"])
    assert ended.exit_code == 0, (ended.output, ended.exception)
    assert "catchments" in ended.output and "report.html" in ended.output
    return base


def test_catchments_explain_the_truth_better_than_squares_and_points(folder: Path) -> None:
    table = open_run(folder / "run").table("truth").set_index("product")["skill"]
    assert table["catchments"] > max(table["squares"], 0.0)


def test_tables_say_what_counts_and_whether_held_out_samples_agree(folder: Path) -> None:
    run = open_run(folder / "run")
    record = run.find("catchments", "Cu")
    assert record.choice is not None and record.choice.startswith("Catchments")
    assert len(run.table("mixings")) == 8
    (note,) = run.table("ground_tests")["note"]
    assert note in record.choice
    classes = run.table("backgrounds")
    assert classes["class"].str.startswith("geology.").all() and len(classes) >= 3
    samples = run.samples
    told = samples["Cu_background"] + samples["Cu_residual"]
    known = np.isfinite(told)
    assert known.any() and np.allclose(told[known], samples["Cu"][known])


def test_report_and_qgis_project_show_unsampled_ground_and_background(folder: Path) -> None:
    page = (folder / "run" / "report.html").read_text(encoding="utf-8")
    for text in ("drains past all", "Ground counts by", "Background by class of ground"):
        assert text in page, text
    assert "the imagery adds true detail" not in page  # it may be the catchments alone
    layers = ElementTree.parse(folder / "run" / "gossan.qgs").iter("maplayer")
    shown = {layer.findtext("layername"): layer.findtext("datasource") for layer in layers}
    assert shown["Ground that drains past all samples"].endswith("unsampled.tif")
    assert shown["Cu: background by classes of ground [ppm]"].endswith("background.tif")
    for name in ("unsampled", "background"):
        assert (folder / "run" / "layers" / f"{name}.qml").exists()


def test_outlines_of_the_catchments_follow_from_the_same_project(folder: Path) -> None:
    ended = CliRunner().invoke(app, ["catchments", str(folder), "--run", str(folder / "run")])
    assert ended.exit_code == 0, (ended.output, ended.exception)
    made = pd.read_csv(folder / "catchments" / "catchments_stream.csv")
    assert len(made) == len(open_run(folder / "run").samples)
    assert (made["own_km2"] <= made["area_km2"] + 1e-9).all()
    assert (folder / "catchments" / "sediment_Cu.tif").exists()
