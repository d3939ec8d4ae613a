"""Turn stored numbers into float32 with NaN for empty."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.compiled import compiled

__all__ = ["as_float", "mark_in_type"]

BEYOND_ANY_QUANTITY = 1e30
"""No measured quantity is as large: such numbers (-1e32 of Geosoft, 1.7e38 of Surfer, -3.4e38 of
ArcGIS) mark empty pixels, whether or not the file declares them."""


def as_float(
    values: NDArray[np.generic], empty: float | Sequence[Sequence[float]] | None = None
) -> NDArray[np.float32]:
    """Convert to float32, with NaN for empty values.

    Parameters
    ----------
    values
        Any real numbers, any shape; with several marks (band, ...).
    empty
        The number that marks empty values, or None; or the marks of each band.

    Returns
    -------
    float32 of the same shape; NaN where a value equals a mark, is not finite, or is 1e30 or more.

    Examples
    --------
    >>> as_float(np.array([0, 7, 65535], np.uint16), 0.0).tolist()
    [nan, 7.0, 65535.0]
    >>> as_float(np.array([np.inf, 1.5, -1e32])).tolist()
    [nan, 1.5, nan]
    >>> as_float(np.array([[0, 7], [0, 7]], np.int16), [(0.0,), (7.0,)]).tolist()
    [[nan, 7.0], [0.0, nan]]
    """
    source = np.ascontiguousarray(values)
    result = np.empty(source.shape, np.float32)
    if empty is None or isinstance(empty, int | float):
        mark = np.nan if empty is None else float(empty)
        _as_float(source.reshape(-1), mark, result.reshape(-1))
        return result
    for k, marks in enumerate(empty):
        first = marks[0] if marks else np.nan
        _as_float(source[k].reshape(-1), float(first), result[k].reshape(-1))
        for mark in marks[1:]:
            result[k][source[k] == mark] = np.nan
    return result


def mark_in_type(value: float | None, dtype: np.dtype) -> float | None:
    """Express a nodata value as a file of a type stores it.

    A header states -9999.9 in decimals, a float32 file holds the nearest float32; a header states
    -9999 and an unsigned file holds 55537, which -9999 wraps to.

    Returns
    -------
    The number to compare stored values with; None where no stored value can mean it.

    Examples
    --------
    >>> mark_in_type(-9999.9, np.dtype("float32"))
    -9999.900390625
    >>> mark_in_type(-9999, np.dtype("uint16")), mark_in_type(-9999, np.dtype("uint8"))
    (55537.0, None)
    """
    if value is None or not np.isfinite(value):
        return None
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            stored = float(dtype.type(value))
        return stored if np.isfinite(stored) else None
    if dtype.kind not in "iu" or value != int(value):
        return None
    span = 1 << (8 * dtype.itemsize)
    if not -span < value < span:
        return None
    wrapped = int(value) % span
    info = np.iinfo(dtype)
    return float(wrapped if wrapped <= info.max else wrapped - span)


@compiled()
def _as_float(source, mark, result):  # type: ignore[no-untyped-def]
    for i in range(source.size):
        value = np.float32(source[i])
        # false for NaN too: one comparison instead of three
        measured = abs(value) < BEYOND_ANY_QUANTITY and np.float64(source[i]) != mark
        result[i] = value if measured else np.float32(np.nan)
