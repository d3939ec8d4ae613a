"""The drained district: relief that drains, sediment that mixes conservatively, a whole survey."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gossan.demo.district import District, simulate_district
from gossan.demo.fluvial import (
    drainage_of_relief,
    erosion,
    fluvial_relief,
    sediment,
    stream_sites,
)
from gossan.demo.folder import write_district
from gossan.geo.grid import Grid
from gossan.imagery.terrain.catchments import delineate
from gossan.imagery.terrain.drainage import Drainage
from gossan.pipeline.options.project import load_project

GRID = Grid.from_bounds(32645, (500_000, 4_000_000, 504_500, 4_003_600), 30)


@pytest.fixture(scope="module")
def relief() -> np.ndarray:
    return fluvial_relief(GRID, 5)


@pytest.fixture(scope="module")
def drainage(relief: np.ndarray) -> Drainage:
    return drainage_of_relief(GRID, relief)


def test_relief_drains_to_the_edges_by_slopes_that_lessen_downstream(
    relief: np.ndarray, drainage: Drainage
) -> None:
    """Rivers are graded: slope falls with upstream area, about by the power 0.45."""
    to = np.asarray(drainage.flow.idxs_ds)
    ends = np.flatnonzero(to == np.arange(to.size))
    row, column = np.divmod(ends, GRID.width)
    assert ((row == 0) | (row == 119) | (column == 0) | (column == 149)).all()
    area = drainage.area_km2.ravel()
    drop = relief.ravel() - relief.ravel()[to]
    chosen = (area > 0.1) & (drop > 0)
    power = np.polyfit(np.log(area[chosen]), np.log(drop[chosen] / 30), 1)[0]
    assert -0.8 < power < -0.25


def test_sediment_below_a_confluence_is_the_mixture_of_both_streams(
    relief: np.ndarray, drainage: Drainage
) -> None:
    """Conservative mixing: c e of the two streams and of the pixel itself add up."""
    content = np.exp(np.random.default_rng(0).normal(size=GRID.shape))
    yields = erosion(GRID, relief)
    mixed = sediment(drainage, content, yields).ravel()
    load = drainage.upstream_sum(yields).ravel()
    to = np.asarray(drainage.flow.idxs_ds)
    streams = np.flatnonzero(drainage.area_km2.ravel() > 0.05)
    above = {int(cell): np.flatnonzero((to == cell) & (np.arange(to.size) != cell))
             for cell in streams}  # fmt: skip
    confluences = [cell for cell, own in above.items() if np.isin(own, streams).sum() > 1]
    assert len(confluences) > 20
    for cell in confluences:
        parts = np.append(above[cell], cell)
        loads = np.append(load[above[cell]], yields.ravel()[cell])
        contents = np.append(mixed[above[cell]], content.ravel()[cell])
        assert len(parts) == len(loads)
        assert mixed[cell] == pytest.approx((loads * contents).sum() / loads.sum())


def test_sites_lie_on_streams_of_several_orders_and_apart(drainage: Drainage) -> None:
    cells = stream_sites(drainage, 0.5, 1, least_km2=0.1)
    area = drainage.area_km2.ravel()[cells]
    assert len(cells) > 15 and area.min() >= 0.1 and area.max() > 10 * area.min()
    places = np.column_stack(np.divmod(cells, GRID.width)) * 30.0
    apart = np.hypot(*(places[:, None] - places).transpose(2, 0, 1)) + 1e6 * np.eye(len(cells))
    assert apart.min() >= 1000 * np.sqrt(0.5) / 3


@pytest.fixture(scope="module")
def district() -> District:
    return simulate_district(3, (150, 120), elements=("Cu",), regional_km2=0.4, drained=True)


def test_samples_hold_what_their_catchments_erode(district: District) -> None:
    """Placed again on the streams of the terrain model, their catchments give the same sediment."""
    survey, ground = district.fitted, district.geology
    assert survey.catchments and district.drained
    drainage = drainage_of_relief(district.grid, ground.elevation)
    places = survey.frame[["easting", "northing"]].to_numpy(float)
    found = delineate(drainage, places, snap_m=30, stream_km2=0.2)
    again = found.mean(district.truth["Cu"], erosion(district.grid, ground.elevation))
    exact = survey.truth["Cu"].to_numpy()
    assert found.placed.all()
    off = np.abs(np.log(again / exact))
    assert np.median(off) < 0.02 and np.corrcoef(np.log(again), np.log(exact))[0, 1] > 0.9


def test_a_written_district_is_a_project_of_all_kinds_of_data(
    district: District, tmp_path: Path
) -> None:
    project = load_project(write_district(district, tmp_path))
    assert project.survey[0].support == "catchment"
    assert {one.sensor for one in project.imagery} == {"bands", "terrain", "classes"}
    assert {one.name for one in project.product} == {"squares", "catchments"}
