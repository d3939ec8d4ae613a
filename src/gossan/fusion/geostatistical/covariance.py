"""Covariance of the spatial term: correlation families, geometric anisotropy, supports.

The correlation of two places a lag ``(x, y)`` apart is ``c(a)`` with the scaled lag
``a^2 = m11 x^2 + 2 m12 x y + m22 y^2``. The metric is ``M = exp(A) / r^2`` with the traceless
symmetric matrix ``A = [[a1, a2], [a2, -a1]]``, so that ``a1 = a2 = 0`` is isotropy and nothing
is singular there. Samples that are means over squares have the mean of ``c`` over all lags
between the squares, by Gauss quadrature.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["FAMILIES", "Correlation", "Family", "LagRule", "lag_rule"]

Family = Literal["exponential", "matern32", "spherical", "stable"]
FAMILIES: tuple[Family, ...] = ("exponential", "matern32", "spherical", "stable")
_PRACTICAL = {"exponential": 2.9957, "matern32": 2.7388, "spherical": 1.0}
_FAR = 2.0
Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LagRule:
    """Quadrature over the lags between two squares: rows of (x, y, weight), metres.

    ``near`` serves pairs closer than ``cutoff_m``, ``far`` (three points an axis, exact for
    polynomials of degree five) the rest.
    """

    near: Array = field(repr=False)
    far: Array = field(repr=False)
    cutoff_m: float = 0.0


def lag_rule(first_m: float, second_m: float) -> LagRule:
    """Make the rule for squares of sides ``first_m`` and ``second_m`` (0: points).

    >>> lag_rule(0.0, 0.0).near.tolist()
    [[0.0, 0.0, 1.0]]
    >>> rule = lag_rule(100.0, 100.0)
    >>> bool(np.isclose(rule.near[:, 2] @ rule.near[:, 0] ** 2, 100.0**2 / 6))
    True
    """
    short, long = sorted((first_m, second_m))
    if long < 1e-3:
        point = np.array([[0.0, 0.0, 1.0]])
        return LagRule(point, point, 0.0)
    return LagRule(_square(*_near_axis(short, long)), _square(*_far_axis(short, long)), _FAR * long)


def _near_axis(short: float, long: float) -> tuple[Array, Array]:
    """Points and weights of the lag along one axis, split at 0 where the cusp lies."""
    node, weight = np.polynomial.legendre.leggauss(4)
    half, share = (node + 1) / 2, weight / 4
    if short < 1e-3 * long:
        lag, w = half * long / 2, share
    elif short == long:
        lag, w = half * long, 2 * share * (1 - half)
    else:
        fine, fine_weight = np.polynomial.legendre.leggauss(3)
        lag = (half[:, None] * long / 2 + fine * short / 2).ravel()
        w = (share[:, None] * fine_weight / 2).ravel()
    return np.concatenate([-lag, lag]), np.concatenate([w, w]) / (2 * w.sum())


def _far_axis(short: float, long: float) -> tuple[Array, Array]:
    """Three points that share the first five moments of the lag."""
    second = (short**2 + long**2) / 12
    fourth = (short**4 + long**4) / 80 + 6 * short**2 * long**2 / 144
    reach = np.sqrt(fourth / second)
    side = second / (2 * reach**2)
    return np.array([-reach, 0.0, reach]), np.array([side, 1 - 2 * side, side])


def _square(lag: Array, weight: Array) -> Array:
    x, y = np.meshgrid(lag, lag)
    return np.ascontiguousarray(
        np.column_stack([x.ravel(), y.ravel(), np.outer(weight, weight).ravel()])
    )


@dataclass(frozen=True)
class Correlation:
    """A correlation of the spatial term, and how it changes with its parameters.

    Parameters
    ----------
    family
        "exponential" ``exp(-a)``, "matern32" ``(1 + sqrt3 a) exp(-sqrt3 a)``, "spherical"
        ``1 - 1.5 a + 0.5 a^3``, "stable" ``exp(-a^smoothness)``.
    range_m
        Scale r in metres.
    stretch
        (a1, a2) of the metric; (0, 0) is isotropy.
    smoothness
        Exponent of the stable family, in (0, 2].

    Examples
    --------
    >>> c = Correlation("exponential", 1000.0)
    >>> round(float(c.between([[0.0, 0.0]], [[600.0, 800.0]])[0, 0]), 6)
    0.367879
    """

    family: Family
    range_m: float
    stretch: tuple[float, float] = (0.0, 0.0)
    smoothness: float = 1.0

    @property
    def practical_range_m(self) -> float:
        """Distance (geometric mean over directions) at which 5 % of the correlation is left."""
        if self.family == "stable":
            return float(self.range_m * 2.9957 ** (1 / self.smoothness))
        return self.range_m * _PRACTICAL[self.family]

    @property
    def metric(self) -> Array:
        """(m11, m12, m22), 1/m2."""
        a1, a2 = self.stretch
        size = float(np.hypot(a1, a2))
        ratio = np.sinh(size) / size if size > 1e-8 else 1.0
        straight = np.cosh(size)
        return (
            np.array([straight + ratio * a1, ratio * a2, straight - ratio * a1]) / self.range_m**2
        )

    def metric_slopes(self, anisotropic: bool) -> Array:
        """Derivatives of the metric by ln r and, if wanted, a1 and a2: (1 or 3, 3)."""
        rows = [-2 * self.metric]
        if anisotropic:
            a1, a2 = self.stretch
            size = float(np.hypot(a1, a2))
            small = size < 1e-4
            ratio = 1 + size**2 / 6 if small else np.sinh(size) / size
            bend = 1 / 3 if small else (np.cosh(size) - ratio) / size**2
            turn = np.array([a1, a2, -a1])
            for part, axis in ((a1, (1.0, 0.0, -1.0)), (a2, (0.0, 1.0, 0.0))):
                own = ratio * part * np.array([1.0, 0.0, 1.0])
                rows.append((own + ratio * np.array(axis) + bend * part * turn) / self.range_m**2)
        return np.array(rows)

    @property
    def packed(self) -> tuple[int, Array, float]:
        """Number of the family, metric and smoothness, for the kernels."""
        return FAMILIES.index(self.family), self.metric, self.smoothness

    def between(
        self, first: NDArray[np.floating], second: NDArray[np.floating], rule: LagRule | None = None
    ) -> Array:
        """Return the correlations (n, m) of places (n, 2) and (m, 2), metres."""
        one, two = (np.ascontiguousarray(xy, np.float64) for xy in (first, second))
        rule = rule or lag_rule(0.0, 0.0)
        out = np.empty((len(one), len(two)))
        correlate(one, two, *self.packed, rule.near, rule.far, rule.cutoff_m, out)
        return out

    def own(self, rule: LagRule) -> float:
        """Return the mean correlation within one support (1 for a point)."""
        return float(self.between(np.zeros((1, 2)), np.zeros((1, 2)), rule)[0, 0])

    def with_slopes(self, places: Array, rule: LagRule, anisotropic: bool) -> tuple[Array, Array]:
        """Return correlations (n, n) and their derivatives (p, n, n).

        By ln r, then a1 and a2 if ``anisotropic``, then ln smoothness for the stable family.
        """
        slopes = self.metric_slopes(anisotropic)
        count = len(slopes) + (self.family == "stable")
        value = np.empty((len(places), len(places)))
        change = np.empty((count, *value.shape))
        correlate_slopes(
            np.ascontiguousarray(places), *self.packed, slopes,
            rule.near, rule.far, rule.cutoff_m, value, change,
        )  # fmt: skip
        return value, change


@njit(cache=True, nogil=True, inline="always")
def family_at(family, square, smoothness):  # type: ignore[no-untyped-def]
    """Return c(a), ``-a c'(a)`` and the derivative by ln smoothness, for a^2 = ``square``."""
    if square <= 0.0:
        return 1.0, 0.0, 0.0
    if family == 3:
        half = 0.5 * np.log(square)
        power = np.exp(smoothness * half)
        c = np.exp(-power)
        return c, smoothness * power * c, -smoothness * power * half * c
    a = np.sqrt(square)
    if family == 0:
        c = np.exp(-a)
        return c, a * c, 0.0
    if family == 1:
        b = 1.7320508075688772 * a
        e = np.exp(-b)
        return (1.0 + b) * e, b * b * e, 0.0
    if a >= 1.0:
        return 0.0, 0.0, 0.0
    return 1.0 - 1.5 * a + 0.5 * a * a * a, 1.5 * (a - a * a * a), 0.0


@njit(cache=True, nogil=True, inline="always")
def mean_correlation(x, y, family, metric, smoothness, near, far, cutoff):  # type: ignore[no-untyped-def]
    """Average the correlation over the lags between two supports, centres (x, y) apart."""
    rule = near if x * x + y * y <= cutoff * cutoff else far
    total = 0.0
    for g in range(rule.shape[0]):
        u, v = x + rule[g, 0], y + rule[g, 1]
        square = metric[0] * u * u + 2.0 * metric[1] * u * v + metric[2] * v * v
        total += rule[g, 2] * family_at(family, square, smoothness)[0]
    return total


@njit(cache=True, nogil=True)
def correlate(one, two, family, metric, smoothness, near, far, cutoff, out):  # type: ignore[no-untyped-def]
    """Fill ``out`` (n, m) with the correlations of places (n, 2) and (m, 2)."""
    for i in range(one.shape[0]):
        for j in range(two.shape[0]):
            x, y = two[j, 0] - one[i, 0], two[j, 1] - one[i, 1]
            out[i, j] = mean_correlation(x, y, family, metric, smoothness, near, far, cutoff)


@njit(cache=True, nogil=True, inline="always")
def mean_slopes(x, y, family, metric, smoothness, slopes, near, far, cutoff, change):  # type: ignore[no-untyped-def]
    """Average correlation and derivatives; ``change`` (p,) is filled."""
    rule = near if x * x + y * y <= cutoff * cutoff else far
    total = 0.0
    change[:] = 0.0
    count = slopes.shape[0]
    for g in range(rule.shape[0]):
        u, v = x + rule[g, 0], y + rule[g, 1]
        square = metric[0] * u * u + 2.0 * metric[1] * u * v + metric[2] * v * v
        c, fall, bend = family_at(family, square, smoothness)
        total += rule[g, 2] * c
        if square > 0.0:
            for p in range(count):
                turn = slopes[p, 0] * u * u + 2.0 * slopes[p, 1] * u * v + slopes[p, 2] * v * v
                change[p] -= rule[g, 2] * fall * turn / (2.0 * square)
        if family == 3:
            change[count] += rule[g, 2] * bend
    return total


@njit(cache=True, nogil=True)
def correlate_slopes(places, family, metric, smoothness, slopes, near, far, cutoff, value, change):  # type: ignore[no-untyped-def]
    """Fill the symmetric correlations (n, n) of places and their derivatives (p, n, n)."""
    count = change.shape[0]
    part = np.empty(count)
    for i in range(places.shape[0]):
        for j in range(i + 1):
            x, y = places[j, 0] - places[i, 0], places[j, 1] - places[i, 1]
            c = mean_slopes(x, y, family, metric, smoothness, slopes, near, far, cutoff, part)
            value[i, j] = c
            value[j, i] = c
            for p in range(count):
                change[p, i, j] = part[p]
                change[p, j, i] = part[p]
