"""Smooth parts of the posterior on a lattice, so that a pixel costs one quadratic form.

At a pixel with standardised features z, averaged over the members of the mixture,

    ``mean = t(x) + z' b``
    ``variance = s(x) + 2 z' q(x) + z' Q z``

where the level and field ``t``, the scalar ``s`` and the d-vector ``q`` depend on the place alone,
``b`` and ``Q`` on nothing. With r = [0, 1] - w(x) and C the covariance of a member's coefficients,
its own ``s = sigma2 c(0) - c' l + r' C r + eta2`` and ``q = (C r)_d``. The fields are computed at
nodes, brought to pixels by cubic convolution, and corrected near samples (``cusp_correction``).

Source: docs/geostatistical.md, "The map".
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.array_type import Array
from gossan.fusion.geostatistical.cusp_correction import REACH, CuspCorrection, CuspSamples
from gossan.fusion.geostatistical.posterior import Mixture
from gossan.fusion.lattice import lattice_over
from gossan.geo.grid import Grid
from gossan.geochem.covariance.dense import ExactSamples
from gossan.geochem.covariance.supports import lag_rule
from gossan.geochem.covariance.vecchia import NearestSamples

__all__ = ["LatticePosterior", "on_lattice", "spacing_for"]

_STEPS_A_RANGE = 8.0
_NODE_COST = 5e-11
_PIXEL_COST = 2e-8
_BLURRED = 1.5


@dataclass(frozen=True, eq=False)
class LatticePosterior:
    """The posterior of one element, ready to be brought to pixels.

    Parameters
    ----------
    lattice
        Grid of the nodes.
    fields
        (2, rows, columns): t - level and s.
    vector
        (d, rows, columns) q.
    level
        Added to t.
    slopes
        (d,) b.
    covariance
        (d, d) Q.
    second_moment
        (d, d) ``E[beta beta']``, for pixels without features.
    near, weights
        Corrections of the fields near samples, and the weight of each.
    """

    lattice: Grid
    fields: Array = field(repr=False)
    vector: NDArray[np.float32] = field(repr=False)
    level: float
    slopes: NDArray[np.float32] = field(repr=False)
    covariance: NDArray[np.float32] = field(repr=False)
    second_moment: Array = field(repr=False)
    near: tuple[CuspCorrection, ...] = field(repr=False)
    weights: tuple[float, ...]


def spacing_for(mixture: Mixture, samples: ExactSamples | NearestSamples, grid: Grid) -> float:
    """Choose the spacing of the lattice in metres.

    At most an eighth of the shortest practical range; finer where nodes are cheaper than the
    pixels that must be corrected near samples: nodes cost n^2, those pixels four steps squared.
    """
    n = len(samples.coordinates)
    left, bottom, right, top = grid.bounds
    pixel = min(grid.pixel_width, grid.pixel_height)
    work = n * n if isinstance(samples, ExactSamples) else 48**3 * 20
    area = (right - left) * (top - bottom)
    fourth = _NODE_COST * area * work * pixel**2 / (n * (2 * REACH) ** 2 * _PIXEL_COST)
    ranges = [m.hyperparameters.covariance.mean_practical_range_m for m in mixture.members]
    most = min(min(ranges) / _STEPS_A_RANGE, min(right - left, top - bottom) / 2)
    least = max(pixel, math.sqrt(area * work / 2e11))
    blurred = samples.support_m  # wide supports leave no cusp to correct
    if blurred / 3 >= least:
        return max(min(most, blurred / 3), blurred / 6, least)
    return max(min(most, fourth**0.25), least)


def on_lattice(
    mixture: Mixture, samples: ExactSamples | NearestSamples, grid: Grid
) -> LatticePosterior:
    """Compute the smooth parts of a mixture for the pixels of a grid."""
    lattice = lattice_over(grid, spacing_for(mixture, samples, grid))
    nodes = lattice.centres()
    level, mean_slopes = mixture.level, mixture.slopes
    d = len(mean_slopes)
    fields = np.zeros((d + 2, len(nodes)))
    square = np.zeros(len(nodes))
    second = np.zeros((d, d))
    near: list[CuspCorrection] = []
    cusps = _cusps(lattice, grid, samples)
    wanted = cusps.wanted
    for weight, member in zip(mixture.weights, mixture.members):
        field, lambdas = member.field_.at_nodes(nodes, *wanted)
        h = member.hyperparameters
        trend = member.split(field)[0] - level
        off = np.append(np.zeros(d), 1.0) - field.sums[:, :-1]
        turned = off @ member.covariance
        own = h.covariance.sill - field.explained + np.einsum("ni,ni->n", turned, off)
        fields[0] += weight * trend
        fields[1] += weight * own
        square += weight * trend**2
        fields[2:] += weight * (turned[:, :-1] + trend[:, None] * member.slopes).T
        second += weight * (member.covariance[:-1, :-1] + np.outer(member.slopes, member.slopes))
        weights = cusps.at_nodes(lambdas)
        near.append(CuspCorrection.of(member, lattice, cusps, weights, off[cusps.node]))
    fields[1] += square - fields[0] ** 2
    fields[2:] -= mean_slopes[:, None] * fields[0]
    return LatticePosterior(
        lattice, fields[:2].reshape(2, *lattice.shape),
        fields[2:].reshape(d, *lattice.shape).astype(np.float32), level,
        mean_slopes.astype(np.float32),
        (second - np.outer(mean_slopes, mean_slopes)).astype(np.float32), second, tuple(near),
        tuple(float(w) for w in mixture.weights),
    )  # fmt: skip


def _cusps(lattice: Grid, grid: Grid, samples: ExactSamples | NearestSamples) -> CuspSamples:
    """Choose the samples near the grid whose cusps must be corrected.

    Samples whose support is wider than one and a half steps make no cusp that the lattice misses.
    """
    places = samples.places
    margin = REACH * max(lattice.pixel_width, lattice.pixel_height)
    left, bottom, right, top = grid.bounds
    x, y = places.T
    inside = (x > left - margin) & (x < right + margin) & (y > bottom - margin) & (y < top + margin)
    inside &= samples.support_m < _BLURRED * lattice.pixel_width
    if isinstance(samples, ExactSamples):
        inside &= samples.finest  # wider ones leave no cusp
    chosen = np.flatnonzero(inside)
    return CuspSamples.of(lattice, chosen, places[chosen], lag_rule(0.0, samples.support_m))
