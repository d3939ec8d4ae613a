"""Which ground explains the samples: squares, or catchments, and how these mix."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.fusion.protocol import Points
from gossan.geo.grounds import Mixing

__all__ = ["MIXINGS", "Kind", "Mixings", "best_mixing", "chosen_kind", "sentence", "weigh"]

Kind = Literal["catchment", "square"]
_DECIDED = 0.95
MIXINGS = "mixings"
"""Name of the table of mixings and their evidence."""
_BY_AREA, _BY_SLOPE = "area", "slope"


def weigh(
    kinds: Sequence[Kind], tables: Sequence[pd.DataFrame], penalties: Sequence[float] = (0.0, 0.0)
) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Weigh what was fitted at each support by its evidence; each has the same prior weight.

    Parameters
    ----------
    kinds
        The supports.
    tables
        Models and evidences at each.
    penalties
        What to take off the ln evidences of each, for what was chosen before.

    Returns
    -------
    All models in one table, and the weight of each support.

    >>> one = pd.DataFrame({"model": ["imagery", "kriging"], "log_evidence": [-9.0, -12.0]})
    >>> table, shares = weigh(["catchment", "square"], [one, one])
    >>> table.model.tolist()[:2], shares.round(6).tolist()
    (['imagery, catchments', 'kriging, catchments'], [0.5, 0.5])
    """
    parts = [
        table.assign(
            model=table["model"] + f", {kind}s", log_evidence=table["log_evidence"] - penalty
        )
        for kind, table, penalty in zip(kinds, tables, penalties)
    ]
    joined = pd.concat(parts, ignore_index=True)
    evidence = joined["log_evidence"].to_numpy(float)
    weight = np.exp(evidence - evidence.max())
    joined["weight"] = weight / weight.sum()
    ends = np.cumsum([len(table) for table in tables])[:-1]
    shares = np.array([part.sum() for part in np.split(joined["weight"].to_numpy(), ends)])
    return joined, shares


def chosen_kind(models: pd.DataFrame) -> Kind:
    """Read the support of more weight out of the table of models that ``weigh`` returns.

    >>> one = pd.DataFrame({"model": ["imagery", "kriging"], "log_evidence": [-9.0, -12.0]})
    >>> chosen_kind(weigh(["catchment", "square"], [one, one], [5.0, 0.0])[0])
    'square'
    """
    squares = models["model"].str.endswith(", squares")
    return "square" if models["weight"][squares].sum() > 0.5 else "catchment"


@dataclass(frozen=True, eq=False)
class Mixings:
    """How the ground of catchments may count in their sediment, with ln evidence (m,) of each.

    Each has the same prior weight.

    Examples
    --------
    >>> found = Mixings((Mixing(), Mixing(True), Mixing(True, 900.0)), np.array([0.0, 4.0, 1.0]))
    >>> found.sentence
    'Ground counts by its slope (weight 0.94).'
    >>> found.table().weight.round(2).tolist()
    [0.02, 0.94, 0.05]
    """

    mixings: tuple[Mixing, ...]
    log_evidence: NDArray[np.float64]

    @property
    def weights(self) -> NDArray[np.float64]:
        """Posterior weight (m,) of each."""
        weight = np.exp(self.log_evidence - self.log_evidence.max())
        return np.asarray(weight / weight.sum())

    @property
    def best(self) -> Mixing:
        """The one that explains the samples best."""
        return self.mixings[int(np.argmax(self.log_evidence))]

    @property
    def penalty(self) -> float:
        """ln evidence of the best less that of their average: what choosing has to be paid."""
        return float(np.log(len(self.mixings) * self.weights.max()))

    def table(self) -> pd.DataFrame:
        """Columns ``ground`` (area or slope), ``decay_m``, ``log_evidence`` and ``weight``."""
        return pd.DataFrame(
            {
                "ground": [_BY_SLOPE if one.by_slope else _BY_AREA for one in self.mixings],
                "decay_m": [one.decay_m for one in self.mixings],
                "log_evidence": self.log_evidence,
                "weight": self.weights,
            }
        )

    @property
    def sentence(self) -> str:
        """Say what counts most probably."""
        best, weight = self.best, f"(weight {self.weights.max():.2f})"
        kind = "its slope" if best.by_slope else "its area"
        if math.isinf(best.decay_m):
            return f"Ground counts by {kind} {weight}."
        near = f"less with the distance along the stream, decay length {best.decay_m:.0f} m"
        return f"Ground counts by {kind}, and {near} {weight}."


def best_mixing(table: pd.DataFrame) -> Mixing:
    """Read the mixing of most weight out of a table of mixings.

    >>> found = Mixings((Mixing(), Mixing(True, 900.0)), np.array([0.0, 1.0]))
    >>> best_mixing(found.table()) == found.best
    True
    """
    best = table.iloc[int(table["weight"].argmax())]
    return Mixing(bool(best["ground"] == _BY_SLOPE), float(best["decay_m"]))


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
