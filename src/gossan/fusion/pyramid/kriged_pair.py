"""The kriged layer as the pyramid sees it: nodes of a lattice, and its low-pass at pixels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gossan.arrays.pyramid import smoothed
from gossan.fusion.lattice_layer import TapsPair

__all__ = ["SmoothedPair", "smoothed_pair"]


@dataclass(frozen=True, eq=False)
class SmoothedPair(TapsPair):
    """Bring the low-pass of a lattice field to pixels, by way of an inner lattice.

    ``low = rows @ (inner_rows @ lattice @ inner_columns.T) @ columns.T``
    """

    inner_rows: sparse.csr_array = field(repr=False)
    inner_columns: sparse.csr_array = field(repr=False)

    def inner(self, lattice: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bring lattice values (rows, columns) to the inner lattice."""
        return np.asarray(self.inner_rows @ lattice @ self.inner_columns.T)


def smoothed_pair(pair: TapsPair, levels: int) -> SmoothedPair:
    """Return the low-pass, by a pyramid of ``levels``, of fields that ``pair`` brings to pixels."""
    rows, inner_rows = smoothed(pair.rows, levels)
    columns, inner_columns = smoothed(pair.columns, levels)
    return SmoothedPair(rows, columns, inner_rows, inner_columns)
