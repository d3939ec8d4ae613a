"""A small picture of one band, for notebooks."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO

import numpy as np
from matplotlib.image import imsave
from numpy.typing import NDArray

from gossan.report.palette import EMPTY, ESTIMATE

SIDE = 200
"""Longer side of the picture in pixels, about."""
STRETCH = (2, 98)
"""Percentiles that take the ends of the colours."""


def thumbnail(values: NDArray[np.floating]) -> str:
    """Draw (row, column) as a PNG in a data address; empty pixels are pale grey.

    >>> thumbnail(np.arange(6.0).reshape(2, 3))[:22]
    'data:image/png;base64,'
    """
    step = max(1, round(max(values.shape) / SIDE))
    small = np.asarray(values[::step, ::step], float)
    known = small[np.isfinite(small)]
    low, high = np.percentile(known, STRETCH) if known.size else (0.0, 1.0)
    stream = BytesIO()
    imsave(stream, _coloured(small, float(low), float(high)), format="png")
    return "data:image/png;base64," + b64encode(stream.getvalue()).decode("ascii")


def _coloured(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    import matplotlib
    from matplotlib.colors import to_rgba

    share = np.clip((values - low) / max(high - low, 1e-300), 0.0, 1.0)
    colours = np.asarray(matplotlib.colormaps[ESTIMATE](np.nan_to_num(share)))
    colours[~np.isfinite(values)] = to_rgba(EMPTY)
    return colours
