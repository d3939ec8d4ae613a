"""Skill of every model against kriging, with its interval, from held-out predictions."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.arrays.array_type import Array
from gossan.arrays.bootstrap import paired_skill
from gossan.evaluate.scores import score
from gossan.io.tables import Column

__all__ = ["skill_table"]

FEWEST = 10
"""Samples below which a skill has no interval."""


def skill_table(
    predictions: pd.DataFrame, baseline: str = "kriging", draws: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """Score every model at held-out samples, against the baseline.

    Each model is scored at the samples that it and the baseline could both predict.

    Parameters
    ----------
    predictions
        Columns model, sample, observed, estimate on the working scale and group (the spatial block
        of each sample): a table of ``predict_folds``, or of ``cross_predict`` with groups.
    baseline
        Name of the model that the others are compared with; without it there is no skill.
    draws, seed
        Of the bootstrap.

    Returns
    -------
    One row a model, in the order of the table: model, n, r, spearman, rmse, bias, concordance,
    skill, and skill_low and skill_high (95 % paired block bootstrap).

    Examples
    --------
    >>> table = pd.DataFrame({"model": ["kriging"] * 4 + ["fused"] * 4, "sample": [0, 1, 2, 3] * 2,
    ...     "observed": [1.0, 2.0, 3.0, 4.0] * 2, "group": [0, 1, 2, 3] * 2,
    ...     "estimate": [2.0, 3.0, 2.0, 3.0, 1.5, 2.5, 2.5, 3.5]})
    >>> skill_table(table)["skill"].tolist()
    [0.0, 0.75]
    """
    by_model = dict(list(predictions.groupby("model", sort=False)))
    base = (
        by_model[baseline].set_index(Column.SAMPLE)[Column.ESTIMATE]
        if baseline in by_model
        else None
    )
    rows = []
    for model, own in by_model.items():
        observed, estimate = (own[c].to_numpy(float) for c in (Column.OBSERVED, Column.ESTIMATE))
        paired = None if base is None else base.reindex(own[Column.SAMPLE]).to_numpy(float)
        low, high = _interval(observed, estimate, paired, own[Column.GROUP].to_numpy(), draws, seed)
        found = asdict(score(observed, estimate, paired))
        rows.append({"model": model, **found, Column.SKILL_LOW: low, Column.SKILL_HIGH: high})
    return pd.DataFrame(rows)


def _interval(
    observed: Array, estimate: Array, base: Array | None, groups: NDArray[np.int_],
    draws: int, seed: int,
) -> tuple[float, float]:  # fmt: skip
    """Compute the 95 % interval of a skill; NaN without a baseline or with too few samples."""
    if base is None:
        return float("nan"), float("nan")
    usable = np.isfinite(observed) & np.isfinite(estimate) & np.isfinite(base)
    if usable.sum() < FEWEST:
        return float("nan"), float("nan")
    errors = (estimate - observed)[usable], (base - observed)[usable]
    found = paired_skill(*errors, groups[usable], 0.95, draws, seed)
    return found.lower, found.upper
