"""Precision as a function of content, and the detection limit, from duplicate analyses.

Thompson and Howarth (1976, 1978): the standard deviation of a measurement grows with the content
c as s(c) = s0 + k c. Half of all absolute differences of duplicates lie below
0.6745 sqrt(2) s(c) = 0.9539 s(c).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog, nnls

MEDIAN_DIFFERENCE = 0.6744897501960817 * 2**0.5
"""Median absolute difference of two measurements, in standard deviations of one."""
GROUP_MEDIAN = 0.6925859461661817 * 2**0.5
"""Expected median of a group of 11 absolute differences: medians of small groups are 2.7 % high."""
GROUP = 11
"""Pairs of a group of the method for many pairs."""
MANY = 50
"""Pairs from which the method for many pairs is used."""
FEWEST = 8
"""Pairs below which nothing is fitted."""


@dataclass(frozen=True)
class PrecisionLine:
    """Standard deviation of a measurement: ``s0 + k c``, in the unit of the contents.

    Parameters
    ----------
    s0
        Standard deviation at content 0.
    k
        Growth with the content, without unit.
    pairs
        Number of duplicates.
    """

    s0: float
    k: float
    pairs: int

    def standard_deviation(self, content: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return s(c)."""
        return self.s0 + self.k * np.asarray(content, float)

    def percent(self, content: float) -> float:
        """Return the precision 2 s(c) / c in percent."""
        return float(200 * (self.s0 / content + self.k))

    @property
    def detection_limit(self) -> float:
        """Content whose precision is 100 %: 2 s0 / (1 - 2 k); infinite where k >= 1/2.

        >>> PrecisionLine(1.0, 0.05, 60).detection_limit
        2.2222222222222223
        """
        return 2 * self.s0 / (1 - 2 * self.k) if self.k < 0.5 else float("inf")


def fit_precision(first: NDArray[np.float64], second: NDArray[np.float64]) -> PrecisionLine | None:
    """Fit the precision line to duplicates; None where they are fewer than 8.

    From 50 pairs on, as Thompson and Howarth: the pairs are sorted by their mean and grouped by
    11, and a line is fitted to the medians of the absolute differences against the means of the
    groups. Fewer pairs are fitted by the line through the median of the absolute differences
    (least absolute deviations). Neither ``s0`` nor ``k`` is negative.

    Parameters
    ----------
    first, second
        (n,) both measurements; pairs with an empty one are left out.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> c = rng.uniform(5, 200, 2200)
    >>> a, b = (c + (1 + 0.05 * c) * rng.standard_normal(2200) for _ in "ab")
    >>> line = fit_precision(a, b)
    >>> round(float(line.standard_deviation(np.array(100.0)))), round(line.k, 2)
    (6, 0.05)
    """
    known = np.isfinite(first) & np.isfinite(second)
    mean = (first[known] + second[known]) / 2
    difference = np.abs(first[known] - second[known])
    if len(mean) < FEWEST:
        return None
    if len(mean) >= MANY:
        (s0, k), unit = _by_groups(mean, difference), GROUP_MEDIAN
    else:
        (s0, k), unit = _by_median(mean, difference), MEDIAN_DIFFERENCE
    return PrecisionLine(s0 / unit, k / unit, len(mean))


def _by_groups(mean: NDArray[np.float64], difference: NDArray[np.float64]) -> tuple[float, float]:
    order = np.argsort(mean, kind="stable")
    count = len(mean) // GROUP
    parts = np.array_split(order, count)
    x = np.array([mean[part].mean() for part in parts])
    y = np.array([np.median(difference[part]) for part in parts])
    weight = 1.0 / np.maximum(x, np.median(x) / 10)  # differences grow with the content
    solution, _ = nnls(np.column_stack([weight, x * weight]), y * weight)
    return float(solution[0]), float(solution[1])


def _by_median(mean: NDArray[np.float64], difference: NDArray[np.float64]) -> tuple[float, float]:
    """Minimise the sum of absolute deviations, each in units of the content's size."""
    n = len(mean)
    weight = 1.0 / np.maximum(mean, np.median(mean) / 10)
    line = np.column_stack([np.ones(n), mean]) * weight[:, None]
    equal = np.hstack([line, np.eye(n), -np.eye(n)])
    cost = np.concatenate([[0.0, 0.0], np.ones(2 * n)])
    found = linprog(cost, A_eq=equal, b_eq=difference * weight, bounds=(0, None))
    return float(found.x[0]), float(found.x[1])
