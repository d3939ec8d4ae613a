"""Censored samples in the geostatistical model: sites that agree with covariance and mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.array_type import Array
from gossan.fusion.geostatistical.hyperparameters import Hyperparameters, Problem
from gossan.fusion.geostatistical.posterior import SampledField, make_member
from gossan.fusion.protocol import Observations
from gossan.geochem.covariance.censored_sites import Sites, truncation_sites

__all__ = ["first_sites", "propagate"]

_STEP = 0.8
_ROUNDS = 30
_CLOSE = 1e-3


def first_sites(observations: Observations) -> Sites:
    """Return sites of the censored samples as if all samples were independent."""
    rows, ones = observations.censored, np.ones(len(observations.censored))
    mean, variance = observations.values.mean(), observations.values.var()
    return Sites(rows, *_truncated(observations, rows, mean * ones, variance * ones))


def propagate(
    problem: Problem, samples: SampledField, h: Hyperparameters, observations: Observations,
    start: Sites,
) -> Sites:  # fmt: skip
    """Repeat the sites until they agree with the model under one set of hyperparameters.

    Each round leaves every censored sample out in turn (its cavity) and renews all sites at once,
    damped. The site's own variance is part of the sample's noise, hence taken off again.
    """
    sites, rows = start, start.rows
    for _ in range(_ROUNDS):
        placed = problem.with_sites(sites)
        residual, variance = make_member(placed, samples, h).one_left_out(rows)
        cavity = np.maximum(variance - sites.variances, 1e-6 * variance)
        found = _truncated(observations, rows, sites.values - residual, cavity)
        moved = _change(sites, cavity, *found)
        sites = sites.towards(*found, _STEP)
        if moved < _CLOSE:
            break
    return sites


def _truncated(
    observations: Observations, rows: NDArray[np.int_], mean: Array, variance: Array
) -> tuple[Array, Array]:
    assert observations.limits is not None
    limits = observations.limits[rows]
    return truncation_sites(mean, variance, limits, observations.values[rows] >= limits)


def _change(sites: Sites, cavity: Array, values: Array, variances: Array) -> float:
    """Return the largest change of a site's weight or pull, in units of the cavity."""
    old, new = cavity / sites.variances, cavity / variances
    pull = np.abs(new * values - old * sites.values - (new - old) * values) / np.sqrt(cavity)
    return float(np.maximum(np.abs(new - old), pull).max())
