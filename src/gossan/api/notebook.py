"""What notebooks show: a small picture beside a table of facts."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import numpy as np
from numpy.typing import NDArray

from gossan.report.thumbnail import thumbnail

__all__ = ["MOST_PIXELS", "card", "dots"]

MOST_PIXELS = 1_000_000
"""Pixels above which no picture is computed unasked."""
DOTS_SIDE = 180


def card(title: str, facts: Mapping[str, str], picture: NDArray[np.floating] | None = None) -> str:
    """Lay out facts, and a picture of an array (row, column), as HTML.

    >>> card("Raster", {"bands": "<b1>"}).count("&lt;b1&gt;")
    1
    """
    rows = "".join(
        f"<tr><th style='text-align:left'>{escape(name)}</th>"
        f"<td style='text-align:left'>{escape(value)}</td></tr>"
        for name, value in facts.items()
    )
    style = "style='max-width:200px'"
    image = "" if picture is None else f"<img alt='' src='{thumbnail(picture)}' {style}>"
    return (
        f"<div style='display:flex;gap:1em;align-items:flex-start'>{image}"
        f"<div><strong>{escape(title)}</strong><table>{rows}</table></div></div>"
    )


def dots(coordinates: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Draw samples as squares of 3 pixels on an empty ground, coloured by rank.

    Parameters
    ----------
    coordinates
        (n, 2) easting and northing.
    values
        (n,) values.
    """
    away = coordinates - [coordinates[:, 0].min(), coordinates[:, 1].max()]
    shape = np.ptp(coordinates, axis=0)
    step = max(float(shape.max()), 1.0) / DOTS_SIDE
    cols, rows = 1 + np.round(np.abs(away) / step).astype(int).T
    width, height = 3 + np.ceil(shape / step).astype(int)
    result = np.full((height, width), np.nan)
    rank = np.argsort(np.argsort(values)).astype(float)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            result[rows + down, cols + right] = rank
    return result
