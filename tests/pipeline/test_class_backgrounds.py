"""Background by lithology where samples stand for catchments, against sums along the water."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter

from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.geo.raster import write_array
from gossan.imagery.terrain.drainage import drainage_of_heights
from gossan.pipeline.class_backgrounds import class_backgrounds
from gossan.pipeline.inputs import open_inputs
from gossan.pipeline.options.project import load_project

from ..tiny_project import STREAM_SURVEY

GRID = Grid.from_bounds(32638, (500_000, 4_000_000, 504_000, 4_003_000), 50)
PROJECT = f"""{STREAM_SURVEY}
[terrain]
dem = "dem.tif"
snap_m = 20
stream_km2 = 0.05

[[imagery]]
name = "geology"
sensor = "classes"
paths = ["rock.tif"]
rare = 0

[[product]]
name = "map"
model = "geostatistical"
features = "geology.all"
"""


def test_classes_are_weighted_by_their_area_upstream(tmp_path: Path) -> None:
    """B = sum(C X A) / sum(X A), every sum by pyflwdir; a rare class has a number and no mean."""
    rng = np.random.default_rng(2)
    y, x = np.mgrid[:60, :80]
    heights = 500.0 - 2 * y + 6 * abs(x % 8 - 4) + rng.normal(0, 0.5, GRID.shape)
    rock = 1 + (gaussian_filter(rng.normal(size=GRID.shape), 4) > 0)
    rock[30:32, 4:7] = 3
    drainage = drainage_of_heights(ArrayLayer(GRID, ("h",), heights[None].astype(np.float32)))
    easting, northing = GRID.coordinates(GRID.whole)
    rows, columns = (part.ravel() for part in np.meshgrid((20, 40, 57), np.arange(4, 80, 8)))
    copper = rng.lognormal(3, 0.5, len(rows)).round(1)
    table = pd.DataFrame({"easting": easting[columns], "northing": northing[rows], "Cu": copper})
    table.to_csv(tmp_path / "stream.csv", index=False)
    write_array(tmp_path / "dem.tif", GRID, ("h",), heights[None].astype(np.float32))
    write_array(tmp_path / "rock.tif", GRID, ("rock",), rock[None].astype(np.uint8))
    (tmp_path / "rock.csv").write_text("code,name\n1,Slate\n2,Basalt\n3,Vein\n", "utf-8")
    (tmp_path / "project.toml").write_text(PROJECT, "utf-8")
    inputs = open_inputs(load_project(tmp_path), tmp_path / "store", Blocks(workers=1))
    found = class_backgrounds(inputs.surveys, inputs.features, ("Cu",), Blocks(workers=1))
    grounds = inputs.surveys.grounds
    assert grounds is not None and len(grounds) == len(copper)
    at = [_placed(drainage, row, column) for row, column in zip(rows, columns)]
    areas = [
        [drainage.upstream_sum((rock == number) * 1.0).flat[cell] for cell in at]
        for number in (1, 2, 3)
    ]
    amounts = np.array(areas)
    wanted = amounts @ copper / amounts.sum(axis=1)
    rows_ = found.table.set_index("class")["mean"]
    assert rows_["geology.slate"] == pytest.approx(wanted[0], rel=1e-4)
    assert rows_["geology.basalt"] == pytest.approx(wanted[1], rel=1e-4)
    assert np.isnan(rows_["geology.vein"]) and (found.table["n"] > 0).all()
    expected = wanted[:2] @ amounts[:2] / amounts[:2].sum(axis=0)
    np.testing.assert_allclose(found.samples["Cu_background"], expected, rtol=1e-4)
    map_ = found.layer.read(GRID.whole)[0]
    np.testing.assert_allclose(map_[rock == 1], wanted[0], rtol=1e-4)
    assert np.isnan(map_[rock == 3]).all()


def _placed(drainage, row: int, column: int) -> int:  # type: ignore[no-untyped-def]
    """Take the cell of the largest upstream area within 20 m and half a cell's diagonal."""
    near = [(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    near = [one for one in near if 50 * np.hypot(one[0] - row, one[1] - column) <= 20 + 25 * 2**0.5]
    best = max(near, key=lambda one: drainage.area_km2[one])
    return int(np.ravel_multi_index(best, drainage.grid.shape))
