"""Combine bands linearly, pixel by pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.compiled import compiled

__all__ = ["combine"]

TILE = 1024
"""Pixels worked on at a time, so that sums stay in the processor's first cache."""


def combine(
    values: NDArray[np.generic],
    centre: NDArray[np.float64],
    weights: NDArray[np.float64],
    empty: float | None = None,
) -> NDArray[np.float32]:
    """Weigh bands: ``result[k] = sum_j weights[k, j] (values[j] - centre[j])``.

    Parameters
    ----------
    values
        (bands, height, width) of any number type; NaN is empty.
    centre
        (bands,) taken off each band.
    weights
        (results, bands).
    empty
        A number that marks empty values beside NaN, as files of integers have.

    Returns
    -------
    (results, height, width) float32; NaN where any band is empty, whatever its weight.

    Examples
    --------
    >>> bands = np.array([[[2.0, 3.0]], [[5.0, np.nan]]], np.float32)
    >>> combine(bands, np.array([1.0, 1.0]), np.array([[1.0, -1.0], [2.0, 0.0]])).tolist()
    [[[-3.0, nan]], [[2.0, nan]]]
    """
    bands, *shape = values.shape
    flat = np.ascontiguousarray(values).reshape(bands, -1)
    result = np.empty((len(weights), flat.shape[1]), np.float32)
    offset = -(weights @ centre)
    mark = np.nan if empty is None else float(empty)
    _combine(flat, mark, np.ascontiguousarray(weights, np.float64), offset, result)
    return result.reshape(len(weights), *shape)


@compiled()
def _combine(flat, mark, weights, offset, result):  # type: ignore[no-untyped-def]
    total = np.empty(TILE)
    for start in range(0, flat.shape[1], TILE):
        size = min(TILE, flat.shape[1] - start)
        for k in range(weights.shape[0]):
            total[:] = offset[k]
            for j in range(flat.shape[0]):
                weight, source = weights[k, j], flat[j, start : start + size]
                for i in range(size):
                    value = np.float64(source[i])
                    total[i] += weight * value if value != mark else np.nan
            target = result[k, start : start + size]
            for i in range(size):
                target[i] = total[i]
