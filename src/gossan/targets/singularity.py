"""Map the singularity index: how fast the mean grows as the window shrinks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gossan.errors import InputError, must
from gossan.geo.grid import Window
from gossan.geo.layer import Layer, OnSourceGrid, read_padded


@dataclass(frozen=True)
class SingularityLayer(OnSourceGrid):
    """Compute the local singularity index of one band of a map.

    Over square windows of side e, ``mean(e) = c * e^(alpha - 2)``; ``alpha`` comes from a least
    squares line of ln mean on ln e. alpha < 2: enrichment towards the middle; 2: none;
    > 2: depletion. Bands: "singularity" (alpha), "coefficient" (c in the map's unit, sides in
    windows' pixels) and "fit" (correlation of the line, NaN where it is level).

    Parameters
    ----------
    source : map of contents above 0.
    band : its name; None: the first.
    sides : odd sides of the windows in pixels, rising, at least three.

    Source: Cheng 2007, Ore Geology Reviews 32.

    >>> from gossan.geo.grid import Grid
    >>> from affine import Affine
    >>> from pyproj import CRS
    >>> from gossan.geo.layer import ArrayLayer
    >>> grid = Grid(CRS.from_epsg(32645), Affine(10.0, 0, 0, 0, -10.0, 90.0), 9, 9)
    >>> flat = SingularityLayer(ArrayLayer(grid, ("Cu",), np.ones((1, 9, 9))))
    >>> flat.read(Window(4, 4, 1, 1))[:2].ravel().tolist()
    [2.0, 1.0]
    """

    source: Layer
    band: str | None = None
    sides: tuple[int, ...] = (1, 3, 5, 7, 9)

    def __post_init__(self) -> None:
        odd = all(side % 2 == 1 and side > 0 for side in self.sides)
        if len(self.sides) < 3 or not odd or list(self.sides) != sorted(set(self.sides)):
            raise InputError(
                must("sides", "at least three odd numbers, rising", str(self.sides), "Change them")
            )

    @property
    def bands(self) -> tuple[str, ...]:
        """The index, the coefficient and the correlation of the line."""
        return ("singularity", "coefficient", "fit")

    def read(self, window: Window) -> NDArray[np.float32]:
        """Compute a window; the source is read with a margin of half the largest side."""
        pad = self.sides[-1] // 2
        index = 0 if self.band is None else self.source.bands.index(self.band)
        values = read_padded(self.source, window, pad)[index].astype(np.float64)
        values[values <= 0] = np.nan
        means = np.log([_mean(values, side) for side in self.sides])
        means = means[:, pad : pad + window.height, pad : pad + window.width]
        x = np.log(np.array(self.sides, float))
        away = (x - x.mean())[:, None, None]
        level = means.mean(axis=0)
        slope = (away * means).sum(axis=0) / (away**2).sum()
        spread = np.sqrt(((means - level) ** 2).sum(axis=0) * (away**2).sum())
        with np.errstate(invalid="ignore", divide="ignore"):
            fit = np.where(spread > 1e-12, (away * (means - level)).sum(axis=0) / spread, np.nan)
        return np.stack([2.0 + slope, np.exp(level - slope * x.mean()), fit]).astype(np.float32)


def _mean(values: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """Average square windows over their full pixels; NaN where the middle is empty."""
    full = np.isfinite(values)
    count = ndimage.uniform_filter(full.astype(float), side, mode="constant")
    total = ndimage.uniform_filter(np.where(full, values, 0.0), side, mode="constant")
    return np.where(full, total / np.maximum(count, 1e-12), np.nan)
