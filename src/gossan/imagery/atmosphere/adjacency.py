"""Remove the adjacency effect: light that the air scatters in from the surroundings of a pixel.

With ``around`` the mean reflectance of the surroundings, weighted by distance, the sensor sees

    reflectance * direct + around * diffuse    (both times 1 / (1 - S around))

where 6S, run for uniform ground, takes both reflectances as one (Vermote et al. 1997). The weights
are the environment functions of 6S for molecules and aerosol: the share of scattered light that
comes from within r km is

    molecules: 1 - 0.930 exp(-0.08 r) - 0.070 exp(-1.10 r)
    aerosol:   1 - 0.448 exp(-0.27 r) - 0.552 exp(-2.83 r)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from gossan.geo.blocks import Blocks
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import ArrayLayer, Layer, LikeSource
from gossan.geo.warp import to_grid
from gossan.imagery.atmosphere.sixs import SixsResult

MOLECULES = ((0.930, 0.08), (0.070, 1.10))
AEROSOL = ((0.448, 0.27), (0.552, 2.83))
"""Weight and rate (1/km) of each exponential of the environment functions."""
CELL_M = 150.0
"""Side of the cells over which the surroundings are averaged."""
REACH_KM = 15.0
"""Distance up to which surroundings count; the scene's own filled ground within it is used."""

Exponentials = Sequence[tuple[float, float]]


@dataclass(frozen=True, eq=False)
class WithoutAdjacency(LikeSource):
    """Layer of surface reflectance without light from the surroundings.

    Parameters
    ----------
    source
        Surface reflectance computed as if the surroundings were like each pixel.
    around
        Mean reflectance of the surroundings, on the same grid.
    air
        Results of 6S for each band.
    """

    source: Layer
    around: Layer = field(repr=False)
    air: tuple[SixsResult, ...] = field(repr=False)

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read both and separate them."""
        values, around = self.source.read(window), self.around.read(window)
        for band, near, air in zip(values, around, self.air):
            alike = np.where(np.isfinite(near), near, band)
            total = band * np.float32(air.direct_up + air.diffuse_up)
            total *= (1 - np.float32(air.xc) * alike) / (1 - np.float32(air.xc) * band)
            band[...] = (total - alike * np.float32(air.diffuse_up)) / np.float32(air.direct_up)
        return values


def without_adjacency(
    surface: Layer, air: Sequence[SixsResult], blocks: Blocks | None = None
) -> WithoutAdjacency:
    """Average the surroundings of every cell of a scene, in one pass, and remove their light.

    Parameters
    ----------
    surface
        Surface reflectance computed as if the surroundings were like each pixel.
    air
        Results of 6S for each band, in the middle of the scene.
    blocks
        How to stream over the pixels.
    """
    pixel = min(surface.grid.pixel_width, surface.grid.pixel_height)
    cells = surface.grid.coarsen(max(round(CELL_M / pixel), 1))
    means = _means(to_grid(surface, cells), blocks or Blocks())
    found = np.stack([_around(band, one, cells) for band, one in zip(means, air)])
    return WithoutAdjacency(
        surface, to_grid(ArrayLayer(cells, surface.bands, found), surface.grid), tuple(air)
    )


def _means(coarse: Layer, blocks: Blocks) -> NDArray[np.float32]:
    """Read a coarse layer whole; its windows are small because each covers many pixels."""
    result = np.empty((len(coarse.bands), *coarse.grid.shape), np.float32)
    for window, values in Blocks(64, blocks.workers).map(coarse.read, coarse.grid):
        result[:, *window.slices] = values
    return result


def _around(values: NDArray[np.float32], air: SixsResult, cells: Grid) -> NDArray[np.float32]:
    """Average one band over the surroundings of each cell; empty cells do not count."""
    share = air.molecular_share
    weights = share * weights_of(MOLECULES, cells) + (1 - share) * weights_of(AEROSOL, cells)
    filled = np.isfinite(values)
    total = fftconvolve(np.where(filled, values, 0.0), weights, mode="same")
    count = fftconvolve(filled.astype(np.float64), weights, mode="same")
    known = count > 1e-6
    return np.where(known, total / np.where(known, count, 1.0), np.nan).astype(np.float32)


def weights_of(function: Exponentials, cells: Grid) -> NDArray[np.float64]:
    """Weigh the cells around one by the light that it receives from them; the sum is 1.

    Examples
    --------
    >>> weights = weights_of(AEROSOL, Grid.from_bounds(32638, (0, 0, 900, 900), 150))
    >>> weights.shape, round(float(weights.sum()), 6)
    ((201, 201), 1.0)
    """
    wide, high = cells.pixel_width / 1000, cells.pixel_height / 1000
    columns, rows = math.ceil(REACH_KM / wide), math.ceil(REACH_KM / high)
    east = np.arange(-columns, columns + 1) * wide
    south = np.arange(-rows, rows + 1) * high
    distance = np.hypot(east[None, :], south[:, None])
    own = math.sqrt(wide * high / math.pi)  # a disc as large as a cell
    away = np.maximum(distance, own)
    density = sum(weight * rate * np.exp(-rate * away) for weight, rate in function)
    result = np.asarray(density) / (2 * math.pi * away) * wide * high
    result[rows, columns] = 1 - sum(weight * math.exp(-rate * own) for weight, rate in function)
    result[distance > REACH_KM] = 0.0
    return result / result.sum()
