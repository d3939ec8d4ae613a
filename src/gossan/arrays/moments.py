"""Moments that add: counts, means and covariances, exact over blocks.

Everything is added up in float64 about a value close to the mean, and two parts are joined by
the shift formula of Chan, Golub and LeVeque (1983, American Statistician 37(3)): no digits are
lost to a large mean, as they are when squares of float32 reflectances are added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.compiled import compiled

__all__ = ["Moments", "Principal", "least_squares", "moments", "principal_axes"]

TILE = 512
"""Pixels worked on at a time: the bands of one tile stay in the processor's first cache."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Count, mean and centred products of d variables; records add with ``+``.

    Parameters
    ----------
    count
        Pixels with all variables filled.
    mean
        (d,) means.
    products
        (d, d) sums of ``(x - mean)(x - mean)'``.

    Examples
    --------
    >>> values = np.array([[1.0, 2.0, 4.0, 7.0], [0.0, 1.0, 0.0, 3.0]])
    >>> whole = moments(values)
    >>> parts = moments(values[:, :1]) + moments(values[:, 1:])
    >>> bool(np.allclose(whole.covariance, parts.covariance))
    True
    """

    count: int
    mean: NDArray[np.float64]
    products: NDArray[np.float64]

    def __add__(self, other: Moments) -> Moments:
        if not self.count or not other.count:
            return other if not self.count else self
        total = self.count + other.count
        shift = other.mean - self.mean
        products = self.products + other.products
        products = products + np.outer(shift, shift) * (self.count * other.count / total)
        return Moments(total, self.mean + shift * (other.count / total), products)

    @property
    def covariance(self) -> NDArray[np.float64]:
        """(d, d) covariance, divided by count - 1."""
        return self.products / max(self.count - 1, 1)

    @property
    def deviation(self) -> NDArray[np.float64]:
        """(d,) standard deviations."""
        return np.sqrt(np.diag(self.covariance))


def moments(
    values: NDArray[np.generic],
    centre: NDArray[np.float64] | None = None,
    scale: NDArray[np.float64] | None = None,
    limit: float = np.inf,
    empty: float | None = None,
) -> Moments:
    """Add up the moments of a block.

    Parameters
    ----------
    values
        (d, ...) of any number type; a pixel counts only if every variable is finite.
    centre, scale
        (d,) the variables are taken as ``(x - centre) / scale``; 0 and 1 by default.
    limit
        Scaled values beyond +-limit count as +-limit (winsorised).
    empty
        A number that marks empty values beside NaN, as files of integers have.

    Returns
    -------
    Moments of the scaled variables.

    Examples
    --------
    >>> found = moments(np.array([[1.0, np.nan, 3.0]]))
    >>> found.count, found.mean.tolist(), found.covariance.tolist()
    (2, [2.0], [[2.0]])
    """
    flat = np.ascontiguousarray(values).reshape(len(values), -1)
    d = len(flat)
    centre = np.zeros(d) if centre is None else np.asarray(centre, float)
    scale = np.ones(d) if scale is None else np.asarray(scale, float)
    mark = np.nan if empty is None else float(empty)
    start = _first_filled(flat, mark)
    if start < 0:
        return Moments(0, np.zeros(d), np.zeros((d, d)))
    shift = np.clip((flat[:, start].astype(float) - centre) / scale, -limit, limit)
    sums, products = np.zeros(d), np.zeros((d, d))
    count = _add_products(flat, mark, centre, 1.0 / scale, limit, shift, sums, products)
    mean = sums / count
    upper = np.triu(products) - count * np.triu(np.outer(mean, mean))
    full = upper + np.triu(upper, 1).T
    return Moments(int(count), shift + mean, full)


@compiled()
def _first_filled(flat, mark):  # type: ignore[no-untyped-def]
    for i in range(flat.shape[1]):
        filled = True
        for k in range(flat.shape[0]):
            if not np.isfinite(flat[k, i]) or np.float64(flat[k, i]) == mark:
                filled = False
        if filled:
            return i
    return -1


@compiled()
def _add_products(flat, mark, centre, factor, limit, shift, sums, products):  # type: ignore[no-untyped-def]
    d, n = flat.shape
    tile = np.zeros((d + d % 2, TILE))
    empty = np.empty(TILE)
    count = 0
    for start in range(0, n, TILE):
        size = min(TILE, n - start)
        empty[:] = 0.0
        for k in range(d):
            source = flat[k, start : start + size]
            _scale(source, mark, centre[k], factor[k], limit, shift[k], tile[k])
            _mark(tile[k, :size], empty)
        filled = size - _clear(tile, empty, size)
        if filled:
            _add_tile(tile, size, sums, products)
            count += filled
    return count


@compiled()
def _scale(source, mark, centre, factor, limit, shift, target):  # type: ignore[no-untyped-def]
    for i in range(source.size):
        value = np.float64(source[i])
        target[i] = (value - centre) * factor if value != mark else np.nan
    if limit < np.inf:
        for i in range(source.size):
            value = target[i]
            target[i] = limit if value > limit else (-limit if value < -limit else value)
    for i in range(source.size):
        target[i] -= shift


@compiled()
def _mark(values, empty):  # type: ignore[no-untyped-def]
    """Add NaN to ``empty`` where a value is not finite."""
    for i in range(values.size):
        empty[i] += values[i] * 0.0


@compiled()
def _clear(tile, empty, size):  # type: ignore[no-untyped-def]
    """Put 0 at the marked pixels of a tile; count them."""
    count = 0
    for i in range(size):
        if empty[i] != 0.0:
            count += 1
            for k in range(tile.shape[0]):
                tile[k, i] = 0.0
    return count


@compiled()
def _add_tile(tile, size, sums, products):  # type: ignore[no-untyped-def]
    """Add all pairs of variables, two by two: each value is loaded once for two products."""
    d = sums.size
    for k in range(0, d, 2):
        first, second = tile[k, :size], tile[k + 1, :size]
        sums[k] += _sum(first)
        if k + 1 < d:
            sums[k + 1] += _sum(second)
        for m in range(k, d, 2):
            found = _dots(first, second, tile[m, :size], tile[m + 1, :size])
            for j in range(4):
                row, col = k + j // 2, m + j % 2
                if row <= col < d:
                    products[row, col] += found[j]


@compiled(fastmath={"reassoc", "contract"})
def _dots(first, second, third, fourth):  # type: ignore[no-untyped-def]
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    for i in range(first.size):
        a += first[i] * third[i]
        b += first[i] * fourth[i]
        c += second[i] * third[i]
        d += second[i] * fourth[i]
    return a, b, c, d


@compiled(fastmath={"reassoc"})
def _sum(values):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(values.size):
        total += values[i]
    return total


@dataclass(frozen=True, eq=False)
class Principal:
    """Principal axes.

    Parameters
    ----------
    loadings
        (components, d) unit vectors, first the one of the largest variance.
    variances
        (components,) variance along each axis, of the d variables as they were scaled.
    """

    loadings: NDArray[np.float64]
    variances: NDArray[np.float64]

    @property
    def shares(self) -> NDArray[np.float64]:
        """(components,) share of the total variance."""
        return self.variances / self.variances.sum()


def principal_axes(
    covariance: NDArray[np.float64], positive: Sequence[int | None] | int | None = None
) -> Principal:
    """Find the principal axes of a covariance matrix, with a stated sign.

    Parameters
    ----------
    covariance
        (d, d), symmetric.
    positive
        Index of the variable whose loading shall be positive, for all axes or one an axis; None:
        the largest loading of the axis (the first of equals) is positive.

    Returns
    -------
    Principal axes in falling order of variance.

    Examples
    --------
    >>> axes = principal_axes(np.array([[2.0, 1.0], [1.0, 2.0]]))
    >>> axes.variances.round(6).tolist(), (axes.loadings[0] * 2**0.5).round(6).tolist()
    ([3.0, 1.0], [1.0, 1.0])
    """
    values, vectors = np.linalg.eigh(covariance)
    loadings = vectors.T[::-1].copy()
    wanted = list(positive) if isinstance(positive, Sequence) else [positive] * len(loadings)
    for axis, named in zip(loadings, wanted):
        size = np.abs(axis)
        largest = int(np.flatnonzero(size >= size.max() * (1 - 1e-9))[0])
        key = largest if named is None or size[named] < 1e-12 else named
        if axis[key] < 0:
            axis *= -1
    return Principal(loadings, np.maximum(values[::-1], 0.0))


def least_squares(
    products: NDArray[np.float64], cross: NDArray[np.float64], tolerance: float = 1e-10
) -> tuple[NDArray[np.float64], int]:
    """Solve centred normal equations, leaving out directions without variance.

    Parameters
    ----------
    products
        (d, d) centred sums X'X.
    cross
        (d, ...) centred sums X'y.
    tolerance
        Directions of the correlation matrix below this share of the largest count as empty.

    Returns
    -------
    Slopes of the shape of ``cross`` (0 along empty directions) and the rank.

    Examples
    --------
    >>> slopes, rank = least_squares(np.array([[4.0, 0.0], [0.0, 0.0]]), np.array([2.0, 0.0]))
    >>> slopes.tolist(), rank
    ([0.5, 0.0], 1)
    """
    spread = np.sqrt(np.maximum(np.diag(products), 0.0))
    scale = np.where(spread > 0, spread, 1.0)
    values, vectors = np.linalg.eigh(products / np.outer(scale, scale))
    keep = values > tolerance * max(values.max(initial=0.0), 1e-300)
    keep &= values > 0
    basis = vectors[:, keep]
    inverse = (basis / values[keep]) @ basis.T
    slopes = np.tensordot(inverse / np.outer(scale, scale), cross, axes=1)
    return slopes, int(keep.sum())
