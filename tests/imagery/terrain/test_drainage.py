"""Drainage: upstream sums against cells traced one by one, mixing at confluences, snapping."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio

from gossan.errors import ImageryError
from gossan.fusion.features.ground_means import ground_means
from gossan.geo.grid import Grid
from gossan.geo.grounds import Mixing
from gossan.geo.layer import ArrayLayer
from gossan.geo.raster import open_raster, write_array
from gossan.imagery.terrain.catchments import delineate
from gossan.imagery.terrain.drainage import (
    BANDS,
    LEAST_SLOPE,
    Drainage,
    drainage_of_directions,
    drainage_of_heights,
)
from gossan.imagery.terrain.features import DrainageLayer, hydrological_features

STEPS = {1: (0, 1), 2: (1, 1), 4: (1, 0), 8: (1, -1)} | {
    16: (0, -1), 32: (-1, -1), 64: (-1, 0), 128: (-1, 1)
}  # fmt: skip
"""Rows down and columns right of each D8 direction."""


def valley(rows: int = 60, columns: int = 50) -> Drainage:
    y, x = np.mgrid[:rows, :columns].astype(float)
    heights = 2.0 * (rows - y) + 3.0 * np.abs(x - columns / 2) + 4.0 * np.sin(x * 0.7) ** 2
    grid = Grid.from_bounds(32638, (0, 0, columns * 50, rows * 50), 50)
    return drainage_of_heights(ArrayLayer(grid, ("h",), heights[None]))


@pytest.fixture(scope="module")
def cairngorms(test_data: Path) -> Drainage:
    with rasterio.open(test_data / "cairngorms" / "d8.tif") as source:
        codes = source.read(1)[300:500, 400:640]
    grid = Grid.from_bounds(27700, (0, 0, 48_000, 40_000), 200)
    return drainage_of_directions(grid, codes)


def traced(codes: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Carry each cell's value down the directions, a cell at a time."""
    total = np.zeros(codes.shape)
    rows, columns = codes.shape
    for row in range(rows):
        for column in range(columns):
            r, c, seen = row, column, set()
            while 0 <= r < rows and 0 <= c < columns and (r, c) not in seen:
                total[r, c] += values[row, column]
                seen.add((r, c))
                down, right = STEPS.get(int(codes[r, c]), (0, 0))
                r, c = r + down, c + right
    return total


def test_upstream_sums_of_a_real_river_are_those_of_cells_traced_one_by_one(
    test_data: Path, cairngorms: Drainage
) -> None:
    with rasterio.open(test_data / "cairngorms" / "d8.tif") as source:
        codes = source.read(1)[300:500, 400:640]
    values = np.random.default_rng(1).uniform(0, 5, codes.shape)
    np.testing.assert_allclose(cairngorms.upstream_sum(values), traced(codes, values), rtol=1e-9)
    area = traced(codes, np.ones(codes.shape)) * 0.04
    np.testing.assert_allclose(cairngorms.area_km2, area, rtol=1e-9)


def test_below_a_confluence_the_mean_is_the_mixture(cairngorms: Drainage) -> None:
    values = np.random.default_rng(2).lognormal(3, 1, cairngorms.grid.shape)
    weights = np.random.default_rng(3).uniform(0, 1, cairngorms.grid.shape)
    mean = cairngorms.upstream_mean(values, weights).ravel()
    total = cairngorms.upstream_sum(weights).ravel()
    below = cairngorms.flow.idxs_ds
    tributaries: dict[int, list[int]] = {}
    for cell, to in enumerate(below):
        if to != cell:
            tributaries.setdefault(int(to), []).append(cell)
    joined = {cell: above for cell, above in tributaries.items() if len(above) > 1}
    cell, above = max(joined.items(), key=lambda one: min(total[one[1]]))
    own = weights.ravel()[cell]
    mixture = own * values.ravel()[cell] + sum(total[one] * mean[one] for one in above)
    assert mean[cell] == pytest.approx(mixture / total[cell], rel=1e-9)


def test_masked_pixels_count_as_nothing_and_do_not_cut_the_flow() -> None:
    drainage = valley()
    values = np.full(drainage.grid.shape, 7.0)
    values[20:30] = np.nan
    outlet = np.unravel_index(np.nanargmax(drainage.area_km2), drainage.grid.shape)
    assert drainage.upstream_mean(values)[outlet] == pytest.approx(7.0)
    assert drainage.upstream_sum(np.isfinite(values))[outlet] < drainage.area_km2[outlet] / 0.0025


def test_own_ground_divides_everything_above_a_sample_among_the_samples() -> None:
    drainage = valley()
    flat = drainage.area_km2.ravel()
    outlet = int(np.nanargmax(flat))
    smaller = (c for c in np.argsort(-flat) if flat[c] < 0.6 * flat[outlet])
    above = next(int(c) for c in smaller if outlet in drainage.downstream(int(c)))
    owner = drainage.own_ground(np.array([outlet, above]))
    km2 = drainage.cell_km2
    assert (owner == 1).sum() * km2 == pytest.approx(flat[above])
    assert (owner == 0).sum() * km2 == pytest.approx(flat[outlet] - flat[above])


def test_samples_move_to_the_largest_stream_near_and_no_farther() -> None:
    drainage = valley()
    easting, northing = drainage.grid.coordinates(drainage.grid.whole)
    row, column = np.unravel_index(np.nanargmax(drainage.area_km2), drainage.grid.shape)
    near = np.array([[easting[column] + 120, northing[row]], [easting[3], northing[5]]])
    cells, moved = drainage.snapped(near, within_m=200, stream_km2=1.0)
    assert cells.tolist() == [row * drainage.grid.shape[1] + column, -1]
    assert moved[0] == pytest.approx(120) and np.isnan(moved[1])


def test_features_say_what_lies_above_and_beside_streams() -> None:
    drainage = valley()
    area, wet, above, away = drainage.features().astype(float)
    np.testing.assert_allclose(np.exp(area), drainage.area_km2, rtol=1e-5)
    streams = drainage.area_km2 >= 1.0
    assert (above[streams] == 0).all() and (away[streams] == 0).all()
    assert (above[~streams & np.isfinite(above)] >= 0).all() and np.nanmax(away) > 400
    assert np.nanmedian(wet[streams]) > np.nanmedian(wet[~streams])


def test_a_ridge_is_a_valley_upside_down() -> None:
    """A roof that falls 5 m a cell to both sides of a ridge, which sinks 1 m a cell southwards."""
    grid = Grid.from_bounds(32638, (0, 0, 4100, 6000), 100)
    down, across = np.mgrid[:60, :41]
    roof = 1000.0 - 1.0 * down - 5.0 * abs(across - 20)
    layer = ArrayLayer(grid, ("h",), roof[None].astype(np.float32))
    below, away = hydrological_features(layer)[-2:]
    inner = (slice(20, 50), slice(3, 38))
    fall = roof[:, 20:21] - roof  # to the ridge beside; the steepest way up may bend northwards
    assert (below[inner] >= fall[inner] - 1e-3).all()
    assert (below[inner] <= fall[inner] + abs(across - 20)[inner] + 1e-3).all()
    np.testing.assert_allclose(below[inner][:, 17], 0.0)
    assert (away[inner] >= 100.0 * abs(across - 20)[inner] - 1e-3).all()
    assert (away[inner] <= 2**0.5 * 100.0 * abs(across - 20)[inner] + 1e-3).all()


@pytest.mark.parametrize("mixing", [Mixing(), Mixing(True), Mixing(True, 400.0)], ids=str)
def test_sediment_carried_downstream_is_that_of_the_ground_of_a_sample(mixing: Mixing) -> None:
    """Step by step along the water, against means over the catchments of samples."""
    drainage, rng = valley(), np.random.default_rng(3)
    content = rng.lognormal(3, 1, (60, 50)).astype(np.float32)
    content[10:20, 15:30] = np.nan
    cells = np.argwhere(np.nan_to_num(drainage.area_km2) > 0.2)[::9]
    easting, northing = drainage.grid.coordinates(drainage.grid.whole)
    places = np.column_stack([easting[cells[:, 1]], northing[cells[:, 0]]])
    found = delineate(drainage, places, 0.0, 0.2)
    grounds = found.grounds()
    lengths = replace(grounds.basins.transport, lengths_m=(400.0,))  # type: ignore[type-var]
    grounds = replace(grounds, basins=replace(grounds.basins, transport=lengths))
    layer = ArrayLayer(drainage.grid, ("c",), content[None])
    wanted = ground_means(layer, grounds.mixed(mixing))[:, 0]
    np.testing.assert_allclose(found.at(drainage.sediment(content, mixing)), wanted, rtol=1e-4)
    if mixing == Mixing():
        mean = found.at(drainage.upstream_mean(content))
        np.testing.assert_allclose(found.at(drainage.sediment(content)), mean)


def test_distances_along_the_water_are_those_of_pyflwdir() -> None:
    drainage = valley()
    wanted = drainage.flow.stream_distance(unit="m").reshape(drainage.grid.shape)
    known = drainage.known
    np.testing.assert_allclose(drainage.distance_m[known], wanted[known], rtol=1e-5)
    wanted = drainage.flow.stream_distance(drainage.area_km2 >= 1.0, unit="m")
    away = drainage.features()[BANDS.index("drainage_distance")]
    np.testing.assert_allclose(away[known], wanted.reshape(known.shape)[known], rtol=1e-5)


def test_kept_features_of_an_earlier_version_are_made_anew(tmp_path: Path) -> None:
    grid = Grid.from_bounds(32638, (0, 0, 2500, 3000), 50)
    write_array(tmp_path / "kept.tif", grid, ("wetness",), np.zeros((1, 60, 50), np.float32))
    heights = valley().heights
    assert heights is not None
    layer = DrainageLayer(ArrayLayer(grid, ("h",), heights[None]), tmp_path / "kept.tif")
    assert layer.read(grid.whole).shape == (len(layer.bands), 60, 50)
    assert open_raster(tmp_path / "kept.tif").bands == layer.bands


def test_directions_alone_have_no_heights_and_other_codes_are_refused() -> None:
    grid = Grid.from_bounds(32638, (0, 0, 300, 300), 100)
    with pytest.raises(ImageryError, match="made of heights"):
        drainage_of_directions(grid, np.full((3, 3), 4)).features()
    with pytest.raises(ImageryError, match="Esri's code"):
        drainage_of_directions(grid, np.full((3, 3), 5))


def test_upstream_areas_are_those_of_saga_and_grass(reference: Path) -> None:
    """A relief without depressions; cells on the border are sinks here, and left out.

    SAGA takes the steepest of eight neighbours too; GRASS, which finds ways of least cost, agrees
    on streams.
    """
    known = json.loads((reference / "upstream_areas.json").read_text(encoding="utf-8"))
    heights = np.array(known["heights_mm"]) / 1000
    rows, columns = heights.shape
    grid = Grid.from_bounds(32638, (0, 0, columns * 25, rows * 25), 25)
    drainage = drainage_of_heights(ArrayLayer(grid, ("h",), heights[None]))
    inner = (slice(1, -1), slice(1, -1))
    own = drainage.area_km2[inner] / drainage.cell_km2
    saga, grass = (np.array(known[name])[inner] for name in ("saga_cells", "grass_cells"))
    assert (np.abs(own - saga) < 0.5).mean() > 0.95
    streams = own > 100
    assert streams.sum() > 30
    for other, within in ((saga, 0.05), (grass, 0.08)):
        np.testing.assert_allclose(own[streams], other[streams], rtol=within)


def test_water_runs_down_the_steepest_slope_where_a_neighbour_is_lower() -> None:
    """Cell by cell, diagonal steps being longer; around a filled hollow it still gets out."""
    rng = np.random.default_rng(8)
    y, x = np.mgrid[:30, :40]
    heights = 100.0 - y + 0.5 * abs(x - 20) + rng.normal(0, 0.2, (30, 40))
    grid = Grid.from_bounds(32638, (0, 0, 4000, 3000), 100)
    drainage = drainage_of_heights(ArrayLayer(grid, ("h",), heights[None]))
    to = np.asarray(drainage.flow.idxs_ds).reshape(30, 40)
    checked = 0
    for row in range(1, 29):
        for column in range(1, 39):
            slopes = {
                (row + down) * 40 + column + right: (
                    heights[row, column] - heights[row + down, column + right]
                ) / math.hypot(down, right)
                for down, right in STEPS.values()
            }  # fmt: skip
            if max(slopes.values()) > 0:
                assert to[row, column] == max(slopes, key=lambda cell: slopes[cell])
                checked += 1
    assert checked > 900
    hollow = heights.copy()
    hollow[10:16, 15:25] -= 30.0
    filled = drainage_of_heights(ArrayLayer(grid, ("h",), hollow[None]))
    ends = filled.flow.idxs_ds[filled.flow.idxs_ds == np.arange(1200)]
    edge = np.zeros((30, 40), bool)
    edge[[0, -1]], edge[:, [0, -1]] = True, True
    assert edge.ravel()[ends].all()


def test_slopes_are_numpys_gradients_and_a_single_row_has_those_along_it() -> None:
    heights = np.random.default_rng(3).normal(size=(7, 9)).cumsum(axis=1).astype(np.float32)
    grid = Grid.from_bounds(32638, (0, 0, 180, 210), (20, 30))
    slope = drainage_of_heights(ArrayLayer(grid, ("height",), heights[None])).slope
    gradients = np.gradient(heights.astype(float), grid.pixel_height, grid.pixel_width)
    np.testing.assert_allclose(slope, np.fmax(np.hypot(*gradients), LEAST_SLOPE), rtol=1e-6)
    row = Grid.from_bounds(32638, (0, 0, 180, 30), (20, 30))
    slope = drainage_of_heights(ArrayLayer(row, ("height",), heights[None, :1])).slope
    along = np.abs(np.gradient(heights[0].astype(float), 20))
    np.testing.assert_allclose(slope, np.fmax(along, LEAST_SLOPE)[None], rtol=1e-6)
