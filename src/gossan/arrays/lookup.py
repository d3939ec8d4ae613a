"""Look whole numbers up in a table: any chain of per-pixel steps on digital numbers in one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.compiled import compiled


def look_up(
    numbers: NDArray[np.unsignedinteger], tables: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Replace every digital number by its band's table entry.

    Parameters
    ----------
    numbers
        (band, height, width) unsigned.
    tables
        (band, entries); numbers beyond the last entry take the last.

    Returns
    -------
    (band, height, width) float32.

    Examples
    --------
    >>> tables = np.array([[np.nan, 0.0, 0.5]], np.float32)
    >>> look_up(np.array([[[0, 1, 2, 9]]], np.uint8), tables)
    array([[[nan, 0. , 0.5, 0.5]]], dtype=float32)
    """
    result = np.empty(numbers.shape, np.float32)
    _look_up(numbers, np.ascontiguousarray(tables, np.float32), result)
    return result


@compiled()
def _look_up(numbers, tables, result):  # type: ignore[no-untyped-def]
    last = tables.shape[1] - 1
    for k in range(numbers.shape[0]):
        table = tables[k]
        for y in range(numbers.shape[1]):
            source, target = numbers[k, y], result[k, y]
            for x in range(source.size):
                target[x] = table[min(source[x], last)]
