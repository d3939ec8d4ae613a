"""Find estimates that no sample supports: beyond the samples and above the highest one."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from gossan.arrays.spacing import mean_spacing


def hull_of(coordinates: ArrayLike, margin_m: float) -> shapely.Geometry:
    """Return the convex hull of samples (n, 2), widened by a margin in metres.

    >>> hull_of([[0.0, 0.0], [100.0, 0.0], [0.0, 100.0]], 10.0).contains(shapely.Point(-5, 50))
    True
    """
    hull = shapely.MultiPoint(np.asarray(coordinates, np.float64)).convex_hull.buffer(margin_m)
    shapely.prepare(hull)
    return hull


def outside(
    hull: shapely.Geometry, easting: NDArray[np.float64], northing: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return which places (t,) lie neither in a hull nor on its edge."""
    return np.asarray(~shapely.intersects_xy(hull, easting, northing))


def beyond_samples(
    coordinates: ArrayLike, places: ArrayLike, margin_m: float | None = None
) -> NDArray[np.bool_]:
    """Return which places (t, 2) lie outside the samples' convex hull and a margin around it.

    Parameters
    ----------
    coordinates
        (n, 2) easting and northing of the samples.
    places
        (t, 2).
    margin_m
        Width of the margin in metres; default: the mean spacing of the samples.

    Examples
    --------
    >>> corners = [[0.0, 0.0], [100.0, 0.0], [100.0, 100.0], [0.0, 100.0]]
    >>> beyond_samples(corners, [[50.0, 50.0], [105.0, 50.0], [150.0, 50.0]], 10.0)
    array([False, False,  True])
    """
    xy, targets = np.asarray(coordinates, np.float64), np.asarray(places, np.float64)
    margin = mean_spacing(xy) if margin_m is None else margin_m
    return outside(hull_of(xy, margin), targets[:, 0], targets[:, 1])


def unsupported(
    coordinates: ArrayLike,
    values: ArrayLike,
    places: ArrayLike,
    estimates: ArrayLike,
    margin_m: float | None = None,
) -> NDArray[np.bool_]:
    """Return which estimates (t,) exceed the highest sample where no sample is near.

    Such an estimate rests on the extrapolation of a trend alone. Values and estimates may be on
    any one scale; empty estimates are not flagged. The other arguments are those of
    ``beyond_samples``.

    Examples
    --------
    >>> corners = [[0.0, 0.0], [100.0, 0.0], [100.0, 100.0], [0.0, 100.0]]
    >>> places = [[50.0, 50.0], [300.0, 50.0], [400.0, 50.0]]
    >>> unsupported(corners, [1.0, 2.0, 3.0, 4.0], places, [9.0, 9.0, 3.0])
    array([False,  True, False])
    """
    high = np.asarray(estimates, np.float64) > np.nanmax(np.asarray(values, np.float64))
    targets = np.asarray(places, np.float64)
    found = np.zeros(len(targets), bool)
    found[high] = beyond_samples(coordinates, targets[high], margin_m)
    return found
