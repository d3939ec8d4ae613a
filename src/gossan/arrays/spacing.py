"""The spacing of samples: one definition wherever it is named."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

__all__ = ["mean_spacing", "sample_spacing"]


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


def sample_spacing(coordinates: NDArray[np.float64]) -> float:
    """Return the spacing of samples in metres.

    It is the side of the square that each sample has in the surveyed rectangle, at most four times
    the median distance to the nearest other sample, and never below that: field duplicates and
    samples in clusters do not shrink it, empty ground between clusters does not stretch it.

    Parameters
    ----------
    coordinates
        (n, 2) easting and northing.

    Examples
    --------

    >>> xy = np.array([[0.0, 0.0], [0.0, 1.0], [1000.0, 0.0], [0.0, 1000.0], [1000.0, 1000.0]])
    >>> sample_spacing(xy) >= 400
    True
    """
    if len(coordinates) < 2:
        return 0.0
    nearest = cKDTree(coordinates).query(coordinates, k=2)[0][:, 1]
    per_sample = mean_spacing(coordinates, 0.0)
    return float(max(np.median(nearest), min(per_sample, 4 * np.median(nearest))))
