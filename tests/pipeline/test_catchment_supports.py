"""Catchments from the project file to the map: a valley survey run whole, and what is refused."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyproj import CRS
from scipy.ndimage import gaussian_filter
from typer.testing import CliRunner

from gossan.arrays.bootstrap import Interval, paired_skill
from gossan.cli import app
from gossan.errors import SettingsError, SurveyError
from gossan.fusion.geostatistical import model as geostatistical_model
from gossan.fusion.geostatistical.ground_evidence import Kind, weigh
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.geo.raster import open_raster, write_array
from gossan.imagery.terrain.catchments import delineate
from gossan.imagery.terrain.drainage import drainage_of_heights
from gossan.io.contract import SharedLayer
from gossan.io.finished_run import open_run
from gossan.pipeline import ground_guard, time_needed
from gossan.pipeline.anomaly_evidence import sampled_map
from gossan.pipeline.catchment_supports import doubts_of, with_catchments
from gossan.pipeline.commands.check import checked_steps
from gossan.pipeline.options.project import Project, load_project
from gossan.pipeline.pace import Ground, Pace
from gossan.pipeline.surveys import read_surveys, working
from gossan.settings import Settings

from ..tiny_project import STREAM_SURVEY

GRID = Grid.from_bounds(32638, (500_000, 4_000_000, 506_000, 4_006_000), 100)
PROJECT = f"""{STREAM_SURVEY}medium = "stream sediment"

[terrain]
dem = "dem.tif"
snap_m = 150
stream_km2 = 0.1

[[imagery]]
name = "ground"
sensor = "bands"
paths = ["image.tif"]

[[product]]
name = "map"
model = "geostatistical"
features = "ground.all"
windows = "survey"

[validation]
folds = 3
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Valleys that run south; sediment is the mean of its catchment, one sample lies on a hill."""
    base = tmp_path_factory.mktemp("valleys")
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:60, :60]
    heights = 500.0 - 2 * y + 8 * abs(x % 10 - 5) + rng.normal(0, 0.5, (60, 60))
    image = gaussian_filter(rng.normal(size=(60, 60)), 1.5)
    truth = np.exp(3.0 + 0.6 * image / image.std())
    drainage = drainage_of_heights(ArrayLayer(GRID, ("h",), heights[None].astype(np.float32)))
    mixed = drainage.upstream_mean(truth)
    rows, columns = np.meshgrid(np.arange(12, 58, 6), np.arange(5, 60, 10))
    easting, northing = GRID.coordinates(GRID.whole)
    table = pd.DataFrame(
        {
            "easting": easting[columns.ravel()],
            "northing": northing[rows.ravel()],
            "Cu": mixed[rows.ravel(), columns.ravel()] * np.exp(0.05 * rng.normal(size=48)),
        }
    )
    hill = pd.DataFrame({"easting": [500_050], "northing": [4_005_950], "Cu": [99.0]})
    pd.concat([table, hill]).to_csv(base / "stream.csv", index=False)
    write_array(base / "dem.tif", GRID, ("h",), heights[None].astype(np.float32))
    write_array(base / "image.tif", GRID, ("a",), image[None].astype(np.float32))
    write_array(base / "truth.tif", GRID, ("Cu",), truth[None].astype(np.float32))
    (base / "project.toml").write_text(PROJECT, encoding="utf-8")
    return base


@pytest.fixture(scope="module")
def project(folder: Path) -> Project:
    return load_project(folder)


def test_a_run_maps_the_source_of_the_sediment(folder: Path) -> None:
    """From the project file to the map: folds by drainage, evidence in a table and a sentence."""
    ended = CliRunner().invoke(app, ["run", str(folder)])
    assert ended.exit_code == 0, ended.output
    run = open_run(folder / "run")
    record = run.find("map", "Cu")
    assert record.choice is not None and record.choice.startswith("Catchments explain")
    scores = run.table("scores")
    assert set(scores["comparison"]) >= {"drainage", "random"}
    assert "whole drainage networks" in " ".join(scores["note"].dropna())
    models = run.table("models")
    assert models["model"].str.endswith(("catchments", "squares")).all()
    assert any("not near a stream" in note for note in run.manifest.notes)
    assert any("drains past all samples" in note for note in run.manifest.notes)
    assert run.shared_layer(SharedLayer.UNSAMPLED) is not None
    truth = open_raster(folder / "truth.tif").read(GRID.whole)[0]
    found = run.estimate(record).read(GRID.whole)[0]
    nowhere = open_raster(run.folder.layers / "unsampled.tif").read(GRID.whole)[0] == 1
    told = sampled_map(run, record).read(GRID.whole)[0]  # what thresholds of the map see
    assert nowhere.any() and np.isnan(told[nowhere]).all()
    np.testing.assert_array_equal(told[~nowhere], found[~nowhere])
    assert np.corrcoef(np.log(found).ravel(), np.log(truth).ravel())[0, 1] ** 2 > 0.6
    row = scores[(scores["product"] == "map") & (scores["comparison"] == "drainage")].iloc[0]
    assert row["skill"] > 0.5
    tests = run.table("ground_tests")  # held-out samples bear the choice out
    assert tests["product"].tolist() == ["map"] and tests["n"].tolist() == [48]
    assert tests["comparison"].tolist() == ["drainage"] and tests["skill_low"][0] > 0
    assert tests["note"][0] in record.choice and "predict 48 samples" in record.choice
    page = (folder / "run" / "report.html").read_text(encoding="utf-8")
    assert "Catchments predict 48 samples held out" in page
    ended = CliRunner().invoke(app, ["catchments", str(folder), "--run", str(folder / "run")])
    assert ended.exit_code == 0, ended.output
    along = open_raster(folder / "catchments" / "sediment_Cu.tif").read(GRID.whole)[0]
    heights = open_raster(folder / "dem.tif")
    drainage = drainage_of_heights(heights)
    streams = np.nan_to_num(drainage.area_km2) >= 0.1
    np.testing.assert_array_equal(np.isfinite(along), streams)
    true = np.log(drainage.upstream_mean(truth))[streams]  # what a sample would hold anywhere
    off = np.log(along[streams]) - true
    assert (off**2).mean() < 0.3 * true.var() and abs(off.mean()) < 0.1


def test_a_run_says_where_held_out_samples_contradict_the_evidence(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The verdict and a warning say that squares predict better, whatever the evidence."""
    monkeypatch.setattr(ground_guard, "paired_skill", lambda *_, **__: Interval(-0.4, -0.6, -0.2))
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("run"))
    ended = CliRunner().invoke(app, ["validate", str(tmp_path)])
    assert ended.exit_code == 0, ended.output
    run = open_run(tmp_path / "run")
    said = " m predict 48 samples held out in folds by drainage better than catchments"
    assert any(said in text for text in run.find("map", "Cu").warnings)
    assert said in run.manifest.verdicts["Cu"].sentence
    assert said in " ".join(ended.output.split())


def test_a_run_says_where_held_out_samples_want_catchments_in_place_of_squares(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sediment is that of catchments; an evidence that is led astray chooses squares.

    Six valleys are too few for an interval: half and twice the difference stand for it.
    """

    def astray(kinds: Sequence[Kind], tables: Sequence[pd.DataFrame], *_: object) -> object:
        return weigh(kinds, tables, [1e3 * (kind == "catchment") for kind in kinds])

    def sure(*errors: object) -> Interval:
        value = paired_skill(*errors).value  # type: ignore[arg-type]
        return Interval(value, 2 * value, value / 2)

    monkeypatch.setattr(geostatistical_model, "weigh", astray)
    monkeypatch.setattr(ground_guard, "paired_skill", sure)
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("run"))
    text = PROJECT.replace("[validation]", 'mixing = "area"\n\n[validation]')
    (tmp_path / "project.toml").write_text(text, encoding="utf-8")
    ended = CliRunner().invoke(app, ["validate", str(tmp_path)])
    assert ended.exit_code == 0, ended.output
    run = open_run(tmp_path / "run")
    tests = run.table("ground_tests")
    assert tests["kind"].tolist() == ["square"] and tests["skill"][0] < -1
    said = "Catchments predict 48 samples held out in folds by drainage better than squares of"
    assert any(said in text for text in run.find("map", "Cu").warnings)
    assert 'support = "catchment" in the product' in " ".join(ended.output.split())


def test_check_forecasts_the_fits_of_every_mixing(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed: dict[str, int] = {}

    def pace(model: str, options: Settings, ground: Ground) -> Pace:
        timed[model] = max(timed.get(model, 0), ground.mixings)
        return Pace(samples=ground.samples, fit=1.0, pixel=0.0)

    monkeypatch.setattr(time_needed, "timed", pace)
    assert checked_steps(project) and timed["geostatistical"] == 8


def test_samples_off_streams_are_left_out_with_their_rows(project: Project) -> None:
    crs = CRS.from_epsg(32638)
    surveys = with_catchments(read_surveys(project, crs), project, crs)
    assert len(surveys.fit[0]) == 48 and len(surveys.coordinates) == 48
    found = surveys.findings["stream"].of("catchment")
    (finding,) = (one for one in found if "no catchment" in one.message)
    assert finding.rows == (50,)
    points = working(surveys, "Cu", "log").observations.points
    assert points.grounds is not None and len(points.grounds) == 48
    assert points.support_m == pytest.approx(points.grounds.side_m, abs=0.1)
    assert points.subset(np.array([4])).grounds is not None
    low, high = surveys.extent[-2:]
    assert (low <= surveys.coordinates.min(axis=0)).all()
    assert (high >= surveys.coordinates.max(axis=0)).all()


def test_closed_basins_and_plains_are_findings(project: Project) -> None:
    """A pit of 30 m in the first valley; the last valley drains a plain."""
    y, x = np.mgrid[:60, :60]
    heights = 500.0 - 2 * y + 8 * abs(x % 10 - 5)
    heights[20:26, 2:8] -= 40.0
    heights[:, 50:] = 350.0 - 0.2 * y[:, 50:] + 0.4 * abs(x[:, 50:] - 55)
    drainage = drainage_of_heights(ArrayLayer(GRID, ("h",), heights[None].astype(np.float32)))
    samples = read_surveys(project, CRS.from_epsg(32638)).fit[0]
    found = delineate(drainage, samples.coordinates, 150.0, 0.1)
    texts = {one.message: one.rows for one in doubts_of(found, samples, project.terrain)}
    (pits,) = (rows for text, rows in texts.items() if "closed basins deeper than 5 m" in text)
    (plains,) = (rows for text, rows in texts.items() if "flatter than 1 %" in text)
    column = {
        int(row): int((easting - 500_000) // 1000)
        for row, easting in zip(samples.frame["row"], samples.coordinates[:, 0])
    }
    assert pits and {column[row] for row in pits} == {0}
    assert plains and {column[row] for row in plains} == {5}


def test_a_survey_far_from_streams_is_refused(project: Project) -> None:
    crs = CRS.from_epsg(32638)
    surveys = read_surveys(project, crs)
    frame = surveys.fit[0].frame
    moved = replace(surveys.fit[0], frame=frame.set_geometry(frame.geometry.translate(9000)))
    with pytest.raises(SurveyError, match=r"near a stream of 0\.1 km2 within 150 m; got 0 of 49"):
        with_catchments(replace(surveys, fit=(moved,)), project, crs)


def test_catchments_need_terrain_and_one_survey(folder: Path, tmp_path: Path) -> None:
    text = (folder / "project.toml").read_text(encoding="utf-8")
    start, end = text.index("[terrain]"), text.index("[[imagery]]")
    (tmp_path / "project.toml").write_text(text[:start] + text[end:], encoding="utf-8")
    with pytest.raises(SettingsError, match=r"needs \[terrain\] with dem"):
        load_project(tmp_path)
    two = '[[survey]]\nname = "soil"\npath = "soil.csv"\ncrs = "EPSG:32638"\n\n[terrain]'
    (tmp_path / "project.toml").write_text(text.replace("[terrain]", two), encoding="utf-8")
    with pytest.raises(SettingsError, match="must be that of the one survey to fit"):
        load_project(tmp_path)


def test_folds_by_drainage_hold_whole_networks_out(project: Project) -> None:
    from gossan.evaluate.folds import make_folds

    crs = CRS.from_epsg(32638)
    surveys = with_catchments(read_surveys(project, crs), project, crs)
    data = working(surveys, "Cu", "log")
    grounds = data.observations.points.grounds
    assert grounds is not None
    folds = make_folds("drainage", data.observations, project.validation, 500.0)
    assert len(set(folds.labels)) == 3
    for network in set(grounds.network):
        assert len(set(folds.labels[grounds.network == network])) == 1
    without = replace(data.observations, points=replace(data.observations.points, grounds=None))
    with pytest.raises(SettingsError, match="kind drainage must be catchments"):
        make_folds("drainage", without, project.validation, 500.0)
