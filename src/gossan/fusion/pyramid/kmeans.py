"""Divide the ground into classes by K-means (Ding et al. 2023, section 4.3.3)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from gossan.arrays.clusters import EMPTY, nearest_centre
from gossan.errors import FitError, must

__all__ = ["Clusters", "fit_clusters"]

MOST = EMPTY - 1
STARTS = 3
"""K-means keeps the best of so many starts."""


@dataclass(frozen=True, eq=False)
class Clusters:
    """K-means classes of standardised features; class 0 has the least first feature.

    Parameters
    ----------
    names
        Names of the features.
    centre, scale
        (d,) mean and standard deviation that standardise the features.
    centres
        (classes, d) in standardised units.
    """

    names: tuple[str, ...]
    centre: NDArray[np.float64] = field(repr=False)
    scale: NDArray[np.float64] = field(repr=False)
    centres: NDArray[np.float64] = field(repr=False)

    def __len__(self) -> int:
        return len(self.centres)

    def labels(self, values: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Label pixels (d, height, width) with the nearest class; 255 where a feature is empty."""
        return nearest_centre(values, self.centre, self.scale, self.centres)

    def table(self) -> pd.DataFrame:
        """Lay the centres out in the features' units: one row a class."""
        table = pd.DataFrame(self.centres * self.scale + self.centre, columns=list(self.names))
        table.insert(0, "cluster", np.arange(len(self)))
        return table


def fit_clusters(
    pixels: NDArray[np.floating], names: tuple[str, ...], classes: int, seed: int = 0
) -> Clusters:
    """Find classes by K-means on standardised features.

    Parameters
    ----------
    pixels
        (d, n) a sample of pixels; those with an empty feature are left out.
    names
        (d,) names of the features.
    classes
        How many; 1 takes all ground as one.
    seed
        Of the starts; the best of three is kept.

    Returns
    -------
    Clusters, sorted by the first feature.

    Raises
    ------
    FitError
        No pixel is filled, or there are fewer distinct ones than classes.

    Examples
    --------
    >>> pixels = np.array([[0.0, 0.1, 9.0, 9.1, 5.0, 5.1]])
    >>> fit_clusters(pixels, ("pc2",), 3).table().pc2.round(2).tolist()
    [0.05, 5.05, 9.05]

    Source: Ding et al. 2023, sec. 4.3.3; MacQueen 1967, Lloyd 1982.
    """
    flat = np.asarray(pixels, float)
    flat = flat[:, np.isfinite(flat).all(axis=0)]
    distinct = len(np.unique(flat, axis=1).T) if flat.shape[1] else 0
    if not 1 <= classes <= min(distinct, MOST):
        allowed = f"1 to {min(distinct, MOST)}, the number of pixels that differ"
        cure = "Ask for fewer clusters, or check that the imagery is not empty or constant"
        raise FitError(must("clusters", allowed, classes, cure))
    centre = flat.mean(axis=1)
    spread = flat.std(axis=1)
    scale = np.where(spread > 0, spread, 1.0)
    scaled = ((flat - centre[:, None]) / scale[:, None]).T
    found = KMeans(classes, n_init=STARTS, random_state=seed).fit(scaled)
    order = np.lexsort(found.cluster_centers_.T[::-1])
    return Clusters(names, centre, scale, np.ascontiguousarray(found.cluster_centers_[order]))
