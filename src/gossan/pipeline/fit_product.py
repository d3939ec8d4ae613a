"""Make one product for one element: fit, and test on unseen samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.arrays.folds import block_labels, distance_to_fit, nearest_distances
from gossan.evaluate.calibration import (
    Calibration,
    calibrate,
    coverage_by_distance,
    coverage_table,
)
from gossan.evaluate.folds import Folds, FoldWord
from gossan.fusion.cross_validation import cross_predict, spatial_side
from gossan.fusion.protocol import Features, FusionModel, Observations, Prediction
from gossan.geochem.transforms import Transform
from gossan.pipeline.feature_sets import Landscape
from gossan.pipeline.options.products import Product
from gossan.pipeline.surveys import Working

INTERVAL = 0.90
BLOCKS_OF_CHECK = 10
"""Folds' worth of blocks that a check survey is cut into for the bootstrap."""
Z90 = 1.6448536269514722
"""Half width of the central 90 % interval, in standard errors."""


@dataclass(frozen=True, eq=False)
class Division:
    """Hold the ways to divide an element's samples, and the range of the residual in metres."""

    folds: Mapping[FoldWord, Folds]
    range_m: float


@dataclass(frozen=True, eq=False)
class Tested:
    """Hold what the tests of one product say: held-out predictions and the calibration."""

    held_out: pd.DataFrame
    calibration: Calibration | None
    coverage: pd.DataFrame
    distance: pd.DataFrame

    def tables(self) -> dict[str, pd.DataFrame]:
        """Name the tables as the run folder does."""
        return {
            "held_out": self.held_out,
            "calibration": self.coverage,
            "coverage_by_distance": self.distance,
        }


def fit_model(product: Product, data: Working, landscape: Landscape) -> FusionModel:
    """Fit a product's model to all samples of an element."""
    features = landscape.features(product.settings.features)
    return product.factory()().fit(data.observations, features)


def hold_out(
    product: Product,
    data: Working,
    landscape: Landscape,
    model: FusionModel,
    division: Division,
) -> Tested:
    """Predict held-out samples, everything refitted in each fold, and the check surveys.

    The calibration comes from the first way to divide the samples. A product that chooses among
    models by folds of its own is tested by that way only.
    """
    features = landscape.features(product.settings.features)
    parts = []
    calibration = None
    for comparison, way in _asked(product, division.folds).items():
        table = _held_out(product, data.observations, features, way)
        table["group"] = way.groups
        if calibration is None and table["standard_error"].notna().any():
            calibration = calibrate(
                table["observed"].to_numpy(float),
                table["estimate"].to_numpy(float),
                table["standard_error"].to_numpy(float),
                way.groups,
            )
        parts.append(table.assign(comparison=comparison))
    for name, observations in data.checks.items():
        if features.layer is None and not set(features.names) <= set(observations.points.columns):
            continue
        prediction = model.predict(observations.points, features)
        table = _checked(prediction, observations, data.observations, division.range_m)
        parts.append(table.assign(comparison=f"check: {name}"))
    held_out = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    coverage, distance = _coverage(held_out, calibration)
    return Tested(_in_units(held_out, product, data, calibration), calibration, coverage, distance)


def _held_out(
    product: Product, observations: Observations, features: Features, way: Folds
) -> pd.DataFrame:
    """Predict every fold without it; a model that knows how to hold itself out does so."""
    model = product.factory()()
    if not hasattr(model, "hold_out"):
        factories = {product.name: product.factory()}
        return cross_predict(factories, observations, features, way.labels)
    prediction = model.hold_out(observations, features, way.labels, way.groups)
    coordinates = observations.points.coordinates
    return pd.DataFrame(
        {
            "fold": way.labels,
            "sample": np.arange(len(observations)),
            "easting": coordinates[:, 0],
            "northing": coordinates[:, 1],
            "observed": observations.values,
            "estimate": prediction.mean,
            "standard_error": prediction.standard_error,
            "distance_m": distance_to_fit(coordinates, way.labels),
        }
    )


def _asked(product: Product, folds: Mapping[FoldWord, Folds]) -> Mapping[FoldWord, Folds]:
    """Leave out the second way to divide for products that refit many models in each fold."""
    many = product.settings.model in ("auto", "blend")
    return dict(list(folds.items())[:1]) if many else folds


def _coverage(
    table: pd.DataFrame, calibration: Calibration | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measure what the intervals cover, as the model has them and as they are delivered."""
    covers, distances = [], []
    for comparison, own in table.groupby("comparison", sort=False) if len(table) else ():
        names = ("observed", "estimate", "standard_error", "distance_m")
        y, m, s, d = (own[name].to_numpy(float) for name in names)
        if not np.isfinite(s).any():
            continue
        found = coverage_table(y, m, s)
        scaled = coverage_table(y, m, s, calibration=calibration) if calibration else found
        found["achieved_scaled"] = scaled["achieved"]
        covers.append(found.assign(comparison=comparison))
        distances.append(coverage_by_distance(y, m, s, d).assign(comparison=comparison))
    empty = pd.DataFrame()
    return (
        pd.concat(covers, ignore_index=True) if covers else empty,
        pd.concat(distances, ignore_index=True) if distances else empty,
    )


def _checked(
    prediction: Prediction, observations: Observations, fitted: Observations, range_m: float
) -> pd.DataFrame:
    error = prediction.standard_error
    coordinates = observations.points.coordinates
    side, _ = spatial_side(coordinates, max(range_m, 1.0), BLOCKS_OF_CHECK)
    return pd.DataFrame(
        {
            "sample": np.arange(len(observations)),
            "easting": coordinates[:, 0],
            "northing": coordinates[:, 1],
            "observed": observations.values,
            "estimate": prediction.mean,
            "standard_error": np.nan if error is None else error,
            "distance_m": nearest_distances(coordinates, fitted.points.coordinates),
            "group": block_labels(coordinates, side),
        }
    )


def _in_units(
    table: pd.DataFrame, product: Product, data: Working, calibration: Calibration | None
) -> pd.DataFrame:
    """Bring a working-scale table to the element's unit; intervals by quantile."""
    if table.empty:
        return table
    scale = calibration.factor(INTERVAL) if calibration is not None else 1.0
    estimate = table["estimate"].to_numpy(float)
    error = table["standard_error"].to_numpy(float) * scale
    lower, upper = interval(data.transform, estimate, error)
    return table.drop(columns=["model"], errors="ignore").assign(
        product=product.name,
        element=data.element,
        observed=data.transform.inverse(table["observed"].to_numpy(float)),
        estimate=np.maximum(data.transform.inverse(estimate), 0.0),
        standard_error=error,
        lower90=lower,
        upper90=upper,
    )


def interval(
    transform: Transform, mean: NDArray[np.float64], error: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the central 90 % interval in the element's unit, by quantile."""
    lower = np.asarray(transform.inverse(mean - Z90 * error), np.float64)
    upper = np.asarray(transform.inverse(mean + Z90 * error), np.float64)
    return np.maximum(lower, 0.0), upper
