"""Where water runs: flow directions of a terrain model, upstream areas and sums.

Depressions are filled and D8 directions found from heights, or read from a raster of directions;
areas and sums upstream are by ``pyflwdir``. Cells on the border and beside empty ones are sinks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyflwdir
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree

from gossan.arrays.compiled import compiled
from gossan.errors import ImageryError, must
from gossan.geo.grid import Grid
from gossan.geo.grounds import BY_AREA, LEAST_SLOPE, Mixing
from gossan.geo.layer import Layer
from gossan.imagery.terrain.filling import filled_depressions

BANDS = ("upstream_area", "wetness", "height_above_drainage", "drainage_distance")
DEEP_M = 5.0
"""Depth from which a depression is hardly an error of the terrain model."""
STREAM_KM2 = 1.0
"""Upstream area from which a cell counts as a stream."""
D8 = (1, 2, 4, 8, 16, 32, 64, 128)
"""Directions east, south-east, south ... north-east, as Esri and TauDEM users know them."""

_DOWN = np.array([0, 1, 1, 1, 0, -1, -1, -1])
_ACROSS = np.array([1, 1, 0, -1, -1, -1, 0, 1])


@dataclass(frozen=True, eq=False)
class Drainage:
    """The drainage of a piece of ground, cell by cell.

    Attributes
    ----------
    grid
        Cells of the flow directions.
    flow
        Flow directions, as ``pyflwdir`` holds them.
    heights
        (rows, columns) metres, NaN where unknown; None where only directions are known.
    sunken
        (rows, columns) ground that lay deeper than ``DEEP_M`` in a depression that was filled;
        None where only directions are known.

    Examples
    --------
    A valley that runs south: each cell drains its own column.

    >>> grid = Grid.from_bounds(32638, (0, 0, 300, 300), 100)
    >>> drainage = drainage_of_directions(grid, np.full((3, 3), 4))
    >>> drainage.area_km2[:, 1].round(2).tolist()
    [0.01, 0.02, 0.03]
    """

    grid: Grid
    flow: Any = field(repr=False)
    heights: NDArray[np.float64] | None = field(default=None, repr=False)
    sunken: NDArray[np.bool_] | None = field(default=None, repr=False)

    @property
    def cell_km2(self) -> float:
        """Area of a cell."""
        return self.grid.pixel_width * self.grid.pixel_height / 1e6

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Cells that take part."""
        return np.asarray(self.flow.mask).reshape(self.grid.shape)

    @cached_property
    def area_km2(self) -> NDArray[np.float64]:
        """Upstream area of each cell, itself included; NaN where nothing is known."""
        cells = self.flow.accuflux(np.ones(self.grid.shape), nodata=-1.0)
        return np.where(self.known, cells * self.cell_km2, math.nan)

    @cached_property
    def distance_m(self) -> NDArray[np.float32]:
        """Distance along the water from each cell to where it leaves the terrain model."""
        return self._to(np.zeros(self.grid.shape, bool)).astype(np.float32)

    def _to(self, reached: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Distance along the water to the first cell that is reached, or to the outlet, metres."""
        order, below = np.asarray(self.flow.idxs_seq), np.asarray(self.flow.idxs_ds)
        size = self.grid.width, self.grid.pixel_width, self.grid.pixel_height
        found = _distances(order, below, reached.ravel(), *size)
        return np.asarray(found).reshape(self.grid.shape)

    @cached_property
    def slope(self) -> NDArray[np.float32] | None:
        """Rise over run of each cell, at least ``LEAST_SLOPE``; None where heights are unknown."""
        if self.heights is None:
            return None
        return np.fmax(self._steepness(self.heights), LEAST_SLOPE).astype(np.float32)

    def _steepness(self, heights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rise over run of each cell, NaN beside unknown heights."""
        return np.asarray(_steepness(heights, self.grid.pixel_width, self.grid.pixel_height))

    def upstream_sum(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Sum values over everything upstream of each cell, itself included.

        Empty values (NaN) count as nothing and do not cut the flow.
        """
        filled = np.where(np.isfinite(values), values, 0.0).astype(np.float64)
        return np.asarray(self.flow.accuflux(filled, nodata=-math.inf))

    def upstream_mean(
        self, values: NDArray[np.floating], weights: NDArray[np.floating] | None = None
    ) -> NDArray[np.float64]:
        """Average values over the catchment of each cell: ``sum(x w) / sum(w)``.

        Parameters
        ----------
        values
            (rows, columns) on the cells; NaN where empty.
        weights
            (rows, columns), zero or more; default: every cell counts alike.

        Returns
        -------
        (rows, columns); NaN where nothing upstream has a value.
        """
        share = np.ones(self.grid.shape) if weights is None else np.asarray(weights, np.float64)
        share = np.where(np.isfinite(values) & np.isfinite(share), share, 0.0)
        total = self.upstream_sum(share)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = self.upstream_sum(np.where(share > 0, values, 0.0) * share) / total
        return np.where(self.known & (total > 0), mean, math.nan)

    def sediment(
        self, content: NDArray[np.floating], mixing: Mixing = BY_AREA
    ) -> NDArray[np.float64]:
        """Mix what the ground upstream of each cell gives: ``sum(c w) / sum(w)``.

        w is the slope, where the mixing goes by slope, times ``exp(-d / L)``, d the distance along
        the water: sums are carried downstream and decay by ``exp(-step / L)`` on each step.

        Parameters
        ----------
        content
            (rows, columns) on the cells; NaN where empty.
        mixing
            How much each part of the ground counts.

        Returns
        -------
        (rows, columns); NaN where nothing upstream is known.

        Raises
        ------
        ImageryError
            The mixing goes by slope and only directions are known.
        """
        if mixing.by_slope and self.slope is None:
            cure = "Set dem to the terrain model itself"
            raise ImageryError(must("mixing by slope", "of heights", "directions alone", cure))
        weight = np.ones(self.grid.shape) if not mixing.by_slope else np.asarray(self.slope, float)
        weight = np.where(self.known & np.isfinite(content), weight, 0.0)
        sums = np.stack([weight * np.nan_to_num(content), weight]).reshape(2, -1)
        order, below = np.asarray(self.flow.idxs_seq), np.asarray(self.flow.idxs_ds)
        _carry(sums, order, below, self.distance_m.ravel().astype(float), mixing.decay_m)
        with np.errstate(invalid="ignore", divide="ignore"):
            mixed = np.where(sums[1] > 0, sums[0] / sums[1], math.nan)
        return mixed.reshape(self.grid.shape)

    def features(self) -> NDArray[np.float32]:
        """Hydrological features of each cell, in the order of ``BANDS``.

        Logarithm of the upstream area (km2); topographic wetness ``ln(a / tan b)``, a the upstream
        area per metre of cell and b the slope; height above the stream that the cell drains to,
        and distance to it along the flow (metres).

        Raises
        ------
        ImageryError
            Only directions are known, not heights.
        """
        if self.heights is None:
            got, cure = "flow directions alone", "Set dem to the terrain model itself"
            raise ImageryError(must("hydrological features", "made of heights", got, cure))
        streams = np.nan_to_num(self.area_km2) >= STREAM_KM2
        filled = np.where(self.known, self.heights, -9999.0)
        above = np.asarray(self.flow.hand(streams, filled), np.float64)
        away = self._to(streams)
        slope = self._steepness(self.heights)
        per_metre = self.area_km2 * 1e6 / self.grid.pixel_width
        wet = np.log(per_metre / np.maximum(slope, 1e-3))
        found = np.stack([np.log(self.area_km2), wet, above, away])
        return np.where(self.known & (found > -9000.0), found, math.nan).astype(np.float32)

    def snapped(
        self, coordinates: NDArray[np.float64], within_m: float, stream_km2: float
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Move positions to the largest stream near them.

        Parameters
        ----------
        coordinates
            (n, 2) easting and northing in the grid's CRS.
        within_m
            How far a position may be moved. The cell that a position lies in is always allowed.
        stream_km2
            Upstream area from which a cell counts as a stream.

        Returns
        -------
        Cell of each position (n,), row by row, -1 where no stream is near; and metres moved (n,).
        """
        streams = np.flatnonzero(self.area_km2.ravel() >= stream_km2)
        if not streams.size:
            return np.full(len(coordinates), -1), np.full(len(coordinates), math.nan)
        places = self._centres(streams)
        reach = within_m + math.hypot(self.grid.pixel_width, self.grid.pixel_height) / 2
        area = self.area_km2.ravel()[streams]
        cells, moved = [], []
        for place, near in zip(coordinates, KDTree(places).query_ball_point(coordinates, reach)):
            best = max(near, key=lambda one: (area[one], -one)) if near else -1
            cells.append(streams[best] if near else -1)
            moved.append(math.dist(place, places[best]) if near else math.nan)
        return np.array(cells, np.intp), np.array(moved)

    def _centres(self, cells: NDArray[np.intp]) -> NDArray[np.float64]:
        easting, northing = self.grid.coordinates(self.grid.whole)
        rows, columns = np.unravel_index(cells, self.grid.shape)
        return np.column_stack([easting[columns], northing[rows]])

    def own_ground(self, cells: NDArray[np.intp]) -> NDArray[np.int32]:
        """Divide the ground among places on streams: each cell belongs to the next place below.

        Returns
        -------
        (rows, columns): number of the place, from 0; -1 for ground that drains past all of them.
        Of several places in one cell the first has the ground.
        """
        places, first = np.unique(cells[cells >= 0], return_index=True)
        numbers = np.flatnonzero(cells >= 0)[first]
        basins = self.flow.basins(idxs=places, ids=np.arange(1, len(places) + 1, dtype=np.uint32))
        lookup = np.concatenate([[-1], numbers]).astype(np.int32)
        return lookup[np.asarray(basins).reshape(self.grid.shape)]

    def downstream(self, cell: int) -> Iterator[int]:
        """Follow the water from a cell to its sink, the cell itself left out."""
        to = self.flow.idxs_ds
        while int(to[cell]) != cell:
            cell = int(to[cell])
            yield cell

    @cached_property
    def meets_edge(self) -> NDArray[np.bool_]:
        """Cells whose catchment touches the border of what is known, so that it may be cut."""
        beside = ndimage.binary_dilation(~self.known, np.ones((3, 3)), border_value=1)
        return (self.upstream_sum((beside & self.known).astype(float)) > 0) & self.known


def drainage_of_heights(terrain: Layer) -> Drainage:
    """Find the drainage of a terrain model: depressions are filled, each cell has one direction.

    Water runs down the steepest slope to one of eight neighbours; over ground that is flat after
    filling, to the outlet by the way on which the depression was flooded.

    Parameters
    ----------
    terrain
        Heights in metres (one band), read whole: about 25 bytes a cell.

    Source: O'Callaghan and Mark 1984 (steepest descent); Barnes, Lehman and Mulla 2014 (filling).
    """
    heights = terrain.read(terrain.grid.whole)[0]
    level, directions = filled_depressions(heights)
    _steepest(level, directions, terrain.grid.pixel_width, terrain.grid.pixel_height)
    heights = heights.astype(np.float64)
    sunken = level - heights > DEEP_M
    flow = pyflwdir.from_array(
        directions, ftype="d8", transform=terrain.grid.transform, latlon=False, check_ftype=False
    )
    return Drainage(terrain.grid, _compilable(flow), heights, sunken)


@compiled()
def _distances(order, below, reached, columns, wide, high):  # type: ignore[no-untyped-def]
    """Add up the steps from each cell; the order is from the outlets up."""
    found = np.zeros(below.size)
    for k in range(order.size):
        cell = order[k]
        to = below[cell]
        if to != cell and not reached[cell]:
            down = (cell // columns - to // columns) * high
            across = (cell % columns - to % columns) * wide
            found[cell] = found[to] + math.hypot(down, across)
    return found


@compiled()
def _carry(sums, order, below, distance, decay_m):  # type: ignore[no-untyped-def]
    """Carry sums (2, cells) downstream; the order is from the outlets up."""
    for k in range(order.size - 1, -1, -1):
        cell = order[k]
        to = below[cell]
        if to != cell:
            arrives = math.exp(-(distance[cell] - distance[to]) / decay_m)
            for part in range(sums.shape[0]):
                sums[part, to] += arrives * sums[part, cell]


@compiled()
def _steepest(heights, directions, wide, high):  # type: ignore[no-untyped-def]
    """Turn directions towards the steepest descent, where a neighbour is lower; sinks stay."""
    away = np.hypot(_DOWN * high, _ACROSS * wide)
    for row in range(1, heights.shape[0] - 1):
        for column in range(1, heights.shape[1] - 1):
            own = np.float64(heights[row, column])
            if directions[row, column] == 0 or not np.isfinite(own):
                continue
            best = 0.0
            for k in range(8):
                slope = (own - heights[row + _DOWN[k], column + _ACROSS[k]]) / away[k]
                if slope > best:
                    best = slope
                    directions[row, column] = 1 << k


@compiled()
def _steepness(heights, wide, high):  # type: ignore[no-untyped-def]
    """Rise over run of each cell by central differences, one-sided on the border.

    Along a single row or column it is 0 across.
    """
    found = np.empty(heights.shape)
    rows, columns = heights.shape
    for row in range(rows):
        above, below = max(row - 1, 0), min(row + 1, rows - 1)
        run_down = max(below - above, 1) * high
        for column in range(columns):
            left, right = max(column - 1, 0), min(column + 1, columns - 1)
            down = (heights[below, column] - heights[above, column]) / run_down
            run_across = max(right - left, 1) * wide
            across = (heights[row, right] - heights[row, left]) / run_across
            found[row, column] = math.hypot(down, across)
    return found


def drainage_of_directions(grid: Grid, directions: NDArray[np.integer]) -> Drainage:
    """Take D8 directions as they are (1 east, 2 south-east ... 128 north-east; 0 a sink).

    Raises
    ------
    ImageryError
        Other numbers than these occur.
    """
    codes = np.asarray(directions)
    other = np.setdiff1d(np.unique(codes), (0, *D8, 247, 255))
    if other.size:
        got = ", ".join(str(code) for code in other[:5])
        cure = "Export D8 directions in Esri's code"
        raise ImageryError(must("flow directions", "1, 2, 4 ... 128, and 0 for sinks", got, cure))
    array = np.where(codes < 0, 247, codes).astype(np.uint8)
    flow = pyflwdir.from_array(
        array, ftype="d8", transform=grid.transform, latlon=False, check_ftype=False
    )
    return Drainage(grid, _compilable(flow))


def _compilable(flow: Any) -> Any:
    """Store the transform as plain numbers: Numba knows no Affine of version 3."""
    flow.transform = tuple(flow.transform)[:6]
    return flow
