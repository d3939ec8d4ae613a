"""Validation keeps every fold unseen, respects supports, and tells what is known to be true."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, Self

import numpy as np
import pandas as pd
import pytest

from gossan.arrays.folds import distance_to_fit
from gossan.evaluate.calibration import calibrate
from gossan.evaluate.folds import Folds, ValidationSettings, divide, make_folds
from gossan.evaluate.skill import skill_table
from gossan.evaluate.validation import (
    ValidationSamples,
    predict_check,
    predict_folds,
    validate_model,
)
from gossan.fusion.cross_validation import cross_predict
from gossan.fusion.kriging_model import KrigingModel
from gossan.fusion.protocol import Features, Observations, Points, Prediction
from gossan.fusion.registry import factory_of
from gossan.geo.layer import Layer
from gossan.geochem.censoring import Censoring, treat_censored
from gossan.geochem.element_values import ElementValues
from gossan.geochem.transforms import TransformWord, fit_transform_by_word
from gossan.io.contract import Comparison

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
    samples = ValidationSamples(case.observations, {"detail": check})
    table = predict_check(spy, samples, case.features, 800.0, "detail")
    assert spy.support == 55.0
    assert (table["comparison"] == "check: detail").all() and len(table) == len(check)


def test_validation_finds_the_skill_that_the_truth_has() -> None:
    case = simulate(n=150)
    samples = ValidationSamples(case.observations, {"detail": case.check})
    division = divide(case.observations, ValidationSettings(folds=5), case.features.grid, 7)
    found = {
        name: validate_model(
            factory,
            factory().fit(case.observations, case.features),
            samples,
            case.features,
            division,
        )
        for name, factory in MODELS.items()
    }
    predictions = pd.concat([one.predictions.assign(model=name) for name, one in found.items()])
    skill = pd.concat(
        {
            text: skill_table(own, "kriging", draws=300).set_index("model")
            for text, own in predictions.groupby("comparison")
        }
    )
    assert set(skill.index.get_level_values(0)) == {"blocks", "random", "check: detail"}
    assert (skill.xs("kriging", level=1)["skill"] == 0).all()
    truth = skill.loc[("check: detail", "regression_kriging")]
    blocks = skill.loc[("blocks", "regression_kriging")]
    assert truth["skill"] > 0.5 and truth["skill_low"] > 0.3
    assert 0.5 < blocks["skill"] < 1 and blocks["rmse"] > truth["rmse"]
    assert skill.loc[("random", "kriging"), "rmse"] < skill.loc[("blocks", "kriging"), "rmse"]
    for one in found.values():
        achieved = one.coverage.query("comparison == 'check: detail' and nominal == 0.9")
        assert achieved["achieved"].between(0.8, 1.0).all()
        assert one.coverage["crps"].gt(0).all() and one.strata["n"].gt(0).all()
        assert one.calibration is not None and one.calibration.sentence
    assert "spatial blocks of" in division.note(Comparison.parse("blocks"))
    assert Comparison.parse("random").is_optimistic


@pytest.mark.parametrize("kinds", [("random", "blocks"), ("blocks", "random")])
def test_calibration_takes_the_first_spatial_folds_whatever_their_order(
    kinds: tuple[Literal["random", "blocks"], ...],
) -> None:
    case, factory = simulate(n=80), factory_of("kriging")
    samples = ValidationSamples(case.observations)
    division = divide(
        case.observations, ValidationSettings(kinds=kinds, folds=4), case.features.grid, 1
    )
    fitted = factory().fit(case.observations, case.features)
    found = validate_model(factory, fitted, samples, case.features, division)
    own = found.predictions.query("comparison == 'blocks'")
    y, m, s = (own[name].to_numpy() for name in ("observed", "estimate", "standard_error"))
    assert found.calibration == calibrate(y, m, s, division.folds["blocks"].groups)
    assert division.spatial is division.folds["blocks"]
    once = validate_model(factory, fitted, samples, case.features, division, of_models=True)
    assert set(once.predictions["comparison"]) == {"blocks"}


@pytest.mark.parametrize("word", ["log", "boxcox", "normal-score"])
@pytest.mark.parametrize("censoring", ["half", "ros", "likelihood"])
def test_a_held_out_value_never_reaches_the_prediction_of_its_fold(
    word: TransformWord, censoring: Censoring
) -> None:
    case, rng = simulate(n=60), np.random.default_rng(2)
    contents = np.exp(case.observations.values / case.observations.values.std())
    limit = np.quantile(contents, 0.3)
    labels = np.arange(60) % 3
    changed = np.where(labels == 1, contents * np.exp(rng.normal(0, 1, 60)), contents)

    def predicted(values: np.ndarray) -> np.ndarray:
        values = np.where(labels == 1, np.maximum(values, 1.1 * limit), values)
        below = values < limit
        known = treat_censored(np.where(below, limit, values), below, np.zeros(60, bool), censoring)
        limits = np.where(below, limit, np.nan)
        own = ElementValues(known, word, limits, np.zeros(60, int), (censoring,))
        _, working = own.fit(np.arange(60))
        observations = Observations(case.observations.points, working)
        samples = ValidationSamples(observations, {}, own)
        folds = Folds("blocks", labels, labels, "")
        table = predict_folds(factory_of("kriging"), samples, case.features, folds)
        assert (table["standard_error"] > 0).all()
        return table.loc[labels == 1, "estimate"].to_numpy()

    np.testing.assert_array_equal(predicted(contents), predicted(changed))


def test_observed_values_are_on_the_scale_that_is_fitted_without_them() -> None:
    case = simulate(n=60)
    contents = np.exp(case.observations.values)
    own = ElementValues.measured(contents, "boxcox")
    samples = ValidationSamples(Observations(case.observations.points, own.fit(np.arange(60))[1]),
                                {}, own)  # fmt: skip
    labels = np.arange(60) // 20
    folds = Folds("blocks", labels, labels, "")
    table = predict_folds(factory_of("kriging"), samples, case.features, folds)
    rest = contents[labels != 2]
    power = fit_transform_by_word("boxcox", rest)
    np.testing.assert_allclose(table["observed"][labels == 2], power.forward(contents[40:]))


def test_what_is_known_of_a_sample_s_error_stays_with_it_in_every_fold() -> None:
    case = simulate(n=60)
    own = ElementValues.measured(np.exp(case.observations.values), "boxcox")
    variance = np.linspace(0.01, 0.2, 60)
    observations = replace(case.observations, error_variance=variance)
    samples, rows = ValidationSamples(observations, {}, own), np.arange(0, 60, 3)
    np.testing.assert_array_equal(samples.fitted_to(rows).error_variance, variance[rows])


class _Unaware(KrigingModel):
    """Kriging that does not look at known errors: those of what is held out alone count."""

    def fit(self, observations: Observations, features: Features) -> Self:
        return super().fit(replace(observations, error_variance=None), features)


def test_the_error_of_an_observation_is_part_of_the_error_of_its_prediction() -> None:
    case, labels = simulate(n=60), np.arange(60) // 20
    variance = np.linspace(0.0, 0.5, 60)
    noisy = replace(case.observations, error_variance=variance)
    folds = Folds("blocks", labels, labels, "")
    one, two = (
        predict_folds(_Unaware, ValidationSamples(seen), case.features, folds)
        for seen in (case.observations, noisy)
    )
    added = two["standard_error"] ** 2 - one["standard_error"] ** 2
    np.testing.assert_allclose(added, variance, atol=1e-9)
