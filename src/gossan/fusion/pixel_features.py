"""Features of the pixels of a window, read once for all terms of an estimate."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.compiled import compiled
from gossan.geo.grid import Window

__all__ = ["PixelFeatures"]


@dataclass(frozen=True, eq=False)
class PixelFeatures:
    """Features of a window at every width.

    Parameters
    ----------
    values
        (features, height, width); NaN where empty.
    window
        The pixels.

    Examples
    --------
    >>> values = np.array([[[1.0, 2.0]], [[3.0, np.nan]]], np.float32)
    >>> PixelFeatures(values, Window(0, 0, 1, 2)).filled.tolist()
    [True, False]
    """

    values: NDArray[np.float32] = field(repr=False)
    window: Window

    @property
    def flat(self) -> NDArray[np.float32]:
        """The features (features, pixels)."""
        return self.values.reshape(len(self.values), -1)

    @cached_property
    def filled(self) -> NDArray[np.bool_]:
        """Where no feature is empty (pixels,)."""
        return np.asarray(_nothing_times(self.flat) == 0)


@compiled()
def _nothing_times(values):  # type: ignore[no-untyped-def]
    """Add up 0 times the features: 0 where all are finite."""
    total = np.zeros(values.shape[1], np.float32)
    for j in range(values.shape[0]):
        for k in range(total.size):
            total[k] += np.float32(0.0) * values[j, k]
    return total
