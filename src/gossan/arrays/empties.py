"""Turn stored numbers into float32 with NaN for empty."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["as_float"]


def as_float(values: NDArray[np.generic], empty: float | None = None) -> NDArray[np.float32]:
    """Give float32; NaN where a value equals ``empty`` or is not finite.

    Parameters
    ----------
    values
        Any real numbers, any shape.
    empty
        The number that marks empty values, or None.

    Returns
    -------
    float32 of the same shape.

    Examples
    --------
    >>> as_float(np.array([0, 7, 65535], np.uint16), 0.0).tolist()
    [nan, 7.0, 65535.0]
    >>> as_float(np.array([np.inf, 1.5])).tolist()
    [nan, 1.5]
    """
    source = np.ascontiguousarray(values)
    result = np.empty(source.shape, np.float32)
    mark = np.nan if empty is None else float(empty)
    _as_float(source.reshape(-1), mark, result.reshape(-1))
    return result


@njit(cache=True, nogil=True)
def _as_float(source, mark, result):  # type: ignore[no-untyped-def]
    for i in range(source.size):
        value = np.float32(source[i])
        # value * 0 is NaN unless value is finite: one sum instead of a branch
        finite = value + value * np.float32(0.0)
        result[i] = finite if np.float64(source[i]) != mark else np.float32(np.nan)
