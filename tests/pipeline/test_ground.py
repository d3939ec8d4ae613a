"""A terrain model and a geological map go from file to map, through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from shapely import box
from typer.testing import CliRunner

from gossan.cli import app
from gossan.geo.grid import Grid
from gossan.geo.raster import write_array

WEST, SOUTH, SIDE = 500_000, 4_000_000, 4000
PROJECT = """
[project]
name = "ground"
elements = ["Cu"]
pixel_m = 50

[[survey]]
name = "soil"
path = "soil.csv"
crs = "EPSG:32638"

[[imagery]]
name = "terrain"
sensor = "terrain"
paths = ["dem.tif"]

[[imagery]]
name = "geology"
sensor = "classes"
paths = ["geology.gpkg"]
column = "unit"
pixel_size_m = 50

[validation]
kinds = ["blocks"]
folds = 3

[[product]]
name = "kriging"
model = "kriging"

[[product]]
name = "ground"
model = "geostatistical"
features = "geology.all + terrain.slope + terrain.wetness"
averaging = "mode"
windows = "survey"
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copper is three times as high on basalt, whose contact winds between the samples."""
    folder = tmp_path_factory.mktemp("ground")
    rng = np.random.default_rng(4)
    grid = Grid.from_bounds(32638, (WEST, SOUTH, WEST + SIDE, SOUTH + SIDE), 50)
    y, x = np.mgrid[:80, :80] * 50.0
    heights = 800 + 0.05 * y + 60 * np.sin(x / 500) + 30 * np.cos(y / 700)
    write_array(folder / "dem.tif", grid, ("h",), heights[None].astype(np.float32))
    strips = [box(WEST + k * 500, SOUTH, WEST + (k + 1) * 500, SOUTH + SIDE) for k in range(8)]
    units = ["Basalt" if k % 3 == 0 else "Slate" for k in range(8)]
    frame = gpd.GeoDataFrame({"unit": units}, geometry=strips, crs="EPSG:32638")
    frame.to_file(folder / "geology.gpkg")
    places = rng.uniform(100, SIDE - 100, (90, 2))
    basalt = (places[:, 0] // 500 % 3 == 0).astype(float)
    copper = np.exp(3 + 1.1 * basalt + 0.2 * rng.normal(size=90))
    table = {"easting": WEST + places[:, 0], "northing": SOUTH + places[:, 1], "Cu_ppm": copper}
    pd.DataFrame(table).round(2).to_csv(folder / "soil.csv", index=False)
    (folder / "project.toml").write_text(PROJECT, encoding="utf-8")
    return folder


def test_check_accepts_both_and_run_maps_the_geology(project: Path) -> None:
    for command in ("check", "run"):
        ended = CliRunner().invoke(app, [command, str(project)])
        assert ended.exit_code == 0, (ended.output, ended.exception)
    manifest = json.loads((project / "run" / "manifest.json").read_text(encoding="utf-8"))
    used = next(one for one in manifest["products"] if one["product"] == "ground")
    with rasterio.open(project / "run" / used["layer"]) as layer:
        copper = np.log(layer.read(1, masked=True).filled(np.nan))
        left = layer.bounds.left
    columns = ((np.arange(copper.shape[1]) + 0.5) * 50 + left - WEST) // 500
    on = np.nanmean(copper[:, columns % 3 == 0])
    off = np.nanmean(copper[:, columns % 3 != 0])
    assert on - off == pytest.approx(1.1, abs=0.2)  # as simulated
    scores = pd.read_csv(project / "run" / "tables" / "scores.csv")
    skill = scores[(scores["product"] == "ground") & (scores["comparison"] == "blocks")]["skill"]
    assert skill.item() > 0.5


def test_the_run_tells_the_background_of_each_rock(project: Path) -> None:
    """Means of the samples by the rock under them, counted by pandas; anomalies against them."""
    run = project / "run"
    samples = pd.read_csv(run / "tables" / "samples.csv")
    rock = np.where((samples["easting"] - WEST) // 500 % 3 == 0, "basalt", "slate")
    wanted = samples.groupby(rock)["Cu"].agg(["size", "mean", "std"])
    table = pd.read_csv(run / "tables" / "backgrounds.csv").set_index("class")
    assert set(table.index) == {"geology.basalt", "geology.slate"}
    for name, row in wanted.iterrows():
        found = table.loc[f"geology.{name}"]
        assert (found["element"], found["unit"]) == ("Cu", "ppm")
        assert found["n"] == pytest.approx(row["size"])
        assert found["mean"] == pytest.approx(row["mean"], rel=1e-5)
        half = 1.645 * row["std"] / np.sqrt(row["size"])
        assert found["upper90"] - found["mean"] == pytest.approx(half, rel=1e-4)
    expected = wanted["mean"].reindex(rock).to_numpy()
    np.testing.assert_allclose(samples["Cu_background"], expected, rtol=1e-5)
    np.testing.assert_allclose(samples["Cu_residual"], samples["Cu"] - expected, atol=1e-3)
    with rasterio.open(run / "layers" / "background.tif") as layer:
        copper, left = layer.read(1, masked=True).filled(np.nan), layer.bounds.left
    columns = ((np.arange(copper.shape[1]) + 0.5) * 50 + left - WEST) // 500
    on = np.nanmean(copper[:, columns % 3 == 0])
    assert on == pytest.approx(wanted.loc["basalt", "mean"], rel=1e-3)
    ended = CliRunner().invoke(app, ["anomalies", str(run), "--threshold", "Cu=30"])
    assert ended.exit_code == 0, ended.output
    anomalies = pd.read_csv(run / "tables" / "anomalies.csv")
    assert len(anomalies)
    low, high = wanted["mean"].min(), wanted["mean"].max()
    assert anomalies["background"].between(0.999 * low, 1.001 * high).all()
    np.testing.assert_allclose(
        anomalies["residual"], anomalies["mean"] - anomalies["background"], atol=1e-3
    )
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "Background by class of ground" in page and "geology.basalt" in page
