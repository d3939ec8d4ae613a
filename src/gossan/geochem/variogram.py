"""Fit and choose variograms: the door to everything about variograms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from numpy.typing import ArrayLike

from gossan.geochem.empirical_variogram import (
    EmpiricalVariogram,
    Estimator,
    empirical_variogram,
)
from gossan.geochem.variogram_fit import Candidate, fit_weighted
from gossan.geochem.variogram_model import Anisotropy, Structure, VariogramModel

__all__ = [
    "Anisotropy",
    "Candidate",
    "EmpiricalVariogram",
    "Structure",
    "VariogramFit",
    "VariogramModel",
    "empirical_variogram",
    "fit_variogram",
    "fit_weighted",
]

FORMS = ("spherical", "exponential", "gaussian", "matern", "spherical+spherical")


@dataclass(frozen=True, eq=False)
class VariogramFit:
    """Hold the chosen variogram, the classes it was fitted to and all that was tried.

    ``model`` is what kriging needs; ``candidates`` are ordered best first.
    """

    model: VariogramModel
    empirical: EmpiricalVariogram
    candidates: tuple[Candidate, ...]
    method: str


def fit_variogram(
    coordinates: ArrayLike,
    values: ArrayLike,
    *,
    estimator: Estimator = "matheron",
    models: Sequence[str] = FORMS,
    method: Literal["wls"] = "wls",
    cutoff_m: float | None = None,
    width_m: float | None = None,
) -> VariogramFit:
    """Choose the variogram that fits best by Akaike's criterion."""
    empirical = empirical_variogram(
        coordinates, values, estimator=estimator, cutoff_m=cutoff_m, width_m=width_m
    )
    candidates = sorted((fit_weighted(empirical, form) for form in models), key=lambda c: c.aic)
    return VariogramFit(candidates[0].model, empirical, tuple(candidates), method)
