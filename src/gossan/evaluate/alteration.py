"""Find which alteration information helps: every index and component, alone and together."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular
from sklearn.linear_model import RidgeCV

from gossan.arrays.array_type import Array
from gossan.arrays.bootstrap import paired_skill
from gossan.errors import FitError, must
from gossan.evaluate.folds import Folds
from gossan.evaluate.validation import ValidationSamples
from gossan.fusion.fit_counter import one_fitted
from gossan.fusion.kriging_model import automatic_variogram, check_values
from gossan.fusion.protocol import Features
from gossan.io.tables import Column

__all__ = ["MOST_SAMPLES", "TOGETHER", "alteration_table"]

TOGETHER = "all together"
MOST_SAMPLES = 3000
"""Samples that a fit takes, at most: covariances grow as their square, time as their cube."""

_PENALTIES = [10.0**k for k in range(-1, 5)]


def alteration_table(
    samples: ValidationSamples,
    features: Features,
    folds: Folds,
    draws: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Measure what every feature alone, and all together, add to kriging.

    For each feature j, ``y = m + b_j phi_j + u(s) + e`` with the variogram of u + e fitted inside
    the fold, b by generalised least squares; held-out samples are predicted by the regression
    plus the kriged residual. "All together" is a ridge on all features in the same way.
    Features are standardised; where one is empty it counts as its mean. Of more samples than
    ``MOST_SAMPLES`` so many, drawn at random, are fitted; all are held out in turn.

    Parameters
    ----------
    samples
        n samples on the working scale, and how it is fitted inside each fold.
    features
        d features at the samples' support.
    folds
        of ``make_folds``.
    draws, seed
        of the bootstrap; the seed also draws the samples.

    Returns
    -------
    One row a feature, best first, after the row "all together": ``feature, n, r, coefficient``
    (change of the working scale for one standard deviation), ``t, sign, stability`` (share of
    folds with the same sign), ``skill, lower, upper`` (against kriging with the same
    variogram; 95 % paired block bootstrap).

    Raises
    ------
    FitError
        there are no features, or too few samples.

    Source: Ding et al. 2023, sec. 6 (asks for it); Hengl et al. 2007 (kriging with drift).
    """
    observations = samples.observations
    check_values(observations)
    if not features.names:
        cure = 'Name some, for example features = "imagery.all"'
        raise FitError(must("features", "at least one", "none", cure))
    raw = features.at(observations.points)
    z = _standardised(raw)
    xy, y = observations.points.coordinates, observations.values
    count, kept = z.shape[1], _drawn(len(y), seed)
    errors, signs = np.full((len(y), count + 2), np.nan), []
    for fold in np.unique(folds.labels):
        out = folds.labels == fold
        fitted = samples.fitted_to(np.flatnonzero(~out)).values[kept[~out]]
        system = _System(xy[kept & ~out], fitted, z[kept & ~out])
        errors[out] = system.predict(xy[out], z[out]) - samples.held_out(out)[:, None]
        signs.append(np.sign(system.slopes))
        one_fitted()
    whole = _System(xy[kept], y[kept], z[kept])
    rows = []
    for j in range(count + 1):
        interval = paired_skill(errors[:, j + 1], errors[:, 0], folds.groups, 0.95, draws, seed)
        together = j == count
        filled = np.isfinite(raw).all(axis=1) if together else np.isfinite(raw[:, j])
        rows.append(
            {
                "feature": TOGETHER if together else features.names[j],
                "n": int(filled.sum()),
                "r": np.nan if together else _correlation(raw[filled, j], y[filled]),
                "coefficient": np.nan if together else whole.slopes[j],
                "t": np.nan if together else whole.slopes[j] / whole.errors[j],
                "sign": "" if together else "+" if whole.slopes[j] > 0 else "-",
                "stability": np.nan
                if together
                else float(np.mean([s[j] == np.sign(whole.slopes[j]) for s in signs])),
                "skill": interval.value,
                "lower": interval.lower,
                "upper": interval.upper,
            }
        )
    table = pd.DataFrame(rows[:-1]).sort_values(Column.SKILL, ascending=False)
    return pd.concat([pd.DataFrame(rows[-1:]), table], ignore_index=True)


class _System:
    """Fit every feature alone and all together with one factorised covariance.

    ``slopes``, ``errors`` (d,): generalised least squares of each feature with a mean.
    """

    def __init__(self, xy: Array, y: Array, z: Array) -> None:
        self.variogram = automatic_variogram(xy, y)
        self.xy = xy
        covariance = self.variogram.between(xy, xy)
        nugget = max(self.variogram.nugget, 1e-6 * self.variogram.sill)
        covariance[np.diag_indices(len(y))] = self.variogram.structured_sill + nugget
        root = cholesky(covariance, lower=True)
        white = solve_triangular(root, np.column_stack([np.ones(len(y)), y, z]), lower=True)
        one, self.white_y, white_z = white[:, 0], white[:, 1], white[:, 2:]
        norm = float(one @ one)
        flat_y = self.white_y - one * (one @ self.white_y) / norm
        flat_z = white_z - np.outer(one, one @ white_z) / norm
        square = np.maximum((flat_z**2).sum(axis=0), 1e-12)
        self.slopes = flat_z.T @ flat_y / square
        self.errors = 1.0 / np.sqrt(square)
        self.joint = self._ridge(flat_z, flat_y)
        mean_y, mean_z = one @ self.white_y / norm, one @ white_z / norm
        # columns: kriging alone, each feature alone, all together
        self.beta = np.column_stack([np.zeros(z.shape[1]), np.diag(self.slopes), self.joint])
        self.means = mean_y - mean_z @ self.beta
        residual = y[:, None] - self.means - z @ self.beta
        self.dual = cho_solve((root, True), residual)

    @staticmethod
    def _ridge(z: Array, y: Array) -> Array:
        """Compute ridge coefficients with the penalty by leave-one-out."""
        found: Array = RidgeCV(_PENALTIES, fit_intercept=False).fit(z, y).coef_
        return found

    def predict(self, xy: Array, z: Array) -> Array:
        """Return (t, d + 2): kriging, each feature alone, all together."""
        return self.means + z @ self.beta + self.variogram.between(xy, self.xy) @ self.dual


def _drawn(count: int, seed: int) -> NDArray[np.bool_]:
    """Mark the samples that are fitted.

    >>> int(_drawn(5000, 0).sum()), int(_drawn(20, 0).sum())
    (3000, 20)
    """
    kept = np.zeros(count, bool)
    kept[np.random.default_rng(seed).permutation(count)[:MOST_SAMPLES]] = True
    return kept


def _standardised(raw: Array) -> Array:
    """Centre and scale each feature; an empty value counts as the mean."""
    filled = np.isfinite(raw)
    count = np.maximum(filled.sum(axis=0), 1)
    mean = np.where(filled, raw, 0.0).sum(axis=0) / count
    off = np.where(filled, raw - mean, 0.0)
    scale = np.sqrt((off**2).sum(axis=0) / count)
    return np.asarray(off / np.where(scale > 0, scale, 1.0))


def _correlation(x: Array, y: Array) -> float:
    if x.size < 3 or np.ptp(x) == 0:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])
