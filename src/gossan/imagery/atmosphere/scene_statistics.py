"""Sums over all pixels of a scene that the image-based atmosphere words need."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from gossan.errors import ImageryError, must
from gossan.geo.blocks import Blocks
from gossan.geo.grid import Window
from gossan.geo.layer import Layer

BIN = 1e-4
BINS = 20_001


@dataclass(frozen=True)
class SceneStatistics:
    """Sums over the pixels of a scene, by band; two of them add with ``+``.

    Attributes
    ----------
    count, total
        (band,) number and sum of the filled pixels.
    log_count, log_total
        (band,) number of pixels that are positive in every band, and the sum of their
        logarithms.
    histogram
        (band, bin) counts in steps of 0.0001 from 0 to 2; lower and higher values lie in the
        first and last bin.
    """

    count: NDArray[np.float64]
    total: NDArray[np.float64]
    log_count: NDArray[np.float64]
    log_total: NDArray[np.float64]
    histogram: NDArray[np.int64]

    def __add__(self, other: SceneStatistics) -> SceneStatistics:
        return SceneStatistics(
            self.count + other.count,
            self.total + other.total,
            self.log_count + other.log_count,
            self.log_total + other.log_total,
            self.histogram + other.histogram,
        )

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean of each band (band,)."""
        return self.total / self.count

    @property
    def geometric_mean(self) -> NDArray[np.float64]:
        """Geometric mean of each band (band,)."""
        result: NDArray[np.float64] = np.exp(self.log_total / self.log_count)
        return result

    def quantile(self, share: float) -> NDArray[np.float64]:
        """Return the value below which ``share`` of the pixels lie (band,), to 0.0001."""
        cumulated = np.cumsum(self.histogram, axis=1)
        wanted = np.maximum(share * self.count, 1.0)[:, None]
        return np.argmax(cumulated >= wanted, axis=1) * BIN


def scene_statistics(layer: Layer, blocks: Blocks, logs: bool = False) -> SceneStatistics:
    """Add up every pixel of a reflectance layer.

    Parameters
    ----------
    layer
        Reflectance, 0 to about 1, NaN where empty.
    blocks
        How to stream over the pixels.
    logs
        Add up logarithms too (they cost as much as all the rest).

    Raises
    ------
    ImageryError
        A band is empty everywhere.
    """
    found = blocks.reduce(partial(_sums, layer, logs), layer.grid)
    if not found.count.all():
        empty = layer.bands[int(np.argmin(found.count))]
        raise ImageryError(
            must(
                f"band {empty}",
                "filled somewhere",
                "no valid pixel",
                "Choose another scene or leave the band out",
            )
        )
    return found


def _sums(layer: Layer, logs: bool, window: Window) -> SceneStatistics:
    values = layer.read(window).reshape(len(layer.bands), -1)
    filled = [band[np.isfinite(band)] for band in values]
    log_count, log_total = 0.0, np.zeros(len(values))
    if logs:
        positive = values[:, (values > 0).all(axis=0)]
        log_count, log_total = positive.shape[1], np.log(positive).sum(axis=1, dtype=np.float64)
    return SceneStatistics(
        np.array([band.size for band in filled], np.float64),
        np.array([band.sum(dtype=np.float64) for band in filled]),
        np.full(len(values), log_count, np.float64),
        log_total,
        np.stack([_histogram(band) for band in filled]),
    )


def _histogram(values: NDArray[np.float32]) -> NDArray[np.int64]:
    bins = (values * np.float32(1 / BIN)).astype(np.int32)
    return np.bincount(np.clip(bins, 0, BINS - 1, out=bins), minlength=BINS)


def quantile_of(layer: Layer, share: float, blocks: Blocks, bins: int = 4096) -> float:
    """Return the value below which ``share`` of the filled pixels of a one-band layer lie.

    Two passes: the range, then a histogram of ``bins`` classes over it.
    """
    low, high = blocks.reduce(partial(_extent, layer), layer.grid)
    if not low < high:
        return float(low)
    counts = blocks.reduce(partial(_classes, layer, low, high, bins), layer.grid)
    place = int(np.argmax(np.cumsum(counts) >= share * counts.sum()))
    return float(low + (place + 1) * (high - low) / bins)


class _Extent(tuple[float, float]):
    """Smallest and largest value; ``+`` takes the union."""

    def __add__(self, other: object) -> _Extent:
        assert isinstance(other, _Extent)
        return _Extent((min(self[0], other[0]), max(self[1], other[1])))


def _extent(layer: Layer, window: Window) -> _Extent:
    values = layer.read(window)
    filled = values[np.isfinite(values)]
    if not filled.size:
        return _Extent((np.inf, -np.inf))
    return _Extent((float(filled.min()), float(filled.max())))


def _classes(layer: Layer, low: float, high: float, bins: int, window: Window) -> NDArray[np.int64]:
    values = layer.read(window)
    filled = values[np.isfinite(values)]
    return np.histogram(filled, bins=bins, range=(low, high))[0]


def mean_of(layer: Layer, blocks: Blocks) -> float:
    """Return the mean of the filled pixels of a one-band layer."""
    total, count = blocks.reduce(partial(_total, layer), layer.grid)
    return float(total / count) if count else float("nan")


def _total(layer: Layer, window: Window) -> NDArray[np.float64]:
    values = layer.read(window)
    return np.array([np.nansum(values, dtype=np.float64), np.isfinite(values).sum()])
