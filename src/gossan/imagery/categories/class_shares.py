"""A map of classes as bands: one for each class, and the distance to the nearest contact."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gossan.geo.grid import Grid, Window

CONTACT = "contact_m"
REACH_M = 2000.0
"""Longest distance to a contact that is measured."""
EMPTY = -1
"""Number of ground without a class."""
OTHER = "other"
"""Band of the rare classes."""
FAULT = "fault_m"
"""Band of the distance to a line."""


class ClassNumbers(Protocol):
    """Ground divided into classes that are numbered from 0."""

    @property
    def grid(self) -> Grid:
        """Pixels of the classes."""

    def numbers(self, window: Window) -> NDArray[np.int32]:
        """Class of each pixel of a window, which may reach beyond the grid; -1 where none is."""


@dataclass(frozen=True)
class ClassShares:
    """See classes as numbers: 1 where the pixel is of the class, else 0.

    A mean over a support is the share of the class in it. ``contact_m`` is the distance from the
    centre of a pixel to the nearest pixel of another class, at most ``REACH_M``.

    Parameters
    ----------
    source
        Classes by number.
    bands
        Names of the bands; the last is the distance.
    band_of
        (classes,) band of each class; several rare classes share one.
    """

    source: ClassNumbers
    bands: tuple[str, ...]
    band_of: NDArray[np.int32] = field(repr=False)

    @property
    def grid(self) -> Grid:
        """Grid of the classes."""
        return self.source.grid

    def read(self, window: Window) -> NDArray[np.float32]:
        """Compute a window; ground without a class is empty."""
        pad = math.ceil(REACH_M / min(self.grid.pixel_width, self.grid.pixel_height)) + 1
        wide = self.source.numbers(window.padded(pad))
        rows, columns = slice(pad, pad + window.height), slice(pad, pad + window.width)
        inner = wide[rows, columns]
        band = np.where(inner >= 0, self.band_of[np.maximum(inner, 0)], EMPTY)
        shares = [band == number for number in range(len(self.bands) - 1)]
        found = np.stack([*shares, self._to_contact(wide)[rows, columns]]).astype(np.float32)
        return np.where(inner >= 0, found, np.float32(math.nan))

    def _to_contact(self, numbers: NDArray[np.int32]) -> NDArray[np.float64]:
        size = (self.grid.pixel_height, self.grid.pixel_width)
        away = np.full(numbers.shape, REACH_M)
        for number in np.unique(numbers[numbers >= 0]):
            own = numbers == number
            no_other = own | (numbers < 0)
            if not no_other.all():
                away[own] = ndimage.distance_transform_edt(no_other, sampling=size)[own]
        return np.minimum(away, REACH_M)


def band_names(
    names: Sequence[str], shares: Sequence[float], rare: float
) -> tuple[list[str], list[int]]:
    """Name the bands of classes, and say which band each class belongs to.

    Parameters
    ----------
    names
        Names of the classes.
    shares
        Share of the ground of each.
    rare
        Classes of less are pooled as ``other``.

    Examples
    --------
    >>> band_names(["Granite (Hercynian)", "Gneiss", "Dyke"], [0.6, 0.395, 0.005], 0.01)
    (['granite_hercynian', 'gneiss', 'other'], [0, 1, 2])
    >>> band_names(["a", "A"], [0.5, 0.5], 0.01)
    (['a', 'a_2'], [0, 1])
    """
    bands: list[str] = []
    band_of = []
    for name, share in zip(names, shares):
        band_of.append(len(bands) if share >= rare else EMPTY)
        if share >= rare:
            bands.append(_unused(_plain(name), bands))
    if EMPTY not in band_of:
        return bands, band_of
    return [*bands, OTHER], [len(bands) if one == EMPTY else one for one in band_of]


def _plain(name: str) -> str:
    signs = (sign if sign.isalnum() else " " for sign in str(name).lower())
    return "_".join("".join(signs).split()) or "class"


def _unused(word: str, taken: Sequence[str]) -> str:
    number, found = 1, word
    while found in (*taken, OTHER, CONTACT, FAULT):
        number += 1
        found = f"{word}_{number}"
    return found
