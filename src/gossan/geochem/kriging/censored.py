"""Censored samples in kriging: pseudo-observations that agree with its variogram."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gossan.geochem.covariance.censored_sites import Beyond, Sites
from gossan.geochem.covariance.dense import ExactSamples
from gossan.geochem.covariance.model import CovarianceModel
from gossan.geochem.covariance.restricted_likelihood import coefficients, one_left_out
from gossan.geochem.covariance.vecchia import NearestSamples
from gossan.geochem.kriging.drift import drift_functions

__all__ = ["censored_as_sites"]

Array = NDArray[np.float64]
Finder = Callable[[Array, Array], CovarianceModel]
_LOOPS = 3
_EXACT_UP_TO = 2000
_NEIGHBOURS = 30


def censored_as_sites(
    coordinates: Array, values: Array, errors: Array, beyond: Beyond, find: Finder, terms: int = 1
) -> tuple[Array, Array]:
    """Put pseudo-observations with errors in place of samples beyond a limit.

    The variogram and the sites are found in turn. Kriging of what is returned is then kriging with
    censored samples, by expectation propagation.

    Parameters
    ----------
    coordinates, values, errors
        (n, 2), (n,) and (n,): of the samples, with the variances of their known errors.
    beyond
        The samples that lie beyond a limit.
    find
        From values and variances of known errors to the variogram.
    terms
        Number of drift functions: 1 is the constant.

    Returns
    -------
    Values (n,) and variances of known errors (n,).
    """
    samples = _samples(coordinates)
    drift = drift_functions(coordinates, terms)
    sites = beyond.sites(values.mean(), values.var())
    for _ in range(_LOOPS):
        model = find(*_placed(values, errors, sites))

        def left_out(own: Sites, model: CovarianceModel = model) -> tuple[Array, Array]:
            placed, known = _placed(values, errors, own)
            columns = np.column_stack([drift, placed])
            fixed = samples.fix(model, model.nugget + known, columns)
            found = coefficients(fixed.gram, np.zeros(0))
            return one_left_out(fixed, found, np.ones(terms), beyond.rows)

        sites = beyond.agree(sites, left_out)
    return _placed(values, errors, sites)


def _placed(values: Array, errors: Array, sites: Sites) -> tuple[Array, Array]:
    placed, known = values.copy(), errors.copy()
    placed[sites.rows] = sites.values
    known[sites.rows] += sites.variances
    return placed, known


def _samples(coordinates: Array) -> ExactSamples | NearestSamples:
    if len(coordinates) <= _EXACT_UP_TO:
        return ExactSamples(coordinates)
    return NearestSamples.of(coordinates, 0.0, _NEIGHBOURS)
