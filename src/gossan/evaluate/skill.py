"""Skill of every model against kriging, with its interval, from held-out predictions."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.arrays.bootstrap import Interval, paired_skill
from gossan.errors import InputError, must
from gossan.evaluate.scores import score

__all__ = ["skill_between", "skill_table"]


def skill_between(
    predictions: pd.DataFrame,
    model: str,
    baseline: str,
    groups: NDArray[np.int_],
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Interval:
    """Estimate the skill of one model against another at the same held-out samples.

    Parameters
    ----------
    predictions : table of ``cross_predict``.
    model, baseline : names in its column ``model``.
    groups : (n,) spatial block of each sample.

    Returns
    -------
    ``1 - MSE(model) / MSE(baseline)`` with its paired block-bootstrap interval.
    """
    observed, estimate = _of(predictions, model)
    _, base = _of(predictions, baseline)
    return paired_skill(estimate - observed, base - observed, groups, level, draws, seed)


def skill_table(
    predictions: pd.DataFrame,
    groups: NDArray[np.int_],
    baseline: str = "kriging",
    draws: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Score every model at held-out samples, against the baseline.

    Returns
    -------
    One row a model, in the order of the table: ``model, n, r, spearman, rmse, bias, concordance,
    skill, lower, upper`` (95 % paired block bootstrap), working scale.

    Examples
    --------
    >>> table = pd.DataFrame({"model": ["kriging"] * 4 + ["fused"] * 4, "sample": [0, 1, 2, 3] * 2,
    ...     "observed": [1.0, 2.0, 3.0, 4.0] * 2,
    ...     "estimate": [2.0, 3.0, 2.0, 3.0, 1.5, 2.5, 2.5, 3.5]})
    >>> skill_table(table, np.array([0, 1, 2, 3]))["skill"].tolist()
    [0.0, 0.75]
    """
    rows = []
    _, base = _of(predictions, baseline)
    for model in predictions["model"].unique():
        observed, estimate = _of(predictions, model)
        interval = skill_between(predictions, model, baseline, groups, 0.95, draws, seed)
        found = asdict(score(observed, estimate, base))
        rows.append({"model": model, **found, "lower": interval.lower, "upper": interval.upper})
    return pd.DataFrame(rows)


def _of(predictions: pd.DataFrame, model: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give observed values and estimates of one model, in the order of the samples."""
    mine = predictions[predictions["model"] == model].sort_values("sample")
    if mine.empty:
        have = ", ".join(map(str, predictions["model"].unique()))
        raise InputError(must("model", have, repr(model), "Predict it first"))
    return mine["observed"].to_numpy(float), mine["estimate"].to_numpy(float)
