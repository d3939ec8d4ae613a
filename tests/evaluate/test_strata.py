"""Coverage in classes of samples: what is known is found again, and ties stay together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gossan.evaluate.calibration import Calibration
from gossan.evaluate.strata import coverage_strata, ground_at, thirds
from gossan.fusion.features.sources import LayerFeatures, NoFeatures
from gossan.fusion.protocol import Points
from gossan.geo.grid import Grid
from gossan.geo.layer import ArrayLayer


def table(n: int, seed: int = 0, **columns: object) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    known = {
        "observed": rng.normal(size=n), "estimate": np.zeros(n), "standard_error": np.ones(n),
        "group": np.arange(n) // 20,
    }  # fmt: skip
    return pd.DataFrame({**known, **columns})


@given(st.lists(st.integers(0, 6), min_size=1, max_size=60))
def test_thirds_keep_equal_values_together_and_in_order(values: list[int]) -> None:
    classes = thirds(np.array(values, float))
    for value in set(values):
        assert len(set(classes[np.array(values) == value])) == 1
    order = np.argsort(values, kind="stable")
    assert (np.diff(classes[order]) >= 0).all()
    assert len(set(classes)) <= min(3, len(set(values)))
    assert (len(set(classes)) > 1) == (len(set(values)) > 1)


def test_thirds_of_different_values_are_of_equal_count() -> None:
    classes = thirds(np.random.default_rng(0).permutation(300.0 + np.arange(300)))
    assert np.bincount(classes).tolist() == [100, 100, 100]


def test_the_class_whose_intervals_fail_is_found() -> None:
    rng = np.random.default_rng(1)
    distance = rng.uniform(0, 9000, 6000)
    made = table(6000, distance_m=distance, exposure=rng.uniform(size=6000))
    made["observed"] *= np.where(distance > 6000, 2.0, 1.0)
    found = coverage_strata(made).set_index("by")
    near, _, far = found.loc["distance_m", "achieved"]
    assert near == pytest.approx(0.9, abs=0.02)
    assert far == pytest.approx(0.589, abs=0.03)  # P(|z| < 1.645 / 2)
    last = found.loc["distance_m"].iloc[-1]
    assert last["achieved_high"] < 0.9 and 5900 < last["from"] < last["to"] <= 9000
    overall = (0.9 + 0.9 + 0.589) / 3
    assert found.loc["exposure", "achieved"].to_numpy() == pytest.approx(overall, abs=0.03)
    assert found.loc["exposure", "n"].sum() == 6000


def test_delivered_intervals_are_judged_beside_the_models_own() -> None:
    made = table(900, distance_m=np.arange(900.0))
    found = coverage_strata(made, Calibration((0.9,), (2.0,), True, ""))
    assert (found["achieved_scaled"] > 0.98).all() and (found["achieved"] < 0.95).all()
    assert found["mean_width"].to_numpy() == pytest.approx(2 * 2 * 1.6449, abs=1e-3)


def test_alike_samples_and_small_classes_make_no_row() -> None:
    same = table(60, masked_features=np.zeros(60))
    assert coverage_strata(same).empty
    few = table(60, masked_features=np.r_[np.zeros(56), np.ones(4)])
    assert coverage_strata(few)["n"].tolist() == [56]
    assert coverage_strata(table(60)).empty


def test_exposure_and_masked_features_are_those_of_the_ground() -> None:
    grid = Grid.from_bounds(32638, (0, 0, 3000, 3000), 30)
    pixels = np.ones((2, 100, 100))
    pixels[:, :, 50:] = np.nan  # the eastern half is hidden
    pixels[1, :, :20] = np.nan  # one band ends in the west
    places = np.array([[900.0, 1500.0], [2700.0, 1500.0], [1515.0, 1515.0], [300.0, 1500.0]])
    found = ground_at(Points(places), LayerFeatures(ArrayLayer(grid, ("a", "b"), pixels)))
    assert found["masked_features"].tolist() == [0, 2, 2, 1]
    assert found["exposure"][:2].tolist() == [1.0, 0.0]
    assert found["exposure"][2] == pytest.approx(5 / 11)  # 5 of 11 columns of pixels lie west
    assert ground_at(Points(places), NoFeatures(grid)) == {}
