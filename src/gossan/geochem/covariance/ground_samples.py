"""Samples that stand for ground of any shape: the covariance between catchments.

``K = A S A'``: S holds the covariances between sub-basins, A the share of each sub-basin in the
ground of a sample. Sub-basins are sums of square blocks of one lattice, so that the covariance of
two of them is a weighted sum over the lags between blocks: the weights of all lags are gathered
once, and each set of parameters costs one product of a sparse matrix.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gossan.arrays.array_type import Array
from gossan.geo.grounds import Basins, Grounds, Support
from gossan.geochem.covariance.dense import ExactSamples
from gossan.geochem.covariance.model import CovarianceModel
from gossan.geochem.covariance.supports import lag_rule, mean_slopes

__all__ = ["GroundSamples", "covariances_of_basins"]


@dataclass(frozen=True, eq=False)
class LagWeights:
    """Lags between blocks (l, 2) in metres, and their weights (pairs of sub-basins, l)."""

    lags: Array
    weights: sparse.csr_matrix

    @classmethod
    def of(cls, basins: Basins) -> LagWeights:
        """Gather the lags between all pieces of all pairs of sub-basins."""
        basin, block, share = basins.pieces
        rows, columns = basins.places(block)
        pairs, lags, weights = [], [], []
        span = 2 * int(np.ptp(columns)) + 1
        for k in range(len(basin)):  # pieces are sorted by their sub-basin
            other = slice(0, int(np.searchsorted(basin, basin[k], side="right")))
            down, across = rows[other] - rows[k], columns[other] - columns[k]
            turned = np.where((down < 0) | ((down == 0) & (across < 0)), -1, 1)
            lags.append(turned * down * span + turned * across + span // 2)
            pairs.append(_pair(basin[k], basin[other]))
            weights.append(share[k] * share[other])
        unique, lag = np.unique(np.concatenate(lags), return_inverse=True)
        down, across = np.divmod(unique, span)
        size = np.array([basins.grid.pixel_width, -basins.grid.pixel_height]) * basins.side
        table = sparse.coo_matrix(
            (np.concatenate(weights), (np.concatenate(pairs), lag.ravel())),
            shape=(basins.count * (basins.count + 1) // 2, len(unique)),
        ).tocsr()
        return cls(np.column_stack([across - span // 2, down]) * size, table)


def _pair(one: int | NDArray[np.int_], two: int | NDArray[np.int_]) -> NDArray[np.int_]:
    """Number of a pair of sub-basins, the first of them not below the second."""
    return np.asarray(one * (one + 1) // 2 + two)


_GATHERED: WeakKeyDictionary[Basins, LagWeights] = WeakKeyDictionary()


_LOCK = Lock()


def _lag_weights(basins: Basins) -> LagWeights:
    """Gather the lags of a ground once: folds and elements share them."""
    with _LOCK:
        if basins not in _GATHERED:
            _GATHERED[basins] = LagWeights.of(basins)
        return _GATHERED[basins]


def covariances_of_basins(
    basins: Basins, covariance: CovarianceModel, metric_slopes: Array | None = None
) -> Array:
    """Return the covariances (1 + q, s, s) between sub-basins, and their q derivatives.

    Parameters
    ----------
    basins
        Ground cut into s sub-basins.
    covariance
        Of points; its nugget is not looked at.
    metric_slopes
        (p, 3) as those of ``CovarianceModel.with_slopes``; without them there are no derivatives.
    """
    found = _lag_weights(basins)
    x, y = np.ascontiguousarray(found.lags.T)
    slopes = np.empty((0, 3)) if metric_slopes is None else metric_slopes
    bent = metric_slopes is not None and covariance.has_exponent
    count = len(slopes) + bent
    value, change = np.empty(len(x)), np.empty((count, len(x)))
    rule = lag_rule(basins.block_m, basins.block_m)
    mean_slopes(covariance.supported(rule), slopes, x, y, len(x), value, change)
    packed = np.asarray(found.weights @ np.vstack([value, change]).T)
    whole = np.empty((1 + count, basins.count, basins.count))
    low = np.tril_indices(basins.count)
    whole[:, low[0], low[1]] = packed.T
    whole[:, low[1], low[0]] = packed.T
    return whole


@dataclass(frozen=True, eq=False)
class GroundSamples(ExactSamples):
    """Samples (n, 2) that stand for ground of their own; ``support_m`` is about as wide.

    Source: Skoien et al. 2006, Hydrology and Earth System Sciences 10 (top-kriging: covariances
    between nested catchments); Journel and Huijbregts 1978, sec. II.D.
    """

    grounds: Grounds = field(default=None, repr=False)  # type: ignore[assignment]

    @cached_property
    def _shares(self) -> sparse.csr_matrix:
        return self.grounds.shares

    @property
    def finest(self) -> NDArray[np.bool_]:
        """None: ground as wide as this leaves no cusp in a map."""
        return np.zeros(len(self.coordinates), bool)

    def with_slopes(self, covariance: CovarianceModel, metric_slopes: Array) -> tuple[Array, Array]:
        """Return the covariances (n, n) of the samples and their derivatives (q, n, n)."""
        found = covariances_of_basins(self.grounds.basins, covariance, metric_slopes)
        whole = np.array([between(self._shares, one, self._shares) for one in found])
        return whole[0], whole[1:]

    def covariances(self, covariance: CovarianceModel) -> Array:
        """Return the covariances (n, n) of the samples, without noise."""
        return self.across(covariance, self.coordinates, self.grounds)

    def across(self, covariance: CovarianceModel, targets: Array, support: Support) -> Array:
        """Return the covariances (t, n) of targets, squares or ground, with the samples."""
        basins = self.grounds.basins
        if isinstance(support, Grounds):
            whole = covariances_of_basins(basins, covariance)[0]
            return between(support.shares, whole, self._shares)
        rule = lag_rule(support, basins.block_m)
        of_blocks = covariance.between(targets, basins.centres, rule)
        return np.ascontiguousarray((self._by_block @ of_blocks.T).T)

    def within(self, covariance: CovarianceModel, support: Support) -> Array | float:
        """Return the mean covariance within the support of targets: (t,) or one number."""
        if not isinstance(support, Grounds):
            return super().within(covariance, support)
        whole = covariances_of_basins(self.grounds.basins, covariance)[0]
        shares = support.shares
        return np.asarray(shares.multiply(shares @ whole).sum(axis=1)).ravel()

    @cached_property
    def _by_block(self) -> sparse.csr_matrix:
        return sparse.csr_matrix(self._shares @ self.grounds.basins.shares)


def between(one: sparse.csr_matrix, covariances: Array, two: sparse.csr_matrix) -> Array:
    """Return ``A S B'`` (n, m) as a plain array in the order of rows."""
    return np.ascontiguousarray((two @ np.asarray(one @ covariances).T).T)
