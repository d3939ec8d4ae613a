"""Tell contamination of blanks, and what is carried over from the sample analysed before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

FEWEST = 6
"""Blanks below which carry-over is not tested."""


@dataclass(frozen=True)
class CarryOver:
    """What blanks hold of the samples before them.

    Parameters
    ----------
    blanks
        Number of blanks with a sample before them.
    percent
        Content carried over, in percent of the sample before (slope of Theil and Sen).
    probability
        Probability of such a rank correlation where nothing is carried over (one-sided).
    """

    blanks: int
    percent: float
    probability: float

    @property
    def is_sure(self) -> bool:
        """Whether chance is an unlikely reason."""
        return self.probability < 0.01 and self.percent > 0.1


def carry_over(blanks: NDArray[np.float64], before: NDArray[np.float64]) -> CarryOver | None:
    """Compare blanks with the samples analysed just before; None where they are too few.

    >>> before = np.array([10.0, 900, 20, 1500, 40, 300, 15, 2000])
    >>> found = carry_over(0.1 + 0.01 * before, before)
    >>> round(found.percent, 3), found.is_sure
    (1.0, True)
    """
    known = np.isfinite(blanks) & np.isfinite(before)
    if known.sum() < FEWEST or np.ptp(blanks[known]) == 0 or np.ptp(before[known]) == 0:
        return None
    chance = stats.spearmanr(before[known], blanks[known], alternative="greater").pvalue
    slope = stats.theilslopes(blanks[known], before[known])[0]
    return CarryOver(int(known.sum()), 100 * float(slope), float(chance))
