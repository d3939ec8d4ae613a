"""Every product is held against the check survey's samples and against its kriged layer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gossan.geo.raster import open_raster
from gossan.pipeline.commands.run import run_project
from gossan.pipeline.options.project import load_project
from gossan.report.build import build_report

from .conftest import GRID, truth

CHECK = """
[[survey]]
name = "detailed"
path = "detailed.csv"
x = "easting"
y = "northing"
crs = "EPSG:32638"
columns = { Cu = "Cu_ppm" }
unit = "ppm"
role = "check"

[[product]]
name = "kriging"
model = "kriging"

[[product]]
name = "sound"
model = "pyramid"
features = "indices.clay"
scope = "global"
"""


@pytest.fixture
def run(small: Path, tmp_path: Path) -> Path:
    """A run whose check survey covers the north-west, densely."""
    _, _, ln_cu = truth()
    rng = np.random.default_rng(8)
    rows, cols = rng.integers(0, 80, 200), rng.integers(0, 60, 200)
    easting, northing = GRID.coordinates()
    table = pd.DataFrame({"easting": easting[cols], "northing": northing[rows],
                          "Cu_ppm": np.exp(ln_cu[rows, cols])})  # fmt: skip
    table.drop_duplicates(["easting", "northing"]).to_csv(small.parent / "detailed.csv")
    small.write_text(small.read_text(encoding="utf-8") + CHECK, encoding="utf-8")
    run_project(load_project(small), tmp_path / "run")
    return tmp_path / "run"


def test_the_paper_s_evaluation_states_r_n_and_domain_of_every_product(run: Path) -> None:
    scores = pd.read_csv(run / "tables" / "scores.csv")
    assert scores["domain"].notna().all() and scores["n"].gt(0).all()
    found = scores[scores["comparison"] == "check layer: detailed"].set_index("product")
    assert set(found.index) == {"kriging", "sound"}
    share = found["n"] / (GRID.height * GRID.width)
    assert share.between(0.2, 0.5).all()
    assert (found["r"] > 0.5).all() and (found["spearman"] > 0.5).all()
    assert found.loc["sound", "r"] > found.loc["kriging", "r"]
    assert found["domain"].str.contains("of a sample of detailed").all()
    samples = scores[scores["comparison"] == "check: detailed"].set_index("product")
    assert np.isfinite(samples[["r", "spearman", "skill"]].drop("kriging")).all(axis=None)


def test_the_report_shows_r_with_the_kriged_check_survey(run: Path) -> None:
    page = build_report(run).read_text(encoding="utf-8")
    assert "r with the kriged layer of the check survey" in page


def test_every_run_tells_what_degrading_takes_away_and_where_imagery_is_unlike_the_samples(
    run: Path,
) -> None:
    table = pd.read_csv(run / "tables" / "reduced_resolution.csv")
    assert set(table["product"]) == {"kriging", "sound"}
    own = table[table["element"] == "Cu"]
    assert own["n"].gt(50).all() and own["pixel_m"].between(500, 1500).all()
    layer = open_raster(run / "layers" / "applicability.tif")
    index, inside = layer.read(layer.grid.whole)
    assert np.isfinite(index).mean() > 0.95 and 0.5 < np.nanmean(inside) <= 1
