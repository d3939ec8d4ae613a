"""Correlate two maps pixel by pixel, streamed, over a stated domain (the paper's Table 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.stats import rankdata

from gossan.arrays.moments import Moments, moments
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer
from gossan.geo.sampling import even_share

__all__ = ["Agreement", "Domain", "NearSamples", "agreement"]

MOST_PIXELS = 16_000_000
"""Pixels that are compared at most: whole blocks, evenly spread."""
RANKED_PIXELS = 1_000_000
"""Pixels whose ranks are compared, at most about: an even choice of rows and columns."""


class Domain(Protocol):
    """Selects the pixels that count."""

    def inside(self, grid: Grid, window: Window) -> NDArray[np.bool_]:
        """Return True for pixels (row, column) of the window that count."""
        ...


@dataclass(frozen=True, eq=False)
class NearSamples:
    """Count pixels no farther than ``reach_m`` metres from a sample.

    Parameters
    ----------
    coordinates
        (n, 2) easting, northing.
    reach_m
        farthest distance.
    """

    coordinates: NDArray[np.float64]
    reach_m: float

    @classmethod
    def of(cls, coordinates: NDArray[np.float64]) -> NearSamples:
        """Reach twice the median distance from a place to the nearest other place.

        Within an area sampled at random, 96 % of pixels lie in reach; on a square lattice all do.

        >>> square = np.array([[0.0, 0.0], [0.0, 500.0], [500.0, 0.0], [500.0, 500.0]])
        >>> NearSamples.of(square).reach_m
        1000.0
        """
        places = np.unique(np.asarray(coordinates, dtype=np.float64), axis=0)
        if len(places) < 2:
            return cls(places, 0.0)
        nearest = cKDTree(places).query(places, k=2)[0][:, 1]
        return cls(places, 2.0 * float(np.median(nearest)))

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, bottom, right, top of all that is in reach."""
        low, high = self.coordinates.min(axis=0), self.coordinates.max(axis=0)
        left, bottom = (low - self.reach_m).tolist()
        right, top = (high + self.reach_m).tolist()
        return left, bottom, right, top

    def inside(self, grid: Grid, window: Window) -> NDArray[np.bool_]:
        """Find the pixels in reach: a disc around every sample."""
        result = np.zeros(window.shape, dtype=bool)
        easting, northing = grid.coordinates(window)
        half = self.reach_m + max(grid.pixel_width, grid.pixel_height)
        near = np.abs(self.coordinates[:, 0] - easting.mean()) <= half + np.ptp(easting) / 2
        near &= np.abs(self.coordinates[:, 1] - northing.mean()) <= half + np.ptp(northing) / 2
        for east, north in self.coordinates[near]:
            cols = slice(*np.searchsorted(easting, [east - half, east + half]))
            rows = slice(*np.searchsorted(-northing, [-north - half, -north + half]))
            squared = (easting[cols][None, :] - east) ** 2 + (northing[rows][:, None] - north) ** 2
            result[rows, cols] |= squared <= self.reach_m**2
        return result


@dataclass(frozen=True)
class Agreement:
    """Agreement of two maps.

    ``n`` pixels compared; ``r`` Pearson's over all of them; ``spearman`` over an even choice of
    at most about a million of them; ``bias`` mean of the second less the first; ``share`` of the
    blocks that was read (1: the whole map).
    """

    n: int
    r: float
    spearman: float
    bias: float
    share: float


def agreement(
    one: Layer,
    two: Layer,
    blocks: Blocks,
    domain: Domain | None = None,
    most_pixels: int = MOST_PIXELS,
) -> Agreement:
    """Correlate the first bands of two layers on one grid, pixel by pixel.

    Parameters
    ----------
    one, two
        layers on the same grid; pixels where either is empty are left out.
    blocks
        the engine; no more than a block of each layer is held at a time.
    domain
        pixels that count; all by default.
    most_pixels
        on larger maps whole blocks, evenly spread over the map, stand for it.

    Returns
    -------
    Number of pixels, Pearson's and Spearman's r, mean difference; NaN where a map is constant.

    Source: Ding et al. 2023, sec. 4.4 (Table 3).
    """
    grid = one.grid
    windows = blocks.windows(grid)
    chosen = even_share(windows, grid, most_pixels)
    stride = max(1, int(np.ceil(np.sqrt(min(grid.height * grid.width, most_pixels)
                                        / RANKED_PIXELS))))  # fmt: skip

    nothing = Moments(0, np.zeros(2), np.zeros((2, 2)))

    def part(window: Window) -> tuple[Moments, NDArray[np.float32]]:
        inside = None if domain is None else domain.inside(grid, window)
        if inside is not None and not inside.any():
            return nothing, np.empty((2, 0), np.float32)
        pair = np.stack([one.read(window)[0], two.read(window)[0]])
        if inside is not None:
            pair[:, ~inside] = np.nan
        thin = pair[:, -window.row % stride :: stride, -window.col % stride :: stride]
        thin = thin.reshape(2, -1)
        return moments(pair.reshape(2, -1)), thin[:, np.isfinite(thin).all(axis=0)]

    total, kept = nothing, []
    for _, (sums, thin) in blocks.map(part, grid, chosen):
        total = total + sums
        kept.append(thin)
    ranked = np.concatenate(kept, axis=1)
    return Agreement(
        total.count,
        _pearson(total),
        _pearson(moments(np.stack([rankdata(v) for v in ranked]))) if ranked.size else np.nan,
        float(total.mean[1] - total.mean[0]) if total.count else np.nan,
        len(chosen) / len(windows),
    )


def _pearson(found: Moments) -> float:
    if found.count < 2:
        return float("nan")
    spread = found.deviation
    return float(found.covariance[0, 1] / (spread[0] * spread[1])) if spread.all() else float("nan")
