"""Maps of a threshold: where it is reached, and how probably it is exceeded."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.compiled import compiled
from gossan.errors import InputError, must
from gossan.geo.grid import Window
from gossan.geo.layer import Layer, OnSourceGrid


@dataclass(frozen=True)
class AboveLayer(OnSourceGrid):
    """1 where a layer is at or above a threshold, 0 below, NaN empty; its first band counts.

    >>> from gossan.geo.grid import Grid
    >>> from affine import Affine
    >>> from pyproj import CRS
    >>> from gossan.geo.layer import ArrayLayer
    >>> grid = Grid(CRS.from_epsg(32645), Affine(10.0, 0, 0, 0, -10.0, 10.0), 1, 3)
    >>> cu = ArrayLayer(grid, ("Cu",), np.array([[[5.0, 20.0, np.nan]]]))
    >>> AboveLayer(cu, 10.0).read(grid.whole).ravel().tolist()
    [0.0, 1.0, nan]
    """

    source: Layer
    threshold: float

    @property
    def bands(self) -> tuple[str, ...]:
        """The one band."""
        return ("above",)

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read and compare."""
        values = self.source.read(window)[:1]
        above = (values >= self.threshold).astype(np.float32)
        return np.where(np.isnan(values), np.float32(np.nan), above)


@dataclass(frozen=True)
class ExceedanceLayer(OnSourceGrid):
    """Probability that the truth lies at or above a threshold.

    ``P = Phi((estimate - threshold) / standard_error)`` on the working scale: for a model of
    logarithms that is the logarithm of the threshold. Where the standard error is 0, P is 0 or 1.

    Parameters
    ----------
    source : layer with the bands "estimate" and "standard_error", working scale.
    threshold : on the same scale.
    """

    source: Layer
    threshold: float

    def __post_init__(self) -> None:
        for band in ("estimate", "standard_error"):
            if band not in self.source.bands:
                raise InputError(
                    must("the layer", f"one with the band {band!r}", ", ".join(self.source.bands),
                         "Use a model that gives standard errors")
                )  # fmt: skip

    @property
    def bands(self) -> tuple[str, ...]:
        """The one band."""
        return ("probability",)

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read and compute."""
        values = self.source.read(window)
        estimate = values[self.source.bands.index("estimate")]
        error = values[self.source.bands.index("standard_error")]
        result = np.empty((1, *window.shape), np.float32)
        _exceedance(estimate, error, self.threshold, result[0])
        return result


@compiled()
def _exceedance(estimate, error, threshold, result):  # type: ignore[no-untyped-def]
    """Do what ``exceedance_of`` does, pixel by pixel: Phi(z) = erfc(-z / sqrt 2) / 2."""
    for row in range(estimate.shape[0]):
        for col in range(estimate.shape[1]):
            above = np.float64(estimate[row, col]) - threshold
            spread = np.float64(error[row, col])
            if math.isnan(above):
                result[row, col] = np.nan
            elif spread != 0.0:
                result[row, col] = 0.5 * math.erfc(-above / spread / math.sqrt(2.0))
            else:
                result[row, col] = 1.0 if above >= 0.0 else 0.0
