"""Collapse a chain of per-band steps on digital numbers into one table look-up.

Eight-bit bands hold 256 different numbers; radiance, reflectance and correction need to be worked
out for each of them once. The table is made by the very steps that it replaces.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from gossan.arrays.lookup import look_up
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import ArrayLayer, Layer
from gossan.imagery.atmosphere.coefficients import SurfaceReflectance
from gossan.imagery.calibration import BrightnessTemperature, Radiance, Scaled

STEPS = (Radiance, Scaled, SurfaceReflectance, BrightnessTemperature)


@runtime_checkable
class WholeNumbers(Protocol):
    """A layer that can hand out its digital numbers unchanged."""

    @property
    def entries(self) -> int:
        """How many different numbers there are: 256 or 4096; 0 for none of these."""
        ...

    def read_raw(self, window: Window) -> NDArray[Any]:
        """Return unsigned (band, row, column)."""
        ...


@dataclass(frozen=True, eq=False)
class Tabulated:
    """See digital numbers through a table per band (band, entries)."""

    source: Any
    bands: tuple[str, ...]
    tables: NDArray[np.float32]

    @property
    def grid(self) -> Grid:
        """Grid of the source."""
        grid: Grid = self.source.grid
        return grid

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read and look up."""
        return look_up(self.source.read_raw(window), self.tables)


def tabulate(layer: Layer) -> Layer:
    """Return the same values from a table where that can be; else the layer itself.

    Only chains of per-band, per-pixel steps that end on digital numbers collapse.
    """
    chain: list[Any] = []
    base: Any = layer
    while isinstance(base, STEPS):
        chain.append(base)
        base = base.source
    numbers = base.source if isinstance(base, Tabulated) else base
    if not chain or not isinstance(numbers, WholeNumbers) or not numbers.entries:
        return layer
    ramp: Any = ArrayLayer(_line(numbers.entries, layer.grid), base.bands, _values(base, numbers))
    for step in reversed(chain):
        ramp = replace(step, source=ramp)
    return Tabulated(numbers, layer.bands, ramp.read(ramp.grid.whole)[:, 0])


def _line(entries: int, like: Grid) -> Grid:
    return Grid(like.crs, Affine(1, 0, 0, 0, -1, 0), 1, entries)


def _values(base: Any, numbers: WholeNumbers) -> NDArray[np.float32]:
    if isinstance(base, Tabulated):
        return base.tables[:, None, :]
    ramp = np.arange(numbers.entries, dtype=np.float32)
    ramp[0] = np.nan
    return np.broadcast_to(ramp, (len(base.bands), 1, numbers.entries))
