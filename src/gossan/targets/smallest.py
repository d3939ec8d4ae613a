"""The smallest anomaly that a survey and the error of a map can vouch for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.compiled import compiled
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Window
from gossan.geo.layer import Layer
from gossan.geo.sampling import even_share

SHARE_OF_A_SAMPLE = 0.5
"""Of the square of the spacing: on simulated districts (docs/targets.md) nine in ten of the listed
targets are then true, and as much is found as with half of it."""

MOST_PIXELS = 16_000_000
"""Pixels of a map that its open share is measured on, at most about."""


def smallest_area_km2(spacing_m: float, open_share: float) -> float:
    """Return the area below which an anomaly is left out.

    Half the square of the spacing, times the share of the variance that the map leaves open: an
    exact map may show anomalies of any size, a map that knows no more than its samples none that
    are much smaller than what one sample stands for.

    >>> round(smallest_area_km2(1200.0, 0.25), 3)
    0.18
    """
    return SHARE_OF_A_SAMPLE * (spacing_m / 1e3) ** 2 * open_share


def open_share(working: Layer, blocks: Blocks) -> float:
    """Return the share of the variance that a map leaves open.

    Of a larger map than ``MOST_PIXELS`` whole windows, evenly spread, stand for all.

    Parameters
    ----------
    working
        Bands "estimate" and "standard_error", both on the working scale.
    blocks
        The engine.

    Returns
    -------
    Mean square of the standard error over itself plus the variance of the map; 1 for a flat map.
    """
    chosen = even_share(blocks.windows(working.grid), working.grid, MOST_PIXELS)
    count, total, square, error = blocks.reduce(_EstimateSums(working), working.grid, chosen)
    if not count:
        return 1.0
    spread = max(square / count - (total / count) ** 2, 0.0)
    noise = error / count
    return float(noise / (noise + spread)) if noise + spread > 0 else 0.0


@dataclass(frozen=True)
class _EstimateSums:
    """Number of pixels, sum and sum of squares of the estimate, sum of squares of the error."""

    working: Layer

    def __call__(self, window: Window) -> NDArray[np.float64]:
        found: NDArray[np.float64] = _sums(self.working.read(window).reshape(2, -1))
        return found


@compiled()
def _sums(pairs):  # type: ignore[no-untyped-def]
    found = np.zeros(4)
    for i in range(pairs.shape[1]):
        estimate, error = np.float64(pairs[0, i]), np.float64(pairs[1, i])
        if np.isfinite(estimate) and np.isfinite(error):
            found[0] += 1.0
            found[1] += estimate
            found[2] += estimate * estimate
            found[3] += error * error
    return found
