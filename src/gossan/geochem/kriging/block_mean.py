"""The arithmetic mean of a block in the element's unit, from kriging on another scale."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gossan.geochem.back_transforms import mean_of
from gossan.geochem.kriging.estimator import Kriging, as_targets
from gossan.geochem.kriging.support import gauss_points
from gossan.geochem.transforms import Transform


def block_mean(
    kriging: Kriging, transform: Transform, coordinates: ArrayLike
) -> NDArray[np.float64]:
    """Estimate the arithmetic mean (t,) over the blocks at (t, 2) easting and northing.

    The mean of ``exp(Z)`` over a block is not ``exp`` of the block's mean of Z: the variance
    within the block counts. The expectation is the average, over the block's 4 x 4 Gauss points,
    of the mean at a point, ``exp(m + s^2 / 2)`` for logarithms. A fitted ``kriging`` without
    ``block_m`` gives the mean at the points themselves.

    Source: Journel and Huijbregts (1978), VIII.B; Cressie (2006), Math. Geol. 38.
    """
    targets = as_targets(coordinates)
    if kriging.block_m is None:
        return _point_mean(kriging, transform, targets)
    points = replace(kriging, block_m=None).fit(kriging.samples_, kriging.values_)
    offsets, weights = gauss_points(kriging.block_m)
    total = np.zeros(len(targets))
    for offset, weight in zip(offsets, weights):
        total += weight * _point_mean(points, transform, targets + offset)
    return total


def _point_mean(
    kriging: Kriging, transform: Transform, targets: NDArray[np.float64]
) -> NDArray[np.float64]:
    estimate, variance = kriging.predict(targets)
    return np.asarray(mean_of(transform, estimate, np.sqrt(np.maximum(variance, 0.0))), np.float64)
