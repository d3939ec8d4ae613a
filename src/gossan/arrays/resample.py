"""Weights that carry values between a coarse lattice and pixels, one axis at a time.

A smooth field is written as ``field = rows @ lattice @ columns.T``. Each axis has a narrow
matrix (a few weights a pixel) held as ``Taps``; `interpolate` applies the pair to a window, and
`project` applies the transposed pair, so that sums over pixels are added up on the lattice.
Cubic convolution, the expansion of a pyramid and its reduction are all of this form.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from gossan.arrays.compiled import compiled

__all__ = ["Taps", "cubic_taps", "interpolate", "interpolate_at", "keys", "project"]

A = -0.5
"""Keys' constant: the only one for which cubic convolution is of third order."""


@dataclass(frozen=True, eq=False)
class Taps:
    """A narrow matrix (pixels, nodes) along one axis: a few weights a row.

    ``value[i] = sum_t weights[i, t] * nodes[first[i] + t]``

    Parameters
    ----------
    first
        (pixels,) first node that each pixel looks at.
    weights
        (pixels, taps) its weights.
    nodes
        Number of nodes of the lattice along this axis.

    Examples
    --------
    >>> taps = Taps.of(np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]))
    >>> taps.first.tolist(), taps.weights.tolist()
    ([0, 0, 1], [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])
    """

    first: NDArray[np.int64]
    weights: NDArray[np.float64] = field(repr=False)
    nodes: int

    def __len__(self) -> int:
        return len(self.first)

    @classmethod
    def of(cls, matrix: ArrayLike | sparse.sparray) -> Taps:
        """Pack a matrix (pixels, nodes) whose rows are narrow."""
        rows = sparse.csr_array(matrix)
        rows.eliminate_zeros()
        rows.sort_indices()
        count, nodes = rows.shape
        filled = np.diff(rows.indptr) > 0
        start, stop = np.zeros(count, np.int64), np.ones(count, np.int64)
        start[filled] = rows.indices[rows.indptr[:-1][filled]]
        stop[filled] = rows.indices[rows.indptr[1:][filled] - 1] + 1
        width = int((stop - start).max())
        first = np.minimum(start, nodes - width)
        weights = np.zeros((count, width))
        row = np.repeat(np.arange(count), np.diff(rows.indptr))
        weights[row, rows.indices - first[row]] = rows.data
        return cls(first, weights, nodes)

    def matrix(self) -> sparse.csr_array:
        """Return the matrix (pixels, nodes), sparse."""
        count, width = self.weights.shape
        columns = self.first[:, None] + np.arange(width)
        pointers = np.arange(count + 1) * width
        return sparse.csr_array(
            (self.weights.ravel(), columns.ravel(), pointers), shape=(count, self.nodes)
        )

    def part(self, start: int, stop: int) -> Taps:
        """Return the taps of pixels start .. stop - 1."""
        return Taps(self.first[start:stop], self.weights[start:stop], self.nodes)

    def moved(self, nodes: int) -> Taps:
        """Shift the numbering of the nodes."""
        return Taps(self.first + nodes, self.weights, self.nodes + nodes)

    def take(self, pixels: NDArray[np.int64]) -> Taps:
        """Return the taps of some pixels, in any order."""
        return Taps(self.first[pixels], self.weights[pixels], self.nodes)

    def reach(self) -> tuple[int, int]:
        """Return the nodes that these pixels look at: first, and one past the last."""
        return int(self.first.min()), int(self.first.max()) + self.weights.shape[1]

    def local(self) -> tuple[Taps, slice]:
        """Renumber the nodes to those within reach; give the slice of the lattice as well."""
        start, stop = self.reach()
        return Taps(self.first - start, self.weights, stop - start), slice(start, stop)


def keys(distance: ArrayLike) -> NDArray[np.float64]:
    """Weigh a node by cubic convolution.

    ``w(s) = (a+2)|s|^3 - (a+3)|s|^2 + 1`` for |s| <= 1,
    ``a|s|^3 - 5a|s|^2 + 8a|s| - 4a`` for 1 < |s| < 2, else 0; a = -0.5.

    Parameters
    ----------
    distance
        Distance from the node, in node spacings.

    Examples
    --------
    >>> keys([0.0, 0.5, 1.0, 1.5, 2.0]).tolist()
    [1.0, 0.5625, 0.0, -0.0625, 0.0]

    Source: Keys 1981, IEEE Trans. ASSP 29(6), eq. 15; as GDAL's ``cubic``.
    """
    s = np.abs(np.asarray(distance, float))
    near = ((A + 2) * s - (A + 3)) * s * s + 1
    far = ((A * s - 5 * A) * s + 8 * A) * s - 4 * A
    return np.where(s <= 1, near, np.where(s < 2, far, 0.0))


def cubic_taps(positions: ArrayLike, nodes: int) -> Taps:
    """Return the weights of cubic convolution (Keys, a = -0.5) along one axis.

    Where the four nodes do not all exist, the weights fall back to the linear ones, as GDAL does
    at the edge of a source; beyond the outermost node its value is kept.

    Parameters
    ----------
    positions
        (pixels,) where the pixels are, in node spacings; the first node is at 0.0.
    nodes
        Number of nodes.

    Returns
    -------
    Taps; each row adds up to 1.

    Examples
    --------
    >>> cubic_taps([1.5], 4).weights[0].tolist()
    [-0.0625, 0.5625, 0.5625, -0.0625]
    >>> cubic_taps([0.25, -0.4], 4).weights.tolist()
    [[0.75, 0.25, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]]
    """
    place = np.clip(np.asarray(positions, float), 0.0, nodes - 1.0)
    base = np.clip(np.floor(place).astype(np.int64), 0, max(nodes - 2, 0))
    width = min(4, nodes)
    first = np.clip(base - 1, 0, nodes - width)
    offset = first[:, None] + np.arange(width) - place[:, None]
    whole = ((base >= 1) & (base + 2 < nodes)) | (place == base)
    linear = np.maximum(1.0 - np.abs(offset), 0.0)
    return Taps(first, np.where(whole[:, None], keys(offset), linear), nodes)


def interpolate(rows: Taps, columns: Taps, lattice: NDArray[np.floating]) -> NDArray[np.float32]:
    """Bring a lattice to the pixels of a window: ``rows @ lattice @ columns.T``.

    Parameters
    ----------
    rows, columns
        Taps of the window's rows (height) and columns (width).
    lattice
        (..., nodes of rows, nodes of columns).

    Returns
    -------
    (..., height, width) float32.

    Examples
    --------
    >>> taps = cubic_taps([1.0, 1.5, 2.0], 4)
    >>> ramp = np.arange(4.0)[:, None] + np.zeros(4)
    >>> interpolate(taps, taps, ramp)[:, 0].tolist()
    [1.0, 1.5, 2.0]
    """
    near_rows, row_slice = rows.local()
    near_columns, column_slice = columns.local()
    near = np.ascontiguousarray(lattice[..., row_slice, column_slice], np.float64)
    stack = near.reshape(-1, *near.shape[-2:])
    result = np.empty((len(stack), len(rows), len(columns)), np.float32)
    _interpolate(
        near_rows.first,
        np.ascontiguousarray(near_rows.weights),
        near_columns.first,
        np.ascontiguousarray(near_columns.weights),
        stack,
        result,
    )
    return result.reshape(*near.shape[:-2], len(rows), len(columns))


@compiled()
def _interpolate(row_first, row_weights, col_first, col_weights, lattice, result):  # type: ignore[no-untyped-def]
    """Widen every lattice row first; then each pixel row is a sum over whole lines."""
    wide = np.empty((lattice.shape[1], col_first.size))
    line = np.empty(col_first.size)
    across = np.ascontiguousarray(col_weights.T)
    for k in range(lattice.shape[0]):
        wide[:] = 0.0
        for j in range(wide.shape[0]):
            for t in range(col_weights.shape[1]):
                for x in range(line.size):
                    wide[j, x] += across[t, x] * lattice[k, j, col_first[x] + t]
        for y in range(row_first.size):
            line[:] = 0.0
            for t in range(row_weights.shape[1]):
                weight, source = row_weights[y, t], wide[row_first[y] + t]
                for x in range(line.size):
                    line[x] += weight * source[x]
            result[k, y, :] = line


def interpolate_at(rows: Taps, columns: Taps, lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bring a lattice to scattered pixels: row i of both taps belongs to pixel i.

    Returns (..., pixels) float64.

    >>> taps = cubic_taps([1.0, 1.5], 4)
    >>> interpolate_at(taps, taps, np.arange(4.0)[:, None] + np.zeros(4)).tolist()
    [1.0, 1.5]
    """
    stack = np.ascontiguousarray(lattice, np.float64).reshape(-1, *lattice.shape[-2:])
    result = np.zeros((len(stack), len(rows)))
    _interpolate_at(rows.first, rows.weights, columns.first, columns.weights, stack, result)
    return result.reshape(*lattice.shape[:-2], len(rows))


@compiled()
def _interpolate_at(row_first, row_weights, col_first, col_weights, lattice, result):  # type: ignore[no-untyped-def]
    for k in range(lattice.shape[0]):
        for i in range(row_first.size):
            total = 0.0
            for t in range(row_weights.shape[1]):
                line = 0.0
                for u in range(col_weights.shape[1]):
                    line += col_weights[i, u] * lattice[k, row_first[i] + t, col_first[i] + u]
                total += row_weights[i, t] * line
            result[k, i] = total


def project(
    rows: Taps, columns: Taps, values: NDArray[np.floating]
) -> tuple[NDArray[np.float64], tuple[slice, slice]]:
    """Add the pixels of a window up on the lattice: ``rows.T @ values @ columns``.

    Parameters
    ----------
    rows, columns
        Taps of the window's rows and columns.
    values
        (bands, height, width); no NaN.

    Returns
    -------
    (bands, nodes, nodes) float64 for the nodes within reach, and where they lie in the lattice.
    Sums of windows that cover a grid add up to that of the grid.

    Examples
    --------
    >>> taps = cubic_taps([1.0, 1.5], 4)
    >>> sums, place = project(taps, taps, np.ones((1, 2, 2)))
    >>> float(sums.sum()), place
    (4.0, (slice(0, 4, None), slice(0, 4, None)))
    """
    near_rows, row_slice = rows.local()
    near_columns, column_slice = columns.local()
    sums = np.zeros((len(values), near_rows.nodes, near_columns.nodes))
    _project(
        near_rows.first,
        np.ascontiguousarray(near_rows.weights),
        near_columns.first,
        np.ascontiguousarray(near_columns.weights),
        np.ascontiguousarray(values),
        sums,
    )
    return sums, (row_slice, column_slice)


@compiled()
def _project(row_first, row_weights, col_first, col_weights, values, sums):  # type: ignore[no-untyped-def]
    """Add whole pixel rows up on the lattice rows first; then each of those along the columns."""
    wide = np.empty((sums.shape[1], col_first.size))
    for k in range(values.shape[0]):
        wide[:] = 0.0
        for y in range(row_first.size):
            source = values[k, y]
            for t in range(row_weights.shape[1]):
                weight, target = row_weights[y, t], wide[row_first[y] + t]
                for x in range(target.size):
                    target[x] += weight * source[x]
        for j in range(wide.shape[0]):
            for x in range(col_first.size):
                for t in range(col_weights.shape[1]):
                    sums[k, j, col_first[x] + t] += col_weights[x, t] * wide[j, x]
