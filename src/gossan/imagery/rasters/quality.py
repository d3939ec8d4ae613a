"""Masks from a quality raster: bits or values that say cloud, shadow, snow, water."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gossan.errors import ImageryError, must
from gossan.geo.layer import Layer, MappedLayer
from gossan.imagery.settings import MaskWord

PRODUCTS: dict[str, dict[str, tuple[int, ...]]] = {
    "landsat": {
        "nodata": (0,),
        "cloud": (1, 2, 3),
        "cloud_shadow": (4,),
        "snow": (5,),
        "water": (7,),
    },
    "qa60": {"cloud": (10, 11)},
}
"""Bits of each mask: QA_PIXEL of Landsat Collection 2 (fill; dilated cloud, cirrus, cloud;
shadow; snow; water), and QA60 of Sentinel-2 in Earth Engine (opaque cloud, cirrus)."""


@dataclass(frozen=True)
class QualityWords:
    """Masks from one band of quality numbers.

    Parameters
    ----------
    bits
        Bit numbers of each mask, from 0: a pixel with any of them set is masked.
    values
        Numbers of each mask: a pixel that holds one of them is masked.

    Examples
    --------
    >>> words = QualityWords({"cloud": (1, 3)}, {"water": (7,)})
    >>> words(np.array([[[0, 2, 8, 7]]])).tolist()
    [[[0.0, 1.0, 1.0, 1.0]], [[0.0, 0.0, 0.0, 1.0]]]
    """

    bits: Mapping[str, tuple[int, ...]]
    values: Mapping[str, tuple[int, ...]]

    @property
    def words(self) -> tuple[str, ...]:
        """The mask words, in the order of the result."""
        return tuple(dict.fromkeys([*self.bits, *self.values]))

    def __call__(self, numbers: NDArray[np.floating]) -> NDArray[np.float32]:
        """Decide the words for (1, row, column); pixels without a number are marked by none."""
        known = np.nan_to_num(numbers[0], nan=0.0).astype(np.int64)
        marked = [self._one(word, known) for word in self.words]
        return np.stack(marked).astype(np.float32)

    def _one(self, word: str, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        weight = sum(1 << bit for bit in self.bits.get(word, ()))
        return (numbers & weight > 0) | np.isin(numbers, self.values.get(word, ()))


def quality_words(
    product: str | None,
    bits: Mapping[MaskWord, tuple[int, ...]],
    values: Mapping[MaskWord, tuple[int, ...]],
) -> QualityWords:
    """Join the masks of a known product and those of the user, which take precedence.

    Raises
    ------
    ImageryError
        No mask is given.
    """
    known = PRODUCTS[product] if product else {}
    own = {word: numbers for word, numbers in known.items() if word not in {*bits, *values}}
    if not {*own, *bits, *values}:
        cure = 'Set product = "landsat", or bits = { cloud = [1, 3] }'
        raise ImageryError(must("quality", "given bits, values or a product", "none", cure))
    return QualityWords({**own, **{str(w): n for w, n in bits.items()}}, dict(values.items()))


def quality_layer(numbers: Layer, words: QualityWords) -> Layer:
    """Return a layer of one band for each mask, 1 where quality numbers set it."""
    return MappedLayer(numbers, words, words.words)
