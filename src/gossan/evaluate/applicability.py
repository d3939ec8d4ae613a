"""Flag ground that looks like no sample: dissimilarity index and area of applicability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist

from gossan.arrays.compiled import compiled
from gossan.errors import FitError, must
from gossan.fusion.protocol import Features, Observations, Points
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer

__all__ = ["Applicability", "ApplicabilityLayer", "fit_applicability"]

_PAIRS_LIMIT = 2000
SAMPLES_LIMIT = 4000
"""Samples that pixels are compared with, at most; of more, an even choice."""
DRAWN = 16
"""Places drawn in each sub-basin of samples that stand for catchments."""
CHUNK = 512
"""Pixels compared with samples at a time."""
AT_A_TIME = 128
"""Samples that they are compared with at a time, so that their distances stay in the cache."""
FLAT = 1e-3
"""Deviation, relative to its size or to 1, that a feature has which all samples have alike."""


@dataclass(frozen=True, eq=False)
class Applicability:
    """Measure how unlike the samples a place is, in the space of the features.

    ``DI = min_i |w (z - z_i)| / d``: distance to the most alike sample in standardised, weighted
    features, over the mean distance between samples. A feature that all samples have alike, such as
    a class of rock that none of them touches, tells a place apart that differs in it. Places with
    ``DI <= threshold`` lie in the area of applicability; the threshold is the upper whisker (third
    quartile + 1.5 interquartile ranges, at most the largest found) of the index of samples against
    other folds.
    """

    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    samples: NDArray[np.float64]
    mean_distance: float
    threshold: float

    def index(self, features: NDArray[np.floating]) -> NDArray[np.float32]:
        """Compute the dissimilarity index (n,) of features (n, d); NaN where any is empty."""
        return self.index_of_bands(np.asarray(features).T)

    def index_of_bands(self, bands: NDArray[np.floating]) -> NDArray[np.float32]:
        """Compute the index (...) of feature bands (d, ...), a chunk of pixels at a time.

        ``|z - z_i|^2 = |z|^2 + min_i (|z_i|^2 - 2 z . z_i)``, the product by BLAS.
        """
        flat = bands.reshape(len(bands), -1)
        own = np.column_stack([-2.0 * self.samples, (self.samples**2).sum(axis=1)])
        own = np.ascontiguousarray(own, np.float32)
        result = np.empty(flat.shape[1], np.float32)
        here = np.ones((len(flat) + 1, CHUNK), np.float32)
        distances = np.empty((min(len(own), AT_A_TIME), CHUNK), np.float32)
        least = np.empty(CHUNK, np.float32)
        for start in range(0, flat.shape[1], CHUNK):
            part = flat[:, start : start + CHUNK]
            size = part.shape[1]
            z = here[:-1, :size]
            z[:] = (part - self.centre[:, None]) * self.scale[:, None]
            least[:] = np.inf
            for first in range(0, len(own), AT_A_TIME):
                rows = own[first : first + AT_A_TIME]
                _lower(np.matmul(rows, here, out=distances[: len(rows)]), least)
            squared = least[:size] + np.einsum("ij,ij->j", z, z)
            result[start : start + size] = np.sqrt(np.maximum(squared, 0.0))
        return (result / np.float32(self.mean_distance)).reshape(bands.shape[1:])


@compiled()
def _lower(rows, least):  # type: ignore[no-untyped-def]
    for row in range(rows.shape[0]):
        for column in range(least.size):
            if rows[row, column] < least[column]:
                least[column] = rows[row, column]


def fit_applicability(
    observations: Observations,
    features: Features,
    folds: NDArray[np.int_],
    weights: NDArray[np.float64] | None = None,
) -> Applicability:
    """Learn from the samples where a model of these features may be applied.

    Samples that stand for catchments are told by places drawn in these: pixels differ more than
    means over catchments do, and would look unlike all of them. Of more than 4,000 samples or
    places an even choice by their order stands for all, in the index and in the threshold alike,
    so that the time per pixel is bounded.

    Parameters
    ----------
    observations
        n samples.
    features
        d features; samples with an empty one are left out.
    folds
        (n,) fold of each sample.
    weights
        (d,) importance of each feature, >= 0 (for example standardised coefficients);
        equal by default.

    Raises
    ------
    FitError
        fewer than three samples have all features.

    Source: Meyer & Pebesma 2021.
    """
    points, folds = _seen(observations.points, np.asarray(folds))
    raw = features.at(points)
    keep = _evenly(np.flatnonzero(np.isfinite(raw).all(axis=1)))
    if keep.size < 3:
        raise FitError(
            must("samples with features", "at least 3", int(keep.size), "Check the imagery's cover")
        )
    raw, fold = raw[keep], folds[keep]
    spread, centre = raw.std(axis=0), raw.mean(axis=0)
    weight = np.ones(raw.shape[1]) if weights is None else np.asarray(weights, dtype=np.float64)
    size = np.maximum(np.abs(centre), 1.0)
    flat = spread <= 1e-9 * size
    scale = weight / np.where(flat, FLAT * size, spread)
    samples = (raw - centre) * scale
    mean_distance = _mean_distance(samples)
    found = Applicability(centre, scale, samples, mean_distance, float("inf"))
    held = np.concatenate(
        [
            Applicability(centre, scale, samples[fold != f], mean_distance, 0.0).index(
                raw[fold == f]
            )
            for f in np.unique(fold)
            if (fold != f).any()
        ]
    ).astype(np.float64)
    low, high = np.quantile(held, [0.25, 0.75])
    whisker = high + 1.5 * (high - low)
    threshold = float(held[held <= whisker].max())
    return Applicability(centre, scale, samples, found.mean_distance, threshold)


def _seen(points: Points, folds: NDArray[np.int_]) -> tuple[Points, NDArray[np.int_]]:
    """Return what pixels are compared with, and the folds: samples, or places in their ground."""
    if points.grounds is None:
        return points, folds
    places, sample = points.grounds.drawn(DRAWN)
    return Points(places), folds[sample]


def _evenly(rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Choose at most ``SAMPLES_LIMIT`` rows, evenly by their order."""
    return rows[np.linspace(0, rows.size - 1, min(rows.size, SAMPLES_LIMIT)).astype(int)]


def _mean_distance(samples: NDArray[np.float64]) -> float:
    """Average the distance between samples (of an even choice of them when there are many)."""
    step = max(1, -(-len(samples) // _PAIRS_LIMIT))
    mean = float(pdist(samples[::step]).mean())
    return mean if mean > 0 else 1.0


@dataclass(frozen=True)
class ApplicabilityLayer:
    """The dissimilarity index, and whether a pixel lies in the area of applicability.

    Bands: ``dissimilarity`` (0: like a sample) and ``applicable`` (1 or 0); NaN where a feature
    is empty.
    """

    source: Layer
    applicability: Applicability

    @property
    def grid(self) -> Grid:
        """Grid of the features."""
        return self.source.grid

    @property
    def bands(self) -> tuple[str, ...]:
        """Names of the two bands."""
        return ("dissimilarity", "applicable")

    def read(self, window: Window) -> NDArray[np.float32]:
        """Read float32 (2, row, column)."""
        index = self.applicability.index_of_bands(self.source.read(window))
        inside = np.where(np.isfinite(index), index <= self.applicability.threshold, np.nan)
        return np.stack([index, inside.astype(np.float32)])
