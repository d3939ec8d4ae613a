"""Level scenes on their overlaps: relative radiometric normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from gossan.geo.blocks import Blocks
from gossan.geo.grid import Window
from gossan.geo.layer import Layer, MappedLayer

FEWEST_PIXELS = 50
"""Pixels that an overlap must have to level two scenes on it."""

TRIM = 2.5
"""Pixels further than so many standard deviations from the first fit are left out of the second."""


@dataclass(frozen=True)
class Dated:
    """A scene's layer, its name and the time it was taken; masked pixels are empty."""

    name: str
    time: datetime
    layer: Layer


@dataclass(frozen=True)
class GainOffset:
    """Level values: ``gain * value + offset``, band by band."""

    gains: tuple[float, ...]
    offsets: tuple[float, ...]

    def __call__(self, values: NDArray[np.floating]) -> NDArray[np.float32]:
        """Level (band, row, column) values."""
        gain, offset = (
            np.asarray(v, np.float32)[:, None, None] for v in (self.gains, self.offsets)
        )
        return np.asarray(values * gain + offset, np.float32)


@dataclass(frozen=True)
class Levelling:
    """What levelling did to a scene: matched to which other, on how many pixels, and how."""

    name: str
    reference: str
    pixels: int
    change: GainOffset


@dataclass(frozen=True)
class PairSums:
    """Add up two scenes over their common pixels, band by band; records add with ``+``.

    ``sums`` is (5, band): sum of a, b, a squared, b squared, and the count.
    """

    sums: NDArray[np.float64]

    def __add__(self, other: PairSums) -> PairSums:
        return PairSums(self.sums + other.sums)

    @property
    def pixels(self) -> int:
        """Pixels of the overlap (of the band that has fewest)."""
        return int(self.sums[4].min())

    def fit(self) -> GainOffset:
        """Match mean and standard deviation: b becomes like a."""
        a, b, aa, bb, count = self.sums
        mean_a, mean_b = a / count, b / count
        spread_a = np.sqrt(np.maximum(aa / count - mean_a**2, 0))
        spread_b = np.sqrt(np.maximum(bb / count - mean_b**2, 0))
        gain = np.where(spread_b > 0, spread_a / np.where(spread_b > 0, spread_b, 1), 1.0)
        return GainOffset(tuple(gain.tolist()), tuple((mean_a - gain * mean_b).tolist()))


def level(
    scenes: Sequence[Dated], blocks: Blocks | None = None
) -> tuple[list[Layer], list[Levelling]]:
    """Level scenes on their overlaps: relative radiometric normalisation.

    From the first scene on, the scene with the largest overlap with those already levelled is
    matched to that neighbour in mean and standard deviation, band by band; a second fit leaves
    out pixels that changed. A scene without overlap stays as it is.

    Parameters
    ----------
    scenes
        On one grid; empty where masked. The first is the reference.

    Returns
    -------
    Layers in the order given, and one record for each scene that was levelled.
    """
    blocks = blocks or Blocks()
    layers = [scene.layer for scene in scenes]
    sums = {
        pair: _pair_sums(layers[pair[0]], layers[pair[1]], blocks)
        for pair in combinations(range(len(scenes)), 2)
    }
    done, found = [0], []
    while len(done) < len(scenes):
        links = [
            (sums[min(i, j), max(i, j)].pixels, -i, -j)
            for i in done
            for j in range(len(scenes))
            if j not in done
        ]
        pixels, i, j = max(links)
        i, j = -i, -j
        done.append(j)
        if pixels < FEWEST_PIXELS:
            continue
        first = _pair_sums(layers[i], layers[j], blocks).fit()
        second = _pair_sums(layers[i], layers[j], blocks, first).fit()
        layers[j] = MappedLayer(layers[j], second, layers[j].bands)
        found.append(Levelling(scenes[j].name, scenes[i].name, pixels, second))
    return layers, found


def _pair_sums(
    first: Layer, second: Layer, blocks: Blocks, fit: GainOffset | None = None
) -> PairSums:
    """Add up two layers; with a first fit, only pixels that it explains."""
    spread = None
    if fit is not None:
        rest = blocks.reduce(partial(_residuals, first, second, fit), first.grid)
        spread = np.sqrt(rest[0] / np.maximum(rest[1], 1))
    return blocks.reduce(partial(_add_pair, first, second, fit, spread), first.grid)


def _residuals(first: Layer, second: Layer, fit: GainOffset, window: Window) -> NDArray[np.float64]:
    gap = (first.read(window) - fit(second.read(window))).astype(np.float64)
    return np.stack([np.nansum(gap**2, axis=(1, 2)), np.isfinite(gap).sum(axis=(1, 2))])


def _add_pair(
    first: Layer,
    second: Layer,
    fit: GainOffset | None,
    spread: NDArray[np.float64] | None,
    window: Window,
) -> PairSums:
    a, b = first.read(window).astype(np.float64), second.read(window).astype(np.float64)
    both = np.isfinite(a) & np.isfinite(b)
    if fit is not None and spread is not None:
        with np.errstate(invalid="ignore"):
            both &= np.abs(a - fit(b)) <= TRIM * np.maximum(spread, 1e-12)[:, None, None]
    a, b = np.where(both, a, 0.0), np.where(both, b, 0.0)
    parts = (a, b, a * a, b * b, both.astype(np.float64))
    return PairSums(np.stack([part.sum(axis=(1, 2)) for part in parts]))
