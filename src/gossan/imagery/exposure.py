"""How much of the ground is bare rock: the exposure fraction, per pixel and per cell.

The paper chooses "well exposed" areas without saying how; here exposure is the share of pixels
that no mask takes, reported with the results.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer
from gossan.geo.warp import to_grid


@dataclass(frozen=True)
class Bare:
    """Mark pixels that no mask takes: band ``exposure``, 1 bare, 0 hidden or empty."""

    masks: Layer

    @property
    def grid(self) -> Grid:
        """Grid of the masks."""
        return self.masks.grid

    @property
    def bands(self) -> tuple[str, ...]:
        """One band."""
        return ("exposure",)

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read the masks and turn them round."""
        hidden = (self.masks.read(window) > 0).any(axis=0)
        return np.where(hidden, 0.0, 1.0)[None].astype(np.float32)


def exposure(masks: Layer, cells: Grid | None = None) -> Layer:
    """Return the share of bare pixels, 0 to 1, on a grid of cells (the pixels' own by default).

    Parameters
    ----------
    masks
        Layer of masks, 1 masked; have ``nodata`` among them so that empty ground is not bare.
    cells
        Coarser grid; a cell's share is the area mean over the pixels in it.

    >>> from gossan.geo.layer import ArrayLayer
    >>> fine = Grid.from_bounds(32638, (0, 0, 60, 60), 10)
    >>> hidden = np.zeros((1, 6, 6)); hidden[0, 0, :3] = 1
    >>> cells = Grid.from_bounds(32638, (0, 0, 60, 60), 30)
    >>> exposure(ArrayLayer(fine, ("cloud",), hidden), cells).read(cells.whole)[0].round(2)
    array([[0.67, 1.  ], [1.  , 1.  ]], dtype=float32)
    """
    bare = Bare(masks)
    return bare if cells is None else to_grid(bare, cells)
