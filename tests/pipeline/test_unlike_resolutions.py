"""Layers of unlike resolution in one model, from file to map: magnetics of 500 m, imagery of 20 m.

The truth is known: it follows the fine band at every pixel and the coarse field, of which the file
has means over 500 m. Either layer has a hole.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import rasterio
from scipy.ndimage import gaussian_filter
from typer.testing import CliRunner

from gossan.cli import app
from gossan.geo.grid import Grid
from gossan.geo.raster import write_array

from ..tiny_project import survey_text

WEST, SOUTH, SIDE, FINE, COARSE = 500_000, 4_000_000, 6000, 20, 500
N, STEP = SIDE // FINE, COARSE // FINE
HEAD = """
[project]
name = "unlike"
elements = ["Cu"]
extent = "imagery"
"""
REST = """
[[imagery]]
name = "fine"
sensor = "bands"
paths = ["fine.tif"]

[[imagery]]
name = "magnetics"
sensor = "bands"
paths = ["magnetics.tif"]

[validation]
kinds = ["blocks"]
folds = 3

[[product]]
name = "kriging"
model = "kriging"

[[product]]
name = "both"
model = "geostatistical"
features = "fine.all + magnetics.all"
averaging = "mode"
"""
PROJECT = HEAD + survey_text("soil", "soil.csv", 'Cu = "Cu_ppm"', "fit") + REST


@dataclass(frozen=True)
class District:
    """Truth and layers, (rows, columns) of 20 m; where either layer is empty; the map."""

    truth: np.ndarray
    fine: np.ndarray
    no_fine: np.ndarray
    no_magnetics: np.ndarray
    estimate: np.ndarray
    error: np.ndarray


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> District:
    folder = tmp_path_factory.mktemp("unlike")
    rng = np.random.default_rng(5)
    fine, wide = (gaussian_filter(rng.normal(size=(N, N)), s) for s in (2.0, 40.0))
    fine, wide = fine / fine.std(), wide / wide.std()
    truth = 3 + 0.5 * fine + 0.8 * wide + 0.05 * rng.normal(size=(N, N))
    means = wide.reshape(SIDE // COARSE, STEP, SIDE // COARSE, STEP).mean(axis=(1, 3))
    no_fine, no_magnetics = np.zeros((2, N, N), bool)
    no_fine[3 * STEP : 5 * STEP, 6 * STEP : 8 * STEP] = True
    no_magnetics[7 * STEP : 9 * STEP, 2 * STEP : 4 * STEP] = True
    means[7:9, 2:4] = np.nan
    for name, values, size in (
        ("fine", np.where(no_fine, np.nan, fine), FINE),
        ("magnetics", means, COARSE),
    ):
        grid = Grid.from_bounds(32638, (WEST, SOUTH, WEST + SIDE, SOUTH + SIDE), size)
        write_array(folder / f"{name}.tif", grid, (name,), values[None].astype(np.float32))
    at = rng.integers(2, N - 2, (150, 2))
    copper = np.exp(truth[at[:, 0], at[:, 1]])
    places = {"easting": WEST + (at[:, 1] + 0.5) * FINE}
    places["northing"] = SOUTH + SIDE - (at[:, 0] + 0.5) * FINE
    pd.DataFrame(places | {"Cu_ppm": copper}).round(3).to_csv(folder / "soil.csv", index=False)
    (folder / "project.toml").write_text(PROJECT, encoding="utf-8")
    ended = CliRunner().invoke(app, ["run", str(folder)])
    assert ended.exit_code == 0, (ended.output, ended.exception)
    manifest = json.loads((folder / "run" / "manifest.json").read_text(encoding="utf-8"))
    made = next(one for one in manifest["products"] if one["product"] == "both")
    maps = []
    for name in ("layer", "standard_error"):
        with rasterio.open(folder / "run" / made[name]) as layer:
            assert layer.shape == (N, N)
            maps.append(layer.read(1, masked=True).filled(np.nan).astype(float))
    return District(truth, fine, no_fine, no_magnetics, np.log(maps[0]), maps[1])


def below(values: np.ndarray) -> np.ndarray:
    """Take the mean over each pixel of 500 m off: what a layer of that resolution cannot show."""
    count = SIDE // COARSE
    means = values.reshape(count, STEP, count, STEP).mean(axis=(1, 3))
    return values - np.kron(means, np.ones((STEP, STEP)))


def explained(estimate: np.ndarray, truth: np.ndarray) -> float:
    return 1 - ((estimate - truth) ** 2).mean() / truth.var()


def test_holes_of_one_layer_leave_the_other(district: District) -> None:
    assert np.isfinite(district.estimate).all() and np.isfinite(district.error).all()
    both = ~district.no_fine & ~district.no_magnetics
    assert explained(district.estimate[both], district.truth[both]) > 0.8
    lost = district.no_magnetics
    detail = np.corrcoef(below(district.estimate)[lost], below(district.fine)[lost])[0, 1]
    assert detail > 0.8


def test_the_standard_error_widens_where_a_layer_is_missing(district: District) -> None:
    """By what the layer would have told: beside the hole as wide as anywhere."""
    both = ~district.no_fine & ~district.no_magnetics
    usual = np.median(district.error[both])
    assert np.median(district.error[district.no_fine]) > 1.5 * usual
    inner = gaussian_filter(district.no_magnetics.astype(float), STEP / 4) > 0.99
    assert np.median(district.error[inner]) > 1.2 * usual
    for lost in (district.no_fine, district.no_magnetics):
        off = np.abs(district.estimate - district.truth)[lost]
        assert (off < 1.645 * district.error[lost]).mean() > 0.8


def test_detail_below_the_coarse_pixel_comes_from_the_fine_layer_alone(district: District) -> None:
    both = ~district.no_fine & ~district.no_magnetics
    map_, fine = below(district.estimate), below(district.fine)
    assert np.corrcoef(map_[both], fine[both])[0, 1] ** 2 > 0.9
    inner = gaussian_filter(district.no_fine.astype(float), 3) > 0.99
    assert map_[inner].std() < 0.4 * map_[both].std()  # what is left is as smooth as the field


def test_the_coarse_layer_leaves_no_steps_at_the_edges_of_its_pixels(district: District) -> None:
    rows = slice(3 * STEP + 5, 5 * STEP - 5)  # where the fine layer is empty
    steps = np.abs(np.diff(district.estimate[rows, 6 * STEP + 5 : 8 * STEP - 5], axis=1))
    edge = STEP - 5 - 1
    assert steps[:, edge].mean() < 2 * np.median(steps.mean(axis=0))
