"""Cross-validation of estimators, by the engine of a run.

Ding et al. 2023, section 4.4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from gossan.api.estimators import Estimator, estimator_class
from gossan.errors import FitError, must
from gossan.evaluate.calibration import Calibration
from gossan.evaluate.folds import Division, ValidationSettings, divide
from gossan.evaluate.skill import skill_table
from gossan.evaluate.validation import validate_model
from gossan.fusion.registry import entry_of
from gossan.io.contract import BASELINE, Comparison
from gossan.io.tables import Column
from gossan.pipeline.fit_product import held_out_in_units
from gossan.pipeline.options.project import validated
from gossan.pipeline.scores import scored_on

__all__ = ["Validation", "calibrate", "cross_validate"]

SHOWN = {
    Column.COMPARISON: "folds",
    "model": "model",
    Column.N: "n",
    Column.R: "r",
    Column.RMSE: "rmse",
    Column.SKILL: "skill",
    Column.SKILL_LOW: "low",
    Column.SKILL_HIGH: "high",
    "covers90": "covers90",
}


@dataclass(frozen=True, eq=False, repr=False)
class Validation:
    """What samples say of models that have not seen them.

    Parameters
    ----------
    scores
        One row for each kind of folds and model: errors on the working scale; skill, the share of
        kriging's squared error that is saved, with its 95 % interval; and ``covers90``, the share
        of samples within their 90 % interval before calibration.
    predictions
        Every held-out prediction, in the element's unit and on the working scale.
    calibrations
        Scaling of each model's intervals that the first spatial folds ask for.
    notes
        How each kind of folds was made.
    """

    scores: pd.DataFrame
    predictions: pd.DataFrame
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def _table(self) -> pd.DataFrame:
        return self.scores[list(SHOWN)].rename(columns=SHOWN)

    def __repr__(self) -> str:
        table = self._table().to_string(index=False, float_format="{:.3g}".format, na_rep="")
        return "\n".join([table, *self.notes])

    def _repr_html_(self) -> str:
        return str(self._table().to_html(index=False, float_format="{:.3g}".format, na_rep=""))


def cross_validate(
    estimators: Estimator | Sequence[Estimator],
    folds: str | Sequence[str] = "blocks",
    *,
    number: int = 10,
    block_km: float | None = None,
    column: str | None = None,
    seed: int = 7,
) -> Validation:
    """Predict samples by models that have not seen them; everything is refitted in each fold.

    Parameters
    ----------
    estimators
        Fitted estimators, all of one element. Kriging is added for comparison where it is missing.
    folds
        "blocks" (spatial), "knndm", "column" or "random" (optimistic), or several.
    number
        Number of folds.
    block_km
        Side of the blocks; default: the range of what imagery leaves unexplained.
    column
        Column of the survey that holds the folds, for "column".
    seed
        Of the folds.

    Returns
    -------
    Scores, held-out predictions and calibrations; printing it shows the scores.

    Raises
    ------
    FitError
        An estimator is not fitted, or they are fitted to different samples.
    """
    chosen = [estimators] if isinstance(estimators, Estimator) else list(estimators)
    chosen = _with_baseline(chosen)
    kinds = (folds,) if isinstance(folds, str) else tuple(folds)
    row = {"kinds": kinds, "folds": number, "block_km": block_km, "column": column}
    settings = validated(ValidationSettings, row, "cross_validate")
    common = chosen[0].element_.working("log" if (chosen[0].element_.values > 0).all()
                                        else "identity")  # fmt: skip
    division = divide(common.observations, settings, chosen[0].features_.grid, seed)
    names = _names(chosen)
    predictions, tables, coverage, calibrations = [], [], [], {}
    for name, one in zip(names, chosen):
        found = _validated(one, division)
        own = held_out_in_units(found, one.data_)
        predictions.append(own.assign(model=name))
        tables.append(scored_on(common, own, one.transform_.word).assign(model=name))
        coverage.append(found.coverage.assign(model=name))
        if found.calibration is not None:
            calibrations[name] = found.calibration
    common_scale = pd.concat(tables, ignore_index=True)
    scores = _scores(common_scale, names[0], pd.concat(coverage, ignore_index=True))
    notes = [division.note(Comparison.parse(text)) for text in scores[Column.COMPARISON].unique()]
    held_out = pd.concat(predictions, ignore_index=True)
    return Validation(scores, held_out, calibrations, tuple(notes))


def calibrate(estimator: Estimator, folds: str = "blocks", **options: Any) -> Calibration | None:
    """Widen or narrow the intervals of a fitted estimator to what held-out samples ask for.

    Its maps and predictions use them from then on, as those of a run do.

    Parameters
    ----------
    estimator
        A fitted estimator.
    folds, **options
        As of ``cross_validate``; the folds must be spatial.

    Returns
    -------
    What was found; None for a model without a standard error.
    """
    found = cross_validate(estimator, folds, **options)
    estimator.calibration_ = found.calibrations.get(repr(estimator))
    return estimator.calibration_


def _with_baseline(estimators: list[Estimator]) -> list[Estimator]:
    """Put kriging first, and refuse estimators of different samples."""
    if not estimators:
        raise FitError(must("estimators", "at least one", "none", "Pass fitted estimators"))
    for one in estimators:
        one._fitted()
    first = estimators[0].element_
    for one in estimators[1:]:
        same = one.element_.name == first.name and np.array_equal(
            one.element_.values, first.values, equal_nan=True
        )
        if not same:
            got = f"{first.name} and {one.element_.name}"
            cure = "Fit all of them to the same element of the same survey"
            raise FitError(must("estimators", "fitted to the same samples", got, cure))
    kriging = [one for one in estimators if one.word == BASELINE]
    others = [one for one in estimators if one not in kriging]
    if not kriging:
        kriging = [estimator_class(BASELINE)().fit(first)]
    return [*kriging, *others]


def _names(estimators: Sequence[Estimator]) -> list[str]:
    """Name each by how it is written; twins are numbered."""
    names: list[str] = []
    for one in estimators:
        name = repr(one)
        twins = sum(other == name or other.startswith(f"{name} #") for other in names)
        names.append(f"{name} #{twins + 1}" if twins else name)
    return names


def _validated(estimator: Estimator, division: Division):  # type: ignore[no-untyped-def]
    return validate_model(
        estimator.factory(estimator.element_.name),
        estimator.model_,
        estimator.data_.validation_samples,
        estimator.features_,
        division,
        entry_of(estimator.word).of_models,
    )


def _scores(predictions: pd.DataFrame, baseline: str, coverage: pd.DataFrame) -> pd.DataFrame:
    parts = []
    for text, table in predictions.groupby(Column.COMPARISON, sort=False):
        found = skill_table(table, baseline)
        found.insert(0, Column.COMPARISON, text)
        parts.append(found)
    scores = pd.concat(parts, ignore_index=True)
    if coverage.empty or Column.NOMINAL not in coverage:
        return scores.assign(covers90=np.nan)
    keys = [Column.COMPARISON, "model"]
    at90 = coverage[np.isclose(coverage[Column.NOMINAL], 0.9)][[*keys, Column.ACHIEVED]]
    return scores.merge(at90.rename(columns={Column.ACHIEVED: "covers90"}), on=keys, how="left")
