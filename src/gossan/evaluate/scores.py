"""Scores of a product at samples: correlation, error, bias, concordance and skill."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from gossan.errors import InputError, must

__all__ = ["Scores", "score"]


@dataclass(frozen=True)
class Scores:
    """Scores of one product at one set of samples.

    ``n`` pairs used; ``r`` Pearson and ``spearman`` rank correlation; ``rmse`` and ``bias``
    (estimate minus observed) in the unit of the values; ``concordance`` Lin's coefficient;
    ``skill`` = 1 - MSE / MSE(baseline). A score that is not defined is NaN.
    """

    n: int
    r: float
    spearman: float
    rmse: float
    bias: float
    concordance: float
    skill: float


def score(observed: ArrayLike, estimate: ArrayLike, baseline: ArrayLike | None = None) -> Scores:
    """Score an estimate against observed values.

    ``r = s_xy / (s_x s_y)``, ``rmse = sqrt(mean((m - y)^2))``, ``bias = mean(m - y)``,
    Lin's ``concordance = 2 s_xy / (s_x^2 + s_y^2 + (mean_x - mean_y)^2)`` and
    ``skill = 1 - MSE(m) / MSE(baseline)``. Only pairs where every array is finite are used, so
    that product and baseline are judged by the same samples.

    Parameters
    ----------
    observed, estimate
        (n,) values in one unit, or both on the working (e.g. log) scale.
    baseline
        (n,) estimate of the baseline (ordinary kriging) at the same samples, or None.

    Returns
    -------
    The scores; NaN where fewer than two pairs or a constant forbids one.

    Raises
    ------
    InputError
        when the arrays differ in length.

    Examples
    --------
    >>> s = score([1.0, 2.0, 3.0, 4.0], [1.5, 2.5, 3.5, 4.5], baseline=[2.0, 3.0, 4.0, 5.0])
    >>> s.n, round(s.r, 6), s.rmse, s.bias, s.skill
    (4, 1.0, 0.5, 0.5, 0.75)

    Sources: Ding et al. 2023, sec. 4.4 (r); Lin 1989 (concordance); Murphy 1988 (skill).
    """
    y, m, b = _usable(observed, estimate, baseline)
    if y.size == 0:
        return Scores(0, *([float("nan")] * 6))
    error = m - y
    return Scores(
        n=int(y.size),
        r=_correlation(y, m),
        spearman=_correlation(rankdata(y), rankdata(m)),
        rmse=float(np.sqrt(np.mean(error**2))),
        bias=float(np.mean(error)),
        concordance=_concordance(y, m),
        skill=float("nan") if b is None else _skill(error, b - y),
    )


def _usable(
    observed: ArrayLike, estimate: ArrayLike, baseline: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None]:
    """Keep the pairs in which every array is finite."""
    y = np.asarray(observed, dtype=np.float64).ravel()
    m = np.asarray(estimate, dtype=np.float64).ravel()
    b = None if baseline is None else np.asarray(baseline, dtype=np.float64).ravel()
    lengths = {y.size, m.size} | (set() if b is None else {b.size})
    if len(lengths) > 1:
        raise InputError(
            must(
                "estimate",
                "as long as observed and baseline",
                f"lengths {sorted(lengths)}",
                "Pass one value per sample in each",
            )
        )
    keep = np.isfinite(y) & np.isfinite(m)
    if b is None:
        return y[keep], m[keep], None
    keep &= np.isfinite(b)
    return y[keep], m[keep], b[keep]


def _correlation(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    dx, dy = x - x.mean(), y - y.mean()
    scale = float(np.sqrt((dx @ dx) * (dy @ dy)))
    tiny = np.finfo(np.float64).eps * x.size * float(np.abs(x).max() * np.abs(y).max() + 1e-300)
    if x.size < 2 or scale <= tiny:
        return float("nan")
    return float(np.clip((dx @ dy) / scale, -1.0, 1.0))


def _concordance(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    dx, dy = x - x.mean(), y - y.mean()
    spread = float(dx @ dx + dy @ dy) / x.size + float(x.mean() - y.mean()) ** 2
    if x.size < 2 or spread == 0.0:
        return float("nan")
    return float(2.0 * (dx @ dy) / x.size / spread)


def _skill(error: NDArray[np.float64], baseline_error: NDArray[np.float64]) -> float:
    base = float(np.mean(baseline_error**2))
    return float("nan") if base == 0.0 else 1.0 - float(np.mean(error**2)) / base
