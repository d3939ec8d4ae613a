"""Simulate a drained landscape: rivers cut the relief, sediment mixes downstream."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gossan.arrays.compiled import compiled
from gossan.demo.fields import gaussian_field, stream
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer
from gossan.imagery.terrain.drainage import Drainage, drainage_of_heights

__all__ = ["drainage_of_relief", "erosion", "fluvial_relief", "sediment", "stream_sites"]

Array = NDArray[np.float64]
_STEPS = 40
_STEP_YEARS = 75_000.0
_UPLIFT = 4e-4
_ERODIBILITY = 1.5e-5
_AREA_POWER = 0.45
_HILLSLOPE_PX = 0.7
_LEAST_EROSION = 0.1


def fluvial_relief(grid: Grid, seed: int) -> Array:
    """Raise a rough plain and let rivers cut it: heights in metres, (rows, columns).

    ``dz/dt = U - K A^m S`` with uplift U = 0.4 mm a year, by implicit steps along the flow, and
    diffusion on hillslopes; the edges stay at the level of the sea.

    Source: Braun and Willett 2013, Geomorphology 180 (implicit steps along the flow).
    """
    size = grid.pixel_width
    heights = 20.0 + 4.0 * gaussian_field(stream(seed, "relief"), grid.shape, size, 3000.0, 0.8)
    heights += stream(seed, "roughness").normal(0.0, 1.0, grid.shape)
    for _ in range(_STEPS):
        flow = drainage_of_relief(grid, heights)
        factor = _ERODIBILITY * _STEP_YEARS * (flow.area_km2 * 1e6) ** _AREA_POWER / size
        cut = _step(heights, np.nan_to_num(factor), flow)
        heights = cut.copy()
        heights[1:-1, 1:-1] = ndimage.gaussian_filter(cut, _HILLSLOPE_PX)[1:-1, 1:-1]
    return heights


def drainage_of_relief(grid: Grid, heights: Array) -> Drainage:
    """Find the drainage of heights (rows, columns)."""
    return drainage_of_heights(ArrayLayer(grid, ("height",), heights[None].astype(np.float32)))


def _step(heights: Array, factor: Array, drainage: Drainage) -> Array:
    raised = heights.ravel() + _UPLIFT * _STEP_YEARS
    flow = drainage.flow
    order, below = np.asarray(flow.idxs_seq), np.asarray(flow.idxs_ds)
    _cut(raised, heights.ravel(), factor.ravel(), order, below)
    return raised.reshape(heights.shape)


@compiled()
def _cut(raised, heights, factor, order, below):  # type: ignore[no-untyped-def]
    """Lower each cell towards the one below it, which is settled first; outlets stay."""
    for k in range(order.size):
        cell = order[k]
        to = below[cell]
        if to == cell:
            raised[cell] = heights[cell]
        else:
            raised[cell] = (raised[cell] + factor[cell] * raised[to]) / (1.0 + factor[cell])


def erosion(grid: Grid, heights: Array) -> Array:
    """Say how much sediment each pixel gives, in units of the mean: by its slope."""
    slope = np.hypot(*np.gradient(heights, grid.pixel_height, grid.pixel_width))
    return _LEAST_EROSION + (1.0 - _LEAST_EROSION) * slope / slope.mean()


def sediment(drainage: Drainage, content: Array, yields: Array) -> Array:
    """Mix the sediment of all ground upstream of each pixel: ``sum(c e) / sum(e)``.

    Mixing is conservative: just below a confluence the content is the mean of both streams,
    weighted by the sediment that they carry.
    """
    return drainage.upstream_mean(content, yields)


def stream_sites(
    drainage: Drainage, km2_per_sample: float, seed: int, least_km2: float = 0.3
) -> NDArray[np.intp]:
    """Choose pixels on streams of several orders: cell numbers, row by row.

    Most streams are small; large ones have their share: the chance of a pixel falls with the root
    of its upstream area. Sites lie at least a third of the mean spacing apart.
    """
    rng = stream(seed, "stream sites")
    area = np.nan_to_num(drainage.area_km2).ravel()
    inner = ndimage.binary_erosion(drainage.known, np.ones((3, 3)), 2).ravel()
    cells = np.flatnonzero((area >= least_km2) & inner)
    wanted = round(drainage.known.sum() * drainage.cell_km2 / km2_per_sample)
    order = cells[np.argsort(rng.exponential(size=len(cells)) * np.sqrt(area[cells]))]
    places = np.column_stack(np.unravel_index(order, drainage.grid.shape)) * 1.0
    apart = 1000.0 * np.sqrt(km2_per_sample) / 3 / drainage.grid.pixel_width
    chosen: list[int] = []
    for k in range(len(order)):
        if len(chosen) == wanted:
            break
        if not chosen or (np.hypot(*(places[chosen] - places[k]).T) >= apart).all():
            chosen.append(k)
    return order[chosen]
