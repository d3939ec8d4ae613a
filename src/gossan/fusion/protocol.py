"""What a fusion model sees and gives: tables and coordinates, never files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, Self, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.errors import FitError, must
from gossan.fusion.same_places import rows_at
from gossan.geo.grid import Grid
from gossan.geo.grounds import Grounds, Support
from gossan.geo.layer import Layer
from gossan.geochem.covariance.censored_sites import Beyond


@dataclass(frozen=True, eq=False)
class Points:
    """Places to fit or predict at.

    Parameters
    ----------
    coordinates
        (n, 2) easting and northing in metres.
    support_m
        Side of the square that each point stands for, in metres (0: a point); the finest one
        where they differ.
    columns
        Covariates that the points carry themselves, each (n,).
    survey
        Number of the survey that the points belong to, 0 for the first one.
    mixed
        Support and survey of each point, where several surveys are fitted together.
    grounds
        Ground of any shape that each point stands for, such as a catchment; ``support_m`` is then
        the side of the square that does instead.
    """

    coordinates: NDArray[np.float64]
    support_m: float = 0.0
    columns: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    survey: int = 0
    mixed: MixedSurveys | None = None
    grounds: Grounds | None = None

    def __len__(self) -> int:
        return len(self.coordinates)

    @property
    def support(self) -> Support:
        """Ground of their own, else the side of their square."""
        return self.support_m if self.grounds is None else self.grounds

    def subset(self, rows: NDArray[np.bool_] | NDArray[np.int_]) -> Points:
        """Keep some of the points."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        mixed = None if self.mixed is None else self.mixed.subset(rows)
        grounds = None if self.grounds is None else self.grounds.subset(rows)
        return Points(self.coordinates[rows], self.support_m, columns, self.survey, mixed, grounds)

    def parts(self) -> list[tuple[NDArray[np.int_], Points]]:
        """Split into points of one survey and one support each.

        Returns
        -------
        Rows and points of every part.
        """
        if self.mixed is None:
            return [(np.arange(len(self)), self)]
        found = []
        for survey, support in self.mixed.kinds:
            rows = np.flatnonzero(
                (self.mixed.surveys == survey) & (self.mixed.supports_m == support)
            )
            own = replace(self.subset(rows), support_m=support, survey=survey, mixed=None)
            found.append((rows, own))
        return found


@dataclass(frozen=True, eq=False)
class MixedSurveys:
    """Support in metres and number of the survey (n,) of points of several surveys."""

    supports_m: NDArray[np.float64]
    surveys: NDArray[np.int_]

    def subset(self, rows: NDArray[np.bool_] | NDArray[np.int_]) -> MixedSurveys:
        """Keep some of the points."""
        return MixedSurveys(self.supports_m[rows], self.surveys[rows])

    @property
    def kinds(self) -> list[tuple[int, float]]:
        """Survey and support of every part, the first survey first."""
        return sorted(set(zip(self.surveys.tolist(), self.supports_m.tolist())))


@dataclass(frozen=True, eq=False)
class Observations:
    """Sampled values of one element on the working scale (for example logarithms).

    ``values`` is (n,) and finite. ``error_variance`` (n,) is what is known of each sample's error,
    in squared units of the working scale; what remains unknown is the model's own nugget.
    ``limits`` (n,) holds the limit beyond which a sample is only known to lie, NaN where it was
    measured: the sample lies above where its value, which models without a likelihood of censored
    samples use, is at or above the limit, and below elsewhere. ``partners`` are the observations of
    other elements, by name, for models that look at them.
    """

    points: Points
    values: NDArray[np.float64]
    error_variance: NDArray[np.float64] | None = None
    limits: NDArray[np.float64] | None = None
    partners: Mapping[str, Observations] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if len(self.points) != len(self.values):
            raise FitError(
                must("values", f"{len(self.points)}, one a point", len(self.values), "Match them")
            )
        if not np.isfinite(self.values).all():
            raise FitError(must("values", "finite", "empty ones", "Drop the empty samples first"))
        known = self.error_variance
        if known is not None and not (np.isfinite(known) & (known >= 0)).all():
            cure = "Use the variance of the laboratory's error on the working scale"
            raise FitError(must("error_variance", "finite and at least 0", "others", cure))

    def __len__(self) -> int:
        return len(self.values)

    @property
    def censored(self) -> NDArray[np.int_]:
        """Rows (k,) of the samples that are only known to lie beyond a limit."""
        none = np.zeros(0, np.int_)
        return none if self.limits is None else np.flatnonzero(np.isfinite(self.limits))

    @property
    def beyond(self) -> Beyond:
        """The samples that are only known to lie beyond a limit."""
        rows = self.censored
        limits = np.zeros(0) if self.limits is None else self.limits[rows]
        return Beyond(rows, limits, self.values[rows] >= limits)

    @property
    def known_errors(self) -> NDArray[np.float64]:
        """Variance (n,) of each sample's known error, 0 where nothing is known."""
        known = self.error_variance
        return np.zeros(len(self)) if known is None else known

    @property
    def weights(self) -> NDArray[np.float64] | None:
        """Weight (n,) of each sample in a regression: ``v / (v + e)``, v the values' variance.

        None where all errors e are equal, or none is known. The variance is that of the samples
        with the smaller half of the errors, so that pseudo-observations do not widen it.
        """
        known = self.error_variance
        if known is None or np.ptp(known) == 0.0:
            return None
        sure = self.values[known <= np.median(known)]
        own = max(float(sure.var()), 1e-12)
        return np.asarray(own / (own + known))

    def subset(self, rows: NDArray[np.bool_] | NDArray[np.int_]) -> Observations:
        """Keep some of the observations; partners lose their samples at the places left out."""
        known = None if self.error_variance is None else self.error_variance[rows]
        limits = None if self.limits is None else self.limits[rows]
        kept = self.points.subset(rows)
        partners = {
            name: one.subset(self._not_left_out(kept, one)) for name, one in self.partners.items()
        }
        return Observations(kept, self.values[rows], known, limits, partners)

    def _not_left_out(self, kept: Points, other: Observations) -> NDArray[np.bool_]:
        """Tell which observations of another element do not lie where these were left out."""
        places = other.points.coordinates
        mine = rows_at(places, self.points.coordinates) >= 0
        return ~mine | (rows_at(places, kept.coordinates) >= 0)


@dataclass(frozen=True, eq=False)
class Prediction:
    """Estimates (n,) and, where the model has them, standard errors (n,), on the working scale.

    The standard error is that of a new sample of the element at the points' support.
    """

    mean: NDArray[np.float64]
    standard_error: NDArray[np.float64] | None = None

    @classmethod
    def of_parts(cls, points: Points, predict: Callable[[Points], Prediction]) -> Prediction:
        """Predict points of several surveys part by part, in their order."""
        mean, error = np.empty(len(points)), np.empty(len(points))
        for rows, part in points.parts():
            found = predict(part)
            mean[rows] = found.mean
            error[rows] = np.nan if found.standard_error is None else found.standard_error
        return cls(mean, error)


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
        """Return (n, features), each the mean over the points' support; NaN where empty."""
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
        """Return "estimate" (and "standard_error") on the features' grid, working scale."""
        ...


@runtime_checkable
class WarmStarts(Protocol):
    """A model whose search takes less time from near its end."""

    def restarted(self) -> FusionModel:
        """Return an unfitted model whose search begins where that of this one ended.

        It fits to the observations that it is given, nothing else: what it finds may differ from
        a search from elsewhere by no more than that is accurate to.
        """
        ...
