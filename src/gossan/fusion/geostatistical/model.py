"""The geostatistical model: imagery at the samples' support, a spatial term, and their errors."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field as Option
from scipy.spatial import cKDTree

from gossan.arrays.array_type import Array
from gossan.errors import FitError, must
from gossan.fusion.features.nested import NestedFeatures, nested, window_widths
from gossan.fusion.geostatistical.averaging import Candidate, Learnt, Start, learn
from gossan.fusion.geostatistical.censored import first_sites, propagate
from gossan.fusion.geostatistical.ground_composite import DRAWN, GroundComposite
from gossan.fusion.geostatistical.ground_evidence import (
    MIXINGS,
    Kind,
    Mixings,
    sentence,
    weigh,
)
from gossan.fusion.geostatistical.hyperparameters import Problem
from gossan.fusion.geostatistical.map_layer import ElementPosterior, PosteriorLayer
from gossan.fusion.geostatistical.posterior_nodes import on_lattice
from gossan.fusion.geostatistical.spatial_shape import Family, Shape
from gossan.fusion.geostatistical.standard_features import StandardFeatures
from gossan.fusion.geostatistical.support_change import Composite
from gossan.fusion.geostatistical.tables import feature_table, hyperparameter_table
from gossan.fusion.kriging_model import check_values
from gossan.fusion.protocol import Features, Observations, Points, Prediction
from gossan.geo.grounds import Mixing
from gossan.geochem.covariance.censored_sites import Sites
from gossan.geochem.covariance.dense import ExactSamples
from gossan.geochem.covariance.ground_samples import GroundSamples
from gossan.geochem.covariance.mixed_supports import MixedSamples
from gossan.geochem.covariance.vecchia import NearestSamples
from gossan.settings import Settings

__all__ = ["Geostatistical", "GeostatisticalSettings"]

_SITE_LOOPS = 3


class GeostatisticalSettings(Settings):
    """Options of the geostatistical model.

    ``windows``: "nested" offers every feature at several widths at once, each width with its own
    prior variance; "likelihood" weighs the widths against each other by their evidence; "survey"
    takes the survey's support alone. ``windows_px``: the widths in pixels (1 or even; default: 1
    and powers of four up to the spacing of the samples).
    ``nonlinear``: "curves" adds a smooth curve of every feature, and weighs the model with curves
    against the one without.
    ``correlation``: family of the spatial term; "stable" estimates its smoothness, which tells how
    much varies within the support of composites.
    ``anisotropy``: whether the range may differ by direction.
    ``averaging``: "evidence" averages over hyperparameters and weighs the model against kriging;
    "mode" takes the most probable hyperparameters.
    ``composite``: "lognormal" corrects estimates for smaller supports, where the working scale is
    logarithmic and samples are arithmetic means over their support; "none" does not.
    ``support``: where samples stand for catchments, "evidence" fits the model to catchments and to
    squares of the same area, and keeps what explains the samples better; "catchment" and "square"
    decide it.
    ``mixing``: "evidence" weighs by which ground counts in the sediment of a catchment: all alike,
    steep ground more, near ground more (at three decay lengths), or both; "area" takes all alike.
    ``sub_support_variance``: variance (squared working scale) below the samples' support, from
    duplicates or a check survey. ``exact_samples``: above this number of samples, likelihood and
    predictions use nearest ``neighbours``.
    """

    model: Literal["geostatistical"] = "geostatistical"
    windows: Literal["nested", "likelihood", "survey"] = "nested"
    windows_px: tuple[int, ...] | None = None
    nonlinear: Literal["none", "curves"] = "none"
    correlation: Family = "stable"
    anisotropy: Literal["none", "estimated"] = "none"
    averaging: Literal["evidence", "mode"] = "evidence"
    composite: Literal["lognormal", "none"] = "lognormal"
    support: Literal["evidence", "catchment", "square"] = "evidence"
    mixing: Literal["evidence", "area"] = "evidence"
    sub_support_variance: float = Option(default=0.0, ge=0)
    exact_samples: int = Option(default=4000, ge=100, le=10_000)
    neighbours: int = Option(default=30, ge=5, le=100)
    """Nearest samples that count in each conditional, above ``exact_samples``."""


class Geostatistical:
    """Fuse samples and imagery by one linear mixed model.

    ``y = m + phi beta + u(s) + e``: coefficients with grouped ridge priors, u a Gaussian process,
    hyperparameters by restricted likelihood, averaged over, and weighed against kriging without
    imagery. The estimate is linear in phi, so it changes support exactly: fitted at the samples'
    support, applied at pixels. With no variance for imagery it *is* ordinary kriging.

    Parameters
    ----------
    settings
        Options; defaults are meant to be right.
    start
        Where the search of hyperparameters begins, see ``restarted``.

    Examples
    --------
    >>> from gossan.fusion.features.sources import LayerFeatures
    >>> from gossan.geo.grid import Grid
    >>> from gossan.geo.layer import ArrayLayer
    >>> rng = np.random.default_rng(0)
    >>> grid = Grid.from_bounds(32638, (0, 0, 6000, 4000), 100)
    >>> image = rng.normal(size=(1, 40, 60))
    >>> features = LayerFeatures(ArrayLayer(grid, ("index",), image))
    >>> points = Points(rng.uniform(0, 1, (80, 2)) * [6000, 4000])
    >>> values = 2.0 * features.at(points)[:, 0] + 0.1 * rng.normal(size=80)
    >>> model = Geostatistical().fit(Observations(points, values), features)
    >>> table = model.tables_["features"].set_index("feature")
    >>> bool(abs(table.per_unit["index"] - 2.0) < 0.1)
    True
    >>> model.layer(features).bands
    ('estimate', 'standard_error')

    Source: docs/geostatistical.md; Diggle and Ribeiro 2007; Rasmussen and Williams 2006.
    """

    def __init__(
        self, settings: GeostatisticalSettings | None = None, start: Start | None = None
    ) -> None:
        self.settings = settings or GeostatisticalSettings()
        self.start = start
        self.tables_: dict[str, pd.DataFrame] = {}

    def fit(self, observations: Observations, features: Features) -> Self:
        """Learn coefficients and spatial term from the observations."""
        check_values(observations)
        self.squares_ = False
        self.mixing_: Mixing | None = None
        self.verdict_: str | None = None
        grounds = observations.points.grounds
        if grounds is None:
            return self._fit(observations, features)
        mixings = None
        if self.settings.mixing == "evidence" and self.settings.support != "square":
            mixings = self._weigh_mixings(grounds.basins.mixings, observations, features)
        mixing = None if mixings is None else mixings.best
        if self.settings.support != "evidence":
            self._fit_to(self.settings.support, mixing, observations, features)
        else:
            kinds: tuple[Kind, ...] = ("catchment", "square")
            fits = [self._made()._fit_to(k, mixing, observations, features) for k in kinds]
            penalties = (0.0 if mixings is None else mixings.penalty, 0.0)
            models, shares = weigh(kinds, [one.tables_["models"] for one in fits], penalties)
            self.__dict__.update(fits[int(np.argmax(shares))].__dict__)
            self.tables_ |= {"models": models}
            self.verdict_ = sentence(observations.points, *shares)
        if mixings is not None:
            self.tables_ |= {MIXINGS: mixings.table()}
            if not self.squares_:
                self.verdict_ = " ".join(filter(None, (self.verdict_, mixings.sentence)))
        return self

    def _made(self, **changed: object) -> Geostatistical:
        return Geostatistical(self.settings.model_copy(update=changed), self.start)

    def _weigh_mixings(
        self, mixings: tuple[Mixing, ...], observations: Observations, features: Features
    ) -> Mixings | None:
        """Weigh how ground may count in sediment, by the most probable hyperparameters of each."""
        if len(mixings) < 2:
            return None
        evidence = []
        for mixing in mixings:
            one = self._made(averaging="mode", nonlinear="none")
            one._fit_to("catchment", mixing, observations, features)
            evidence.append(float(one.tables_["models"]["log_evidence"].max()))
        return Mixings(mixings, np.array(evidence))

    def _fit_to(
        self, kind: Kind, mixing: Mixing | None, observations: Observations, features: Features
    ) -> Self:
        """Fit to catchments by a mixing, or to squares in their place."""
        self.squares_, self.mixing_ = kind == "square", mixing
        return self._fit(replace(observations, points=self.seen(observations.points)), features)

    def seen(self, points: Points) -> Points:
        """Return points as the model sees them: with their ground, or with squares instead."""
        if self.squares_ or points.grounds is None:
            return replace(points, grounds=None)
        grounds = points.grounds if self.mixing_ is None else points.grounds.mixed(self.mixing_)
        return replace(points, grounds=grounds)

    def _fit(self, observations: Observations, features: Features) -> Self:
        points = self.points_ = observations.points
        self.widths_ = self._widths(features, points)
        offered = nested(features, self.widths_, points)
        raw = offered.at(points)
        self.standard_ = StandardFeatures.of(raw, offered.group, _on_ground(offered, points))
        if self.settings.nonlinear == "curves" and len(self.standard_.used):
            self.standard_ = self.standard_.with_curves(raw)
        design, gaps = self.standard_(raw)
        labels = self._labels(offered)
        self.samples_ = self._samples(points)
        self.sites_ = self._sites(observations, design, gaps, labels)
        learnt = self._learn(observations, design, gaps, labels)
        self.composite_ = self._composite(offered, points, design)
        shift = self._to_finest(offered, points, design)
        if shift.any():
            brought = replace(observations, values=observations.values + shift)
            values = self.sites_.values + shift[self.sites_.rows]
            self.sites_ = replace(self.sites_, values=values)
            learnt = self._learn(brought, design, gaps, labels)
        self.tables_ = self._tables(learnt, offered, design, observations.values, labels)
        return self

    def _learn(
        self, observations: Observations, design: Array, gaps: NDArray[np.bool_],
        labels: tuple[str, ...],
    ) -> Learnt:  # fmt: skip
        self.problem_ = self._problem(observations, design, gaps).with_sites(self.sites_)
        averaged = self.settings.averaging == "evidence"
        learnt = learn(self.problem_, self._candidates(labels), self.samples_, averaged, self.start)
        self.mixture_, self.found_ = learnt.mixture, learnt.start
        return learnt

    def _sites(
        self, observations: Observations, design: Array, gaps: NDArray[np.bool_],
        labels: tuple[str, ...],
    ) -> Sites:  # fmt: skip
        """Find sites of the censored samples and the most probable hyperparameters in turn."""
        if not len(observations.censored):
            return Sites.none()
        problem, sites = self._problem(observations, design, gaps), first_sites(observations)
        for _ in range(_SITE_LOOPS):
            candidates = self._candidates(labels)
            found = learn(problem.with_sites(sites), candidates, self.samples_, False, self.start)
            likely = found.mixture.members[int(np.argmax(found.mixture.weights))]
            sites = propagate(problem, self.samples_, likely.hyperparameters, observations, sites)
        return sites

    def _to_finest(self, offered: NestedFeatures, points: Points, design: Array) -> Array:
        """Return what brings the logarithms (n,) of wider composites to the finest support.

        Those of ground of their own are brought to points.
        """
        shift = np.zeros(len(points))
        if isinstance(self.composite_, GroundComposite) and points.grounds is not None:
            return -self.composite_.bias(self.mixture_, points.grounds)
        for rows, part in points.parts() if self.settings.composite == "lognormal" else ():
            if part.support_m > points.support_m:
                wide = self._composite(offered, part, design[rows])
                shift[rows] = wide.shift(self.mixture_, points.support_m)
        return shift

    def restarted(self) -> Geostatistical:
        """Return an unfitted model whose search begins where that of this one ended."""
        return Geostatistical(self.settings, self.found_)

    def predict(self, points: Points, features: Features) -> Prediction:
        """Estimate at points: mean, and standard error of a new sample of their support."""
        if points.mixed is not None:
            return Prediction.of_parts(points, lambda part: self.predict(part, features))
        points = self.seen(points)
        offered = nested(features, self.widths_, points)
        design, gaps = self.standard_(offered.at(points))
        mean, variance = self.mixture_.predict(
            points.coordinates, design, points.support, points.survey
        )
        if gaps.any():
            variance += self.standard_.gap_variance(gaps, self.mixture_.second_moment)
        if points.grounds is None:
            variance += self.composite_.added_variance(points.support_m)
        return Prediction(mean + self.shift_at(points), np.sqrt(variance))

    def shift_at(self, points: Points) -> Array | float:
        """Return what change of support adds to estimates at points of one survey."""
        points = self.seen(points)
        if isinstance(self.composite_, GroundComposite) and points.grounds is not None:
            return self.composite_.bias(self.mixture_, points.grounds)
        return self.composite_.shift(self.mixture_, points.support_m)

    def residuals(self, folds: NDArray[np.int_]) -> Array:
        """Return what each sample (n,) differs from the estimate by the samples of other folds.

        Coefficients and spatial term are those without the fold (n,); hyperparameters stay.
        """
        return self.mixture_.left_out(folds) - self.problem_.moved

    def layer(self, features: Features) -> PosteriorLayer:
        """Return estimate and standard error at every pixel of the features' grid."""
        offered = nested(features, self.widths_, self.points_)
        posterior = on_lattice(self.mixture_, self.samples_, offered.grid)
        shift = self.composite_.shift(self.mixture_, 0.0)
        added = self.composite_.added_variance(0.0)
        element = ElementPosterior(self.standard_, posterior, shift, added)
        return PosteriorLayer(offered, (element,))

    def _widths(self, features: Features, points: Points) -> tuple[int, ...]:
        if self.settings.windows == "survey" or features.layer is None:
            return (1,)
        chosen = self.settings.windows_px or window_widths(features.grid, points.coordinates)
        if any(w != 1 and (w < 2 or w % 2) for w in chosen):
            raise FitError(must("windows_px", "1 or even", chosen, "Round the widths"))
        return tuple(sorted({1, *chosen}))

    def _problem(
        self, observations: Observations, design: Array, gaps: NDArray[np.bool_]
    ) -> Problem:
        xy, mixed = observations.points.coordinates, observations.points.mixed
        columns = np.column_stack([design, np.ones(len(design)), observations.values])
        extent = np.maximum(np.ptp(xy, axis=0), 1e-3 * np.ptp(xy))
        nearest = cKDTree(xy).query(xy, k=2)[0][:, 1]
        shape = Shape(self.settings.correlation, self.settings.anisotropy == "estimated")
        return Problem(
            columns, self.standard_.group, self.standard_.missing_shares(gaps), shape,
            float(np.sqrt(np.prod(extent))), float(np.median(nearest)),
            np.zeros(1, int) if mixed is None else mixed.surveys,
            0.0 if observations.error_variance is None else observations.error_variance,
        )  # fmt: skip

    def _samples(self, points: Points) -> ExactSamples | NearestSamples:
        xy = np.ascontiguousarray(points.coordinates, np.float64)
        supports = points.support_m if points.mixed is None else points.mixed.supports_m
        if points.grounds is not None:
            self._check_exact(len(xy), "samples that stand for catchments")
            return GroundSamples(xy, points.grounds.side_m, points.grounds)
        if np.ptp(supports) > 0:
            self._check_exact(len(xy), "samples of surveys with different support_m")
            return MixedSamples(xy, points.support_m, np.asarray(supports))
        if len(xy) <= self.settings.exact_samples:
            return ExactSamples(xy, points.support_m)
        return NearestSamples.of(xy, points.support_m, self.settings.neighbours)

    def _check_exact(self, count: int, what: str) -> None:
        """Refuse more samples of different supports than can be taken together exactly."""
        if count > self.settings.exact_samples:
            cure = "Fit fewer samples or one survey alone, or raise exact_samples"
            raise FitError(must(what, f"at most {self.settings.exact_samples}", count, cure))

    def _labels(self, offered: NestedFeatures) -> tuple[str, ...]:
        kept = np.unique(offered.group[self.standard_.used])
        sizes = [offered.widths[g] for g in kept]
        labels = ["at the pixel" if w == 1 else f"over {w} pixels" for w in sizes]
        return (*labels, "as curves") if self.standard_.curves is not None else tuple(labels)

    def _candidates(self, labels: tuple[str, ...]) -> list[Candidate]:
        none = Candidate("kriging", ())
        curved = self.standard_.curves is not None
        linear = tuple(range(len(labels) - curved))
        if not linear:
            return [none]
        found = [Candidate("imagery", linear)]
        if self.settings.windows == "likelihood":
            found = [Candidate(f"imagery {labels[g]}", (g,)) for g in linear]
        if curved:
            bent = Candidate("imagery with curves", (*linear, linear[-1] + 1))
            found = [bent] if self.settings.averaging == "mode" else [*found, bent]
        alone = len(found) == 1 and self.settings.averaging == "mode"
        return found if alone else [*found, none]

    def _composite(
        self, offered: NestedFeatures, points: Points, design: Array
    ) -> Composite | GroundComposite:
        lognormal, below = (
            self.settings.composite == "lognormal",
            self.settings.sub_support_variance,
        )
        if points.grounds is not None:
            _, basin = points.grounds.basins.drawn(DRAWN)
            ground = _on_ground(offered, points)
            at = np.zeros((0, 0)) if ground is None else self.standard_(ground)[0]
            return GroundComposite(points.grounds, lognormal, at, basin, below)
        within = np.zeros((design.shape[1], design.shape[1]))
        if points.support_m > 0.0 and design.shape[1] and offered.layer is not None:
            fine, gaps = self.standard_(offered.at(Points(points.coordinates)))
            off = np.where(gaps, 0.0, fine - design)
            within = off.T @ off / len(off)
        return Composite(points.support_m, lognormal, within, below)

    def _tables(
        self, learnt: Learnt, offered: NestedFeatures, design: Array, values: Array,
        labels: tuple[str, ...],
    ) -> dict[str, pd.DataFrame]:  # fmt: skip
        return {
            "features": feature_table(self.mixture_, self.standard_, offered.names, design, values),
            "hyperparameters": hyperparameter_table(self.mixture_, labels),
            "models": learnt.models,
            "supports": self.composite_.table(self.mixture_, 0.0),
        }


def _on_ground(offered: NestedFeatures, points: Points) -> Array | None:
    """Return the features (k, f) at places of the ground that samples stand for.

    Places are drawn in each sub-basin; a square has its centre. None where samples are points.
    """
    if offered.layer is None:
        return None
    if points.grounds is not None:
        return offered.at(Points(points.grounds.basins.drawn(DRAWN)[0]))
    widest = points.support_m if points.mixed is None else points.mixed.supports_m.max()
    return offered.at(Points(points.coordinates)) if widest > 0.0 else None
