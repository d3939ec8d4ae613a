"""Fit and choose variograms: the door to everything about variograms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from gossan.arrays.array_type import Array
from gossan.errors import FitError, InputError, must
from gossan.geochem.covariance.model import Anisotropy, CovarianceModel, Structure
from gossan.geochem.kriging.drift import drift_functions, drift_terms
from gossan.geochem.kriging.leave_one_out import CrossValidation, cross_validate
from gossan.geochem.variogram.empirical import (
    EmpiricalVariogram,
    Estimator,
    empirical_variogram,
    usable,
)
from gossan.geochem.variogram.least_squares import FittedForm, fit_weighted, parse_form
from gossan.geochem.variogram.likelihood import RestrictedLikelihood, fit_likelihood
from gossan.geochem.variogram.limits import UNLIMITED, Limits

__all__ = [
    "Anisotropy",
    "CovarianceModel",
    "CrossValidation",
    "EmpiricalVariogram",
    "FitOptions",
    "FittedForm",
    "Structure",
    "VariogramFit",
    "cross_validate",
    "empirical_variogram",
    "fit_variogram",
    "fit_weighted",
]

FORMS = ("spherical", "exponential", "gaussian", "matern", "spherical+spherical")
SECTORS = 6
# how much the criterion must fall before a direction is believed: a likelihood ratio of 8
ANISOTROPY_GAIN = 4.0

FitMethod = Literal["wls", "reml"]
Choice = Literal["aic", "cross_validation"]
VariogramDrift = Literal["none", "linear", "quadratic"]


@dataclass(frozen=True, eq=False)
class VariogramFit:
    """The chosen variogram, the classes it was fitted to and all that was tried.

    Parameters
    ----------
    model
        What kriging needs.
    empirical
        Classes of distance, pooled over directions.
    candidates
        Every form tried, best first.
    method
        "wls" or "reml".
    cross_validations
        One for each candidate where the choice was made by cross-validation, else none.
    limits
        What bounded the range and the sill.
    """

    model: CovarianceModel
    empirical: EmpiricalVariogram
    candidates: tuple[FittedForm, ...]
    method: FitMethod
    cross_validations: tuple[CrossValidation, ...] = ()
    limits: Limits = UNLIMITED

    def rows(self) -> list[dict[str, object]]:
        """A row for each candidate, for a table: form, parameters, misfit, choice."""
        rows: list[dict[str, object]] = []
        for rank, c in enumerate(self.candidates):
            turn = c.model.anisotropy or Anisotropy()
            row: dict[str, object] = {
                "model": c.name, "chosen": rank == 0, "method": self.method,
                "estimator": self.empirical.estimator, "nugget": c.model.nugget,
                "sill": c.model.sill, "practical_range_m": c.model.practical_range_m,
                "azimuth_deg": turn.azimuth_deg, "ratio": turn.ratio,
                "misfit": c.misfit, "aic": c.aic, "description": str(c.model),
                "longest_range_m": self.limits.practical_range_m,
                "largest_sill": self.limits.sill, "limit": self.limits.reached(c.model),
            }  # fmt: skip
            if self.cross_validations:
                check = self.cross_validations[rank]
                row |= {"cv_rmse": check.rmse, "cv_score": check.score}
                row["cv_standardised_variance"] = check.standardised_variance
            rows.append(row)
        return rows


@dataclass(frozen=True)
class FitOptions:
    """How a variogram is fitted.

    Parameters
    ----------
    estimator
        Of the classes of distance: "matheron", "cressie_hawkins" or "dowd".
    models
        Forms to try: kinds of structure, nested by "+".
    method
        "reml": restricted maximum likelihood, started from "wls". "wls": weighted least squares
        with weights N / h^2.
    choose
        "aic": smallest criterion of Akaike. "cross_validation": smallest logarithmic score of
        leaving out each sample in turn.
    anisotropy
        A given one, None, or "fit": estimated by restricted likelihood for the best form, and
        kept where Akaike's criterion falls by more than 4.
    smoothness
        Of Matern structures; None searches.
    drift
        Polynomial in the coordinates taken off first: "none", "linear" or "quadratic".
    cutoff_m, width_m
        Of the classes: see ``empirical_variogram``.
    longest_range_m
        Largest practical range; default: the diagonal of the samples' extent. ``inf`` fits
        without limits, as R's gstat and nlme do; otherwise likelihood also keeps the sill at or
        below twice the variance of the samples.

    Raises
    ------
    InputError
        An option does not exist.
    """

    estimator: Estimator = "matheron"
    models: Sequence[str] = FORMS
    method: FitMethod = "reml"
    choose: Choice = "aic"
    anisotropy: Anisotropy | Literal["fit"] | None = None
    smoothness: float | None = None
    drift: VariogramDrift = "none"
    cutoff_m: float | None = None
    width_m: float | None = None
    longest_range_m: float | None = None

    def __post_init__(self) -> None:
        for name, words in (("method", FitMethod), ("choose", Choice), ("drift", VariogramDrift)):
            got = getattr(self, name)
            if got not in get_args(words):
                allowed = " | ".join(get_args(words))
                raise InputError(must(name, allowed, repr(got), "Use one of these"))
        if not self.models:
            raise InputError(must("models", "at least one form", "none", 'Use ["spherical"]'))
        for form in self.models:
            parse_form(form)

    @property
    def classes(self) -> dict[str, Any]:
        """The options of the classes of distance."""
        return {"estimator": self.estimator, "cutoff_m": self.cutoff_m, "width_m": self.width_m}

    def limits(self, xy: Array, z: Array) -> Limits:
        """What bounds the fit to samples (n, 2) with values (n,)."""
        free = self.longest_range_m == math.inf
        return UNLIMITED if free else Limits.of_survey(xy, z, self.longest_range_m)


def fit_variogram(
    coordinates: ArrayLike, values: ArrayLike, errors: ArrayLike | None = None, **options: Any
) -> VariogramFit:
    """Fit several forms of variogram and choose one.

    Parameters
    ----------
    coordinates
        (n, 2) easting and northing in metres.
    values
        (n,) on the working scale (such as logarithms); NaN is left out. At least 10.
    errors
        (n,) variance of each sample's known error; the nugget is then what remains. Restricted
        likelihood takes each for itself, least squares their mean off the nugget.
    options
        Those of ``FitOptions``.

    Raises
    ------
    FitError
        Too few samples, constant values, samples on a line where a direction is asked for.
    InputError
        An option does not exist.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> places = rng.uniform(0, 1000, (50, 2))
    >>> fit = fit_variogram(places, np.sin(places[:, 0] / 200), models=["spherical"])
    >>> fit.model.structures[0].kind
    'spherical'
    """
    asked = FitOptions(**options)
    xy, z, known = usable(coordinates, values, errors)
    functions = drift_functions(xy, _terms(asked.drift))
    if asked.drift != "none":
        z = z - functions @ np.linalg.lstsq(functions, z, rcond=None)[0]
    search = _Search(xy, z, functions, asked, known)
    given = asked.anisotropy if isinstance(asked.anisotropy, Anisotropy) else None
    found = sorted((search.fit(form, given) for form in asked.models), key=lambda c: c.aic)
    if asked.anisotropy == "fit":
        found = search.turn(found)
    checks: tuple[CrossValidation, ...] = ()
    if asked.choose == "cross_validation":
        tried = [(cross_validate(xy, z, c.model, errors=known), c) for c in found]
        tried.sort(key=lambda pair: pair[0].score)
        checks, found = tuple(t[0] for t in tried), [t[1] for t in tried]
    best = found[0].model
    return VariogramFit(best, search.pooled, tuple(found), asked.method, checks, search.limits)


def _terms(drift: VariogramDrift) -> int:
    return 1 if drift == "none" else drift_terms("universal", drift)


class _Search:
    """Fit forms to one set of samples, computing what they share once."""

    def __init__(
        self, xy: Array, z: Array, functions: Array, options: FitOptions, errors: Array
    ) -> None:
        self.xy, self.z, self.functions, self.options = xy, z, functions, options
        self.errors = errors
        self.limits = options.limits(xy, z)
        self.pooled = empirical_variogram(xy, z, **options.classes)
        self.directional: EmpiricalVariogram | None = None
        self._likelihood: RestrictedLikelihood | None = None

    @property
    def likelihood(self) -> RestrictedLikelihood:
        if self._likelihood is None:
            self._likelihood = RestrictedLikelihood.of(self.xy, self.z, self.functions, self.errors)
        return self._likelihood

    def fit(self, form: str, anisotropy: Anisotropy | None) -> FittedForm:
        """Fit one form with a given anisotropy or none."""
        empirical = self.pooled
        if anisotropy is not None:
            if self.directional is None:
                _check_spread(self.xy)
                self.directional = empirical_variogram(
                    self.xy, self.z, sectors=SECTORS, **self.options.classes
                )
            empirical = self.directional
        longest = self.limits.practical_range_m
        start = fit_weighted(
            empirical, form, smoothness=self.options.smoothness, anisotropy=anisotropy,
            longest_m=None if longest == math.inf else longest,
        )  # fmt: skip
        start = replace(start, model=_without_error(start.model, float(self.errors.mean())))
        return start if self.options.method == "wls" else self._likeliest(start)

    def _likeliest(self, start: FittedForm, directional: bool = False) -> FittedForm:
        return fit_likelihood(self.likelihood, start, directional=directional, limits=self.limits)

    def turn(self, found: list[FittedForm]) -> list[FittedForm]:
        """Estimate a direction for the best form; refit all with it where it pays."""
        _check_spread(self.xy)
        straight = found[0]
        if self.options.method == "wls":
            straight = self._likeliest(straight)
        turned = self._likeliest(straight, directional=True)
        if straight.aic - turned.aic <= ANISOTROPY_GAIN:
            return found
        if self.options.method == "reml":
            others = [self.fit(c.name, turned.model.anisotropy) for c in found[1:]]
            others = [replace(c, parameters=c.parameters + 2, aic=c.aic + 4) for c in others]
            return sorted([turned, *others], key=lambda c: c.aic)
        refitted = [self.fit(c.name, turned.model.anisotropy) for c in found]
        return sorted(refitted, key=lambda c: c.aic)


def _without_error(model: CovarianceModel, error: float) -> CovarianceModel:
    """Take the samples' mean error off the nugget, as far as there is one."""
    if error == 0.0:
        return model
    rest = max(model.nugget - error, 0.0 if model.structured_sill > 0 else 1e-6 * model.sill)
    return replace(model, nugget=rest)


def _check_spread(xy: Array) -> None:
    values = np.linalg.svd(xy - xy.mean(axis=0), compute_uv=False)
    if values[1] < 1e-3 * values[0]:
        raise FitError(
            must("samples for a direction", "spread over both directions", "a line of samples",
                 "Leave out the anisotropy")
        )  # fmt: skip
