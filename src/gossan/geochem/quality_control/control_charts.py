"""Control charts: results of a standard in the order of analysis, and the rules that they break."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

RULES: tuple[tuple[str, int, int, float], ...] = (
    ("1 beyond 3 sd", 1, 1, 3.0),
    ("2 of 3 beyond 2 sd", 2, 3, 2.0),
    ("4 of 5 beyond 1 sd", 4, 5, 1.0),
    ("8 on one side", 8, 8, 0.0),
)
"""The Western Electric rules: so many of so many successive results beyond so many standard
deviations on one side of the centre (Western Electric 1956; Shewhart 1931)."""


def broken_rules(z: NDArray[np.float64]) -> list[str]:
    """Name the first rule that each result breaks, with those before it; "" where none.

    Parameters
    ----------
    z
        (n,) standardised results in the order of analysis.

    Examples
    --------
    >>> broken_rules(np.array([0.1, 3.4, -0.2, -2.2, -2.5]))
    ['', '1 beyond 3 sd', '', '', '2 of 3 beyond 2 sd']
    """
    return [next((r[0] for r in RULES if _breaks(z[: i + 1], r)), "") for i in range(len(z))]


def _breaks(z: NDArray[np.float64], rule: tuple[str, int, int, float]) -> bool:
    _, count, window, limit = rule
    last = z[-window:]
    if len(last) < window:
        return False
    sides = [(side * last > limit) for side in (1, -1)]
    return any(bool(beyond[-1] and beyond.sum() >= count) for beyond in sides)


@dataclass(frozen=True)
class Bias:
    """How far the mean of a standard is from its certified value.

    Parameters
    ----------
    results
        Number of results.
    mean, sd
        Of the results.
    certified
        Certified value.
    percent
        Difference of the mean from it, in percent of it.
    probability
        Two-sided probability of such a difference where there is no bias (Student's t).
    """

    results: int
    mean: float
    sd: float
    certified: float
    percent: float
    probability: float

    @property
    def is_sure(self) -> bool:
        """Whether chance is an unlikely reason (probability below 1 %)."""
        return self.results >= 3 and self.probability < 0.01


def bias(values: NDArray[np.float64], certified: float) -> Bias:
    """Compare the mean of a standard with its certified value.

    >>> found = bias(np.array([101.0, 103.0, 102.0, 104.0]), 100.0)
    >>> round(found.percent, 2), round(found.probability, 4)
    (2.5, 0.0305)
    """
    sd = float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")
    mean = float(np.mean(values))
    error = sd / np.sqrt(len(values)) if sd else float("nan")
    chance = float(2 * stats.t.sf(abs(mean - certified) / error, len(values) - 1))
    return Bias(len(values), mean, sd, certified, 100 * (mean / certified - 1), chance)


def robust_centre(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the median and the standard deviation by the median absolute deviation.

    >>> robust_centre(np.array([10.0, 11.0, 12.0, 13.0, 99.0]))
    (12.0, 1.4826)
    """
    centre = float(np.median(values))
    return centre, float(1.4826 * np.median(np.abs(values - centre)))
