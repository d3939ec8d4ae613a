"""Write colour composites ready for display: three bands, stretched to 8 bits.

ASTER 7-4-1 and Sentinel-2 8-4-2 as in Figures 2 and 3 of Ding et al. 2023.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.compiled import compiled
from gossan.errors import ImageryError, must
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Window
from gossan.geo.layer import Layer, SelectedLayer
from gossan.geo.sampling import sample_pixels

COMPOSITES = {"aster": ("b7", "b4", "b1"), "sentinel2": ("b08", "b04", "b02")}
"""Red, green and blue of the paper's figures."""

TABLE_2 = {
    "silica": ("silica_a", "silica_b", "silica_c"),
    "skarn": ("epi_chl_amp", "carbonate_tir", "basic_degree"),
    "alteration": ("ferric_iron", "phyllic", "epi_chl_amp"),
}
"""Indices of ASTER shown as red, green and blue: all rows of the paper's Table 2.

silica: 11/10, 11/12, 13/10. skarn: epidote and chlorite (6+9)/(7+8), carbonate 13/14, garnet and
pyroxene 12/13. alteration: iron oxide 2/1, white mica Al-OH (5+7)/6, carbonate Mg-OH (6+9)/(7+8).
"""

SHARES = (2.0, 98.0)
"""Per cent of the pixels that become darkest and brightest."""


@dataclass(frozen=True)
class Stretch:
    """Stretch values linearly to 1 to 255; 0 is empty.

    >>> Stretch((0.1,), (0.3,))(np.array([[[np.nan, 0.0, 0.2, 0.9]]]))
    array([[[  0,   1, 128, 255]]], dtype=uint8)
    """

    low: tuple[float, ...]
    high: tuple[float, ...]

    def __call__(self, values: NDArray[np.floating]) -> NDArray[np.uint8]:
        """Stretch (band, row, column) values; a pixel with an empty band is empty in all."""
        flat = np.ascontiguousarray(values).reshape(len(values), -1)
        low, high = np.array(self.low), np.array(self.high)
        shown = np.empty(flat.shape, np.uint8)
        _stretch(flat, low, np.maximum(high - low, 1e-12), shown)
        return shown.reshape(values.shape)


@compiled()
def _stretch(values, low, span, shown):  # type: ignore[no-untyped-def]
    for i in range(values.shape[1]):
        empty = False
        for k in range(values.shape[0]):
            empty |= np.isnan(values[k, i])
        for k in range(values.shape[0]):
            share = 0.0 if empty else (np.float64(values[k, i]) - low[k]) / span[k]
            shown[k, i] = 0 if empty else np.uint8(np.rint(1.0 + min(max(share, 0.0), 1.0) * 254.0))


def fit_stretch(layer: Layer, blocks: Blocks | None = None) -> Stretch:
    """Find the 2nd and 98th percentile of each band, on a sample of the pixels.

    Raises
    ------
    ImageryError
        No pixel is filled.
    """
    pixels = sample_pixels(layer, blocks=blocks)
    if not pixels.size:
        raise ImageryError(must("a composite", "filled somewhere", "no pixel", "Check the masks"))
    low, high = np.percentile(pixels, SHARES, axis=1)
    return Stretch(tuple(low.tolist()), tuple(high.tolist()))


def write_composite(
    layer: Layer, path: Path, bands: Sequence[str], blocks: Blocks | None = None
) -> Stretch:
    """Write three bands as an 8-bit cloud-optimised GeoTIFF, whole or not at all.

    Parameters
    ----------
    layer
        Reflectance (or components).
    path
        Where to.
    bands
        Names for red, green and blue (``COMPOSITES`` has the paper's).
    blocks
        The engine.

    Returns
    -------
    The stretch that was used.

    Raises
    ------
    ImageryError
        A composite must be made of three bands.
    """
    blocks = blocks or Blocks()
    if len(bands) != 3:
        raise ImageryError(must("a composite", "made of three bands", len(bands), "Name 3"))
    chosen = SelectedLayer(layer, tuple(bands))
    stretch = fit_stretch(chosen, blocks)
    blocks.write_bytes(partial(_read, chosen, stretch), layer.grid, path, tuple(bands), nodata=0)
    return stretch


def _read(layer: Layer, stretch: Stretch, window: Window) -> NDArray[np.uint8]:
    return stretch(layer.read(window))
