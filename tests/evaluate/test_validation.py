"""Validation keeps every fold unseen, respects supports, and tells what is known to be true."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np
import pandas as pd
import pytest

from gossan.arrays.folds import distance_to_fit
from gossan.errors import FitError, SettingsError
from gossan.evaluate.folds import ValidationSettings, make_folds, residual_range
from gossan.evaluate.skill import skill_table
from gossan.evaluate.validation import check_survey, cross_validate, validate
from gossan.fusion.cross_validation import cross_predict, spatial_folds
from gossan.fusion.features.sources import LayerFeatures
from gossan.fusion.protocol import Features, Observations, Points, Prediction
from gossan.fusion.registry import factory_of
from gossan.geo.layer import Layer

from ..fusion.simulated import simulate

MODELS = {word: factory_of(word) for word in ("kriging", "regression_kriging")}


@dataclass
class Spy:
    """Predict the fitted mean and remember what it was shown."""

    shown: list[np.ndarray]
    tables_: dict[str, pd.DataFrame] = field(default_factory=dict)

    def fit(self, observations: Observations, features: Features) -> Self:
        self.shown.append(observations.values)
        self.mean = observations.values.mean()
        return self

    def predict(self, points: Points, features: Features) -> Prediction:
        self.support = points.support_m
        return Prediction(np.full(len(points), self.mean))

    def layer(self, features: Features) -> Layer:
        raise NotImplementedError


def test_no_model_is_shown_the_fold_it_predicts() -> None:
    case, shown = simulate(n=60), []
    folds = make_folds("blocks", case.observations, ValidationSettings(folds=5), 800.0)
    table = cross_predict(
        {"spy": lambda: Spy(shown)}, case.observations, case.features, folds.labels
    )
    names = np.unique(folds.labels)
    assert len(shown) == names.size
    y = case.observations.values
    for fold in names:  # folds run side by side, in any order
        (seen,) = [one for one in shown if not np.isin(y[folds.labels == fold], one).any()]
        np.testing.assert_array_equal(np.sort(seen), np.sort(y[folds.labels != fold]))
        own = table[table["fold"] == fold]
        np.testing.assert_allclose(own["estimate"], y[folds.labels != fold].mean())
    np.testing.assert_array_equal(table["observed"], y)
    expected = distance_to_fit(case.observations.points.coordinates, folds.labels)
    np.testing.assert_allclose(table["distance_m"], expected)


def test_a_check_survey_is_predicted_at_its_own_support() -> None:
    case = simulate(n=60)
    check = Observations(Points(case.check.points.coordinates, 55.0), case.check.values)
    spy = Spy([]).fit(case.observations, case.features)
    table = check_survey({"spy": spy}, case.observations, check, case.features, 800.0, "detail")
    assert spy.support == 55.0
    assert (table["comparison"] == "check: detail").all() and len(table) == len(check)


def test_validation_finds_the_skill_that_the_truth_has() -> None:
    case = simulate(n=150)
    settings = ValidationSettings(folds=5)
    found = validate(
        MODELS, case.observations, case.features, settings, {"detail": case.check}, draws=300
    )
    skill = found.skill.set_index(["comparison", "model"])
    assert set(skill.index.get_level_values(0)) == {"blocks", "random", "check: detail"}
    assert (skill.xs("kriging", level="model")["skill"] == 0).all()
    truth = skill.loc[("check: detail", "regression_kriging")]
    blocks = skill.loc[("blocks", "regression_kriging")]
    assert truth["skill"] > 0.5 and truth["lower"] > 0.3
    assert 0.5 < blocks["skill"] < 1 and blocks["rmse"] > truth["rmse"]
    assert skill.loc[("random", "kriging"), "optimistic"]
    assert skill.loc[("random", "kriging"), "rmse"] < skill.loc[("blocks", "kriging"), "rmse"]
    achieved = found.calibration.query("comparison == 'check: detail' and nominal == 0.9")
    assert achieved["achieved"].between(0.8, 1.0).all()
    assert set(found.tables()) == {"validation", "calibration", "coverage_by_distance", "held_out"}
    assert found.calibrations["kriging"].sentence


def test_models_may_have_features_of_their_own() -> None:
    case = simulate(n=80)
    folds = make_folds("random", case.observations, ValidationSettings(folds=4), 800.0)
    one = LayerFeatures(case.features.layer)
    both = cross_validate(
        MODELS, case.observations, {"kriging": one, "regression_kriging": one}, folds
    )
    same = cross_validate(MODELS, case.observations, case.features, folds)
    np.testing.assert_array_equal(both["estimate"], same["estimate"])
    assert (both["comparison"] == "random").all() and len(both) == 160
    table = skill_table(both, folds.groups, draws=200)
    assert table.set_index("model").loc["kriging", "lower"] == 0.0


def test_folds_of_a_column_are_taken_as_they_are() -> None:
    case = simulate(n=60)
    sheets = np.repeat([3.0, 7.0, 9.0], 20)
    points = Points(case.observations.points.coordinates, 0.0, {"sheet": sheets})
    observations = Observations(points, case.observations.values)
    settings = ValidationSettings(kinds=("column",), column="sheet")
    folds = make_folds("column", observations, settings, 500.0)
    assert np.unique(np.column_stack([folds.labels, sheets]), axis=0).shape[0] == 3
    with pytest.raises(SettingsError, match="column"):
        make_folds("column", observations, ValidationSettings(), 500.0)
    with pytest.raises(SettingsError, match="It has sheet"):
        make_folds("column", observations, ValidationSettings(column="map"), 500.0)


def test_blocks_reach_the_range_or_say_that_they_cannot() -> None:
    case = simulate(n=150)
    settings = ValidationSettings(folds=4)
    wide = make_folds("blocks", case.observations, settings, 60_000.0)
    assert "less than the residual's range of 60 km" in wide.note
    short = make_folds("blocks", case.observations, settings, 900.0)
    assert short.note == "spatial blocks of 0.9 km" and not short.optimistic
    assert make_folds("random", case.observations, settings, 900.0).optimistic
    own = make_folds("blocks", case.observations, ValidationSettings(block_km=1.5), 900.0)
    assert own.note == "spatial blocks of 1.5 km"


def test_the_residual_range_is_that_of_what_features_leave() -> None:
    case = simulate(n=400, share=0.5, noise=0.05)
    found = residual_range(case.observations, case.features)
    assert 500 < found < 4000  # a Gaussian filter of 9 pixels of 60 m by 40 m


def test_samples_in_a_single_block_cannot_be_held_out_in_space() -> None:
    points = Points(np.array([[0.0, 0.0]] * 12))
    with pytest.raises(FitError, match="at least two blocks"):
        spatial_folds(Observations(points, np.arange(12.0)), 1000.0)
