"""Validate models: held-out folds and a check survey, skill, calibration, distance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gossan.arrays.folds import block_labels, nearest_distances
from gossan.evaluate.calibration import (
    Calibration,
    calibrate,
    coverage_by_distance,
    coverage_table,
    crps,
)
from gossan.evaluate.folds import Folds, ValidationSettings, make_folds, residual_range
from gossan.evaluate.skill import skill_table
from gossan.fusion.cross_validation import ModelFactory, cross_predict, spatial_side
from gossan.fusion.protocol import Features, FusionModel, Observations

__all__ = ["Validation", "check_survey", "cross_validate", "validate"]

BASELINE = "kriging"


@dataclass(frozen=True, eq=False)
class Validation:
    """Hold what held-out samples say.

    ``skill``: one row a comparison ("blocks", "random", "check: NAME") and model;
    ``calibration`` and ``distance``: coverage of the intervals; ``predictions``: every held-out
    prediction on the working scale; ``calibrations``: scaling of each model's intervals, from the
    first spatial folds; ``notes``: how the folds were made.
    """

    skill: pd.DataFrame
    calibration: pd.DataFrame
    distance: pd.DataFrame
    predictions: pd.DataFrame
    calibrations: Mapping[str, Calibration]
    notes: Mapping[str, str] = field(default_factory=dict)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Give the tables by the name of their file in the run folder."""
        return {
            "validation": self.skill,
            "calibration": self.calibration,
            "coverage_by_distance": self.distance,
            "held_out": self.predictions,
        }


def cross_validate(
    models: Mapping[str, ModelFactory],
    observations: Observations,
    features: Features | Mapping[str, Features],
    folds: Folds,
) -> pd.DataFrame:
    """Predict every sample without its fold; everything is refitted inside each fold.

    Returns
    -------
    The long table of ``gossan.fusion.cross_validation.cross_predict`` with a first column
    ``comparison`` (the kind of folds) and the column ``group`` (spatial block).
    """
    table = cross_predict(models, observations, features, folds.labels)
    table.insert(0, "comparison", folds.kind)
    table["group"] = np.tile(folds.groups, len(models))
    return table


def check_survey(
    fitted: Mapping[str, FusionModel],
    observations: Observations,
    check: Observations,
    features: Features | Mapping[str, Features],
    range_m: float,
    name: str = "check",
    seed: int = 0,
) -> pd.DataFrame:
    """Predict an independent survey, at its own support, by models fitted on all observations.

    Parameters
    ----------
    fitted : fitted models by name.
    observations : what they were fitted on (for the distances).
    check : the independent samples; ``check.points.support_m`` is theirs.
    features : for all models, or by the name of each.
    range_m : range of the residual: side of the blocks of the bootstrap.
    name : of the check survey.

    Returns
    -------
    A table as of ``cross_validate``, comparison "check: NAME", fold 0.
    """
    xy = check.points.coordinates
    side, _ = spatial_side(xy, max(range_m, 1.0), 10)
    parts = []
    for model_name, model in fitted.items():
        chosen = features[model_name] if isinstance(features, Mapping) else features
        found = model.predict(check.points, chosen)
        error = np.full(len(check), np.nan)
        if found.standard_error is not None:
            error = found.standard_error
        columns = {
            "comparison": f"check: {name}",
            "model": model_name,
            "fold": 0,
            "sample": np.arange(len(check)),
            "easting": xy[:, 0],
            "northing": xy[:, 1],
            "observed": check.values,
            "estimate": found.mean,
            "standard_error": error,
            "distance_m": nearest_distances(xy, observations.points.coordinates),
            "group": block_labels(xy, side, seed),
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def validate(
    models: Mapping[str, ModelFactory],
    observations: Observations,
    features: Features | Mapping[str, Features],
    settings: ValidationSettings | None = None,
    checks: Mapping[str, Observations] | None = None,
    fitted: Mapping[str, FusionModel] | None = None,
    draws: int = 2000,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> Validation:
    """Validate models by folds of each kind and by every check survey.

    Parameters
    ----------
    models : factory of each model by name; "kriging" must be among them.
    observations : n samples on the working scale.
    features : for all models, or by the name of each.
    settings : kinds of folds and their number.
    checks : independent surveys by name, on the same working scale.
    fitted : models fitted on all observations, for the checks; fitted here where they lack.
    draws, seed : of the bootstrap; the seed also of the folds.
    progress : told what is being done.

    Returns
    -------
    Tables of skill, calibration and coverage by distance, and the held-out predictions.
    """
    settings = settings or ValidationSettings()
    tell = progress or (lambda _: None)
    first = next(iter(features.values())) if isinstance(features, Mapping) else features
    range_m = residual_range(observations, first)
    parts: list[pd.DataFrame] = []
    notes: dict[str, str] = {}
    for kind in settings.kinds:
        tell(f"cross-validation, {kind} folds")
        folds = make_folds(kind, observations, settings, range_m, first.grid, seed)
        parts.append(cross_validate(models, observations, features, folds))
        notes[kind] = folds.note
    ready = dict(fitted or {})
    for name, check in (checks or {}).items():
        tell(f"check survey {name}")
        for model_name, factory in models.items():
            if model_name not in ready:
                chosen = features[model_name] if isinstance(features, Mapping) else features
                ready[model_name] = factory().fit(observations, chosen)
        chosen_models = {name_: ready[name_] for name_ in models}
        parts.append(
            check_survey(chosen_models, observations, check, features, range_m, name, seed)
        )
        notes[f"check: {name}"] = f"{len(check)} independent samples of {name}"
    return summarise(pd.concat(parts, ignore_index=True), notes, draws, seed)


def summarise(
    predictions: pd.DataFrame, notes: Mapping[str, str], draws: int = 2000, seed: int = 0
) -> Validation:
    """Turn held-out predictions into the tables of a validation."""
    skills, covers, distances = [], [], []
    calibrations: dict[str, Calibration] = {}
    for key, table in predictions.groupby("comparison", sort=False):
        comparison = str(key)
        one = table[table["model"] == table["model"].iloc[0]].sort_values("sample")
        skill = skill_table(table, one["group"].to_numpy(), BASELINE, draws, seed)
        skill.insert(0, "comparison", comparison)
        skill["optimistic"] = comparison == "random"
        skill["note"] = notes.get(comparison, "")
        skills.append(skill)
        for name_, own in table.groupby("model", sort=False):
            model = str(name_)
            y, m, s, d = (
                own[name].to_numpy(float)
                for name in ("observed", "estimate", "standard_error", "distance_m")
            )
            if not np.isfinite(s).any():
                continue
            if model not in calibrations and comparison != "random":
                calibrations[model] = calibrate(y, m, s, own["group"].to_numpy(), seed=seed)
            covers.append(_labelled(_coverage(y, m, s, calibrations.get(model)), comparison, model))
            distances.append(_labelled(coverage_by_distance(y, m, s, d), comparison, model))
    empty = pd.DataFrame()
    return Validation(
        pd.concat(skills, ignore_index=True),
        pd.concat(covers, ignore_index=True) if covers else empty,
        pd.concat(distances, ignore_index=True) if distances else empty,
        predictions,
        calibrations,
        notes,
    )


def _coverage(
    y: NDArray[np.float64],
    m: NDArray[np.float64],
    s: NDArray[np.float64],
    calibration: Calibration | None,
) -> pd.DataFrame:
    """Give coverage as the model has it and, beside it, after calibration."""
    table = coverage_table(y, m, s)
    table["crps"] = crps(y, m, s)
    if calibration is not None:
        scaled = coverage_table(y, m, s, calibration=calibration)
        table["factor"] = [calibration.factor(level) for level in table["nominal"]]
        table["achieved_scaled"] = scaled["achieved"]
    return table


def _labelled(table: pd.DataFrame, comparison: str, model: str) -> pd.DataFrame:
    table.insert(0, "comparison", comparison)
    table.insert(1, "model", model)
    return table
