"""Whether the edges of tiles, scenes or blocks show in a map."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

__all__ = ["seam_score"]

SIDE = np.ones((3, 3), bool)


def seam_score(
    values: NDArray[np.floating], edges: Sequence[int], beside: int | None = None
) -> float:
    r"""Compare the steps across edges with those between all other neighbours.

    .. math:: s = \mathrm{rms}_{j \in E}(z_{ij} - z_{i,j-1}) \,/\,
              \mathrm{rms}_{j \notin E}(z_{ij} - z_{i,j-1})

    1 means that the edges cannot be seen. Transpose the values to judge the edges between rows.

    Parameters
    ----------
    values
        Map (row, column), NaN where empty.
    edges
        Columns at which something begins: a tile, a scene, a block.
    beside
        Compare with neighbours up to this many pixels from an edge only, and leave out what is as
        near to an empty pixel or to the border of the map: for maps whose steps are not alike
        everywhere. By default all count.

    Returns
    -------
    float
        The ratio; NaN if no step across an edge is known.

    Examples
    --------
    >>> values = np.random.default_rng(0).normal(size=(400, 90))
    >>> abs(seam_score(values, [30, 60]) - 1) < 0.05
    True
    >>> values[:, 30:] += 3.0
    >>> seam_score(values, [30, 60]) > 1.5
    True
    """
    known = values.astype(float)
    if beside is not None:
        known[binary_dilation(np.isnan(known), SIDE, beside, border_value=1)] = np.nan
    columns = np.arange(1, known.shape[1])
    away = np.abs(columns[:, None] - np.asarray(edges)).min(axis=1)
    others = (away > 0) & (away <= (columns.size if beside is None else beside))
    squares = np.diff(known, axis=1) ** 2
    across, inner = (squares[:, chosen] for chosen in (away == 0, others))
    if np.isnan(across).all() or np.isnan(inner).all():
        return float("nan")
    return float(np.sqrt(np.nanmean(across) / np.nanmean(inner)))
