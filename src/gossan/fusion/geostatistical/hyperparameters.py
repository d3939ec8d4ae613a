"""Hyperparameters of the geostatistical model: their priors, mode and averaging.

The vector theta holds ``ln tau2`` of each feature group, ``ln sigma2``, ``ln eta2``, ``ln r``,
then ``a1, a2`` (anisotropy) and ``ln smoothness`` where asked for, and last ``ln eta2`` of every
further survey. Priors, weak and stated:

- standard deviations: exponential, mean the observations' standard deviation. It favours the
  simpler model (no imagery, no nugget) and forbids nothing;
- range: log-normal about a fifth of the survey's size, standard deviation sqrt(2) in ln r;
- a1, a2: normal, standard deviation 0.35 (a ratio of axes of 1.4 is one deviation);
- smoothness: log-normal about 1, standard deviation 0.35.

Few samples leave the hyperparameters uncertain, and one best set of them then gives intervals
that are too narrow and slopes that are too sure. So the posterior of theta is averaged over: draws
from a Student t about the mode, weighted by posterior over proposal.

Source: Simpson et al. 2017, Statistical Science 32 (priors on deviations); Rue, Martino and
Chopin 2009, J. Royal Stat. Soc. B 71 (averaging over hyperparameters).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError
from scipy.optimize import minimize

from gossan.arrays.array_type import Array
from gossan.errors import FitError
from gossan.fusion.geostatistical.spatial_shape import Shape
from gossan.geochem.covariance.censored_sites import Sites
from gossan.geochem.covariance.model import CovarianceModel
from gossan.geochem.covariance.restricted_likelihood import FieldSums, likelihood, plain_likelihood

__all__ = [
    "Curvature",
    "Draws",
    "Hyperparameters",
    "Problem",
    "SumsMaker",
    "average",
    "curvature_at",
    "find_mode",
    "nearby_mode",
]

_RANGE_SPREAD = 2.0
_SHAPE_SPREAD = 0.35
_DEGREES = 6
_NEARBY_STEPS, _CLOSE = 10, 0.01
_IMPOSSIBLE = 1e10


class SumsMaker(Protocol):
    """Samples that turn a covariance into the sums of the likelihood."""

    def sums(
        self, covariance: CovarianceModel, noise: Array, columns: Array, metric_slopes: Array,
        noise_slopes: Array,
    ) -> FieldSums:  # fmt: skip
        """Return sums and derivatives."""
        ...

    def plain_sums(
        self, covariance: CovarianceModel, noise: Array, columns: Array
    ) -> tuple[Array, float]:
        """Return the gram matrix and ln|V|."""
        ...


@dataclass(frozen=True, eq=False)
class Hyperparameters:
    """One set of hyperparameters in natural units (variances on the working scale).

    The nugget of ``covariance`` is that of the first survey, ``further`` (k,) are those of the
    others.
    """

    group_variances: Array
    covariance: CovarianceModel
    further: Array = field(default_factory=lambda: np.zeros(0))

    @property
    def nuggets(self) -> Array:
        """Nugget of every survey."""
        return np.append(self.covariance.nugget, self.further)


@dataclass(frozen=True, eq=False)
class Problem:
    """The posterior of theta for one element.

    Parameters
    ----------
    columns
        (n, d + 2) X = [Phi, 1, y], features standardised, 0 where missing.
    group
        (d,) group of each feature, from 0.
    missing
        (n, groups) share of each group's features that a sample lacks; it has their prior
        variance as noise.
    shape
        Family of correlation.
    size_m
        Size of the survey: square root of the area of its rectangle.
    spacing_m
        Median distance to the nearest sample.
    survey
        (n,) number of each sample's survey; every survey has a nugget of its own.
    known
        (n,) variance of each sample's error that is known.
    moved
        (n,) how far the sites of censored samples lie from the values that they replace.
    """

    columns: Array = field(repr=False)
    group: NDArray[np.int_] = field(repr=False)
    missing: Array = field(repr=False)
    shape: Shape
    size_m: float
    spacing_m: float
    survey: NDArray[np.int_] = field(default_factory=lambda: np.zeros(1, int), repr=False)
    known: Array | float = field(default=0.0, repr=False)
    moved: Array | float = field(default=0.0, repr=False)

    @property
    def further(self) -> int:
        """Number of surveys beyond the first one."""
        return int(self.survey.max())

    @property
    def groups(self) -> int:
        """Number of feature groups."""
        return int(self.missing.shape[1])

    @property
    def variance(self) -> float:
        """Variance of the observations."""
        return float(self.observed.var())

    @property
    def observed(self) -> Array:
        """Observations (n,), with the values that stand for censored samples in other models."""
        return np.asarray(self.columns[:, -1] - self.moved)

    def with_sites(self, sites: Sites) -> Problem:
        """Put sites in place of the censored samples; without any, the problem itself."""
        if not len(sites.rows):
            return self
        columns, moved = self.columns.copy(), np.zeros(len(self.columns))
        columns[sites.rows, -1] = sites.values
        moved[sites.rows] = sites.values - self.columns[sites.rows, -1]
        known = self.known + np.zeros(len(columns))
        known[sites.rows] += sites.variances
        return replace(self, columns=columns, known=known, moved=moved)

    def read(self, theta: Array) -> Hyperparameters:
        """Turn theta into natural units."""
        k = self.groups
        variances, (sill, nugget) = np.exp(theta[:k]), np.exp(theta[k : k + 2])
        covariance = self.shape.covariance(float(nugget), float(sill), self._shape_of(theta))
        return Hyperparameters(variances, covariance, np.exp(theta[len(theta) - self.further :]))

    def _shape_of(self, theta: Array) -> Array:
        first = self.groups + 2
        return theta[first : first + self.shape.count]

    def scales(self, h: Hyperparameters) -> Array:
        """Prior standard deviation (d,) of each coefficient: sqrt(tau2 / features of the group)."""
        sizes = np.bincount(self.group, minlength=self.groups)
        return np.sqrt(h.group_variances[self.group] / sizes[self.group])

    def noise(self, h: Hyperparameters) -> Array:
        """Diagonal variance (n,) of the samples."""
        return h.nuggets[self.survey] + self.known + self.missing @ h.group_variances

    def starts(self) -> list[Array]:
        """Places to begin the search: imagery strong, weak."""
        shares = [(0.4, 0.4, 0.2), (0.05, 0.7, 0.2)] if self.groups else [(1.0, 0.7, 0.3)]
        further = [np.log(shares[0][2] * self.variance)] * self.further
        rest = [np.log(0.2 * self.size_m)] + [0.0] * (self.shape.count - 1) + further
        v, k = self.variance, max(self.groups, 1)
        return [
            np.array([np.log(t * v / k)] * self.groups + [np.log(s * v), np.log(n * v), *rest])
            for t, s, n in shares
        ]

    def bounds(self) -> Array:
        """Lower and upper bounds (p, 2) of theta."""
        v = self.variance
        rows = [np.log([1e-4 * v, 20 * v])] * (self.groups + 1) + [np.log([1e-3 * v, 2 * v])]
        rows.append(np.log([max(self.spacing_m, 1e-3 * self.size_m), 6 * self.size_m]))
        rows += [np.array([-1.5, 1.5])] * (2 * self.shape.anisotropic)
        if self.shape.family == "stable":
            rows.append(np.log([0.3, 1.95]))
        rows += [np.log([1e-3 * v, 2 * v])] * self.further
        return np.array(rows)

    @property
    def limits(self) -> Array:
        """Largest theta (p,) that is a covariance: infinite but for the exponent of "stable"."""
        found = np.full(len(self.bounds()), np.inf)
        found[self.groups + 1 + self.shape.count] = self.shape.largest
        return found

    def value_and_slope(self, theta: Array, samples: SumsMaker) -> tuple[float, Array]:
        """Minus log posterior of theta and its derivatives."""
        h = self.read(theta)
        lacking = np.flatnonzero(self.missing.any(axis=0))
        n, k = len(self.columns), self.groups
        own = h.group_variances[lacking][:, None] * self.missing[:, lacking].T
        nuggets = [
            nugget * (self.survey == number) * np.ones(n) for number, nugget in enumerate(h.nuggets)
        ]
        noise_slopes = np.vstack([nuggets[0], own, *nuggets[1:]])
        try:
            metric_slopes = self.shape.metric_slopes(self._shape_of(theta))
            sums = samples.sums(
                h.covariance, self.noise(h), self.columns, metric_slopes, noise_slopes
            )
            value, by_group, by_field = likelihood(sums, self.scales(h), self.group)
        except (FitError, LinAlgError):
            return _IMPOSSIBLE, np.zeros(len(theta))
        slope = np.zeros(len(theta))
        shapes = self.shape.count
        slope[:k] = by_group
        slope[k] = by_field[0]
        slope[k + 1] = by_field[1 + shapes]
        slope[k + 2 : k + 2 + shapes] = by_field[1 : 1 + shapes]
        last = len(by_field) - self.further
        slope[lacking] += by_field[2 + shapes : last]
        slope[k + 2 + shapes :] = by_field[last:]
        prior, prior_slope = self._prior(theta)
        return value + prior, slope + prior_slope

    def value(self, theta: Array, samples: SumsMaker) -> float:
        """Minus log posterior of theta; what is no covariance is impossible."""
        if not self.shape.is_valid(self._shape_of(theta)):
            return _IMPOSSIBLE
        h = self.read(theta)
        try:
            gram, logdet = samples.plain_sums(h.covariance, self.noise(h), self.columns)
            value = plain_likelihood(gram, logdet, self.scales(h))
        except (FitError, LinAlgError):
            return _IMPOSSIBLE
        return value + self._prior(theta)[0]

    def _prior(self, theta: Array) -> tuple[float, Array]:
        """Minus log prior density of theta, and its derivatives.

        Complete in what a further group or survey adds, so that models with different numbers of
        them can be weighed: with ``u = sd / mean sd``, ``p(theta_j) = u exp(-u) / 2``.
        """
        k, last = self.groups, len(theta) - self.further
        slope = np.zeros(len(theta))
        scale = np.r_[0 : k + 2, last : len(theta)]
        deviation = np.exp(theta[scale] / 2) / np.sqrt(self.variance)
        value = float((deviation - np.log(deviation) + np.log(2.0)).sum())
        slope[scale] = (deviation - 1) / 2
        off = theta[k + 2] - np.log(0.2 * self.size_m)
        value += off**2 / (2 * _RANGE_SPREAD)
        slope[k + 2] = off / _RANGE_SPREAD
        value += float((theta[k + 3 : last] ** 2).sum()) / (2 * _SHAPE_SPREAD**2)
        slope[k + 3 : last] = theta[k + 3 : last] / _SHAPE_SPREAD**2
        return value, slope


def find_mode(
    problem: Problem, samples: SumsMaker, starts: list[Array] | None = None, steps: int = 200
) -> tuple[Array, float]:
    """Find the most probable theta, from each start by L-BFGS, and minus its log posterior."""
    bounds = problem.bounds()
    best: tuple[Array, float] | None = None
    for start in starts or problem.starts():
        inside = np.clip(start, bounds[:, 0], bounds[:, 1])
        found = minimize(
            problem.value_and_slope, inside, args=(samples,), jac=True, method="L-BFGS-B",
            bounds=bounds, options={"maxiter": steps, "ftol": 1e-6},
        )  # fmt: skip
        if best is None or found.fun < best[1]:
            best = (found.x, float(found.fun))
    assert best is not None
    return best


def nearby_mode(
    problem: Problem, samples: SumsMaker, start: Array, curvature: Curvature
) -> tuple[Array, float]:
    """Find the most probable theta from near it, and minus its log posterior.

    Steps of BFGS that begin with the curvature of a posterior much like this one, until the next
    would gain less than 0.01, that is a seventh of theta's deviation; should they not lead there,
    L-BFGS goes on. A parameter at its bound stays there while the slope holds it.

    Source: Nocedal and Wright 2006, Numerical Optimization, sec. 6.1.
    """
    low, high = problem.bounds().T
    bend = np.asarray(np.linalg.inv(curvature.spread @ curvature.spread.T), np.float64)
    theta = np.clip(start, low, high)
    value, slope = problem.value_and_slope(theta, samples)
    for _ in range(_NEARBY_STEPS):
        step = _newton_step(bend, slope, theta - low, high - theta)
        if -0.5 * slope @ step < _CLOSE:
            return theta, value
        found, found_slope = problem.value_and_slope(theta + step, samples)
        turn, bent = found_slope - slope, bend @ step
        if step @ turn > 0.0:
            bend += np.outer(turn, turn) / (step @ turn) - np.outer(bent, bent) / (step @ bent)
        elif found >= value:
            break
        if found < value:
            theta, value, slope = theta + step, found, found_slope
    return find_mode(problem, samples, [theta])


def _newton_step(bend: Array, slope: Array, below: Array, above: Array) -> Array:
    """Return ``-bend^-1 slope`` (p,) over the parameters that no bound holds, within the bounds.

    ``below`` and ``above`` (p,) are how far the bounds are away.
    """
    held = np.where(slope > 0.0, below, above) <= 0.0
    while True:
        free, step = np.flatnonzero(~held), np.zeros(len(slope))
        step[free] = -np.linalg.solve(bend[np.ix_(free, free)], slope[free])
        stuck = ((step > 0.0) & (above <= 0.0)) | ((step < 0.0) & (below <= 0.0))
        if not stuck.any():
            return np.clip(step, -below, above)
        held |= stuck


@dataclass(frozen=True, eq=False)
class Curvature:
    """What the posterior of theta looks like at its mode.

    ``spread`` is a root of the inverse curvature, ``logdet`` ln of its size; ``halved`` counts the
    parameters whose mode lies at a limit.
    """

    spread: Array
    logdet: float
    halved: int


@dataclass(frozen=True, eq=False)
class Draws:
    """Weighted sets of hyperparameters: theta (m, p), weights (m,), and ln of the evidence.

    ``mode`` (p,) and ``curvature`` say where they were drawn; None: the mode alone was looked at.
    """

    theta: Array
    weights: Array
    log_evidence: float
    mode: Array
    curvature: Curvature | None


def average(
    problem: Problem, samples: SumsMaker, mode: Array, draws: int, curvature: Curvature
) -> Draws:
    """Average over theta: draw about the mode, weigh by posterior over proposal.

    With ``draws`` = 0 the mode alone is kept and the evidence is Laplace's. Draws beyond the
    largest exponent of a stable correlation are reflected there, and weighed by the density of
    both ways to come to the same place. Mode and curvature say where to look, not what is found:
    those of nearly the same posterior serve as well.
    """
    spread, logdet, p = curvature.spread, curvature.logdet, len(mode)
    if not draws:
        laplace = 0.5 * p * np.log(2 * np.pi) + logdet - np.log(2.0) * curvature.halved
        evidence = laplace - problem.value(mode, samples)
        return Draws(mode[None], np.ones(1), evidence, mode, curvature)
    rng = np.random.default_rng(0)
    half = rng.standard_normal(((draws + 1) // 2, p))
    z = np.concatenate([half, -half])
    z /= np.sqrt(rng.chisquare(_DEGREES, len(z)) / _DEGREES)[:, None]
    theta, mirrored = _reflect(mode + z @ spread.T, problem.limits)
    inverse = np.linalg.inv(spread)
    proposal = _student((theta - mode) @ inverse.T)
    if np.isfinite(problem.limits).any():
        proposal = np.logaddexp(proposal, _student((mirrored - mode) @ inverse.T))
    bounds = problem.bounds()
    theta = np.clip(theta, bounds[:, 0] - 2.0, bounds[:, 1] + np.log(2.0))
    log_weight = np.array([-problem.value(t, samples) for t in theta]) - proposal
    top = log_weight.max()
    weight = np.exp(log_weight - top)
    evidence = top + np.log(weight.mean()) + logdet + _student_constant(p)
    return Draws(theta, weight / weight.sum(), evidence, mode, curvature)


def _reflect(theta: Array, limits: Array) -> tuple[Array, Array]:
    """Bring theta (m, p) inside the limits; return it and its mirror image outside."""
    known = np.isfinite(limits)
    mirrored = theta.copy()
    mirrored[:, known] = 2.0 * limits[known] - theta[:, known]
    outside = np.any(theta > limits, axis=1, keepdims=True)
    return np.where(outside, mirrored, theta), np.where(outside, theta, mirrored)


def _student(z: Array) -> Array:
    """Log density (m,) of the standard proposal at z (m, p), without its constant."""
    square = np.einsum("mp,mp->m", z, z)
    return np.asarray(-0.5 * (_DEGREES + z.shape[1]) * np.log1p(square / _DEGREES))


def _student_constant(p: int) -> float:
    """Minus the log density of the standard proposal at its centre."""
    from scipy.special import gammaln

    v = float(_DEGREES)
    return float(0.5 * p * np.log(v * np.pi) + gammaln(v / 2) - gammaln((v + p) / 2))


def curvature_at(problem: Problem, samples: SumsMaker, mode: Array) -> Curvature:
    """Take differences of the slope of minus the log posterior, backward near a limit.

    Where the slope g does not vanish because the mode lies at a limit, the density falls as
    ``exp(-|g| t)``, whose mean square is that of the curvature ``g^2``.
    """

    def slope(theta: Array) -> Array:
        return problem.value_and_slope(theta, samples)[1]

    here, step, limits = slope(mode), 0.1, problem.limits
    rows = []
    for e, room in zip(np.eye(len(mode)), limits - mode):
        up, ahead = (slope(mode + step * e), step) if room > step else (here, 0.0)
        rows.append((up - slope(mode - step * e)) / (step + ahead))
    at_limit = (limits - mode < step) & (here < 0)
    curvature = np.array(rows)
    curvature = (curvature + curvature.T) / 2 + np.diag(np.where(at_limit, here**2, 0.0))
    size, axes = np.linalg.eigh(curvature)
    size = np.maximum(size, 0.15)
    logdet = float(-0.5 * np.log(size).sum())
    return Curvature(axes / np.sqrt(size), logdet, int((at_limit & (here**2 > 1.0)).sum()))
