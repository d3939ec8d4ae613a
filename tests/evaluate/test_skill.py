from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gossan.arrays.bootstrap import paired_skill
from gossan.evaluate.skill import skill_table


def predictions(n: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    observed = rng.normal(size=n)
    tables = []
    for model, error in (("kriging", 0.8), ("fused", 0.5), ("poor", 1.2)):
        estimate = observed + error * rng.normal(size=n)
        tables.append(pd.DataFrame({"model": model, "sample": np.arange(n), "observed": observed,
                                    "estimate": estimate, "group": np.arange(n) // 6}))  # fmt: skip
    return pd.concat(tables, ignore_index=True)


def test_scores_are_those_of_the_errors() -> None:
    table = predictions()
    found = skill_table(table, draws=200).set_index("model")
    errors = {
        m: (own["estimate"] - own["observed"]).to_numpy() for m, own in table.groupby("model")
    }
    for model, error in errors.items():
        skill = 1 - (error**2).mean() / (errors["kriging"] ** 2).mean()
        assert found.loc[model, "skill"] == pytest.approx(skill)
        assert found.loc[model, "rmse"] == pytest.approx((error**2).mean() ** 0.5)
    interval = paired_skill(errors["fused"], errors["kriging"], np.arange(120) // 6, 0.95, 200)
    assert tuple(found.loc["fused", ["skill_low", "skill_high"]]) == pytest.approx(
        (interval.lower, interval.upper)
    )
    assert tuple(found.loc["kriging", ["skill", "skill_low", "skill_high"]]) == (0, 0, 0)


def test_the_order_of_rows_does_not_matter() -> None:
    table = predictions()
    shuffled = table.sample(frac=1, random_state=1)
    first, other = (
        skill_table(t, draws=100).set_index("model").sort_index() for t in (table, shuffled)
    )
    columns = ["n", "r", "rmse", "skill"]
    pd.testing.assert_frame_equal(first[columns], other[columns])


def test_models_are_compared_at_samples_that_both_could_predict() -> None:
    table = predictions()
    lost = (table["model"] == "kriging") & (table["sample"] < 30)
    table.loc[lost, "estimate"] = np.nan
    found = skill_table(table, draws=100).set_index("model")
    kept = skill_table(table[table["sample"] >= 30], draws=100).set_index("model")
    assert found.loc["fused", "n"] == 90
    assert found.loc["fused", "skill"] == pytest.approx(kept.loc["fused", "skill"])


def test_without_the_baseline_there_is_no_skill_and_with_few_samples_no_interval() -> None:
    table = predictions()
    alone = skill_table(table[table["model"] == "fused"], draws=50)
    assert alone["r"].notna().all() and alone["skill"].isna().all()
    few = skill_table(table[table["sample"] < 8], draws=50).set_index("model")
    assert np.isfinite(few.loc["fused", "skill"]) and np.isnan(few.loc["fused", "skill_low"])
