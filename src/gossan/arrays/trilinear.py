"""Correct pixels with coefficients that are interpolated on a lattice of three axes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.compiled import compiled

__all__ = ["apply_coefficients"]


def apply_coefficients(
    values: NDArray[np.float32], places: NDArray[np.float32], numbers: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Compute ``y / (1 + c y)`` with ``y = a value - b``, in place.

    Parameters
    ----------
    values
        (band, row, column).
    places
        (3, row, column): position of each pixel on the axes of the lattice, from 0 to the number
        of nodes less one.
    numbers
        (band, 3, n1, n2, n3): a, b and c of each band at the nodes.

    Returns
    -------
    The values.

    Examples
    --------
    >>> numbers = np.zeros((1, 3, 2, 1, 1), np.float32)
    >>> numbers[0, 0, :, 0, 0] = 1.0, 2.0  # a doubles along the first axis
    >>> places = np.zeros((3, 1, 3), np.float32)
    >>> places[0, 0] = 0.0, 0.5, 1.0
    >>> apply_coefficients(np.ones((1, 1, 3), np.float32), places, numbers)[0, 0].tolist()
    [1.0, 1.5, 2.0]
    """
    bands, _, *shape = numbers.shape
    _apply(
        values.reshape(bands, -1),
        np.ascontiguousarray(places, np.float32).reshape(3, -1),
        np.ascontiguousarray(numbers.reshape(bands, 3, -1).transpose(2, 0, 1), np.float32),
        np.array(shape, np.int64),
    )
    return values


@compiled()
def _apply(values, places, numbers, shape):  # type: ignore[no-untyped-def]
    corners = np.empty(8, np.int64)
    weights = np.empty(8, np.float32)
    for i in range(values.shape[1]):
        count = 1
        corners[0] = 0
        weights[0] = np.float32(1.0)
        for axis in range(3):
            nodes = shape[axis]
            place = min(max(places[axis, i], np.float32(0.0)), np.float32(nodes - 1))
            below = min(int(place), max(nodes - 2, 0))
            share = place - np.float32(below)
            for k in range(count):
                corners[k] = corners[k] * nodes + below
            if nodes > 1:
                for k in range(count):
                    corners[count + k] = corners[k] + 1
                    weights[count + k] = weights[k] * share
                    weights[k] *= np.float32(1.0) - share
                count *= 2
        for band in range(values.shape[0]):
            a = b = c = np.float32(0.0)
            for k in range(count):
                a += weights[k] * numbers[corners[k], band, 0]
                b += weights[k] * numbers[corners[k], band, 1]
                c += weights[k] * numbers[corners[k], band, 2]
            y = a * values[band, i] - b
            values[band, i] = y / (np.float32(1.0) + c * y)
