"""Weigh samples so that crowded places do not count too much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from gossan.arrays.array_type import Array
from gossan.errors import FitError, InputError, must
from gossan.geochem.kriging.estimator import as_targets

SIZES = 24


def cell_weights(coordinates: ArrayLike, cell_m: float, *, origins: int = 16) -> Array:
    """Return each sample the inverse of the number of samples in its cell.

    ``w_i`` is proportional to ``1 / n(cell of i)``, averaged over ``origins`` positions of the
    cells, and scaled to mean 1.

    Parameters
    ----------
    coordinates
        (n, 2) easting and northing in metres.
    cell_m
        Side of a cell in metres, about the spacing where samples are sparse.
    origins
        How many positions of the cells are averaged.

    Returns
    -------
    array
        (n,) weights with mean 1; NaN for a sample without a place.

    Raises
    ------
    InputError
        ``cell_m`` or ``origins`` is not positive.

    Examples
    --------
    >>> cell_weights([[1.0, 1.0], [2.0, 1.0], [501.0, 1.0]], 100.0).round(3)
    array([0.75, 0.75, 1.5 ])

    Source: Journel (1983), Math. Geol. 15; Deutsch (1989), Comput. Geosci. 15.
    """
    xy = as_targets(coordinates)
    if not (np.isfinite(cell_m) and cell_m > 0 and origins >= 1):
        got = f"{cell_m} and {origins}"
        raise InputError(must("cell_m and origins", "above 0", got, "Use the sample spacing"))
    good = np.isfinite(xy).all(axis=1)
    places = xy[good]
    if not len(places):
        raise FitError(must("samples", "at least 1 with a place", 0, "Check the coordinates"))
    low = places.min(axis=0)
    total = np.zeros(len(places))
    for k in range(origins):
        # positions that fill the cell evenly (a lattice rule)
        shift = np.array([(k + 0.5) / origins, (k * 0.6180339887498949 + 0.5) % 1.0])
        cell = np.floor((places - low) / cell_m + shift).astype(np.int64)
        key = cell[:, 0] * (int(cell[:, 1].max()) + 1) + cell[:, 1]
        _, group, count = np.unique(key, return_inverse=True, return_counts=True)
        total += 1.0 / (count[group] * len(count))
    weights = np.full(len(xy), np.nan)
    weights[good] = total * (len(places) / total.sum())
    return weights


def declustering_cell(
    coordinates: ArrayLike,
    values: ArrayLike,
    *,
    crowded: Literal["high", "low"] = "high",
    origins: int = 16,
) -> float:
    """Choose the side of declustering cells in metres.

    The side whose weighted mean is lowest (samples crowd where values are "high") or highest
    (where they are "low"), among sizes from the mean spacing to a third of the extent.

    Parameters
    ----------
    coordinates
        (n, 2) easting and northing in metres.
    values
        (n,); NaN is left out.
    crowded
        Where samples crowd.

    Raises
    ------
    InputError
        ``crowded`` must be high or low.
    FitError
        Samples must be at two places or more.

    Examples
    --------
    >>> places = np.array([[x, y] for x in range(0, 1000, 200) for y in range(0, 1000, 200)])
    >>> crowd = np.array([[400 + i, 400] for i in range(1, 30)])
    >>> z = np.r_[np.ones(25), np.full(29, 9.0)]
    >>> 100 < declustering_cell(np.r_[places, crowd], z) < 500
    True

    Source: Deutsch and Journel (1998), GSLIB, VI.2.3 (declus).
    """
    if crowded not in ("high", "low"):
        raise InputError(must("crowded", "high | low", repr(crowded), "Use one of these"))
    xy, z = as_targets(coordinates), np.asarray(values, dtype=np.float64)
    good = np.isfinite(z) & np.isfinite(xy).all(axis=1)
    xy, z = xy[good], z[good]
    extent = np.ptp(xy, axis=0) if len(xy) else np.zeros(2)
    if not extent.max() > 0:
        raise FitError(must("samples", "at two places or more", len(xy), "Skip declustering"))
    area = max(extent[0], extent.max() * 1e-3) * max(extent[1], extent.max() * 1e-3)
    spacing = min(float(np.sqrt(area / len(xy))), extent.max() / 3)
    sizes = np.geomspace(spacing, extent.max() / 3, SIZES)
    means = [np.average(z, weights=cell_weights(xy, s, origins=origins)) for s in sizes]
    best = np.argmin(means) if crowded == "high" else np.argmax(means)
    return float(sizes[best])


@dataclass(frozen=True)
class CellWeights:
    """Weigh samples by declustering cells; the side is found where it is not given."""

    cell_m: float | None = None

    def __call__(self, coordinates: Array, values: Array) -> Array:
        """Return (n,) weights of samples at (n, 2) with (n,) values."""
        return cell_weights(coordinates, self.cell_m or declustering_cell(coordinates, values))
