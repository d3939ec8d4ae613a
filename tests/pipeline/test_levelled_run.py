"""A run of scenes that were levelled on their overlaps says how, scene by scene."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from gossan.geo.grid import Grid
from gossan.geo.raster import write_array
from gossan.io.finished_run import open_run
from gossan.io.tables import Table
from gossan.pipeline.commands.run import run_project
from gossan.pipeline.options.project import load_project

from ..tiny_project import survey_text

HEAD = """[project]
name = "levelled"
elements = ["Cu"]

[validation]
kinds = []
"""
REST = """
[[imagery]]
name = "s2"
sensor = "sentinel2"
masks = []
paths = ["scenes/*.tif"]
scale = 0.0001
normalise = "overlaps"

[[product]]
name = "kriging"
model = "kriging"
"""
PROJECT = HEAD + survey_text("regional", "samples.csv", 'Cu = "Cu"', "fit") + REST
BANDS = ("b2", "b4", "b8", "b11")
CHANGES = {"20240601": (1.0, 0.0), "20240611": (1.25, 200.0), "20240621": (0.8, -150.0)}
"""Gain and offset of the stored numbers of each date."""


def write_project(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    ground = rng.uniform(2000, 4000, (4, 60, 140))
    for number, (date, (gain, offset)) in enumerate(CHANGES.items()):
        left = 40 * number
        grid = Grid.from_bounds(32638, (30 * left, 0, 30 * (left + 60), 1800), 30)
        seen = np.rint(gain * ground[:, :, left : left + 60] + offset).astype(np.uint16)
        write_array(folder / "scenes" / f"T38_{date}_{number}.tif", grid, BANDS, seen)
    places = rng.uniform(100, (4100, 1700), (30, 2))
    table = pd.DataFrame(places, columns=["easting", "northing"])
    table.assign(Cu=rng.lognormal(3, 0.4, 30)).to_csv(folder / "samples.csv", index=False)
    (folder / "project.toml").write_text(PROJECT, encoding="utf-8")
    return folder / "project.toml"


def test_the_table_of_levelling_says_what_each_scene_was_changed_by(tmp_path: Path) -> None:
    run_project(load_project(write_project(tmp_path)), tmp_path / "run", workers=1)
    table = open_run(tmp_path / "run").table(Table.LEVELLING)
    assert set(table.band) == {"b02", "b04", "b08", "b11"} and len(table) == 2 * len(BANDS)
    dates = {scene: scene.split("_")[1] for scene in {*table.scene, *table.reference}}
    assert set(dates.values()) == set(CHANGES) and table.reference.nunique() == 1
    gain_of, offset_of = CHANGES[dates[table.reference.iloc[0]]]
    for scene, own in table.groupby("scene"):
        gain, offset = CHANGES[dates[str(scene)]]
        np.testing.assert_allclose(own.gain, gain_of / gain, rtol=0.01)
        expected = 1e-4 * (offset_of - gain_of / gain * offset)
        np.testing.assert_allclose(own.offset, expected, atol=2e-3)
        assert (own.after < 0.05 * own.before).all()
