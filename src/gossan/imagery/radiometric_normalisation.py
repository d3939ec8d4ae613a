"""Level scenes on their overlaps: relative radiometric normalisation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from gossan.geo.blocks import Blocks
from gossan.geo.grid import Window
from gossan.geo.layer import Layer, MappedLayer

FEWEST_PIXELS = 50
"""Pixels that an overlap must have to level two scenes on it."""

SIDE = 512
"""Side in pixels of the windows that overlaps are read in."""

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
    """What levelling did to a scene.

    Attributes
    ----------
    name, reference
        The scene, and the one of its group that stays as it is.
    pixels
        Pixels of its overlaps with others.
    change
        How it was levelled.
    before, after
        Mean difference to its neighbours on their overlaps, in units of the value: root mean
        square over overlaps and bands.
    """

    name: str
    reference: str
    pixels: int
    change: GainOffset
    before: float
    after: float


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

    @property
    def means(self) -> NDArray[np.float64]:
        """Means (2, band) of both scenes."""
        return self.sums[:2] / self.sums[4]

    @property
    def spreads(self) -> NDArray[np.float64]:
        """Standard deviations (2, band) of both scenes."""
        return np.sqrt(np.maximum(self.sums[2:4] / self.sums[4] - self.means**2, 0))

    def fit(self) -> GainOffset:
        """Match mean and standard deviation: b becomes like a."""
        (mean_a, mean_b), (spread_a, spread_b) = self.means, self.spreads
        gain = np.where(spread_b > 0, spread_a / np.where(spread_b > 0, spread_b, 1), 1.0)
        return GainOffset(tuple(gain.tolist()), tuple((mean_a - gain * mean_b).tolist()))


Pair = tuple[int, int]
"""Numbers of two scenes that overlap, the lower first."""


def level(
    scenes: Sequence[Dated],
    blocks: Blocks | None = None,
    places: Sequence[Window] | None = None,
) -> tuple[list[Layer], list[Levelling]]:
    """Level scenes over all their overlaps at once: relative radiometric normalisation.

    Every overlap says what mean and standard deviation its two scenes must share; pixels that
    changed are left out by a second look. Gains, then offsets, are the least squares solution over
    the whole graph of overlaps, each weighted by its pixels:
    ``ln g_i - ln g_j = ln s_j - ln s_i`` and ``o_i - o_j = g_j m_j - g_i m_i``. In every group of
    scenes that hang together the first one stays as it is; a scene without overlap does, too.

    Parameters
    ----------
    scenes
        On one grid; empty where masked. The first is the reference.
    blocks
        The engine.
    places
        Window of the grid that each scene fills; default: all of it.

    Returns
    -------
    Layers in the order given, and one record for each scene that was levelled.
    """
    layers = [scene.layer for scene in scenes]
    sums, pixels = _overlaps(
        layers, places or [layers[0].grid.whole] * len(layers), blocks or Blocks()
    )
    changes = _solve(sums, len(layers), len(layers[0].bands))
    found = []
    for number, (reference, change) in changes.items():
        layers[number] = MappedLayer(layers[number], change, layers[number].bands)
        own = {pair: one for pair, one in sums.items() if number in pair}
        found.append(
            Levelling(
                scenes[number].name, scenes[reference].name, sum(pixels[pair] for pair in own),
                change, _gap(own, {}), _gap(own, {n: c for n, (_, c) in changes.items()}),
            )
        )  # fmt: skip
    return layers, found


def _overlaps(
    layers: Sequence[Layer], places: Sequence[Window], blocks: Blocks
) -> tuple[dict[Pair, PairSums], dict[Pair, int]]:
    """Add up pairs of scenes that share enough pixels, without those that changed; count all."""
    shared = {
        (i, j): windows
        for i, j in combinations(range(len(layers)), 2)
        if (windows := blocks.some(list(_cut(places[i].shared(places[j])))))
    }
    work = [(pair, window) for pair, windows in shared.items() for window in windows]
    plain = _summed(partial(_add_pair, layers, {}, {}), work, blocks)
    plain = {pair: one for pair, one in plain.items() if one.pixels >= FEWEST_PIXELS}
    work = [(pair, window) for pair, window in work if pair in plain]
    fits = {pair: one.fit() for pair, one in plain.items()}
    rest = _summed(partial(_residuals, layers, fits), work, blocks)
    limits = {pair: np.sqrt(one[0] / np.maximum(one[1], 1)) for pair, one in rest.items()}
    trimmed = _summed(partial(_add_pair, layers, fits, limits), work, blocks)
    kept = {pair: one for pair, one in trimmed.items() if one.pixels > 0}
    return kept, {pair: plain[pair].pixels for pair in kept}


def _cut(overlap: Window) -> Iterator[Window]:
    """Cut an overlap into windows that do not depend on the size of blocks."""
    for row in range(overlap.row, overlap.row + overlap.height, SIDE):
        for col in range(overlap.col, overlap.col + overlap.width, SIDE):
            yield overlap.shared(Window(row, col, SIDE, SIDE))


def _summed(
    function: Callable[[tuple[Pair, Window]], Any],
    work: Sequence[tuple[Pair, Window]],
    blocks: Blocks,
) -> dict[Pair, Any]:
    """Add ``function`` over the windows of each pair, in order."""
    total: dict[Pair, Any] = {}
    for (pair, _), part in zip(work, blocks.each(function, work), strict=True):
        total[pair] = total[pair] + part if pair in total else part
    return total


def _solve(
    sums: Mapping[Pair, PairSums], count: int, bands: int
) -> dict[int, tuple[int, GainOffset]]:
    """Find gain and offset of each scene, and the scene that its group refers to."""
    graph = np.zeros((count, count))
    for (i, j), one in sums.items():
        graph[i, j] = graph[j, i] = one.pixels
    group = connected_components(csr_matrix(graph))[1]
    reference = np.array([np.flatnonzero(group == own)[0] for own in group])
    free = np.flatnonzero(reference != np.arange(count))
    inner = (np.diag(graph.sum(axis=1)) - graph)[np.ix_(free, free)]
    logs, offsets = np.zeros((count, bands)), np.zeros((count, bands))
    ratios = {pair: _log_ratio(one.spreads) for pair, one in sums.items()}
    logs[free] = np.linalg.solve(inner, _pull(sums, ratios, count, bands)[free])
    gains = np.exp(logs)
    steps = {(i, j): gains[j] * s.means[1] - gains[i] * s.means[0] for (i, j), s in sums.items()}
    offsets[free] = np.linalg.solve(inner, _pull(sums, steps, count, bands)[free])
    return {
        int(n): (
            int(reference[n]), GainOffset(tuple(gains[n].tolist()), tuple(offsets[n].tolist()))
        )
        for n in free
    }  # fmt: skip


def _log_ratio(spreads: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``ln(s_j / s_i)`` of each band; 0 where a scene does not vary."""
    varies = (spreads > 0).all(axis=0)
    first, second = np.where(varies, spreads, 1.0)
    result: NDArray[np.float64] = np.log(second / first)
    return result


def _pull(
    sums: Mapping[Pair, PairSums],
    steps: Mapping[Pair, NDArray[np.float64]],
    count: int,
    bands: int,
) -> NDArray[np.float64]:
    """Return the right side of the normal equations, (scene, band)."""
    right = np.zeros((count, bands))
    for (i, j), one in sums.items():
        right[i] += one.pixels * steps[i, j]
        right[j] -= one.pixels * steps[i, j]
    return right


def _gap(sums: Mapping[Pair, PairSums], changes: Mapping[int, GainOffset]) -> float:
    """Compute the root mean square over overlaps and bands of the difference of means."""
    gaps = []
    for pair, one in sums.items():
        first, second = (
            changes[n](mean[:, None, None]).ravel() if n in changes else mean
            for n, mean in zip(pair, one.means)
        )
        gaps.append(first - second)
    return float(np.sqrt(np.mean(np.square(gaps))))


def _residuals(
    layers: Sequence[Layer], fits: Mapping[Pair, GainOffset], item: tuple[Pair, Window]
) -> NDArray[np.float64]:
    (i, j), window = item
    gap = layers[i].read(window) - fits[i, j](layers[j].read(window))
    gap = gap.astype(np.float64)
    return np.stack([np.nansum(gap**2, axis=(1, 2)), np.isfinite(gap).sum(axis=(1, 2))])


def _add_pair(
    layers: Sequence[Layer],
    fits: Mapping[Pair, GainOffset],
    limits: Mapping[Pair, NDArray[np.float64]],
    item: tuple[Pair, Window],
) -> PairSums:
    pair, window = item
    a, b = (layers[number].read(window).astype(np.float64) for number in pair)
    both = np.isfinite(a) & np.isfinite(b)
    if pair in fits:
        most = TRIM * np.maximum(limits[pair], 1e-12)[:, None, None]
        with np.errstate(invalid="ignore"):
            both &= np.abs(a - fits[pair](b)) <= most
    a, b = np.where(both, a, 0.0), np.where(both, b, 0.0)
    parts = (a, b, a * a, b * b, both.astype(np.float64))
    return PairSums(np.stack([part.sum(axis=(1, 2)) for part in parts]))
