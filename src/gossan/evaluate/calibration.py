"""Check intervals against held-out samples, and widen or narrow them where they fail."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from gossan.arrays.conformal import conformal_quantile, normal_quantile

__all__ = [
    "LEVELS",
    "Calibration",
    "bootstrap_mean",
    "calibrate",
    "coverage_table",
    "crps",
]

LEVELS = (0.5, 0.8, 0.9, 0.95)
"""Nominal coverages that reports state."""

_DRAWS = 1000


@dataclass(frozen=True)
class Calibration:
    """Half widths of intervals, in standard errors, that held-out samples ask for.

    ``factors`` multiply the normal half width at each level of ``levels``; all are 1 when the
    model's own intervals hold. ``sentence`` says what was found and done.
    """

    levels: tuple[float, ...]
    factors: tuple[float, ...]
    scaled: bool
    sentence: str

    def factor(self, level: float) -> float:
        """Return the factor at a level, interpolated between those checked.

        >>> Calibration((0.5, 0.9), (1.0, 2.0), True, "").factor(0.9)
        2.0
        """
        z = [normal_quantile(v) for v in self.levels]
        return float(np.interp(normal_quantile(level), z, self.factors))


def coverage_table(
    observed: NDArray[np.float64],
    estimate: NDArray[np.float64],
    standard_error: NDArray[np.float64],
    levels: tuple[float, ...] = LEVELS,
    calibration: Calibration | None = None,
) -> pd.DataFrame:
    """Compare nominal with achieved coverage at held-out samples.

    Parameters
    ----------
    observed, estimate, standard_error
        (n,) on the working scale; NaN leaves the sample out.
    levels
        nominal coverages.
    calibration
        scaling of the intervals, if any.

    Returns
    -------
    One row a level: ``nominal, achieved, n, mean_width, interval_score`` (mean width plus
    ``2 / (1 - level)`` times what lies beyond; small is good).

    >>> y = np.linspace(-2, 2, 401)
    >>> table = coverage_table(y, np.zeros(401), np.ones(401), levels=(0.9,))
    >>> round(float(table["achieved"][0]), 2)
    0.82

    Source: Gneiting & Raftery 2007 (interval score).
    """
    y, m, s = _finite(observed, estimate, standard_error)
    rows = []
    for level in levels:
        factor = 1.0 if calibration is None else calibration.factor(level)
        half = normal_quantile(level) * factor * s
        beyond = np.maximum(np.abs(y - m) - half, 0.0)
        width = float(np.mean(2.0 * half)) if y.size else float("nan")
        penalty = float(2.0 / (1.0 - level) * beyond.mean()) if y.size else float("nan")
        rows.append(
            {
                "nominal": level,
                "achieved": float(np.mean(beyond == 0.0)) if y.size else float("nan"),
                "n": int(y.size),
                "mean_width": width,
                "interval_score": width + penalty,
            }
        )
    return pd.DataFrame(rows)


def crps(
    observed: NDArray[np.float64],
    estimate: NDArray[np.float64],
    standard_error: NDArray[np.float64],
) -> float:
    """Measure normal predictions by the continuous ranked probability score (small is good).

    ``s (z (2 F(z) - 1) + 2 f(z) - 1 / sqrt(pi))`` with ``z = (y - m) / s``, averaged; ``|y - m|``
    where s is 0.

    >>> crps(np.array([1.0, 3.0]), np.array([1.0, 1.0]), np.array([1.0, 0.0])).__round__(3)
    1.117

    Source: Gneiting & Raftery 2007, eq. 5.
    """
    y, m, s = _finite(observed, estimate, standard_error)
    if not y.size:
        return float("nan")
    z = (y - m) / np.where(s > 0, s, 1.0)
    each = s * (z * (2.0 * norm.cdf(z) - 1.0) + 2.0 * norm.pdf(z) - 1.0 / np.sqrt(np.pi))
    return float(np.where(s > 0, each, np.abs(y - m)).mean())


def calibrate(
    observed: NDArray[np.float64],
    estimate: NDArray[np.float64],
    standard_error: NDArray[np.float64],
    groups: NDArray[np.int_],
    levels: tuple[float, ...] = LEVELS,
    seed: int = 0,
) -> Calibration:
    """Scale intervals by split conformal prediction where held-out samples refute them.

    Scores are ``|y - m| / s`` of spatially held-out samples. The model's intervals stand when the
    nominal 90 % lies within the 95 % block-bootstrap interval of what they achieved;
    otherwise every level is scaled by its conformal quantile.

    Parameters
    ----------
    observed, estimate, standard_error
        (n,) held-out samples on the working scale.
    groups
        (n,) spatial block of each sample.
    levels
        nominal coverages to scale.
    seed
        of the bootstrap.

    Returns
    -------
    The calibration with a sentence; factors 1 with fewer than 20 samples, which prove nothing.

    >>> rng = np.random.default_rng(0)
    >>> y = 2.0 * rng.normal(size=1000)
    >>> calibration = calibrate(y, np.zeros(1000), np.ones(1000), np.arange(1000) // 20)
    >>> calibration.scaled, round(calibration.factor(0.9))
    (True, 2)

    Sources: Vovk et al. 2005; Mao et al. 2020 (spatial).
    """
    keep = np.isfinite(observed) & np.isfinite(estimate) & np.isfinite(standard_error)
    keep &= standard_error > 0
    ones = tuple(1.0 for _ in levels)
    if keep.sum() < 20:
        sentence = f"{int(keep.sum())} held-out samples are too few to check the intervals"
        return Calibration(levels, ones, False, sentence)
    score = np.abs(observed[keep] - estimate[keep]) / standard_error[keep]
    inside = score <= normal_quantile(0.9)
    low, high = bootstrap_mean(inside.astype(np.float64), groups[keep], seed)
    found = f"nominal 90 % intervals cover {inside.mean():.2f} [{low:.2f}, {high:.2f}]"
    if low <= 0.9 <= high:
        return Calibration(levels, ones, False, f"{found} of held-out samples: they stand")
    wanted = np.array([conformal_quantile(score, level) for level in levels])
    wanted = np.minimum(wanted, 1.05 * score.max())
    factors = wanted / np.array([normal_quantile(level) for level in levels])
    sentence = (
        f"{found} of held-out samples: scaled by {np.interp(0.9, levels, factors):.2f} at 90 %"
    )
    return Calibration(levels, tuple(float(f) for f in factors), True, sentence)


def bootstrap_mean(
    values: NDArray[np.float64], groups: NDArray[np.int_], seed: int
) -> tuple[float, float]:
    """Compute the 95 % block-bootstrap interval of a mean.

    Parameters
    ----------
    values, groups
        (n,) values and the spatial block of each.
    seed
        Of the bootstrap.

    Returns
    -------
    Lower and upper end; with fewer than three blocks, that of independent values.
    """
    _, label = np.unique(groups, return_inverse=True)
    total, count = np.bincount(label, values), np.bincount(label)
    k = total.size
    if k < 3:
        half = 1.96 * float(np.sqrt(values.var() / values.size + 0.25 / values.size**2))
        return float(values.mean()) - half, float(values.mean()) + half
    rng = np.random.default_rng(seed)
    weight = rng.multinomial(k, np.full(k, 1.0 / k), _DRAWS)
    low, high = np.quantile((weight @ total) / (weight @ count), [0.025, 0.975])
    return float(low), float(high)


def _finite(*arrays: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Keep the samples for which every array is finite."""
    keep = np.all([np.isfinite(a) for a in arrays], axis=0)
    return [np.asarray(a, dtype=np.float64)[keep] for a in arrays]
