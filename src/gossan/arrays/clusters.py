"""Classes of pixels: the nearest centre, and sums per class that add over blocks."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.compiled import compiled
from gossan.arrays.resample import Taps

__all__ = ["EMPTY", "ClusterSums", "apply_lines", "cluster_sums", "nearest_centre"]

EMPTY = 255
"""Label of a pixel that has no class because a variable is empty."""

TILE = 512
"""Pixels worked on at a time, so that they stay in the processor's first cache."""


def nearest_centre(
    values: NDArray[np.float32],
    centre: NDArray[np.float64],
    scale: NDArray[np.float64],
    centres: NDArray[np.float64],
) -> NDArray[np.uint8]:
    """Label every pixel with its nearest centre (Euclidean, of standardised variables).

    Parameters
    ----------
    values
        (d, height, width); NaN is empty.
    centre, scale
        (d,) a variable is standardised as ``(x - centre) / scale``.
    centres
        (classes, d) in standardised units.

    Returns
    -------
    (height, width) uint8; ``EMPTY`` where any variable is empty.

    Examples
    --------
    >>> values = np.array([[[0.0, 9.0, np.nan]]], np.float32)
    >>> nearest_centre(values, np.zeros(1), np.ones(1), np.array([[1.0], [8.0]])).tolist()
    [[0, 1, 255]]
    """
    d, height, width = values.shape
    labels = np.empty(height * width, np.uint8)
    flat = np.ascontiguousarray(values, np.float32).reshape(d, -1)
    factor = 1.0 / np.asarray(scale, float)
    _nearest(flat, np.asarray(centre, float), factor, np.asarray(centres, np.float32), labels)
    return labels.reshape(height, width)


@compiled()
def _nearest(flat, centre, factor, centres, labels):  # type: ignore[no-untyped-def]
    d, count = flat.shape
    scaled = np.empty((d, TILE), np.float32)
    best, distance = np.empty(TILE, np.float32), np.empty(TILE, np.float32)
    winner = np.empty(TILE, np.float32)
    for start in range(0, count, TILE):
        size = min(TILE, count - start)
        for k in range(d):
            source, target = flat[k, start : start + size], scaled[k]
            for i in range(size):
                target[i] = (source[i] - centre[k]) * factor[k]
        best[:] = np.inf
        winner[:] = EMPTY
        for c in range(centres.shape[0]):
            distance[:] = 0.0
            for k in range(d):
                source, middle = scaled[k], centres[c, k]
                for i in range(size):
                    distance[i] += (source[i] - middle) * (source[i] - middle)
            number = np.float32(c)
            for i in range(size):
                closer = distance[i] < best[i]
                winner[i] = number if closer else winner[i]
                best[i] = distance[i] if closer else best[i]
        target = labels[start : start + size]
        for i in range(size):
            target[i] = np.uint8(winner[i])


@dataclass(frozen=True, eq=False)
class ClusterSums:
    """Counts, sums and products of d variables per class; records add with ``+``.

    Parameters
    ----------
    count
        (classes,) pixels.
    sums
        (classes, d) sums of ``x - shift``.
    products
        (classes, d, d) sums of ``(x - shift)(x - shift)'``.
    shift
        (d,) a value near the mean, the same for all records that are added.
    """

    count: NDArray[np.float64]
    sums: NDArray[np.float64] = field(repr=False)
    products: NDArray[np.float64] = field(repr=False)
    shift: NDArray[np.float64] = field(repr=False)

    def __add__(self, other: ClusterSums) -> ClusterSums:
        return ClusterSums(
            self.count + other.count,
            self.sums + other.sums,
            self.products + other.products,
            self.shift,
        )

    def merged(self) -> ClusterSums:
        """Take all classes as one."""
        return ClusterSums(
            self.count.sum(keepdims=True),
            self.sums.sum(axis=0, keepdims=True),
            self.products.sum(axis=0, keepdims=True),
            self.shift,
        )


def cluster_sums(
    labels: NDArray[np.uint8],
    values: NDArray[np.float32],
    classes: int,
    shift: NDArray[np.float64],
    rows: Taps,
    columns: Taps,
) -> tuple[ClusterSums, NDArray[np.float64], tuple[slice, slice]]:
    """Add up per class what least squares on smooth targets needs.

    A target that is interpolated from a lattice, ``y = rows @ q @ columns.T``, has
    ``sum over class c of x y = sum of lattice[c] * q``: the last array holds, for every class,
    1 and every variable projected on the lattice. It serves any number of targets.

    Parameters
    ----------
    labels
        (height, width) class of each pixel; ``EMPTY`` for none.
    values
        (d, height, width), filled where labels are.
    classes
        Number of classes.
    shift
        (d,) values near the means.
    rows, columns
        Taps of the window's rows and columns from the lattice of the targets; the weights of
        each pixel add up to 1.

    Returns
    -------
    ClusterSums; (classes, d + 1, nodes, nodes) the projections of 1 and of ``x - shift``; their
    place in the lattice.
    """
    near_rows, row_slice = rows.local()
    near_columns, column_slice = columns.local()
    d = len(values)
    lattice = np.zeros((classes + 1, d + 1, near_rows.nodes, near_columns.nodes))
    products = np.zeros((classes + 1, d, d))
    _cluster_sums(
        labels,
        np.ascontiguousarray(values, np.float32),
        np.asarray(shift, float),
        (near_rows.first, np.ascontiguousarray(near_rows.weights)),
        (near_columns.first, np.ascontiguousarray(near_columns.weights)),
        lattice,
        products,
    )
    products, lattice = products[:classes], lattice[:classes]
    full = products + np.triu(products, 1).swapaxes(1, 2)
    total = lattice.sum(axis=(2, 3))  # the weights of a pixel add up to 1
    sums = ClusterSums(np.rint(total[:, 0]), total[:, 1:], full, shift)
    return sums, lattice, (row_slice, column_slice)


@compiled()
def _cluster_sums(labels, values, shift, rows, columns, lattice, products):  # type: ignore[no-untyped-def]
    """Work row by row: class and values of a row, their products, their place on the lattice.

    ``rows`` and ``columns`` hold first nodes and weights of the taps. Pixels without a class go to
    one slot more, which is thrown away.
    """
    (row_first, row_weights), (col_first, col_weights) = rows, columns
    slots, bands, _, nodes = lattice.shape
    width = labels.shape[1]
    slot = np.empty(width, np.uint64)
    pixel = np.empty((bands, width))
    pixel[0] = 1.0
    line = np.empty(slots * bands * nodes)
    for y in range(labels.shape[0]):
        row = labels[y]
        for x in range(width):
            slot[x] = slots - 1 if row[x] == EMPTY else row[x]
        for k in range(1, bands):
            source, target, centre = values[k - 1, y], pixel[k], shift[k - 1]
            for x in range(width):
                target[x] = source[x] - centre
        _add_class_products(slot, pixel[1:], products)
        line[:] = 0.0
        for k in range(bands):
            _add_line(slot, pixel[k], k, bands, nodes, col_first, col_weights, line)
        for c in range(slots - 1):
            for k in range(bands):
                begin = (c * bands + k) * nodes
                short = line[begin : begin + nodes]
                for t in range(row_weights.shape[1]):
                    weight, target = row_weights[y, t], lattice[c, k, row_first[y] + t]
                    for j in range(nodes):
                        target[j] += weight * short[j]


@compiled()
def _add_class_products(slot, pixel, products):  # type: ignore[no-untyped-def]
    sums = np.empty(products.shape[0])
    for k in range(pixel.shape[0]):
        for m in range(k, pixel.shape[0]):
            first, second = pixel[k], pixel[m]
            sums[:] = 0.0
            for x in range(slot.size):
                sums[slot[x]] += first[x] * second[x]
            products[:, k, m] += sums


@compiled()
def _add_line(slot, values, band, bands, nodes, col_first, col_weights, line):  # type: ignore[no-untyped-def]
    """Scatter a pixel row to the lattice columns of its classes."""
    taps = col_weights.shape[1]
    for x in range(slot.size):
        start = (slot[x] * np.uint64(bands) + np.uint64(band)) * np.uint64(nodes)
        start += np.uint64(col_first[x])
        value = values[x]
        if taps == 4:
            line[start] += col_weights[x, 0] * value
            line[start + np.uint64(1)] += col_weights[x, 1] * value
            line[start + np.uint64(2)] += col_weights[x, 2] * value
            line[start + np.uint64(3)] += col_weights[x, 3] * value
        else:
            for t in range(taps):
                line[start + np.uint64(t)] += col_weights[x, t] * value


def apply_lines(
    labels: NDArray[np.uint8],
    values: NDArray[np.float32],
    constants: NDArray[np.float64],
    slopes: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Return ``constants[c] + slopes[c] . values`` of each pixel, c its class.

    Parameters
    ----------
    labels
        (height, width); ``EMPTY`` for none.
    values
        (d, height, width).
    constants, slopes
        (classes,) and (classes, d).

    Returns
    -------
    (height, width) float32; NaN where a pixel has no class.

    Examples
    --------
    >>> labels = np.array([[0, 1, EMPTY]], np.uint8)
    >>> values = np.array([[[2.0, 2.0, 2.0]]], np.float32)
    >>> apply_lines(labels, values, np.array([0.0, 1.0]), np.array([[10.0], [20.0]])).tolist()
    [[20.0, 41.0, nan]]
    """
    classes, d = slopes.shape
    lines = np.full((classes + 1, d + 1), np.nan)
    lines[:classes, 0], lines[:classes, 1:] = constants, slopes
    result = np.empty(labels.shape, np.float32)
    _apply_lines(labels, np.ascontiguousarray(values, np.float32), lines, result)
    return result


@compiled()
def _apply_lines(labels, values, lines, result):  # type: ignore[no-untyped-def]
    last = lines.shape[0] - 1
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            slot = np.uint64(min(labels[y, x], last))
            total = lines[slot, 0]
            for k in range(values.shape[0]):
                total += lines[slot, k + 1] * values[k, y, x]
            result[y, x] = total
