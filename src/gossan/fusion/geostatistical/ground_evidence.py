"""Which of catchments and squares explains the samples: their evidence, and a sentence of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.fusion.protocol import Points

__all__ = ["Kind", "sentence", "weigh"]

Kind = Literal["catchment", "square"]
_DECIDED = 0.95


def weigh(
    kinds: Sequence[Kind], tables: Sequence[pd.DataFrame]
) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Weigh what was fitted at each support by its evidence; each has the same prior weight.

    Parameters
    ----------
    kinds
        The supports.
    tables
        Models and evidences at each.

    Returns
    -------
    All models in one table, and the weight of each support.

    >>> one = pd.DataFrame({"model": ["imagery", "kriging"], "log_evidence": [-9.0, -12.0]})
    >>> table, shares = weigh(["catchment", "square"], [one, one])
    >>> table.model.tolist()[:2], shares.round(6).tolist()
    (['imagery, catchments', 'kriging, catchments'], [0.5, 0.5])
    """
    parts = [
        table.assign(model=table["model"] + f", {kind}s") for kind, table in zip(kinds, tables)
    ]
    joined = pd.concat(parts, ignore_index=True)
    evidence = joined["log_evidence"].to_numpy(float)
    weight = np.exp(evidence - evidence.max())
    joined["weight"] = weight / weight.sum()
    ends = np.cumsum([len(table) for table in tables])[:-1]
    shares = np.array([part.sum() for part in np.split(joined["weight"].to_numpy(), ends)])
    return joined, shares


def sentence(points: Points, catchments: float, squares: float) -> str:
    """Say which support explains the samples.

    >>> sentence(Points(np.zeros((2, 2)), 1500.0), 0.99, 0.01)
    'Catchments explain the samples better than squares of 1500 m (weight 0.99).'
    """
    side = f"squares of {points.support_m:.0f} m" if points.support_m else "points"
    weight = max(catchments, squares)
    if weight < _DECIDED:
        better = "catchments" if catchments >= squares else side
        return (
            f"Catchments and {side} explain the samples about alike; {better} are used "
            f"(weight {weight:.2f})."
        )
    first, second = ("Catchments", side) if catchments > squares else (side, "catchments")
    return (
        f"{first[:1].upper()}{first[1:]} explain the samples better than {second} "
        f"(weight {weight:.2f})."
    )
