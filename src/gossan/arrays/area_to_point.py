"""Area-to-point kriging on a regular grid: weights solved once, applied to every cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve

from gossan.arrays.array_type import Array

__all__ = ["CellKernel", "cell_kernel", "regularised_semivariance", "spread"]

Covariance = Callable[[ArrayLike], Array]
"""Covariance at distances in metres, without a nugget."""


@dataclass(frozen=True, eq=False)
class CellKernel:
    """The weights that bring cell values to the pixels inside a cell.

    ``weights`` (cells, factor, factor): weight of each neighbouring cell for each pixel of the
    middle one; ``offsets`` (cells, 2): row and column of the neighbour relative to the middle;
    ``variance`` (factor, factor): of the prediction error.
    """

    weights: Array
    offsets: NDArray[np.int_]
    variance: Array

    @property
    def factor(self) -> int:
        """Pixels along a side of a cell."""
        return int(self.weights.shape[1])


def cell_kernel(
    covariance: Covariance, factor: int, pixel: tuple[float, float], reach: int = 2
) -> CellKernel:
    """Solve simple area-to-point kriging of one cell from its neighbours.

    ``sum_j K_ij w_j(v) = c_i(v)`` for every pixel v of the middle cell, with ``c_i(v)`` the mean
    covariance of v with all pixels of cell i and ``K_ij`` the mean of ``c_i`` over the pixels of
    cell j. As both use the same pixels, the mean of the weights over a cell is 1 for that cell
    and 0 for the others: the prediction aggregates back to the cell values exactly.

    Parameters
    ----------
    covariance : of points, without a nugget.
    factor : pixels along a side of a cell.
    pixel : height and width of a pixel in metres.
    reach : cells to every side that take part.

    Returns
    -------
    Weights, the same for every cell of the grid.

    Examples
    --------
    >>> kernel = cell_kernel(lambda h: np.exp(-np.asarray(h) / 300.0), 4, (20.0, 30.0))
    >>> kernel.weights.mean(axis=(1, 2)).round(9)[12], kernel.weights.shape
    (np.float64(1.0), (25, 4, 4))

    Sources: Kyriakidis 2004; Goovaerts 2008; Wang et al. 2015.
    """
    means = _cell_means(covariance, factor, pixel, 2 * reach)
    span = np.arange(-reach, reach + 1)
    offsets = np.array([(i, j) for i in span for j in span])
    towards = -offsets  # of the middle cell, seen from each neighbour
    to_pixel = np.stack([_block(means, step, factor, 2 * reach) for step in towards])
    between = np.array(
        [
            [_block(means, there - here, factor, 2 * reach).mean() for there in offsets]
            for here in offsets
        ]
    )
    weights = solve(between, to_pixel.reshape(len(offsets), -1), assume_a="sym")
    weights = weights.reshape(-1, factor, factor)
    variance = float(covariance(np.zeros(1))[0]) - (weights * to_pixel).sum(axis=0)
    return CellKernel(weights, offsets, np.maximum(variance, 0.0))


def _cell_means(
    covariance: Covariance, factor: int, pixel: tuple[float, float], cells: int
) -> Array:
    """Return the mean covariance of a cell with each pixel of the cells around it.

    Square of ``(2 cells + 1) factor`` pixels a side, the cell in the middle.
    """
    wide = (2 * cells + 1) * factor
    lag = np.arange(-(cells + 1) * factor + 1, (cells + 1) * factor)
    rows, cols = np.abs(lag) * pixel[0], np.abs(lag) * pixel[1]
    field = np.empty((lag.size, lag.size))
    half = lag.size // 2
    quarter = covariance(np.hypot(rows[half:, None], cols[None, half:]))
    field[half:, half:] = quarter
    field[: half + 1, half:] = quarter[::-1]
    field[:, : half + 1] = field[:, half:][:, ::-1]
    for axis in (0, 1):
        total = np.cumsum(field, axis=axis)
        total = np.insert(total, 0, 0.0, axis=axis)
        upper = np.take(total, np.arange(factor, factor + wide), axis=axis)
        field = (upper - np.take(total, np.arange(wide), axis=axis)) / factor
    return field


def _block(means: Array, step: NDArray[np.int_], factor: int, cells: int) -> Array:
    """Return the pixels of the cell that lies ``step`` cells from the middle."""
    row, col = (cells + step) * factor
    return means[row : row + factor, col : col + factor]


def regularised_semivariance(
    covariance: Covariance, cell: tuple[float, float], lags: NDArray[np.int_], points: int = 6
) -> Array:
    """Return the semivariance between cells that a point covariance implies.

    ``g_V(h) = C(V, V) - C(V, V_h)``, block means by Gauss-Legendre quadrature.

    Parameters
    ----------
    covariance : of points, without a nugget.
    cell : height and width of a cell in metres.
    lags : (k, 2) separation in cells, rows and columns.
    points : quadrature points along a side.

    Source: Journel & Huijbregts 1978, ch. II.D.
    """
    node, weight = np.polynomial.legendre.leggauss(points)
    apart = (node[:, None] - node[None, :]).ravel() / 2.0
    mass = np.outer(weight, weight).ravel() / 4.0
    dy, dx = np.meshgrid(apart, apart, indexing="ij")
    both = np.outer(mass, mass)
    steps = np.vstack([[0, 0], lags])
    mean = [
        (both * covariance(np.hypot((dy + i) * cell[0], (dx + j) * cell[1]))).sum()
        for i, j in steps
    ]
    return np.asarray(mean[0] - np.array(mean[1:]))


def spread(
    values: Array, kernel: CellKernel, row: NDArray[np.int_], col: NDArray[np.int_]
) -> Array:
    """Bring cell values to pixels.

    Parameters
    ----------
    values : (height, width) of cells; outside them values count as 0, the mean of a residual.
    kernel : weights of the grid.
    row, col : rows and columns of pixels, arrays that broadcast together.

    Returns
    -------
    Values at the pixels.
    """
    factor, reach = kernel.factor, int(np.abs(kernel.offsets).max())
    padded = np.pad(values, reach)
    cell_row, cell_col = row // factor + reach, col // factor + reach
    inner_row, inner_col = row % factor, col % factor
    total = np.zeros(np.broadcast_shapes(np.shape(row), np.shape(col)))
    for weight, (i, j) in zip(kernel.weights, kernel.offsets):
        total += weight[inner_row, inner_col] * padded[cell_row + i, cell_col + j]
    return total
