"""An element with few samples and a partner with many: an autoregressive link between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field as Option

from gossan.arrays.array_type import Array, Block
from gossan.errors import FitError, must
from gossan.fusion.kriging_model import as_measured, automatic_variogram, check_values
from gossan.fusion.protocol import Features, FusionModel, Observations, Points, Prediction
from gossan.fusion.registry import make_model
from gossan.fusion.same_places import rows_at
from gossan.geo.grid import Grid, Window
from gossan.geo.layer import Layer
from gossan.geochem.covariance.dense import ExactSamples
from gossan.geochem.covariance.restricted_likelihood import coefficients
from gossan.geochem.covariance.vecchia import NearestSamples
from gossan.settings import Settings

__all__ = ["Link", "Linked", "Partnered", "PartneredSettings", "find_link"]

_LOOPS = 3
_EXACT_UP_TO = 2000
_FEWEST_SHARED = 20
_COLUMNS = ("partner", "samples", "shared", "slope", "standard_error", "gain", "chosen")


class PartneredSettings(Settings):
    """Options of a model with a partner.

    ``base``: model of the partner, and of what the partner leaves; ``partners``: elements to
    choose from (default: all others of the project); ``more``: a partner has at least so many
    times the samples.
    """

    model: Literal["partnered"] = "partnered"
    base: Literal["recipe", "geostatistical_forest", "geostatistical", "kriging"] = "recipe"
    """Model of the partner and of what it leaves."""
    partners: tuple[str, ...] | None = None
    """Elements to choose the partner from; default: all others of the project."""
    more: float = Option(default=1.5, ge=1.0)
    """A partner has at least so many times the element's samples."""


@dataclass(frozen=True)
class Link:
    """Slope of an element on a partner, by generalised least squares of ``rows`` shared places.

    ``gain`` is ``(t^2 - ln n) / 2`` with t the slope in standard errors: ln of the evidence for the
    link against none, by the Bayesian information criterion.
    """

    slope: float
    error: float
    centre: float
    rows: int

    @property
    def gain(self) -> float:
        """Evidence for the link (ln)."""
        return 0.5 * ((self.slope / self.error) ** 2 - float(np.log(self.rows)))


def find_link(element: Observations, partner: Array) -> Link:
    """Find the slope of an element's samples on a partner's values (n,) at the same places.

    ``y = a + rho p + d`` with d kriged: the variogram of d by restricted likelihood and rho by
    generalised least squares in turn.
    """
    used = as_measured(element)
    xy, y, known = used.points.coordinates, used.values, used.known_errors
    columns = np.column_stack([np.ones(len(y)), partner, y])
    exact = len(y) <= _EXACT_UP_TO
    samples = ExactSamples(xy) if exact else NearestSamples.of(xy)
    slope = float(np.cov(partner, y)[0, 1] / np.var(partner, ddof=1))
    error = np.inf
    for _ in range(_LOOPS):
        model = automatic_variogram(xy, y - slope * partner, errors=known)
        noise = np.maximum(model.nugget, 1e-6 * model.sill) + known
        found = coefficients(samples.plain_sums(model, noise, columns)[0], np.zeros(0))
        slope, error = float(found.mean[1]), float(np.sqrt(found.covariance[1, 1]))
    return Link(slope, error, float(partner.mean()), len(y))


class Partnered:
    """Link an element with few samples to a partner with many.

    ``element(x) = rho partner(x) + d(x)``: the partner's map and that of d are made by the ``base``
    model, each from its own samples; rho by generalised least squares at shared places. Where all
    samples of the element are samples of the partner too, this is cokriging with the covariances
    ``C_p``, ``rho C_p``, ``rho^2 C_p + C_d`` (Markov property). A sample of the element without one
    of the partner takes the partner's estimate there, and its error. The standard error is
    ``sqrt(rho^2 s_p^2 + s_d^2 + var(rho) (p - mean p)^2)``.

    The partner is the one of most evidence, ``(t^2 - ln n) / 2`` with t = rho over its standard
    error. It must exceed ln K, K the number of partners weighed (together they are as likely
    beforehand as none); else, or without partners, the base model alone is the map.

    Parameters
    ----------
    settings
        Base model, partners to choose from.

    Source: Kennedy and O'Hagan 2000, Biometrika 87; Wackernagel 2003, Multivariate geostatistics,
    ch. 24 (heterotopic data).
    """

    def __init__(self, settings: PartneredSettings | None = None) -> None:
        self.settings = settings or PartneredSettings()
        self.tables_: dict[str, pd.DataFrame] = {}

    def fit(self, observations: Observations, features: Features) -> Self:
        """Choose the partner, then fit its model and that of what it leaves."""
        check_values(observations)
        candidates = self._candidates(observations)
        links = {name: self._link(observations, one) for name, one in candidates.items()}
        least = float(np.log(max(len(links), 1)))  # the more are asked, the likelier one by chance
        likely = {k: link for k, link in links.items() if link is not None and link.gain > least}
        best = max(likely, key=lambda name: likely[name].gain) if likely else None
        alone = replace(observations, partners={})
        if best is None:
            self.model_: FusionModel = self._base().fit(alone, features)
        else:
            link = likely[best]
            partner = self._base().fit(candidates[best], features)
            linked = Linked(link, partner, self._base(), candidates[best])
            self.model_ = linked.fit(alone, features)
        self.tables_ = {**self.model_.tables_, "partners": _table(candidates, links, best)}
        return self

    def predict(self, points: Points, features: Features) -> Prediction:
        """Estimate at points, with the standard error of a new sample."""
        return self.model_.predict(points, features)

    def layer(self, features: Features) -> Layer:
        """Return estimate and standard error at every pixel of the features' grid."""
        return self.model_.layer(features)

    def _base(self) -> FusionModel:
        return make_model(self.settings.base)

    def _candidates(self, observations: Observations) -> Mapping[str, Observations]:
        """Return the partners that are allowed and have enough samples."""
        offered, wanted = observations.partners, self.settings.partners
        if wanted is not None and offered and not set(wanted) <= set(offered):
            missing = sorted(set(wanted) - set(offered))
            known = ", ".join(offered)
            cure = "Add it to the project's elements, or leave it out of partners"
            raise FitError(must("partners", f"among {known}", ", ".join(missing), cure))
        least = self.settings.more * len(observations)
        return {
            name: one
            for name, one in offered.items()
            if (wanted is None or name in wanted) and len(one) >= least
        }

    def _link(self, element: Observations, partner: Observations) -> Link | None:
        at = rows_at(element.points.coordinates, partner.points.coordinates)
        shared = at >= 0
        if shared.sum() < _FEWEST_SHARED or np.ptp(partner.values[at[shared]]) == 0.0:
            return None
        return find_link(element.subset(shared), partner.values[at[shared]])


class Linked:
    """A partner's fitted model, a link, and a model of what they leave of the element.

    Parameters
    ----------
    link
        Slope on the partner, and its error.
    partner
        Fitted to ``samples``.
    own
        Unfitted model of the remainder.
    samples
        Of the partner.
    """

    def __init__(
        self, link: Link, partner: FusionModel, own: FusionModel, samples: Observations
    ) -> None:
        self.link, self.partner, self.own, self.samples = link, partner, own, samples
        self.tables_: dict[str, pd.DataFrame] = {}

    def fit(self, observations: Observations, features: Features) -> Self:
        """Fit the remainder ``y - rho p`` of the element's samples."""
        slope = self.link.slope
        found = self._partner_at(observations.points, features)
        assert found.standard_error is not None
        errors = observations.known_errors + (slope * found.standard_error) ** 2
        limits = observations.limits
        self.own.fit(
            replace(
                observations,
                values=observations.values - slope * found.mean,
                error_variance=errors if errors.any() else None,
                limits=None if limits is None else limits - slope * found.mean,
            ),
            features,
        )
        self.tables_ = dict(self.own.tables_)
        return self

    def predict(self, points: Points, features: Features) -> Prediction:
        """Estimate at points: the partner counts as measured where it was."""
        partner, own = self._partner_at(points, features), self.own.predict(points, features)
        assert partner.standard_error is not None and own.standard_error is not None
        both = (partner.mean, partner.standard_error, own.mean, own.standard_error)
        return Prediction(*_joined(self.link, *both))

    def layer(self, features: Features) -> LinkedLayer:
        """Return estimate and standard error at every pixel of the features' grid."""
        return LinkedLayer(self.partner.layer(features), self.own.layer(features), self.link)

    def _partner_at(self, points: Points, features: Features) -> Prediction:
        """Return the partner at points: as measured where there is a sample, else its estimate."""
        found = self.partner.predict(points, features)
        assert found.standard_error is not None
        samples = self.samples
        at = rows_at(points.coordinates, samples.points.coordinates)
        measured = at >= 0
        measured[measured] = ~np.isin(at[measured], samples.censored)
        mean, error = found.mean.copy(), found.standard_error.copy()
        mean[measured] = samples.values[at[measured]]
        error[measured] = np.sqrt(samples.known_errors[at[measured]])
        return Prediction(mean, error)


@dataclass(frozen=True)
class LinkedLayer:
    """``rho partner + own`` at pixels, with its standard error."""

    partner: Layer
    own: Layer
    link: Link = field(repr=False)

    @property
    def grid(self) -> Grid:
        """Grid of the features."""
        return self.own.grid

    @property
    def bands(self) -> tuple[str, ...]:
        """Estimate and standard error."""
        return ("estimate", "standard_error")

    def read(self, window: Window) -> Block:
        """Read both maps of a window and join them."""
        mean, error = _joined(self.link, *self.partner.read(window)[:2], *self.own.read(window)[:2])
        return np.stack([mean, error]).astype(np.float32)


def _joined(
    link: Link, partner: Array, partner_error: Array, own: Array, own_error: Array
) -> tuple[Array, Array]:
    """Return estimate and standard error of ``rho partner + own``."""
    mean = link.slope * partner + own
    variance = (link.slope * partner_error) ** 2 + own_error**2
    variance = variance + (link.error * (partner - link.centre)) ** 2
    return mean, np.sqrt(variance)


def _table(
    candidates: Mapping[str, Observations], links: Mapping[str, Link | None], best: str | None
) -> pd.DataFrame:
    """Lay out the partners that were weighed; slopes on the working scales."""
    rows = []
    for name, one in candidates.items():
        link = links[name]
        found = (0, np.nan, np.nan, np.nan)
        if link is not None:
            found = (link.rows, link.slope, link.error, link.gain)
        rows.append((name, len(one), *found, name == best))
    return pd.DataFrame(rows, columns=list(_COLUMNS))
