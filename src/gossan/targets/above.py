"""Maps of a threshold: where it is reached, and how probably it is exceeded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gossan.errors import InputError, must
from gossan.geo.grid import Window
from gossan.geo.layer import Layer, OnSourceGrid
from gossan.geochem.back_transforms import exceedance_of


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
        return exceedance_of(estimate, error, self.threshold)[None].astype(np.float32)
