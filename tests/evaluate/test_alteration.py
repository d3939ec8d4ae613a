"""The table of alteration information is held against kriging with drift and a known truth."""

from __future__ import annotations

import numpy as np
import pytest

from gossan.errors import FitError
from gossan.evaluate.alteration import TOGETHER, _System, alteration_table
from gossan.evaluate.folds import ValidationSettings, make_folds
from gossan.evaluate.validation import ValidationSamples
from gossan.fusion.features.sources import NoFeatures

from ..fusion.simulated import simulate


def test_the_features_that_tell_come_first_with_their_sign() -> None:
    case = simulate()
    folds = make_folds("blocks", case.observations, ValidationSettings(), 500.0)
    table = alteration_table(ValidationSamples(case.observations), case.features, folds)
    assert table["feature"].iloc[0] == TOGETHER
    assert table["skill"].iloc[0] > 0.4 and table["lower"].iloc[0] > 0.2
    alone = table.set_index("feature")
    assert list(table["feature"])[1:3] == ["a", "b"]
    assert alone.loc["a", "sign"] == "+" and alone.loc["b", "sign"] == "-"
    assert alone.loc["a", "stability"] == alone.loc["b", "stability"] == 1.0
    assert abs(alone.loc["c", "t"]) < 3 and alone.loc["c", "skill"] < 0.1


def test_fits_to_many_samples_take_some_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    case = simulate()
    count = len(case.observations)
    sizes: list[int] = []

    class Counted(_System):
        def __init__(self, xy: np.ndarray, y: np.ndarray, z: np.ndarray) -> None:
            sizes.append(len(y))
            super().__init__(xy, y, z)

    monkeypatch.setattr("gossan.evaluate.alteration._System", Counted)
    monkeypatch.setattr("gossan.evaluate.alteration.MOST_SAMPLES", count // 2)
    folds = make_folds("blocks", case.observations, ValidationSettings(), 500.0)
    table = alteration_table(ValidationSamples(case.observations), case.features, folds)
    assert max(sizes) == count // 2
    assert set(table["feature"].iloc[1:3]) == {"a", "b"} and table["skill"].iloc[0] > 0.3
    assert table["n"].iloc[0] == count


def test_each_row_is_kriging_with_that_drift() -> None:
    case = simulate(n=60)
    z = case.features.at(case.observations.points)
    z = (z - z.mean(axis=0)) / z.std(axis=0)
    xy, y = case.observations.points.coordinates, case.observations.values
    system = _System(xy[:45], y[:45], z[:45])
    found = system.predict(xy[45:], z[45:])
    model = system.variogram
    nugget = max(model.nugget, 1e-6 * model.sill)
    k = model.between(xy[:45], xy[:45])
    np.fill_diagonal(k, model.structured_sill + nugget)
    for column, drift in ((0, []), (1, [0]), (3, [2])):
        f = np.column_stack([np.ones(45), z[:45, drift]])
        bordered = np.block([[k, f], [f.T, np.zeros((f.shape[1],) * 2)]])
        for i in range(15):
            right = np.concatenate(
                [model.between(xy[[45 + i]], xy[:45])[0], [1.0], z[45 + i, drift]]
            )
            weights = np.linalg.solve(bordered, right)[:45]
            assert found[i, column] == pytest.approx(weights @ y[:45], rel=1e-7)


def test_empty_features_count_as_their_mean_and_none_are_refused() -> None:
    case = simulate(holes=True)
    folds = make_folds("blocks", case.observations, ValidationSettings(), 500.0)
    table = alteration_table(ValidationSamples(case.observations), case.features, folds)
    assert table["n"].max() < len(case.observations) and table["skill"].notna().all()
    with pytest.raises(FitError, match="at least one"):
        alteration_table(
            ValidationSamples(case.observations), NoFeatures(case.features.grid), folds
        )
