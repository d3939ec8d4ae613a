"""Samples of several supports in one covariance: each pair has the rule of its two squares."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.array_type import Array
from gossan.geo.grounds import Support
from gossan.geochem.covariance.dense import ExactSamples
from gossan.geochem.covariance.model import CovarianceModel
from gossan.geochem.covariance.supports import lag_rule

__all__ = ["MixedSamples"]


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

    def with_slopes(self, covariance: CovarianceModel, metric_slopes: Array) -> tuple[Array, Array]:
        """Return the covariances (n, n) of the samples and their derivatives (q, n, n)."""
        count = len(self.coordinates)
        value = np.empty((count, count))
        change = np.empty((len(metric_slopes) + covariance.has_exponent, count, count))
        for one, two in combinations_with_replacement(np.unique(self.supports_m), 2):
            first, second = (np.flatnonzero(self.supports_m == size) for size in (one, two))
            rows = first if one == two else np.concatenate([first, second])
            part = covariance.with_slopes(
                self.coordinates[rows], lag_rule(float(one), float(two)), metric_slopes
            )
            cut = 0 if one == two else len(first)
            for whole, own in zip((value, change), part):
                block = own[..., : len(first), cut:]
                whole[..., first[:, None], second] = block
                whole[..., second[:, None], first] = np.swapaxes(block, -1, -2)
        return value, change

    def covariances(self, covariance: CovarianceModel) -> Array:
        """Return the covariances (n, n) of the samples, without noise."""
        found = np.empty((len(self.coordinates),) * 2)
        for size in np.unique(self.supports_m):
            rows = self.supports_m == size
            found[rows] = self.across(covariance, self.coordinates[rows], float(size))
        return found

    def across(self, covariance: CovarianceModel, targets: Array, support: Support) -> Array:
        """Return the covariances (t, n) of targets of a support with the samples."""
        side = self.side_of(support)
        found = np.empty((len(targets), len(self.coordinates)))
        for size in np.unique(self.supports_m):
            rows = self.supports_m == size
            rule = lag_rule(side, float(size))
            found[:, rows] = covariance.between(targets, self.coordinates[rows], rule)
        return found
