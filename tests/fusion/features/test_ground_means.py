"""Means over catchments against upstream sums of pyflwdir: holes, weights, unlike pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from gossan.errors import GridError
from gossan.fusion.features.ground_means import ground_means
from gossan.fusion.features.nested import nested
from gossan.fusion.features.sources import LayerFeatures
from gossan.fusion.protocol import Points
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.grounds import Mixing
from gossan.geo.layer import ArrayLayer, LikeSource, StackedLayer
from gossan.imagery.terrain.catchments import Catchments, delineate
from gossan.imagery.terrain.drainage import Drainage, drainage_of_heights

BOUNDS = (500_000, 4_000_000, 506_000, 4_006_000)


@pytest.fixture(scope="module")
def found() -> Catchments:
    grid = Grid.from_bounds(32638, BOUNDS, 100)
    rng = np.random.default_rng(4)
    y, x = np.mgrid[:60, :60]
    heights = 500.0 - 3 * y + 4 * abs(x - 30) + rng.normal(0, 3, (60, 60))
    drainage = drainage_of_heights(ArrayLayer(grid, ("h",), heights[None].astype(np.float32)))
    streams = np.argwhere(np.nan_to_num(drainage.area_km2) > 0.3)
    chosen = streams[rng.permutation(len(streams))[:12]]
    easting, northing = grid.coordinates(grid.whole)
    places = np.column_stack([easting[chosen[:, 1]], northing[chosen[:, 0]]])
    return delineate(drainage, places, snap_m=10, stream_km2=0.3)


def upstream(drainage: Drainage, values: np.ndarray, found: Catchments) -> np.ndarray:
    return np.stack([found.at(drainage.upstream_mean(band)) for band in values], axis=1)


def test_means_are_those_of_upstream_sums_and_holes_do_not_count(found: Catchments) -> None:
    """accuflux(x w) / accuflux(w), w = 0 where a band is empty; bands are empty by themselves."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2, 60, 60)).astype(np.float32)
    values[0, 10:40, 20:35] = np.nan
    layer = ArrayLayer(found.drainage.grid, ("a", "b"), values)
    grounds = found.grounds()
    wanted = upstream(found.drainage, values, found)
    for size in (16, 64):
        got = ground_means(ArrayLayer(layer.grid, layer.bands, values), grounds, Blocks(size))
        np.testing.assert_allclose(got, wanted, rtol=1e-6)
    assert np.isfinite(wanted[:, 1]).all()


def walk(found: Catchments, one: int) -> np.ndarray:
    """Follow the water from every cell: metres to a sample, NaN where it passes elsewhere."""
    columns, to = found.drainage.grid.width, np.asarray(found.drainage.flow.idxs_ds)
    away = np.full(to.size, np.nan)
    for cell in np.flatnonzero(found.drainage.known.ravel()).tolist():
        at, metres = cell, 0.0
        while at != found.cells[one] and to[at] != at:
            below = int(to[at])
            diagonal = at // columns != below // columns and at % columns != below % columns
            at, metres = below, metres + 100.0 * (2**0.5 if diagonal else 1.0)
        if at == found.cells[one]:
            away[cell] = metres
    return away


def test_steep_and_near_ground_counts_as_a_walk_along_the_water_says(found: Catchments) -> None:
    """sum(x w) / sum(w) with w = slope exp(-d / L), every cell followed down to the sample."""
    rng = np.random.default_rng(5)
    values = rng.normal(size=(1, 60, 60)).astype(np.float32)
    values[0, 20:30, 25:40] = np.nan
    layer, grounds = ArrayLayer(found.drainage.grid, ("a",), values), found.grounds()
    steep = np.maximum(np.hypot(*np.gradient(found.drainage.heights, 100.0)), 0.01).ravel()
    assert len(grounds.basins.mixings) == 8
    for one in np.argsort(found.area_km2)[[-1, 5]]:
        away = walk(found, int(one))
        used = np.isfinite(away) & np.isfinite(values.ravel())
        for mixing in grounds.basins.mixings:
            near = np.exp(-away[used] / mixing.decay_m)
            weights = near * (steep[used] if mixing.by_slope else 1.0)
            got = ground_means(layer, grounds.mixed(mixing))[one, 0]
            wanted = np.average(values.ravel()[used], weights=weights)
            assert got == pytest.approx(wanted, rel=1e-4, abs=1e-6)


def test_a_long_decay_is_the_plain_mean_and_a_short_one_the_sample_s_own_cell(
    found: Catchments,
) -> None:
    grid, grounds = found.drainage.grid, found.grounds()
    values = np.random.default_rng(6).normal(size=(1, 60, 60)).astype(np.float32)
    layer, basins = ArrayLayer(grid, ("a",), values), grounds.basins
    assert basins.transport is not None
    transport = replace(basins.transport, lengths_m=(1e9, 3.0))
    grounds = replace(grounds, basins=replace(basins, transport=transport))
    far, near = (ground_means(layer, grounds.mixed(Mixing(False, length))) for length in (1e9, 3.0))
    np.testing.assert_allclose(far, ground_means(layer, grounds), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(near.ravel(), found.at(values[0]), rtol=1e-5)


def test_directions_without_heights_leave_distance_alone(found: Catchments) -> None:
    bare = replace(found, drainage=replace(found.drainage, heights=None))
    assert {one.by_slope for one in bare.grounds().basins.mixings} == {False}


@pytest.mark.parametrize("pixel", [20.0, 50.0, 300.0])
def test_pixels_may_be_finer_or_coarser_than_the_terrain(found: Catchments, pixel: float) -> None:
    """Fine pixels are aggregated to cells, coarse ones shared among the cells below."""
    grid = Grid.from_bounds(32638, BOUNDS, pixel)
    rng = np.random.default_rng(1)
    values = rng.normal(size=(1, *grid.shape))
    if pixel < 100:
        side = round(100 / pixel)
        cells = values[0].reshape(60, side, 60, side).mean(axis=(1, 3))
    else:
        cells = np.kron(values[0], np.ones((3, 3)))
    wanted = upstream(found.drainage, cells[None], found)
    got = ground_means(ArrayLayer(grid, ("a",), values.astype(np.float32)), found.grounds())
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-7)


def test_features_at_several_widths_are_averaged_as_well(found: Catchments) -> None:
    rng = np.random.default_rng(2)
    layer = ArrayLayer(found.drainage.grid, ("a",), rng.normal(size=(1, 60, 60)))
    grounds = found.grounds()
    points = Points(np.zeros((len(grounds), 2)), 800.0, grounds=grounds)
    offered = nested(LayerFeatures(layer), (1, 4), points)
    assert offered.layer is not None
    wanted = upstream(found.drainage, offered.layer.read(layer.grid.whole), found)
    np.testing.assert_allclose(offered.at(points), wanted, rtol=1e-5)
    rows = np.array([3, 1])
    np.testing.assert_allclose(offered.at(points.subset(rows)), wanted[rows], rtol=1e-5)


def test_layers_that_cannot_be_hashed_are_averaged_as_well(found: Catchments) -> None:
    """Layers compare by what they are made of; some are made of arrays."""
    grid = found.drainage.grid
    values = np.random.default_rng(6).normal(size=(1, 60, 60)).astype(np.float32)
    layer = StackedLayer((Doubled(ArrayLayer(grid, ("a",), values), np.array([2.0])),))
    with pytest.raises(TypeError):
        hash(layer)
    wanted = 2.0 * upstream(found.drainage, values, found)
    np.testing.assert_allclose(ground_means(layer, found.grounds()), wanted, rtol=1e-5)


@dataclass(frozen=True)
class Doubled(LikeSource):
    """Multiply a layer by numbers in an array."""

    source: ArrayLayer
    factor: np.ndarray

    def read(self, window: Window) -> np.ndarray:
        return (self.source.read(window) * self.factor).astype(np.float32)


def test_another_crs_is_refused(found: Catchments) -> None:
    grid = Grid.from_bounds(32637, BOUNDS, 100)
    with pytest.raises(GridError, match="of one CRS"):
        ground_means(ArrayLayer(grid, ("a",), np.zeros((1, 60, 60))), found.grounds())


def test_nested_catchments_hold_all_ground_above(found: Catchments) -> None:
    """Areas of the grounds are the upstream areas; networks are what drains together."""
    grounds = found.grounds()
    np.testing.assert_allclose(grounds.area_km2, found.area_km2)
    for one, below in enumerate(found.below):
        if below >= 0:
            assert grounds.network[one] == grounds.network[below]
            assert (grounds.members[below] - grounds.members[one]).min() >= 0
