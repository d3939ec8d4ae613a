"""Censored samples in the geostatistical model: sites that agree with covariance and mean."""

from __future__ import annotations

from gossan.arrays.array_type import Array
from gossan.fusion.geostatistical.hyperparameters import Hyperparameters, Problem
from gossan.fusion.geostatistical.posterior import SampledField, make_member
from gossan.fusion.protocol import Observations
from gossan.geochem.covariance.censored_sites import Sites

__all__ = ["first_sites", "propagate"]


def first_sites(observations: Observations) -> Sites:
    """Return sites of the censored samples as if all samples were independent."""
    return observations.beyond.sites(observations.values.mean(), observations.values.var())


def propagate(
    problem: Problem, samples: SampledField, h: Hyperparameters, observations: Observations,
    start: Sites,
) -> Sites:  # fmt: skip
    """Repeat the sites until they agree with the model under one set of hyperparameters."""

    def left_out(sites: Sites) -> tuple[Array, Array]:
        member = make_member(problem.with_sites(sites), samples, h)
        return member.one_left_out(start.rows)

    return observations.beyond.agree(start, left_out)
