"""Describe samples or the pixels of a map as one thing: weighted values that can be redrawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gossan.arrays.array_type import Array
from gossan.errors import FitError, must


@dataclass(frozen=True, eq=False)
class Distribution:
    """Weighted values in ascending order.

    Parameters
    ----------
    values
        (k,) finite values in rising order.
    weights
        (k,) what each value counts: 1 per sample, or the area of the pixels in km2.
    groups
        (g, k) the weights split by spatial block (rows add up to ``weights``), for the bootstrap;
        None: every value is its own block.
    independent
        Number of independent observations behind the weights; samples: their number. A map of
        millions of pixels has no more of them than the samples that made it.

    Examples
    --------
    >>> d = Distribution.of_samples([3.0, 1.0, 2.0, np.nan])
    >>> d.values.tolist(), d.total, d.quantile(0.5)
    ([1.0, 2.0, 3.0], 3.0, 2.0)
    """

    values: Array
    weights: Array
    groups: Array | None = field(default=None, repr=False)
    independent: float = 0.0

    @classmethod
    def of_samples(cls, values: ArrayLike, blocks: ArrayLike | None = None) -> Distribution:
        """Make it from (n,) samples (NaN left out) and, if given, the block of each (n,).

        Raises
        ------
        FitError
            The values must be present.
        """
        found = np.asarray(values, dtype=np.float64)
        kept = np.isfinite(found)
        if not kept.any():
            raise FitError(
                must("the values", "present", "none at all", "Check the element and its mask")
            )
        order = np.argsort(found[kept], kind="stable")
        groups = None
        if blocks is not None:
            _, block = np.unique(np.asarray(blocks)[kept][order], return_inverse=True)
            groups = np.zeros((int(block.max()) + 1, len(order)))
            groups[block, np.arange(len(order))] = 1.0
        return cls(found[kept][order], np.ones(len(order)), groups, float(len(order)))

    @property
    def total(self) -> float:
        """Sum of the weights: number of samples, or km2."""
        return float(self.weights.sum())

    def mean(self) -> float:
        """Return the weighted mean."""
        return float(self.weights @ self.values / self.total)

    def std(self) -> float:
        """Return the standard deviation, with ``independent - 1`` in the denominator."""
        square = float(self.weights @ (self.values - self.mean()) ** 2 / self.total)
        return float(np.sqrt(square * self.independent / max(self.independent - 1.0, 1e-9)))

    def quantile(self, probability: float) -> float:
        """Return a quantile: linear between the mid-points of the weights (Hazen's rule)."""
        middle = (np.cumsum(self.weights) - self.weights / 2) / self.total
        return float(np.interp(probability, middle, self.values))

    def at_or_above(self, points: ArrayLike) -> Array:
        """Return the weight of values at or above each point."""
        running = np.concatenate([[0.0], np.cumsum(self.weights)])
        return running[-1] - running[np.searchsorted(self.values, points, side="left")]

    def mapped(self, function: Callable[[Array], Array]) -> Distribution:
        """Apply a rising function to the values."""
        return Distribution(function(self.values), self.weights, self.groups, self.independent)

    def kept(self, mask: NDArray[np.bool_]) -> Distribution:
        """Keep some of the values, with their share of the independent observations.

        Raises
        ------
        FitError
            The values kept must be at least one.
        """
        if not mask.any():
            raise FitError(must("the values kept", "at least one", "none", "Check the limits"))
        groups = None if self.groups is None else self.groups[:, mask]
        share = float(self.weights[mask].sum() / self.total)
        return Distribution(self.values[mask], self.weights[mask], groups, self.independent * share)

    def redrawn(self, rng: np.random.Generator) -> Distribution:
        """Draw blocks with replacement: one bootstrap copy, without blocks of its own."""
        if self.groups is None:
            size = len(self.weights)
            weights = self.weights * rng.multinomial(size, np.full(size, 1.0 / size))
        else:
            size = len(self.groups)
            weights = rng.multinomial(size, np.full(size, 1.0 / size)) @ self.groups
        full = weights > 0
        return Distribution(self.values[full], weights[full], None, self.independent)


def redraw(
    distribution: Distribution,
    statistic: Callable[[Distribution], ArrayLike],
    draws: int,
    seed: int,
) -> Array:
    """Return a statistic of ``draws`` bootstrap copies: ``(draws, ...)``.

    >>> d = Distribution.of_samples(np.arange(50.0))
    >>> redraw(d, Distribution.mean, 20, seed=1).shape
    (20,)
    """
    rng = np.random.default_rng(seed)
    return np.array([statistic(distribution.redrawn(rng)) for _ in range(draws)])
