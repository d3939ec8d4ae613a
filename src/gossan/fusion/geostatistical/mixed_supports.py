"""Samples of several supports in one covariance: each pair has the rule of its two squares."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from gossan.fusion.geostatistical.covariance import Correlation, lag_rule
from gossan.fusion.geostatistical.dense import ExactSamples

__all__ = ["MixedSamples"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MixedSamples(ExactSamples):
    """Samples (n, 2) of supports (n,); ``support_m`` is the finest of them.

    Source: Journel and Huijbregts 1978, sec. II.D (covariance between two supports).
    """

    supports_m: Array = field(default_factory=lambda: np.zeros(0), repr=False)

    @property
    def finest(self) -> NDArray[np.bool_]:
        """Which samples have the finest support."""
        return np.asarray(self.supports_m == self.support_m)

    def with_slopes(self, correlation: Correlation, anisotropic: bool) -> tuple[Array, Array]:
        """Return the correlations (n, n) of the samples and their derivatives (p, n, n)."""
        count, shapes = len(self.coordinates), len(correlation.metric_slopes(anisotropic))
        value = np.empty((count, count))
        change = np.empty((shapes + (correlation.family == "stable"), count, count))
        for one, two in combinations_with_replacement(np.unique(self.supports_m), 2):
            first, second = (np.flatnonzero(self.supports_m == size) for size in (one, two))
            rows = first if one == two else np.concatenate([first, second])
            part = correlation.with_slopes(
                self.coordinates[rows], lag_rule(float(one), float(two)), anisotropic
            )
            cut = 0 if one == two else len(first)
            for whole, own in zip((value, change), part):
                block = own[..., : len(first), cut:]
                whole[..., first[:, None], second] = block
                whole[..., second[:, None], first] = np.swapaxes(block, -1, -2)
        return value, change

    def correlations(self, correlation: Correlation) -> Array:
        """Return the correlations (n, n) of the samples."""
        found = np.empty((len(self.coordinates),) * 2)
        for size in np.unique(self.supports_m):
            rows = self.supports_m == size
            found[rows] = self.across(correlation, self.coordinates[rows], float(size))
        return found

    def across(self, correlation: Correlation, targets: Array, support_m: float) -> Array:
        """Return the correlations (t, n) of targets of a support with the samples."""
        found = np.empty((len(targets), len(self.coordinates)))
        for size in np.unique(self.supports_m):
            rows = self.supports_m == size
            rule = lag_rule(support_m, float(size))
            found[:, rows] = correlation.between(targets, self.coordinates[rows], rule)
        return found
