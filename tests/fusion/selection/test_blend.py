"""The blend and the automatic choice, on simulated ground where the answer is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gossan.arrays.bootstrap import Interval
from gossan.errors import FitError, InputError
from gossan.fusion.features.sources import ColumnFeatures, LayerFeatures, NoFeatures
from gossan.fusion.kriging_model import KrigingModel
from gossan.fusion.protocol import Observations, Points, Prediction
from gossan.fusion.selection.auto import Auto, AutoSettings, choose_per_fold
from gossan.fusion.selection.blend import Blend, BlendSettings, pivot, single_models
from gossan.fusion.selection.choice import Verdict, decide
from gossan.geo.grid import Window
from gossan.geo.layer import ArrayLayer

from ..simulated import Case, simulate

MEMBERS = ("regression_kriging", "gwr")


def _error(model: object, case: Case) -> float:
    found = model.predict(case.check.points, case.features)  # type: ignore[attr-defined]
    return float(np.mean((found.mean - case.check.values) ** 2))


def test_the_blend_is_the_weighted_mean_of_its_members_with_their_errors_and_disagreement() -> None:
    case = simulate(n=80)
    model = Blend(BlendSettings(members=MEMBERS, number=4)).fit(case.observations, case.features)
    parts = [m.predict(case.check.points, case.features) for m in model.members_]
    weights = model.weights_
    mean = sum(w * p.mean for w, p in zip(weights, parts))
    spread = sum(w * (p.standard_error**2 + (p.mean - mean) ** 2) for w, p in zip(weights, parts))
    found = model.predict(case.check.points, case.features)
    np.testing.assert_allclose(found.mean, mean)
    np.testing.assert_allclose(found.standard_error**2, spread)
    window = Window(11, 40, 20, 31)
    maps = [m.layer(case.features).read(window) for m in model.members_]
    expected = sum(w * m[0] for w, m in zip(weights, maps))
    np.testing.assert_allclose(model.layer(case.features).read(window)[0], expected, rtol=1e-5)


class _Silent(KrigingModel):
    """Kriging that keeps its error to itself."""

    def predict(self, points: Points, features: object) -> Prediction:
        return Prediction(super().predict(points, features).mean)  # type: ignore[arg-type]


def test_a_member_without_an_error_lends_its_held_out_one() -> None:
    case = simulate(n=60)
    members = [m.fit(case.observations, case.features) for m in (_Silent(), KrigingModel())]
    settings = BlendSettings(members=("pyramid", "kriging"))
    model = Blend(settings).join(members, np.array([0.25, 0.75]), np.array([0.5, 9.0]), 0.0)
    found = model.predict(case.check.points, case.features)
    error = members[1].predict(case.check.points, case.features).standard_error
    np.testing.assert_allclose(found.standard_error**2, 0.25 * 0.5**2 + 0.75 * error**2)


def test_informative_imagery_is_used_and_reported() -> None:
    case = simulate()
    model = Auto(AutoSettings(candidates=MEMBERS, number=5))
    model.fit(case.observations, case.features)
    base = KrigingModel().fit(case.observations, case.features)
    assert model.choice_.chosen != "kriging"
    assert _error(model, case) < 0.5 * _error(base, case)
    assert model.choice_.sentence("Cu").startswith("imagery helps for Cu here: skill 0.")
    assert model.verdict_.startswith("imagery helps here: skill 0.")
    choice = model.tables_["choice"]
    assert set(choice["candidate"]) == {"kriging", *MEMBERS, "blend"}
    assert choice["chosen"].sum() == 1
    assert model.layer(case.features).bands == ("estimate", "standard_error")


def test_imagery_that_tells_nothing_ends_in_kriging_itself() -> None:
    case = simulate(share=0.0, noise=0.4)
    image = case.features.layer.read(case.features.grid.whole)[:, ::-1].copy()
    other = LayerFeatures(ArrayLayer(case.features.grid, ("a", "b", "c"), image))
    model = Auto(AutoSettings(candidates=MEMBERS, number=5)).fit(case.observations, other)
    assert model.choice_.chosen == "kriging"
    assert model.choice_.sentence("Au").endswith("the kriged map is delivered")
    base = KrigingModel().fit(case.observations, other)
    np.testing.assert_array_equal(
        model.predict(case.check.points, other).mean, base.predict(case.check.points, other).mean
    )


def test_noise_is_taken_for_a_signal_no_more_often_than_it_says() -> None:
    rng = np.random.default_rng(9)
    taken = 0
    for trial in range(200):
        base, other = rng.normal(size=(2, 120))
        held = {"kriging": base, **{f"m{k}": base + 0.4 * rng.normal(size=120) for k in range(3)}}
        held["m3"] = 0.92 * base + 0.4 * other  # true skill about 0
        verdict, _ = decide(held, np.zeros(120), np.arange(120) // 4, seed=trial)
        taken += verdict.chosen != "kriging"
    assert taken / 200 <= 0.05


def test_without_features_kriging_is_delivered_with_the_reason() -> None:
    case = simulate(n=40)
    features = NoFeatures(case.features.grid)
    model = Auto(AutoSettings(candidates=MEMBERS)).fit(case.observations, features)
    assert model.choice_.sentence("Cu") == (
        "there are no features for Cu; the kriged map is delivered"
    )


@pytest.mark.parametrize("count", [10, 12, 17])
def test_too_few_samples_to_choose_by_end_in_kriging_with_the_reason(count: int) -> None:
    case = simulate(n=count)
    model = Auto().fit(case.observations, case.features)
    kriging = KrigingModel().fit(case.observations, case.features)
    found = model.predict(case.check.points, case.features).mean
    if "too few samples" in model.verdict_:
        np.testing.assert_allclose(found, kriging.predict(case.check.points, case.features).mean)
    assert np.isfinite(found).all()
    assert count > 12 or "too few samples" in model.verdict_


def test_a_candidate_that_cannot_be_fitted_is_left_out_and_reported() -> None:
    case = simulate(n=60)
    columns = dict(zip("abc", case.features.at(case.observations.points).T))
    points = Points(case.observations.points.coordinates, 0.0, columns)
    table = ColumnFeatures(("a", "b", "c"), case.features.grid)
    model = Auto(AutoSettings(candidates=("atprk", "regression_kriging"), number=3))
    model.fit(Observations(points, case.observations.values), table)
    choice = model.tables_["choice"].set_index("candidate")
    assert "columns of the survey" in choice.loc["atprk", "note"]
    assert not choice.loc["atprk", "chosen"]


def test_models_of_models_do_not_nest_and_empty_predictions_are_refused() -> None:
    with pytest.raises(InputError, match="single models"):
        single_models(["kriging", "auto"])
    table = pd.DataFrame(
        {"model": ["kriging", "kriging"], "sample": [0, 1], "estimate": [1.0, np.nan]}
    )
    with pytest.raises(FitError, match="able to predict"):
        pivot(table, ["kriging"])


def test_a_verdict_agrees_with_its_numbers() -> None:
    worse = Verdict("kriging", "gwr", Interval(-0.02, -0.06, 0.01)).sentence("Au")
    assert worse.startswith("imagery adds nothing for Au here: skill -0.02 [-0.06, 0.01]")
    open_ = Verdict("kriging", "gwr", Interval(0.12, -0.03, 0.25)).sentence("Au")
    assert "not shown to help" in open_ and "0.12 [-0.03, 0.25]" in open_


def _held(seed: int = 4) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.normal(size=160)
    held = {"kriging": y + rng.normal(size=160), "a": y + 0.6 * rng.normal(size=160)}
    held["blend"] = 0.5 * (held["a"] + y + 0.6 * rng.normal(size=160))
    return held, y, np.arange(160) // 4


def test_the_blend_is_preferred_unless_one_is_better_than_it_beyond_doubt() -> None:
    held, y, groups = _held()
    assert decide(held, y, groups)[0].chosen == "blend"
    alike = np.random.default_rng(1).permutation(held["blend"] - y)
    nearly = held | {"a": y + 0.98 * alike}
    assert decide(nearly, y, groups)[0].chosen == "blend"
    sharper = held | {"a": 0.3 * held["a"] + 0.7 * y}
    assert decide(sharper, y, groups)[0].chosen == "a"
    failing = held | {"blend": held["kriging"]}
    assert decide(failing, y, groups)[0].chosen == "a"


def test_the_choice_for_a_fold_never_sees_that_fold() -> None:
    held, y, _ = _held()
    folds, groups = np.arange(160) // 20, np.arange(160) // 4
    tables = {
        word: pd.DataFrame({"estimate": held[word], "standard_error": np.ones(160)})
        for word in ("kriging", "a")
    }
    settings = AutoSettings(candidates=("a",))
    found = choose_per_fold(tables, y, folds, groups, settings)
    changed = np.where(folds == 2, y + 50.0, y)
    again = choose_per_fold(tables, changed, folds, groups, settings)
    np.testing.assert_array_equal(found.mean[folds == 2], again.mean[folds == 2])
    assert (found.mean == held["a"]).all()
