"""Turn digital numbers into physical values in one pass over memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.compiled import compiled

__all__ = ["scale_numbers"]


def scale_numbers(
    numbers: NDArray[np.float32],
    offsets: NDArray[np.float64],
    divisor: float,
    nodata: float,
    saturated: float,
) -> NDArray[np.float32]:
    """Scale bands of digital numbers: ``(number + offset) / divisor``.

    Parameters
    ----------
    numbers
        (band, row, column).
    offsets
        (band,) added first.
    divisor
        Of all bands.
    nodata, saturated
        Numbers that give NaN; tested before anything is added.

    Returns
    -------
    (band, row, column) float32, a new array.

    >>> numbers = np.array([[[0, 3000, 65535]]], np.float32)
    >>> scale_numbers(numbers, np.array([-1000.0]), 1e4, 0, 65535)
    array([[[nan, 0.2, nan]]], dtype=float32)
    """
    source = np.ascontiguousarray(numbers, np.float32)
    result = np.empty_like(source)
    shape = (len(source), -1)
    _scale(
        source.reshape(shape),
        np.asarray(offsets, np.float32),
        np.float32(divisor),
        np.float32(nodata),
        np.float32(saturated),
        result.reshape(shape),
    )
    return result


@compiled()
def _scale(source, offsets, divisor, nodata, saturated, result):  # type: ignore[no-untyped-def]
    for k in range(source.shape[0]):
        offset, numbers, values = offsets[k], source[k], result[k]
        for i in range(numbers.size):
            number = numbers[i]
            empty = number in (nodata, saturated)
            values[i] = np.float32(np.nan) if empty else (number + offset) / divisor
