"""Ground that is no square: basins cut by samples, and which of them each sample stands for.

A sample of a stream stands for all ground that drains to it. The samples cut the ground into
sub-basins that do not overlap; the catchment of a sample is the sum of its own sub-basin and those
above, so that nested samples share what they share. Steep and near ground may count for more than
flat and far ground (``Transport``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gossan.arrays.array_type import Array
from gossan.geo.grid import Grid, Window

__all__ = ["BY_AREA", "Basins", "Grounds", "Mixing", "Support", "Transport", "part_of"]

FEWEST_PARTS = 3000
"""Pieces of sub-basins by block that are worth having even for few samples."""
PARTS_A_BASIN = 3
LEAST_SLOPE = 0.01
"""Slope (rise over run) that flatter ground counts as: it gives some sediment, too."""


@dataclass(frozen=True)
class Mixing:
    """How much each part of a catchment counts in its sediment.

    Parameters
    ----------
    by_slope
        Whether ground counts by its slope, as erosion does.
    decay_m
        Decay length L: ground at a distance d along the stream counts ``exp(-d / L)``.

    Examples
    --------
    >>> str(Mixing()), str(Mixing(True, 1500.0))
    ('area', 'slope, decay length 1500 m')
    """

    by_slope: bool = False
    decay_m: float = math.inf

    def __str__(self) -> str:
        kind = "slope" if self.by_slope else "area"
        return kind if math.isinf(self.decay_m) else f"{kind}, decay length {self.decay_m:.0f} m"


BY_AREA = Mixing()


@dataclass(frozen=True, eq=False)
class Transport:
    """What the sediment of ground may be weighted by.

    The distance from a cell to a sample is that to the outlet of its own sub-basin and that from
    there to the sample, so that ``exp(-d / L)`` is a product and sums over sub-basins suffice.

    Parameters
    ----------
    slope
        (rows, columns) rise over run, at least ``LEAST_SLOPE``; None where heights are unknown.
    distance_m
        (rows, columns) distance along the water to where it leaves the terrain model.
    outlet_m
        (s,) the same of the outlet of each sub-basin.
    lengths_m
        Decay lengths to choose from.
    """

    slope: NDArray[np.float32] | None = field(repr=False)
    distance_m: NDArray[np.float32] = field(repr=False)
    outlet_m: Array = field(repr=False)
    lengths_m: tuple[float, ...]

    @property
    def mixings(self) -> tuple[Mixing, ...]:
        """Every way to choose from, by area alone first."""
        slopes = (False,) if self.slope is None else (False, True)
        return tuple(Mixing(one, far) for one in slopes for far in (math.inf, *self.lengths_m))

    def weights(
        self, owner: NDArray[np.int32], rows: slice, columns: slice,
        mixings: tuple[Mixing, ...] | None = None,
    ) -> NDArray[np.float32]:  # fmt: skip
        """Weights (rows, columns, mixings) of the cells of a window in their own sub-basin."""
        chosen = self.mixings if mixings is None else mixings
        outlet = self.outlet_m[np.maximum(owner[rows, columns], 0)]
        away = np.maximum(self.distance_m[rows, columns] - outlet, 0.0)
        lengths = {one.decay_m for one in chosen}
        near = {far: np.exp(-away / far).astype(np.float32) for far in lengths}
        found = np.stack([near[one.decay_m] for one in chosen], axis=2)
        if self.slope is not None:
            found[..., [one.by_slope for one in chosen]] *= self.slope[rows, columns, None]
        return found


@dataclass(frozen=True, eq=False)
class Basins:
    """Ground cut into sub-basins.

    Parameters
    ----------
    grid
        Cells of the terrain model.
    owner
        (rows, columns) number of the sub-basin of each cell, from 0; -1 for ground of none.
    count
        Number of sub-basins; one may be empty.
    step
        Cells along the side of a block; by default as fine as ``FEWEST_PARTS`` allows.
    transport
        What the cells may be weighted by, where it is known.
    mixing
        How they are weighted.

    Examples
    --------
    >>> grid = Grid.from_bounds(32638, (0, 0, 400, 200), 100)
    >>> basins = Basins(grid, np.array([[0, 0, 1, 1], [0, 0, 1, -1]]), 2)
    >>> basins.cells.tolist(), basins.block_m
    ([4.0, 3.0], 100.0)
    """

    grid: Grid
    owner: NDArray[np.int32] = field(repr=False)
    count: int
    step: int = 0
    transport: Transport | None = field(default=None, repr=False)
    mixing: Mixing = BY_AREA
    _mixed: dict[Mixing, Basins] = field(init=False, default_factory=dict, repr=False)
    """The same ground by every mixing that was asked for, shared by all of them."""

    def mixed(self, mixing: Mixing) -> Basins:
        """Weight the cells in another way; asked again, the answer is the same object."""
        known = self._mixed
        known.setdefault(self.mixing, self)
        if mixing not in known:
            known[mixing] = replace(self, mixing=mixing)
            object.__setattr__(known[mixing], "_mixed", known)
        return known[mixing]

    @property
    def mixings(self) -> tuple[Mixing, ...]:
        """Every way to weight the cells that there is."""
        return (BY_AREA,) if self.transport is None else self.transport.mixings

    def weights(
        self, rows: slice = slice(None), columns: slice = slice(None),
        mixings: tuple[Mixing, ...] | None = None,
    ) -> NDArray[np.float32]:  # fmt: skip
        """Weights (rows, columns, mixings) of the cells of a window in their own sub-basin.

        By every mixing that there is, or by those asked for.
        """
        if self.transport is None:
            return np.ones((*self.owner[rows, columns].shape, 1), np.float32)
        return self.transport.weights(self.owner, rows, columns, mixings)

    @cached_property
    def cells(self) -> Array:
        """(s,) number of cells of each sub-basin."""
        inside = self.owner[self.owner >= 0]
        return np.bincount(inside, minlength=self.count).astype(float)

    @cached_property
    def amounts(self) -> Array:
        """(s,) sum of the weights of the cells of each sub-basin."""
        if self.mixing == BY_AREA:
            return self.cells
        inside = self.owner >= 0
        return np.asarray(np.bincount(self.owner[inside], self._weights, self.count), float)

    @cached_property
    def _weights(self) -> Array:
        """Weight of each cell that has a sub-basin, row by row."""
        found = self.weights(mixings=(self.mixing,))[..., 0]
        return found[self.owner >= 0].astype(np.float64)

    @cached_property
    def side(self) -> int:
        """Cells along the side of a block, the same by every mixing."""
        if self.step:
            return self.step
        first = next(iter(self._mixed.values()), self)
        if first is not self:
            return first.side
        most = max(FEWEST_PARTS, PARTS_A_BASIN * self.count)
        side = max(1, int(math.sqrt(self.cells.sum() / most)))
        while self._pieces(side) > most and side < max(self.grid.shape):
            side += max(1, side // 8)
        return side

    @property
    def block_m(self) -> float:
        """Side of a block in metres."""
        return self.side * math.sqrt(self.grid.pixel_width * self.grid.pixel_height)

    @cached_property
    def pieces(self) -> tuple[NDArray[np.int_], NDArray[np.int_], Array]:
        """Sub-basin, block and share of the sub-basin of every piece: three of (z,)."""
        keys, piece = np.unique(self._keys(self.side), return_inverse=True)
        basin, block = np.divmod(keys, self._blocks(self.side)[1])
        sums = np.bincount(piece.ravel(), self._weights, len(keys))
        return basin, block, sums / self.amounts[basin]

    @cached_property
    def shares(self) -> sparse.csr_matrix:
        """(s, b) share of each sub-basin that lies in each block that is not empty."""
        basin, block, share = self.pieces
        column = np.unique(block, return_inverse=True)[1].ravel()
        return sparse.csr_matrix((share, (basin, column)), (self.count, column.max(initial=-1) + 1))

    @cached_property
    def centres(self) -> Array:
        """(b, 2) easting and northing of the centres of the blocks that are not empty."""
        rows, columns = self.places(np.unique(self.pieces[1]))
        left, _, _, top = self.grid.bounds
        easting = left + (columns + 0.5) * self.side * self.grid.pixel_width
        northing = top - (rows + 0.5) * self.side * self.grid.pixel_height
        return np.column_stack([easting, northing])

    def places(self, block: NDArray[np.int_]) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
        """Return row and column of blocks on their lattice."""
        return np.divmod(block, self._blocks(self.side)[0])

    @property
    def corners(self) -> Array:
        """(2, 2) lower left and upper right corner of the ground of all sub-basins."""
        rows, columns = (np.flatnonzero((self.owner >= 0).any(axis=axis)) for axis in (1, 0))
        left, _, _, top = self.grid.bounds
        wide, high = self.grid.pixel_width, self.grid.pixel_height
        low = (left + wide * columns[0], top - high * (rows[-1] + 1))
        return np.array([low, (left + wide * (columns[-1] + 1), top - high * rows[0])])

    def lattice(self, easting: Array, northing: Array) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
        """Return rows (height,) and columns (width,) of the cells under a lattice of places.

        Parameters
        ----------
        easting, northing
            (width,) and (height,) in the grid's CRS.

        Returns
        -------
        -1 for what lies beyond the grid.
        """
        row, _ = self.grid.index_of(np.full(len(northing), easting[0]), northing)
        _, column = self.grid.index_of(easting, np.full(len(easting), northing[0]))
        rows, columns = (np.floor(one + 0.5).astype(int) for one in (row, column))
        height, width = self.grid.shape
        return (
            np.where((rows >= 0) & (rows < height), rows, -1),
            np.where((columns >= 0) & (columns < width), columns, -1),
        )

    def under(self, easting: Array, northing: Array) -> NDArray[np.int_]:
        """Return the sub-basin (height, width) under a lattice of places; -1 for none."""
        rows, columns = self.lattice(easting, northing)
        known = (rows >= 0)[:, None] & (columns >= 0)
        return np.where(known, self.owner[np.ix_(rows, columns)], -1)

    def drawn(self, each: int, seed: int = 0) -> tuple[Array, NDArray[np.int_]]:
        """Draw cells at random by their weight, ``each`` of a sub-basin with replacement.

        Returns
        -------
        Places and sub-basins.
        """
        cell = np.flatnonzero(self.owner.ravel() >= 0)
        order = np.argsort(self.owner.ravel()[cell], kind="stable")
        upto = np.cumsum(self._weights[order])
        last = np.cumsum(self.cells).astype(int)
        filled = np.flatnonzero(self.cells)
        numbers = np.repeat(filled, each)
        first = (last - self.cells.astype(int))[numbers]
        spot = np.random.default_rng(seed).random(len(numbers)) * self.amounts[numbers]
        spot += upto[first] - self._weights[order][first]
        chosen = np.clip(np.searchsorted(upto, spot, "right"), first, last[numbers] - 1)
        rows, columns = np.divmod(cell[order][chosen], self.grid.width)
        easting, northing = self.grid.coordinates(Window(0, 0, *self.grid.shape))
        return np.column_stack([easting[columns], northing[rows]]), numbers

    def _blocks(self, side: int) -> tuple[int, int]:
        """Columns of the lattice of blocks, and blocks in all."""
        rows, columns = (-(-length // side) for length in self.grid.shape)
        return columns, rows * columns

    def _pieces(self, side: int) -> int:
        """Count the pieces of sub-basins by block; cells of one piece lie side by side."""
        keys = self._keys(side)
        return len(np.unique(keys[np.flatnonzero(np.diff(keys, prepend=-1))]))

    def _keys(self, side: int) -> NDArray[np.int_]:
        """Number of sub-basin and block of each cell that has one, as one number."""
        rows, columns = np.nonzero(self.owner >= 0)
        across, total = self._blocks(side)
        block = rows // side * across + columns // side
        return self.owner[rows, columns].astype(np.int64) * total + block


@dataclass(frozen=True, eq=False)
class Grounds:
    """The ground that each of n samples stands for: some of the sub-basins, by their area.

    Parameters
    ----------
    basins
        Ground cut into sub-basins.
    members
        (n, s) 1 for each sub-basin of a sample's ground, else 0.
    network
        (n,) number of the drainage network that a sample belongs to.
    outlet_m
        (n,) distance along the water from each sample to where it leaves the terrain model.

    Examples
    --------
    The second sample lies below the first and stands for both sub-basins.

    >>> grid = Grid.from_bounds(32638, (0, 0, 400, 100), 100)
    >>> basins = Basins(grid, np.array([[0, 0, 0, 1]]), 2)
    >>> grounds = Grounds.of(basins, np.array([[1, 0], [1, 1]]))
    >>> grounds.shares.toarray().tolist(), grounds.area_km2.tolist()
    ([[1.0, 0.0], [0.75, 0.25]], [0.03, 0.04])
    """

    basins: Basins = field(repr=False)
    members: sparse.csr_matrix = field(repr=False)
    network: NDArray[np.int_] = field(repr=False)
    outlet_m: Array | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls, basins: Basins, members: NDArray[np.int_], network: NDArray[np.int_] | None = None,
        outlet_m: Array | None = None,
    ) -> Grounds:  # fmt: skip
        """Take which sub-basins each sample stands for, (n, s)."""
        own = np.arange(len(members)) if network is None else network
        return cls(basins, sparse.csr_matrix(members, dtype=float), own, outlet_m)

    def __len__(self) -> int:
        return int(self.members.shape[0])

    def subset(self, rows: NDArray[np.bool_] | NDArray[np.int_] | slice) -> Grounds:
        """Keep some of the samples; the ground stays cut as it is."""
        outlet = None if self.outlet_m is None else self.outlet_m[rows]
        members, network = self.members[rows], self.network[rows]
        return replace(self, members=members, network=network, outlet_m=outlet)

    def mixed(self, mixing: Mixing) -> Grounds:
        """Weight the ground of each sample in another way."""
        return replace(self, basins=self.basins.mixed(mixing))

    @property
    def area_km2(self) -> Array:
        """(n,) area of the ground of each sample."""
        cell = self.basins.grid.pixel_width * self.basins.grid.pixel_height / 1e6
        return np.asarray(self.members @ self.basins.cells) * cell

    @property
    def arrivals(self) -> sparse.csr_matrix:
        """(n, s) share of what leaves each sub-basin that comes to a sample: ``exp(-d / L)``."""
        decay, transport = self.basins.mixing.decay_m, self.basins.transport
        if math.isinf(decay) or transport is None or self.outlet_m is None:
            return self.members
        found = self.members.tocoo()
        away = np.maximum(transport.outlet_m[found.col] - self.outlet_m[found.row], 0.0)
        shape = self.members.shape
        return sparse.csr_matrix((np.exp(-away / decay), (found.row, found.col)), shape)

    @property
    def shares(self) -> sparse.csr_matrix:
        """(n, s) share of each sub-basin in the ground of a sample."""
        amount = self.arrivals @ sparse.diags(self.basins.amounts)
        total = np.asarray(amount.sum(axis=1)).ravel()
        return sparse.csr_matrix(sparse.diags(1.0 / total) @ amount)

    def drawn(self, each: int) -> tuple[Array, NDArray[np.int_]]:
        """Draw places (k, 2) in the ground, and the sample (k,) that each belongs to.

        Of several samples that stand for a place it is the one of the smallest ground.
        """
        places, basin = self.basins.drawn(each)
        sample = np.full(self.basins.count, -1)
        for row in np.argsort(-self.area_km2, kind="stable"):
            sample[self.members[row].indices] = row
        held = sample[basin] >= 0
        return places[held], sample[basin[held]]

    @property
    def side_m(self) -> float:
        """Side of the square of the median area, metres."""
        return 1000.0 * math.sqrt(float(np.median(self.area_km2)))


Support = float | Grounds
"""What targets stand for: squares of a side in metres (0: points), or ground of their own."""


def part_of(support: Support, start: int, stop: int) -> Support:
    """Take the support of some of the targets."""
    return support.subset(slice(start, stop)) if isinstance(support, Grounds) else support
