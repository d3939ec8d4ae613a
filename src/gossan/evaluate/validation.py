"""Test models at samples that they have not seen: held-out folds and check surveys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.arrays.folds import block_labels, distance_to_fit, nearest_distances
from gossan.evaluate.calibration import (
    Calibration,
    calibrate,
    coverage_table,
    crps,
)
from gossan.evaluate.folds import Division, Folds
from gossan.evaluate.strata import coverage_strata, ground_at
from gossan.fusion.cross_validation import (
    ModelFactory,
    cross_predict,
    spatial_side,
    warm_started,
)
from gossan.fusion.protocol import Features, FusionModel, Observations, Prediction
from gossan.geochem.element_values import ElementValues
from gossan.io.contract import Comparison, ComparisonKind
from gossan.io.tables import Column

__all__ = [
    "ModelValidation",
    "ValidationSamples",
    "predict_check",
    "predict_folds",
    "validate_model",
]

BLOCKS_OF_CHECK = 10
"""Folds' worth of blocks that a check survey is cut into for the bootstrap."""


@dataclass(frozen=True, eq=False)
class ValidationSamples:
    """Samples that models are tested at.

    Parameters
    ----------
    observations
        n fitted samples on the working scale.
    checks
        Samples of independent surveys by name, on the same scale.
    values
        Values in the element's unit, where transform or censoring have to be fitted again without
        each fold; None where the working scale depends on no sample.
    """

    observations: Observations
    checks: Mapping[str, Observations] = field(default_factory=dict)
    values: ElementValues | None = None

    @property
    def refitted(self) -> ElementValues | None:
        """The values, if the working scale depends on the samples."""
        known = self.values
        return known if known is not None and known.depends_on_samples else None

    def held_out(self, out: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the values of some samples on the scale that is fitted without them."""
        if self.refitted is None:
            return self.observations.values[out]
        transform, _ = self.refitted.fit(np.flatnonzero(~out))
        return np.asarray(transform.forward(self.refitted.values[out]), np.float64)

    def fitted_to(self, rows: NDArray[np.int_]) -> Observations:
        """Return the observations of some rows on the scale that these rows alone lead to."""
        chosen = self.observations.subset(rows)
        if self.refitted is None:
            return chosen
        transform, values = self.refitted.fit(rows)
        limits = self.refitted.working_limits(transform, rows)
        return replace(chosen, values=np.asarray(values, np.float64), limits=limits)


@dataclass(frozen=True, eq=False)
class ModelValidation:
    """What held-out samples say of one model.

    ``predictions``: a row for each comparison and sample, on the working scale; ``calibration``:
    scaling of the intervals, from the first spatial folds, None without them; ``coverage`` and
    ``strata``: what the intervals cover, over all samples and in classes of them.
    """

    predictions: pd.DataFrame
    calibration: Calibration | None
    coverage: pd.DataFrame
    strata: pd.DataFrame


@runtime_checkable
class HoldsOut(Protocol):
    """A model of models that is cheaper to hold out by itself than by refitting it whole."""

    def hold_out(
        self,
        observations: Observations,
        features: Features,
        folds: NDArray[np.int_],
        groups: NDArray[np.int_],
    ) -> Prediction:
        """Predict every fold without it."""
        ...


def predict_folds(
    factory: ModelFactory,
    samples: ValidationSamples,
    features: Features,
    folds: Folds,
    known: bool = False,
) -> pd.DataFrame:
    """Predict every sample without its fold; everything is refitted inside each fold.

    That includes the transform and the estimates of censored values, where these depend on the
    samples. Observed values, estimates and errors of a fold are on the scale fitted without it.

    Parameters
    ----------
    factory
        Makes a fresh model.
    samples
        What is held out.
    features
        What the imagery says.
    folds
        One division of the samples.
    known
        Such a model has been fitted to all samples before.

    Returns
    -------
    One row a sample: fold, sample, easting, northing, observed, estimate, standard_error (of what
    was observed: with the known error of that sample, if any), distance_m (to the nearest sample
    outside the fold), group, comparison.
    """
    observations, model = samples.observations, factory()
    if isinstance(model, HoldsOut) and samples.refitted is None:
        found = model.hold_out(observations, features, folds.labels, folds.groups)
        distance = distance_to_fit(observations.points.coordinates, folds.labels)
        table = _table(observations, found, distance)
        table.insert(0, Column.FOLD, folds.labels)
    else:
        table = cross_predict(
            {"": factory}, observations, features, folds.labels, samples.fitted_to, known
        ).drop(columns="model")
        for fold in np.unique(folds.labels):
            out = folds.labels == fold
            table.loc[out, Column.OBSERVED] = samples.held_out(out)
    table[Column.GROUP], table[Column.COMPARISON] = folds.groups, str(folds.comparison)
    return _with_known_errors(table, observations)


def predict_check(
    fitted: FusionModel,
    samples: ValidationSamples,
    features: Features,
    range_m: float,
    survey: str,
) -> pd.DataFrame:
    """Predict an independent survey, at its own support, by a model fitted to all samples.

    Parameters
    ----------
    fitted
        The fitted model.
    samples
        What it was fitted to, and the check survey.
    features
        What the imagery says.
    range_m
        Range of the residual: side of the blocks of the bootstrap.
    survey
        Name of the check survey.

    Returns
    -------
    A table as of ``predict_folds``, all of fold 0.
    """
    check = samples.checks[survey]
    xy = check.points.coordinates
    side, _ = spatial_side(xy, max(range_m, 1.0), BLOCKS_OF_CHECK)
    distance = nearest_distances(xy, samples.observations.points.coordinates)
    table = _table(check, fitted.predict(check.points, features), distance)
    table.insert(0, Column.FOLD, 0)
    table[Column.GROUP] = block_labels(xy, side)
    table[Column.COMPARISON] = str(Comparison(ComparisonKind.CHECK, survey))
    return _with_known_errors(table, check)


def _with_known_errors(table: pd.DataFrame, observations: Observations) -> pd.DataFrame:
    """Add the known error of what was observed to the error of its prediction."""
    known = observations.error_variance
    if known is None:
        return table
    error = np.hypot(table[Column.STANDARD_ERROR].to_numpy(float), np.sqrt(known))
    return table.assign(**{Column.STANDARD_ERROR: error})


def _table(
    observations: Observations, found: Prediction, distance: NDArray[np.float64]
) -> pd.DataFrame:
    xy, error = observations.points.coordinates, found.standard_error
    return pd.DataFrame(
        {
            Column.SAMPLE: np.arange(len(observations)),
            Column.EASTING: xy[:, 0],
            Column.NORTHING: xy[:, 1],
            Column.OBSERVED: observations.values,
            Column.ESTIMATE: found.mean,
            Column.STANDARD_ERROR: np.nan if error is None else error,
            Column.DISTANCE_M: distance,
        }
    )


def validate_model(
    factory: ModelFactory,
    fitted: FusionModel,
    samples: ValidationSamples,
    features: Features,
    division: Division,
    of_models: bool = False,
) -> ModelValidation:
    """Test one model by folds of each kind and by every check survey.

    Check surveys are left out where they lack the features.

    Parameters
    ----------
    factory
        Makes a fresh model.
    fitted
        The same model, fitted to all samples.
    samples
        Fitted samples and check surveys.
    features
        What the imagery says.
    division
        Ways to divide the samples into folds.
    of_models
        The model refits many models in each fold: it is tested in the first spatial folds only.

    Returns
    -------
    Predictions, calibration, coverage.
    """
    ways = list(division.folds.values())
    if of_models:
        ways = [division.spatial] if division.spatial is not None else []
    about = ground_at(samples.observations.points, features)
    fresh = warm_started(factory, fitted)
    tables = [
        predict_folds(fresh, samples, features, way, known=True).assign(**about) for way in ways
    ]
    for name, check in samples.checks.items():
        if features.layer is not None or set(features.names) <= set(check.points.columns):
            found = predict_check(fitted, samples, features, division.range_m, name)
            tables.append(found.assign(**ground_at(check.points, features)))
    if not tables:
        return ModelValidation(pd.DataFrame(), None, pd.DataFrame(), pd.DataFrame())
    predictions = pd.concat(tables, ignore_index=True)
    calibration = _calibration(predictions)
    return ModelValidation(predictions, calibration, *_coverage(predictions, calibration))


def _calibration(predictions: pd.DataFrame) -> Calibration | None:
    """Calibrate by the first spatial folds, whatever the order of the folds."""
    for text, own in predictions.groupby(Column.COMPARISON, sort=False):
        y, m, s = _arrays(own)
        if Comparison.parse(text).is_spatial and np.isfinite(s).any():
            return calibrate(y, m, s, own[Column.GROUP].to_numpy())
    return None


def _arrays(table: pd.DataFrame) -> tuple[NDArray[np.float64], ...]:
    names = (Column.OBSERVED, Column.ESTIMATE, Column.STANDARD_ERROR)
    return tuple(table[name].to_numpy(float) for name in names)


def _coverage(
    predictions: pd.DataFrame, calibration: Calibration | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measure what the intervals cover, as the model has them and as they are delivered."""
    covers, strata = [], []
    for text, own in predictions.groupby(Column.COMPARISON, sort=False):
        y, m, s = _arrays(own)
        if not np.isfinite(s).any():
            continue
        about = {Column.COMPARISON: text}
        covers.append(_covered(y, m, s, calibration).assign(**about))
        strata.append(coverage_strata(own, calibration).assign(**about))
    return _joined(covers), _joined(strata)


def _covered(
    y: NDArray[np.float64],
    m: NDArray[np.float64],
    s: NDArray[np.float64],
    calibration: Calibration | None,
) -> pd.DataFrame:
    table = coverage_table(y, m, s)
    table[Column.CRPS] = crps(y, m, s)
    table[Column.FACTOR] = 1.0
    table[Column.ACHIEVED_SCALED] = table[Column.ACHIEVED]
    if calibration is not None:
        scaled = coverage_table(y, m, s, calibration=calibration)
        table[Column.FACTOR] = [calibration.factor(v) for v in table[Column.NOMINAL]]
        table[Column.ACHIEVED_SCALED] = scaled[Column.ACHIEVED]
    return table


def _joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
