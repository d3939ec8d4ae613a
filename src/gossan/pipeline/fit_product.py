"""Fit one product for one element, and test it at samples that it has not seen."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd

from gossan.evaluate.calibration import Calibration
from gossan.evaluate.folds import Division
from gossan.evaluate.validation import HoldsOut, ModelValidation, validate_model
from gossan.fusion.fit_counter import one_fitted
from gossan.fusion.inner_folds import InnerFolds
from gossan.fusion.protocol import Features, FusionModel
from gossan.fusion.registry import entry_of
from gossan.geo.cluster import begun_on
from gossan.geochem.back_transforms import interval_of, median_of
from gossan.geochem.transforms import Transform
from gossan.io.contract import Comparison, Stratum
from gossan.io.tables import Column, Table
from gossan.pipeline.feature_sets import FeatureSets
from gossan.pipeline.options.products import Product
from gossan.pipeline.surveys import Working

INTERVAL = 0.90
"""Coverage of the bounds that tables and predictions state."""


@dataclass(frozen=True, eq=False)
class ValidatedProduct:
    """What the tests of one product say, in the element's unit."""

    held_out: pd.DataFrame
    found: ModelValidation
    transform: Transform

    @property
    def calibration(self) -> Calibration | None:
        """Scaling of the intervals, from the first spatial folds."""
        return self.found.calibration

    @property
    def factor(self) -> float:
        """Factor of the 90 % interval."""
        return 1.0 if self.calibration is None else self.calibration.factor(INTERVAL)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Tables by their names in the run folder."""
        return {
            Table.HELD_OUT: self.held_out,
            Table.CALIBRATION: self.found.coverage,
            Table.COVERAGE_STRATA: strata_in_units(self.found.strata, self.transform),
        }


def fits_of(product: Product, division: Division) -> int:
    """Count the models that a product fits and tests: folds times models, and those of the map."""
    options = product.settings.options
    inner = options.fitted_in_folds if isinstance(options, InnerFolds) else 0
    own = 1 + (options.number * inner if isinstance(options, InnerFolds) else 0)
    if not entry_of(product.settings.model).of_models:
        return own + sum(len(np.unique(way.labels)) for way in division.folds.values())
    spatial = division.spatial
    folds = len(np.unique(spatial.labels)) if spatial is not None else 0
    held_by_itself = isinstance(product.factory(product.elements[0])(), HoldsOut)
    return own + folds * (inner if held_by_itself else 1)


def fit_model(product: Product, data: Working, features: FeatureSets) -> FusionModel:
    """Fit a product's model to all samples of an element."""
    model = product.factory(data.element)()
    fitted = model.fit(data.observations, features.get(product.settings.features))
    one_fitted()
    return fitted


@dataclass(eq=False)
class ElementFits:
    """Fit a product element by element; on a cluster its workers fit those that follow meanwhile.

    The first fit stays with this process, whose passes over the imagery all workers share: what
    depends on imagery alone is then known, and travels with the features.

    Parameters
    ----------
    product
        The product.
    features
        Features by name.
    scheduler
        Address of the cluster's scheduler; None: every fit is made when it is asked for.
    """

    product: Product
    features: FeatureSets
    scheduler: str | None
    begun: dict[str, Callable[[], WarnedFit]] = field(default_factory=dict)

    def of(self, data: Working, following: Iterable[Working]) -> FusionModel:
        """Return the model fitted to an element, and begin the fits of those that follow it."""
        if data.element in self.begun:
            model, warned = self.begun.pop(data.element)()
            for category, text in warned:
                warnings.warn(text, category, stacklevel=2)
            one_fitted()
            return model
        model = fit_model(self.product, data, self.features)
        if self.scheduler is not None:
            rest = list(following)
            fit = partial(
                _fitted_there, self.product, self.features.get(self.product.settings.features)
            )
            begun = begun_on(self.scheduler, fit, rest) if rest else []
            self.begun = {one.element: task for one, task in zip(rest, begun)}
        return model


WarnedFit = tuple[FusionModel, list[tuple[type[Warning], str]]]
"""A fitted model, and what its fit warned of."""


def _fitted_there(product: Product, features: Features, data: Working) -> WarnedFit:
    """Fit on a worker: warnings come back with the model."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted = product.factory(data.element)().fit(data.observations, features)
    return fitted, [(one.category, str(one.message)) for one in caught]


def validate_product(
    product: Product, data: Working, features: FeatureSets, model: FusionModel, division: Division
) -> ValidatedProduct:
    """Predict held-out samples, everything refitted in each fold, and the check surveys."""
    found = validate_model(
        product.factory(data.element),
        model,
        data.validation_samples,
        features.get(product.settings.features),
        division,
        entry_of(product.settings.model).of_models,
    )
    return ValidatedProduct(held_out_in_units(found, data), found, data.transform)


def strata_in_units(strata: pd.DataFrame, transform: Transform) -> pd.DataFrame:
    """Put the bounds of the classes by estimate in the element's unit."""
    if strata.empty:
        return strata
    table, rows = strata.copy(), strata[Column.BY] == Stratum.ESTIMATE
    for name in (Column.FROM, Column.TO):
        table.loc[rows, name] = median_of(transform, strata.loc[rows, name].to_numpy(float))
    return table


def held_out_in_units(found: ModelValidation, data: Working) -> pd.DataFrame:
    """Put the held-out predictions of one model in the element's unit, with 90 % intervals."""
    if found.predictions.empty:
        return found.predictions
    factor = 1.0 if found.calibration is None else found.calibration.factor(INTERVAL)
    parts = [
        _in_units(own, _scale_of(own, data, Comparison.parse(text)), factor)
        for (text, _), own in found.predictions.groupby(
            [Column.COMPARISON, Column.FOLD], sort=False
        )
    ]
    return pd.concat(parts).sort_index()


def _scale_of(rows: pd.DataFrame, data: Working, comparison: Comparison) -> Transform:
    """Find the transform that the rows of one fold were predicted with."""
    values = data.validation_samples.refitted
    if values is None or comparison.is_check:
        return data.transform
    rest = np.ones(len(values.values), bool)
    rest[rows[Column.SAMPLE].to_numpy(int)] = False
    return values.fit(np.flatnonzero(rest))[0]


def _in_units(table: pd.DataFrame, transform: Transform, factor: float) -> pd.DataFrame:
    """Add values in the element's unit to those on the working scale; bounds by quantile."""
    observed, estimate = (table[c].to_numpy(float) for c in (Column.OBSERVED, Column.ESTIMATE))
    error = table[Column.STANDARD_ERROR].to_numpy(float) * factor
    lower, upper = interval_of(transform, estimate, error)
    return table.assign(
        **{
            Column.OBSERVED_WORKING: observed,
            Column.ESTIMATE_WORKING: estimate,
            Column.STANDARD_ERROR: error,
            Column.OBSERVED: transform.inverse(observed),
            Column.ESTIMATE: median_of(transform, estimate),
            Column.LOWER90: lower,
            Column.UPPER90: upper,
        }
    )
