"""The catchments of stream samples: where they lie, how large they are, which drain into which."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import shapes

from gossan.geo.grounds import LEAST_SLOPE, Basins, Grounds, Transport
from gossan.imagery.terrain.drainage import Drainage

UNPLACED = -1
"""Cell of a sample that lies near no stream; number of no sample."""
DECAYS = (0.5, 1.0, 2.0)
"""Decay lengths that are weighed, in sides of the square of the median catchment."""


@dataclass(frozen=True, eq=False)
class Catchments:
    """Catchments of n samples.

    Attributes
    ----------
    drainage
        Where water runs.
    cells
        (n,) cell that each sample was placed on, row by row; -1 where no stream is near.
    moved_m
        (n,) metres that it was moved; NaN where it has no place.
    owner
        (rows, columns) sample whose own ground each cell is: the next one downstream; -1 for
        ground that drains past all samples.
    below
        (n,) next sample downstream; -1 where there is none.
    """

    drainage: Drainage = field(repr=False)
    cells: NDArray[np.intp]
    moved_m: NDArray[np.float64]
    owner: NDArray[np.int32] = field(repr=False)
    below: NDArray[np.intp]

    @property
    def placed(self) -> NDArray[np.bool_]:
        """(n,) samples that lie on a stream."""
        return self.cells >= 0

    @property
    def area_km2(self) -> NDArray[np.float64]:
        """(n,) whole catchment of each sample."""
        return self.at(self.drainage.area_km2)

    @property
    def own_km2(self) -> NDArray[np.float64]:
        """(n,) part of it that drains to no other sample first."""
        numbers = self.owner[self.owner >= 0]
        own = np.bincount(numbers, minlength=len(self.cells)) * self.drainage.cell_km2
        return np.where(self.placed, own, math.nan)

    @property
    def sharing_a_cell(self) -> NDArray[np.bool_]:
        """(n,) samples that another one shares its cell with."""
        cells, counts = np.unique(self.cells[self.placed], return_counts=True)
        return np.isin(self.cells, cells[counts > 1])

    @property
    def cut(self) -> NDArray[np.bool_]:
        """(n,) catchments that reach the edge of the terrain model, and may go on beyond it."""
        return self.at(self.drainage.meets_edge.astype(float)) == 1

    @property
    def sunken_share(self) -> NDArray[np.float64]:
        """(n,) share of each catchment that was filled deeply; 0 where heights are unknown."""
        sunken = self.drainage.sunken
        return np.zeros(len(self.cells)) if sunken is None else self.mean(sunken * 1.0)

    @property
    def flat_share(self) -> NDArray[np.float64]:
        """(n,) share of each catchment that is as flat as ``LEAST_SLOPE``, or flatter."""
        slope = self.drainage.slope
        return (
            np.zeros(len(self.cells)) if slope is None else self.mean((slope <= LEAST_SLOPE) * 1.0)
        )

    def at(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Take the value of each sample's cell, NaN where it has none."""
        found = np.asarray(values, np.float64).ravel()[np.maximum(self.cells, 0)]
        return np.where(self.placed, found, math.nan)

    def mean(
        self, values: NDArray[np.floating], weights: NDArray[np.floating] | None = None
    ) -> NDArray[np.float64]:
        """(n,) mean of a layer over each catchment; see ``Drainage.upstream_mean``."""
        return self.at(self.drainage.upstream_mean(values, weights))

    def own_content(self, content: NDArray[np.float64], least: float = 0.2) -> NDArray[np.float64]:
        """Content of each sample's own ground, if sediment mixes by area.

        ``(C A - sum C_i A_i) / (A - sum A_i)`` over the next samples upstream.

        Parameters
        ----------
        content
            (n,) contents of the samples.
        least
            Smallest share of the catchment that is own ground; with less the difference is noise.

        Returns
        -------
        (n,); NaN with too little own ground or an unknown sample upstream; below 0 where the
        samples contradict the mixing.
        """
        area, own = self.area_km2, self.own_km2
        with np.errstate(invalid="ignore", divide="ignore"):
            mixed = self.own_part(content * area) / self.own_part(area)
            return np.where(own >= least * area, mixed, math.nan)

    def own_part(self, amount: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take from an amount of each whole catchment what the next samples upstream have."""
        above, inner = np.zeros(len(amount)), np.flatnonzero(self.below >= 0)
        np.add.at(above, self.below[inner], amount[inner])
        return amount - above

    @property
    def lowest(self) -> NDArray[np.intp]:
        """(n,) last sample downstream of each: those that drain together share it."""
        last = np.arange(len(self.below))
        while (further := self.below[last] >= 0).any():
            last = np.where(further, self.below[last], last)
        return last

    def grounds(self) -> Grounds:
        """Return what the samples with a place stand for, in their order: whole catchments."""
        count = len(self.cells)
        members = np.zeros((count, count), bool)
        for one in np.flatnonzero(self.placed):
            passed = one
            while passed >= 0:
                members[passed, one] = True
                passed = self.below[passed]
        for one in np.flatnonzero(self.sharing_a_cell):
            members[one] |= members[np.flatnonzero(self.cells == self.cells[one])[0]]
        network = np.unique(self.lowest[self.placed], return_inverse=True)[1].ravel()
        outlet = np.nan_to_num(self.at(self.drainage.distance_m))
        median = float(np.median(self.area_km2[self.placed])) if self.placed.any() else 1.0
        lengths = tuple(round(share * 1000.0 * math.sqrt(median), 1) for share in DECAYS)
        transport = Transport(self.drainage.slope, self.drainage.distance_m, outlet, lengths)
        basins = Basins(self.drainage.grid, self.owner, count, transport=transport)
        return Grounds.of(basins, members[self.placed], network, outlet[self.placed])

    def polygons(self) -> list[shapely.Geometry]:
        """Outline the own ground of each sample, in the grid's CRS; empty where it has none."""
        transform = self.drainage.grid.transform
        parts: list[list[shapely.Geometry]] = [[] for _ in self.cells]
        for shape, number in shapes(self.owner, self.owner >= 0, 8, transform):
            parts[int(number)].append(shapely.geometry.shape(shape).buffer(0))
        return [shapely.unary_union(one) if one else shapely.Polygon() for one in parts]


def delineate(
    drainage: Drainage, coordinates: NDArray[np.float64], snap_m: float, stream_km2: float
) -> Catchments:
    """Place samples on streams and find their catchments.

    Parameters
    ----------
    drainage
        Where water runs.
    coordinates
        (n, 2) easting and northing of the samples, in the CRS of the drainage.
    snap_m
        How far a sample may be moved.
    stream_km2
        Upstream area from which a cell counts as a stream.
    """
    cells, moved = drainage.snapped(coordinates, snap_m, stream_km2)
    return Catchments(drainage, cells, moved, drainage.own_ground(cells), _below(drainage, cells))


def _below(drainage: Drainage, cells: NDArray[np.intp]) -> NDArray[np.intp]:
    """Follow the water from each sample to the next one."""
    first: dict[int, int] = {}
    for number, cell in enumerate(cells):
        first.setdefault(int(cell), number)
    first.pop(UNPLACED, None)
    found = np.full(len(cells), UNPLACED, np.intp)
    for placed in np.flatnonzero(cells >= 0):
        cell = int(cells[placed])
        passed = (first[one] for one in drainage.downstream(cell) if one in first)
        found[placed] = next(passed, UNPLACED) if first[cell] == placed else first[cell]
    return found
