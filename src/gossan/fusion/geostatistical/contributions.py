"""What an estimate is made of: mean, each feature, neighbouring samples, and what a forest adds.

The geostatistical model is linear, so the parts are exact: with the slopes b of standardised
features f, the constant m and the spatial term u, the estimate at a place is
``m + sum_k b_k f_k + u``, averaged over the members of the mixture with their weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gossan.arrays.array_type import Array
from gossan.fusion.features.nested import nested
from gossan.fusion.geostatistical.forest import GeostatisticalForest
from gossan.fusion.geostatistical.model import Geostatistical
from gossan.fusion.protocol import Features, Points

__all__ = [
    "FOREST",
    "MEAN",
    "NEIGHBOURS",
    "SUPPORT",
    "Parts",
    "parts_of",
    "smooth_part",
    "with_adjustment",
]

MEAN, NEIGHBOURS = "mean of the survey", "neighbouring samples"
SUPPORT, FOREST, CURVES = "change of support", "forest adjustment", "curves"


@dataclass(frozen=True, eq=False)
class Parts:
    """Parts of the estimates at n places, on the working scale.

    Parameters
    ----------
    table
        A row a place and a column a part; a row adds up to the estimate.
    nugget
        Variance of a new sample about what it samples: measurement and what varies below it.
    """

    table: pd.DataFrame
    nugget: float

    @property
    def estimate(self) -> Array:
        """Sum of the parts (n,)."""
        return np.asarray(self.table.sum(axis=1), np.float64)


def parts_of(model: Geostatistical, points: Points, features: Features) -> Parts:
    """Take the estimates of the geostatistical model apart.

    Parameters
    ----------
    model
        A fitted model.
    points
        Places of one survey.
    features
        Those that the model was fitted to. A feature at several widths is one part.
    """
    points = model.seen(points)
    offered = nested(features, model.widths_, points)
    design, _ = model.standard_(offered.at(points))
    each = design * model.mixture_.slopes
    names = [features.names[k % len(features.names)] for k in model.standard_.used]
    names += [CURVES] * (each.shape[1] - len(names))
    near, nugget = np.zeros(len(points)), 0.0
    for weight, member in zip(model.mixture_.weights, model.mixture_.members):
        _, own = member.split(member.field_.at(points.coordinates, points.support))
        near += weight * own
        nugget += weight * float(member.hyperparameters.nuggets[0])
    columns = {MEAN: np.full(len(points), model.mixture_.level), NEIGHBOURS: near}
    for number, name in enumerate(names):
        columns[name] = columns.get(name, 0.0) + each[:, number]
    shift = model.composite_.shift(model.mixture_, points.support_m)
    if shift:
        columns[SUPPORT] = np.full(len(points), shift)
    return Parts(pd.DataFrame(columns), nugget)


def with_adjustment(parts: Parts, estimate: Array) -> Parts:
    """Add what a model on top (a forest, a mean of models) says beyond the linear one."""
    off = estimate - parts.estimate
    if np.abs(off).max(initial=0.0) < 1e-9:
        return parts
    return Parts(parts.table.assign(**{FOREST: off}), parts.nugget)


def smooth_part(model: object) -> Geostatistical | None:
    """Find the linear model within a model; None where there is none."""
    inner = getattr(model, "forest_", model)
    if isinstance(inner, GeostatisticalForest):
        inner = inner.smooth_
    return inner if isinstance(inner, Geostatistical) else None
