"""What a fusion model sees and gives: tables and coordinates, never files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, Self, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.errors import FitError, must
from gossan.geo.grid import Grid
from gossan.geo.layer import Layer


@dataclass(frozen=True, eq=False)
class Points:
    """Places to fit or predict at.

    Parameters
    ----------
    coordinates
        (n, 2) easting and northing in metres.
    support_m
        Side of the square that each point stands for, in metres (0: a point).
    columns
        Covariates that the points carry themselves, each (n,).
    """

    coordinates: NDArray[np.float64]
    support_m: float = 0.0
    columns: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.coordinates)

    def subset(self, rows: NDArray[np.bool_] | NDArray[np.int_]) -> Points:
        """Keep some of the points."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        return Points(self.coordinates[rows], self.support_m, columns)


@dataclass(frozen=True, eq=False)
class Observations:
    """Sampled values of one element on the working scale (for example logarithms).

    ``values`` is (n,) and finite.
    """

    points: Points
    values: NDArray[np.float64]

    def __post_init__(self) -> None:
        if len(self.points) != len(self.values):
            raise FitError(
                must("values", f"{len(self.points)}, one a point", len(self.values), "Match them")
            )
        if not np.isfinite(self.values).all():
            raise FitError(must("values", "finite", "empty ones", "Drop the empty samples first"))

    def __len__(self) -> int:
        return len(self.values)

    def subset(self, rows: NDArray[np.bool_] | NDArray[np.int_]) -> Observations:
        """Keep some of the observations."""
        return Observations(self.points.subset(rows), self.values[rows])


@dataclass(frozen=True, eq=False)
class Prediction:
    """Estimates (n,) and, where the model has them, standard errors (n,), on the working scale.

    The standard error is that of a new sample of the element at the points' support.
    """

    mean: NDArray[np.float64]
    standard_error: NDArray[np.float64] | None = None


@runtime_checkable
class Features(Protocol):
    """What is known of the ground everywhere (imagery) or at every point (covariates)."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features."""
        ...

    @property
    def grid(self) -> Grid:
        """The output grid of a map."""
        ...

    @property
    def layer(self) -> Layer | None:
        """The features at pixels; None when they exist at points only."""
        ...

    def at(self, points: Points) -> NDArray[np.float64]:
        """Give (n, features), each the mean over the points' support; NaN where empty."""
        ...


@runtime_checkable
class FusionModel(Protocol):
    """Fit on samples and features; estimate at points and as a map.

    The constructor only stores; ``fit`` checks and returns the model; what it learnt ends in
    an underscore.
    """

    tables_: dict[str, pd.DataFrame]

    def fit(self, observations: Observations, features: Features) -> Self:
        """Learn from the observations and the features."""
        ...

    def predict(self, points: Points, features: Features) -> Prediction:
        """Estimate at points without making a map."""
        ...

    def layer(self, features: Features) -> Layer:
        """Give "estimate" (and "standard_error") on the features' grid, working scale."""
        ...
