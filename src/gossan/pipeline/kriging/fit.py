"""Fit what an element's kriged layers are made with: variogram, weights, kriging, its test."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.arrays.array_type import Array
from gossan.errors import InputError
from gossan.fusion.kriging_model import as_measured, check_values
from gossan.fusion.protocol import Observations
from gossan.geochem.kriging.drift import drift_functions, drift_terms
from gossan.geochem.kriging.estimator import Kriging
from gossan.geochem.kriging.leave_one_out import CrossValidation, check_of
from gossan.geochem.kriging.settings import KrigingOptions, VariogramSettings
from gossan.geochem.variogram.empirical import EmpiricalVariogram, empirical_variogram
from gossan.geochem.variogram.fitting import (
    SECTORS,
    CovarianceModel,
    VariogramDrift,
)
from gossan.pipeline.kriging.doubts import refuse_contradicted, warn_of_limit
from gossan.pipeline.surveys import Working

Rows = list[dict[str, object]]


@dataclass(frozen=True, eq=False)
class FittedVariogram:
    """The variogram in use, a row for each form tried, and the classes of distance."""

    model: CovarianceModel
    rows: Rows
    points: pd.DataFrame


@dataclass(frozen=True, eq=False)
class FittedKriging:
    """The kriging of one element and what leaving out each sample says of it."""

    data: Working
    variogram: FittedVariogram
    kriging: Kriging
    held_out: pd.DataFrame
    check: CrossValidation

    def rows(self) -> Rows:
        """Return the variogram's rows, the one in use with its cross-validation."""
        chosen, *others = self.variogram.rows
        check = self.check
        tested = {
            "cv_rmse": check.rmse, "cv_bias": check.bias, "cv_score": check.score,
            "cv_standardised_variance": check.standardised_variance,
        }  # fmt: skip
        return [chosen | tested, *others]


def fit_kriging(data: Working, settings: KrigingOptions) -> FittedKriging:
    """Find the variogram of an element's samples, krige with it, and leave out each in turn.

    Raises
    ------
    FitError
        Too few samples or one value only.
    """
    check_values(data.observations)
    settings = settings.for_element(data.element)
    used = as_measured(data.observations, settings)
    xy, z, known = used.points.coordinates, used.values, used.error_variance
    variogram = find_variogram(xy, z, settings.variogram, settings.drift_of_variogram, known)
    kriging = settings.estimator(variogram.model, data.observations.values, data.weights)
    kriging.fit(xy, z, known)
    # a held-out sample is a point with its nugget, whatever the map stands for
    alone = replace(kriging, block_m=None, nugget="exact").fit(xy, z, known)
    tested = _measured_rows(alone, data.observations)
    check = check_of(alone).subset(tested)
    refuse_contradicted(variogram.model, check)
    held_out = _held_out(data, alone.samples_[tested], check)
    return FittedKriging(data, variogram, kriging, held_out, check)


def find_variogram(
    xy: Array, z: Array, settings: VariogramSettings, drift: VariogramDrift = "none",
    errors: Array | None = None,
) -> FittedVariogram:  # fmt: skip
    """Take the given variogram, or fit one as the settings say."""
    classes: dict[str, Any] = {
        "estimator": settings.estimator,
        "cutoff_m": settings.cutoff_m,
        "width_m": settings.width_m,
    }
    if settings.given:
        model = settings.model
        try:
            pooled = empirical_variogram(xy, _residuals(xy, z, drift), **classes)
        except InputError:
            pooled = None
        return FittedVariogram(model, [_given_row(model)], _points(pooled, model))
    fit = settings.fit(xy, z, drift, errors)
    warn_of_limit(fit)
    points = _points(fit.empirical, fit.model)
    if settings.anisotropy != "none":
        turned = empirical_variogram(xy, _residuals(xy, z, drift), sectors=SECTORS, **classes)
        points = pd.concat([points, _points(turned, fit.model)], ignore_index=True)
    return FittedVariogram(fit.model, fit.rows(), points)


def _residuals(xy: Array, z: Array, drift: VariogramDrift) -> Array:
    if drift == "none":
        return z
    functions = drift_functions(xy, drift_terms("universal", drift))
    return z - functions @ np.linalg.lstsq(functions, z, rcond=None)[0]


def _given_row(model: CovarianceModel) -> dict[str, object]:
    turn = model.anisotropy
    return {
        "model": "given", "chosen": True, "method": "given", "nugget": model.nugget,
        "sill": model.sill, "practical_range_m": model.practical_range_m,
        "azimuth_deg": turn.azimuth_deg if turn else 0.0, "ratio": turn.ratio if turn else 1.0,
        "description": str(model),
    }  # fmt: skip


def _points(empirical: EmpiricalVariogram | None, model: CovarianceModel) -> pd.DataFrame:
    """Lay the classes out: lag in metres, semivariance, pairs, direction (NaN: all), model."""
    if empirical is None:
        return pd.DataFrame(columns=["lag", "gamma", "pairs", "direction", "model"])
    every = np.arange(0.0, 180.0, 5.0)
    curves = []
    for lag, azimuth in zip(empirical.distance, empirical.azimuth_deg):
        # a class of all directions is compared with the model's mean over them
        angle = np.deg2rad(every if np.isnan(azimuth) else [azimuth])
        ways = lag * np.column_stack([np.sin(angle), np.cos(angle)])
        curves.append(model.semivariance(np.hypot(*model.turn(ways).T)).mean())
    return pd.DataFrame(
        {
            "lag": empirical.distance,
            "gamma": empirical.semivariance,
            "pairs": empirical.pairs,
            "direction": empirical.azimuth_deg,
            "model": curves,
        }
    )


def _measured_rows(kriging: Kriging, observations: Observations) -> NDArray[np.bool_]:
    """Tell which places have no sample beyond a limit, of which nothing else is known."""
    east, north = observations.points.coordinates[observations.censored].T
    own = kriging.samples_
    return ~np.isin(own[:, 0] + 1j * own[:, 1], east + 1j * north)


def _held_out(data: Working, places: Array, check: CrossValidation) -> pd.DataFrame:
    """Lay out observed and estimate in the unit, the error on the working scale."""
    return pd.DataFrame(
        {
            "easting": places[:, 0],
            "northing": places[:, 1],
            "observed": data.transform.inverse(check.observed),
            "estimate": data.transform.inverse(check.estimate),
            "standard_error": np.sqrt(np.maximum(check.variance, 0.0)),
            "standardised": (check.observed - check.estimate) / np.sqrt(check.variance),
        }
    )
