"""Gaussian sites that stand for censored samples: expectation propagation.

A sample known only to lie beyond a limit has the likelihood of a step. Given all other samples
its distribution is normal (the cavity, mean ``m`` and variance ``v``); truncating that at the
limit L gives the moments which a Gaussian site, a pseudo-observation with an error variance, must
reproduce. For a sample below L, with ``z = (L - m) / sqrt(v)`` and ``r = pdf(z) / cdf(z)``,

    ``site mean = m - sqrt(v) / (z + r)``
    ``site variance = v (1 - d) / d``,  ``d = r (z + r)``

Source: Minka 2001, Expectation propagation; Rasmussen and Williams 2006, sec. 3.6.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx

from gossan.arrays.array_type import Array

__all__ = ["Beyond", "Sites", "truncation_sites"]

_STEP = 0.8
_ROUNDS = 30
_CLOSE = 1e-3
_FAR = 40.0
_SERIES = 30.0


@dataclass(frozen=True, eq=False)
class Sites:
    """Pseudo-observations (k,) of the samples ``rows`` (k,) and their error variances (k,)."""

    rows: NDArray[np.int_]
    values: Array = field(repr=False)
    variances: Array = field(repr=False)

    @classmethod
    def none(cls) -> Self:
        """Make no sites: every sample was measured."""
        return cls(np.zeros(0, int), np.zeros(0), np.zeros(0))

    def towards(self, values: Array, variances: Array, step: float) -> Sites:
        """Move a part of the way to other sites, in precision and precision times mean."""
        old, new = 1.0 / self.variances, 1.0 / variances
        precision = (1.0 - step) * old + step * new
        weighted = (1.0 - step) * old * self.values + step * new * values
        return Sites(self.rows, weighted / precision, 1.0 / precision)


@dataclass(frozen=True, eq=False)
class Beyond:
    """Samples that are only known to lie beyond a limit.

    Parameters
    ----------
    rows
        (k,) their numbers among all samples.
    limits
        (k,) limit of each.
    above
        (k,) True where the sample lies above its limit, False where below.
    """

    rows: NDArray[np.int_]
    limits: Array = field(repr=False)
    above: NDArray[np.bool_] = field(repr=False)

    def sites(self, mean: Array | float, variance: Array | float) -> Sites:
        """Return the sites of samples of which all others say (k,) mean and variance."""
        ones = np.ones(len(self.rows))
        return Sites(
            self.rows, *truncation_sites(mean * ones, variance * ones, self.limits, self.above)
        )

    def agree(self, start: Sites, left_out: Callable[[Sites], tuple[Array, Array]]) -> Sites:
        """Repeat the sites until they agree with a model.

        Each round leaves every censored sample out in turn (its cavity) and renews all sites at
        once, damped. The site's own variance is part of the sample's noise, hence taken off again.

        Parameters
        ----------
        start
            Sites to begin with.
        left_out
            From sites to what each site (k,) differs from its estimate by all other samples, and
            the variance of that difference.
        """
        sites = start
        for _ in range(_ROUNDS):
            residual, variance = left_out(sites)
            cavity = np.maximum(variance - sites.variances, 1e-6 * variance)
            found = self.sites(sites.values - residual, cavity)
            moved = _change(sites, cavity, found)
            sites = sites.towards(found.values, found.variances, _STEP)
            if moved < _CLOSE:
                break
        return sites


def _change(sites: Sites, cavity: Array, found: Sites) -> float:
    """Return the largest change of a site's weight or pull, in units of the cavity."""
    old, new = cavity / sites.variances, cavity / found.variances
    pull = np.abs(old * (found.values - sites.values)) / np.sqrt(cavity)
    return float(np.maximum(np.abs(new - old), pull).max())


def truncation_sites(
    mean: Array, variance: Array, limits: Array, above: NDArray[np.bool_]
) -> tuple[Array, Array]:
    """Return mean and variance (k,) of the sites of samples beyond a limit.

    Parameters
    ----------
    mean, variance
        (k,) of each sample given all others (the cavity).
    limits
        (k,) limit of each sample.
    above
        (k,) True where the sample lies above its limit, False where below.

    Examples
    --------
    >>> value, error = truncation_sites(np.zeros(1), np.ones(1), np.zeros(1), np.array([False]))
    >>> weight = 1 / (1 + error)  # cavity times site: the half-normal distribution
    >>> bool(np.allclose([value * weight, 1 - weight], [[-(2 / np.pi) ** 0.5], [1 - 2 / np.pi]]))
    True
    """
    sign = np.where(above, -1.0, 1.0)
    deviation = np.sqrt(variance)
    z = np.minimum(sign * (limits - mean) / deviation, _FAR)
    mills, gap, left = _truncated(z)
    share = np.maximum(mills * gap, 1e-8)
    return mean - sign * deviation / gap, variance * left / share


def _truncated(z: Array) -> tuple[Array, Array, Array]:
    """Return r, z + r and ``1 - r (z + r)``, the variance that truncation leaves.

    The last two cancel far below the limit, where their asymptotic series take over.
    """
    mills = np.sqrt(2.0 / np.pi) / erfcx(-z / np.sqrt(2.0))
    deep = z < -_SERIES
    u = 1.0 / np.where(deep, z, -_SERIES) ** 2
    gap = np.where(deep, np.sqrt(u) * (1 - 2 * u + 10 * u**2), z + mills)
    left = np.where(deep, u * (1 - 6 * u + 50 * u**2), 1.0 - mills * (z + mills))
    return mills, gap, left
