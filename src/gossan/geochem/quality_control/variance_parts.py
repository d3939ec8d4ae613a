"""Part the variance of a survey into ground, sampling and analysis by nested duplicates.

Garrett (1969), Ramsey (1998): at some places two samples are taken, and each is analysed twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats


@dataclass(frozen=True)
class VarianceParts:
    """Variances of the ground, of sampling and of analysis, none below 0.

    Parameters
    ----------
    ground, sampling, analysis
        Variances in the square of the values' unit.
    probability
        Probability of such differences between places where the ground is the same everywhere
        (F test); NaN where it cannot be determined.
    """

    ground: float
    sampling: float
    analysis: float
    probability: float

    @property
    def shares(self) -> tuple[float, float, float]:
        """Shares of ground, sampling and analysis."""
        total = self.ground + self.sampling + self.analysis
        if total == 0:
            return float("nan"), float("nan"), float("nan")
        return self.ground / total, self.sampling / total, self.analysis / total


def nested_variances(values: NDArray[np.float64]) -> VarianceParts:
    """Part the variance of a balanced nested design.

    Parameters
    ----------
    values
        (places, samples of a place, analyses of a sample).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> ground = rng.normal(0, 3, (4000, 1, 1)) + rng.normal(0, 2, (4000, 2, 1))
    >>> parts = nested_variances(ground + rng.normal(0, 1, (4000, 2, 2)))
    >>> round(parts.ground), round(parts.sampling), round(parts.analysis)
    (9, 4, 1)
    """
    places, samples, analyses = values.shape
    of_samples, of_places = values.mean(axis=2), values.mean(axis=(1, 2))
    within = ((values - of_samples[..., None]) ** 2).sum() / (places * samples * (analyses - 1))
    between = analyses * ((of_samples - of_places[:, None]) ** 2).sum()
    between /= places * (samples - 1)
    top = samples * analyses * ((of_places - values.mean()) ** 2).sum() / (places - 1)
    chance = float(stats.f.sf(top / between, places - 1, places * (samples - 1)))
    return VarianceParts(
        ground=max(0.0, float(top - between) / (samples * analyses)),
        sampling=max(0.0, float(between - within) / analyses),
        analysis=float(within),
        probability=chance,
    )


def variances_of_pairs(
    total: float,
    field: NDArray[np.float64],
    laboratory: NDArray[np.float64],
    count: int,
) -> VarianceParts:
    """Part the variance by field duplicates and repeats of the laboratory that are not nested.

    Parameters
    ----------
    total
        Variance of all samples.
    field, laboratory
        (n, 2) field duplicates, each analysed once, and repeated analyses; either may be empty.
    count
        Number of samples that ``total`` comes from.
    """
    analysis = _half_square(laboratory)
    both = _half_square(field)
    if np.isnan(both):
        both = analysis
    analysis = min(analysis, both) if np.isfinite(analysis) else 0.0
    chance = float("nan")
    if len(field) and both > 0:
        chance = float(stats.f.sf(total / both, count - 1, len(field)))
    return VarianceParts(max(0.0, total - both), both - analysis, analysis, chance)


def _half_square(pairs: NDArray[np.float64]) -> float:
    """Estimate the variance of one measurement from pairs: half the mean squared difference."""
    if not len(pairs):
        return float("nan")
    return float(((pairs[:, 0] - pairs[:, 1]) ** 2).mean() / 2)
