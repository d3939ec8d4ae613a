"""Ground that is no square: basins cut by samples, and which of them each sample stands for.

A sample of a stream stands for all ground that drains to it. The samples cut the ground into
sub-basins that do not overlap; the catchment of a sample is the sum of its own sub-basin and those
above, so that nested samples share what they share.
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

__all__ = ["Basins", "Grounds", "Support", "part_of"]

FEWEST_PARTS = 3000
"""Pieces of sub-basins by block that are worth having even for few samples."""
PARTS_A_BASIN = 3


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

    @cached_property
    def cells(self) -> Array:
        """(s,) number of cells of each sub-basin."""
        inside = self.owner[self.owner >= 0]
        return np.bincount(inside, minlength=self.count).astype(float)

    @cached_property
    def side(self) -> int:
        """Cells along the side of a block."""
        if self.step:
            return self.step
        most = max(FEWEST_PARTS, PARTS_A_BASIN * self.count)
        side = max(1, int(math.sqrt(self.cells.sum() / most)))
        while len(np.unique(self._keys(side))) > most and side < max(self.grid.shape):
            side += max(1, side // 8)
        return side

    @property
    def block_m(self) -> float:
        """Side of a block in metres."""
        return self.side * math.sqrt(self.grid.pixel_width * self.grid.pixel_height)

    @cached_property
    def pieces(self) -> tuple[NDArray[np.int_], NDArray[np.int_], Array]:
        """Sub-basin, block and share of the sub-basin of every piece: three of (z,)."""
        keys, counts = np.unique(self._keys(self.side), return_counts=True)
        basin, block = np.divmod(keys, self._blocks(self.side)[1])
        return basin, block, counts / self.cells[basin]

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

    def under(self, easting: Array, northing: Array) -> NDArray[np.int_]:
        """Return the sub-basin (height, width) under a lattice of places; -1 for none.

        Parameters
        ----------
        easting, northing
            (width,) and (height,) in the grid's CRS.
        """
        row, _ = self.grid.index_of(np.full(len(northing), easting[0]), northing)
        _, column = self.grid.index_of(easting, np.full(len(easting), northing[0]))
        rows, columns = (np.floor(one + 0.5).astype(int) for one in (row, column))
        height, width = self.grid.shape
        known = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))
        chosen = np.ix_(np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1))
        return np.where(known, self.owner[chosen], -1)

    def drawn(self, each: int, seed: int = 0) -> tuple[Array, NDArray[np.int_]]:
        """Draw cells at random, ``each`` of a sub-basin with replacement: places and sub-basins."""
        cell = np.flatnonzero(self.owner.ravel() >= 0)
        basin = self.owner.ravel()[cell]
        order = np.argsort(basin, kind="stable")
        first = np.concatenate([[0], np.cumsum(self.cells)])
        filled = np.flatnonzero(self.cells)
        numbers = np.repeat(filled, each)
        spot = np.random.default_rng(seed).random(len(numbers)) * self.cells[numbers]
        rows, columns = np.divmod(cell[order][(first[numbers] + spot).astype(int)], self.grid.width)
        easting, northing = self.grid.coordinates(Window(0, 0, *self.grid.shape))
        return np.column_stack([easting[columns], northing[rows]]), numbers

    def _blocks(self, side: int) -> tuple[int, int]:
        """Columns of the lattice of blocks, and blocks in all."""
        rows, columns = (-(-length // side) for length in self.grid.shape)
        return columns, rows * columns

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

    @classmethod
    def of(
        cls, basins: Basins, members: NDArray[np.int_], network: NDArray[np.int_] | None = None
    ) -> Grounds:
        """Take which sub-basins each sample stands for, (n, s)."""
        own = np.arange(len(members)) if network is None else network
        return cls(basins, sparse.csr_matrix(members, dtype=float), own)

    def __len__(self) -> int:
        return int(self.members.shape[0])

    def subset(self, rows: NDArray[np.bool_] | NDArray[np.int_] | slice) -> Grounds:
        """Keep some of the samples; the ground stays cut as it is."""
        return replace(self, members=self.members[rows], network=self.network[rows])

    @property
    def area_km2(self) -> Array:
        """(n,) area of the ground of each sample."""
        cell = self.basins.grid.pixel_width * self.basins.grid.pixel_height / 1e6
        return np.asarray(self.members @ self.basins.cells) * cell

    @property
    def shares(self) -> sparse.csr_matrix:
        """(n, s) share of each sub-basin in the ground of a sample."""
        area = self.members @ sparse.diags(self.basins.cells)
        return sparse.csr_matrix(sparse.diags(1.0 / np.asarray(area.sum(axis=1)).ravel()) @ area)

    @property
    def side_m(self) -> float:
        """Side of the square of the median area, metres."""
        return 1000.0 * math.sqrt(float(np.median(self.area_km2)))


Support = float | Grounds
"""What targets stand for: squares of a side in metres (0: points), or ground of their own."""


def part_of(support: Support, start: int, stop: int) -> Support:
    """Take the support of some of the targets."""
    return support.subset(slice(start, stop)) if isinstance(support, Grounds) else support
