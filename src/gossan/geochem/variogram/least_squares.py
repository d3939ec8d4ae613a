"""Fit variogram models to an empirical variogram by weighted least squares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
from scipy.optimize import minimize, nnls

from gossan.arrays.array_type import Array
from gossan.errors import FitError, InputError, must
from gossan.geochem.covariance.model import KINDS, Anisotropy, CovarianceModel, Structure
from gossan.geochem.variogram.empirical import EmpiricalVariogram

SMOOTHNESS = {"matern": (0.3, 0.75, 1.0, 1.5, 2.5), "stable": (0.5, 0.75, 1.25, 1.5, 1.75)}
"""Tried where none is given: 0.5 and 1 are the exponential model."""
GAUSSIAN_NUGGET = 1e-3
_RANGE_STARTS = 24


@dataclass(frozen=True)
class FittedForm:
    """One fitted form: its name, model, misfit and Akaike's criterion (smaller is better)."""

    name: str
    model: CovarianceModel
    misfit: float
    parameters: int
    aic: float


def fit_weighted(
    empirical: EmpiricalVariogram,
    form: str,
    *,
    smoothness: float | None = None,
    anisotropy: Anisotropy | None = None,
    longest_m: float | None = None,
) -> FittedForm:
    """Fit one form of model by weighted least squares.

    Minimises ``sum_k N_k / h_k^2 (gamma_k - model(h_k))^2`` over nugget and sills (>= 0,
    solved exactly for each range) and ranges (searched over the whole axis, then polished),
    with h_k the mean distance of the pairs of class k. These are gstat's default weights.

    Parameters
    ----------
    empirical
        Classes of distance.
    form
        Kinds joined by "+", such as "spherical" or "exponential+spherical".
    smoothness
        Of Matern or stable structures; None searches ``SMOOTHNESS``.
    anisotropy
        Given direction and ratio; the classes must then be directional.
    longest_m
        Limit on the practical range; None: three cutoffs on the range parameter.

    Returns
    -------
    FittedForm
        The best model of this form.

    Examples
    --------
    >>> h = np.arange(50.0, 1500, 100)
    >>> truth = CovarianceModel(0.1, (Structure("spherical", 0.5, 800.0),))
    >>> classes = EmpiricalVariogram(h, truth.semivariance(h), np.full(len(h), 100),
    ...                              np.full(len(h), np.nan), "matheron", 1500.0)
    >>> print(fit_weighted(classes, "spherical").model)
    nugget 0.1, spherical 0.5 range 800 m

    Source: Cressie (1985), Math. Geol. 17; Pebesma (2004), Comput. Geosci. 30, section 3.
    """
    kinds = parse_form(form)
    searched = smoothness is None and any(kind in SMOOTHNESS for kind in kinds)
    choices = _smoothness_to_try(kinds) if searched else (smoothness or 0.5,)
    distance = _effective(empirical, anisotropy)
    weight = np.sqrt(empirical.pairs) / np.maximum(distance, 1e-9 * empirical.cutoff_m)
    trials = [
        _search(kinds, nu, distance, empirical.semivariance, weight, empirical.cutoff_m, longest_m)
        for nu in choices
    ]
    best = min(trials, key=lambda t: t[0])
    misfit, ranges, sills, nu = best
    structures = tuple(
        Structure(k, float(s), float(r), nu)  # type: ignore[arg-type]
        for k, s, r in zip(kinds, sills[1:], ranges)
    )
    order = sorted(structures, key=lambda s: s.range_m)
    model = CovarianceModel(float(sills[0]), tuple(order), anisotropy)
    parameters = 1 + 2 * len(kinds) + searched
    return FittedForm(form, model, misfit, parameters, _aic(misfit, len(distance), parameters))


def parse_form(form: str) -> tuple[str, ...]:
    """Split "exponential+spherical" into its kinds.

    Raises
    ------
    InputError
        A structure is of no known kind.
    """
    kinds = tuple(part.strip() for part in form.split("+"))
    unknown = [k for k in kinds if k not in KINDS]
    if unknown or not kinds:
        allowed = f"{' | '.join(KINDS)}, nested as 'spherical+spherical'"
        raise InputError(must("variogram model", allowed, repr(form), "Use one of these"))
    return kinds


def _smoothness_to_try(kinds: Sequence[str]) -> tuple[float, ...]:
    """Return what all structures of a form may have as their smoothness."""
    tried = next(SMOOTHNESS[kind] for kind in kinds if kind in SMOOTHNESS)
    return tuple(nu for nu in tried if nu <= 2.0 or "stable" not in kinds)


def _effective(empirical: EmpiricalVariogram, anisotropy: Anisotropy | None) -> Array:
    if anisotropy is None or anisotropy.ratio == 1.0:
        return empirical.distance
    if np.isnan(empirical.azimuth_deg).any():
        raise FitError(
            must("classes", "directional for an anisotropic model", "pooled", "Set sectors = 6")
        )
    turn = np.deg2rad(empirical.azimuth_deg - anisotropy.azimuth_deg)
    return empirical.distance * np.hypot(np.cos(turn), np.sin(turn) / anisotropy.ratio)


def _aic(misfit: float, classes: int, parameters: int) -> float:
    return classes * math.log(max(misfit, 1e-300) / classes) + 2.0 * parameters


def _search(
    kinds: Sequence[str], nu: float, h: Array, gamma: Array, weight: Array, cutoff: float,
    longest_m: float | None,
) -> tuple[float, Array, Array, float]:  # fmt: skip
    low, high = math.log(max(h.min() * 0.3, cutoff * 1e-3)), math.log(cutoff * 3.0)
    highest = np.full(len(kinds), high)
    if longest_m is not None:
        highest = np.log([longest_m / Structure(k, 1.0, 1.0, nu).practical_range_m for k in kinds])  # type: ignore[arg-type]
        low, high = min(low, highest.min() - 1e-6), float(highest.max())
    starts = np.linspace(low, high, _RANGE_STARTS if len(kinds) == 1 else 9)

    def misfit(log_ranges: Array) -> float:
        if np.any(log_ranges < low) or np.any(log_ranges > highest + 1e-9):
            return 1e300
        return _solve(kinds, nu, np.exp(log_ranges), h, gamma, weight)[0]

    ordered = kinds.count(kinds[0]) == len(kinds)
    grid = [
        np.array(point)
        for point in product(starts, repeat=len(kinds))
        if not ordered or all(a <= b for a, b in pairwise(point))
    ]
    values = [misfit(point) for point in grid]
    first = grid[int(np.argmin(values))]
    step = starts[1] - starts[0]
    simplex = np.vstack([first, first + 0.7 * step * np.eye(len(kinds))])
    simplex = np.clip(simplex, low, high)
    if np.linalg.matrix_rank(simplex[1:] - first) < len(kinds):
        simplex = np.vstack([first, first - 0.7 * step * np.eye(len(kinds))])
    found = minimize(
        misfit,
        first,
        method="Nelder-Mead",
        options={"initial_simplex": simplex, "xatol": 1e-10, "fatol": 1e-18, "maxiter": 600},
    )
    ranges = np.exp(found.x)
    value, sills = _solve(kinds, nu, ranges, h, gamma, weight)
    return value, ranges, sills, nu


def _solve(
    kinds: Sequence[str], nu: float, ranges: Array, h: Array, gamma: Array, weight: Array
) -> tuple[float, Array]:
    columns = [np.ones_like(h)]
    for kind, reach in zip(kinds, ranges):
        unit = CovarianceModel(0.0, (Structure(kind, 1.0, float(reach), nu),))  # type: ignore[arg-type]
        columns.append(unit.semivariance(h))
    design = np.column_stack(columns) * weight[:, None]
    if any(Structure(kind, 1.0, 1.0, nu).is_smooth for kind in kinds):  # type: ignore[arg-type]
        # a smooth model without any nugget makes kriging systems singular
        design[:, 1:] += GAUSSIAN_NUGGET * weight[:, None]
        sills, norm = nnls(design, gamma * weight)
        sills[0] += GAUSSIAN_NUGGET * sills[1:].sum()
    else:
        sills, norm = nnls(design, gamma * weight)
    return float(norm**2), sills
