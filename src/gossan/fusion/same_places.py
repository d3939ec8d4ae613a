"""Samples of several elements at the very same places."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.array_type import Array

__all__ = ["rows_at"]


def rows_at(places: Array, others: Array) -> NDArray[np.int_]:
    """Find for each place (n, 2) the row of the other places (m, 2) at the very same one, or -1.

    >>> rows_at(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[3.0, 4.0], [5.0, 6.0]])).tolist()
    [-1, 0]
    """
    one, two = (np.asarray(xy, np.float64) @ [1.0, 1j] for xy in (places, others))
    if not len(two):
        return np.full(len(one), -1)
    order = np.argsort(two, kind="stable")
    at = order[np.minimum(np.searchsorted(two[order], one), len(two) - 1)]
    return np.where(two[at] == one, at, -1)
