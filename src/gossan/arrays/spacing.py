"""How far samples lie apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["mean_spacing"]


def mean_spacing(coordinates: NDArray[np.float64], least_m: float = 1e-9) -> float:
    """Compute the side of the square that each sample has in the surveyed rectangle, in metres.

    Parameters
    ----------
    coordinates
        (n, 2) easting and northing.
    least_m
        Least width and height of the rectangle: the pixel where imagery is involved.

    Examples
    --------
    >>> mean_spacing(np.array([[0.0, 0.0], [4000.0, 0.0], [0.0, 1000.0], [4000.0, 1000.0]]))
    1000.0
    """
    extent = np.maximum(np.ptp(coordinates, axis=0), least_m)
    return float(np.sqrt(np.prod(extent) / len(coordinates)))
