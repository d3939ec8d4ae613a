"""Which map is trusted follows from the skill in spatial folds and at check surveys."""

from __future__ import annotations

import pandas as pd
import pytest

from gossan.evaluate.verdict import judge
from gossan.io.tables import Table

TITLES = {"kriging": "Kriging", "a": "Map A", "b": "Map B"}


def scores(*rows: tuple[str, str, float, float, float]) -> pd.DataFrame:
    """Rows of product, comparison, and skill with its interval."""
    names = ["product", "comparison", "skill", "skill_low", "skill_high"]
    table = pd.DataFrame(rows, columns=names).assign(element="Cu", n=60, r=0.5)
    return table.reindex(columns=list(map(str, Table.SCORES.columns)))


def test_the_best_proved_map_is_trusted_and_random_folds_prove_nothing() -> None:
    table = scores(
        ("kriging", "blocks", 0.0, 0.0, 0.0),
        ("a", "blocks", 0.20, 0.05, 0.30),
        ("b", "blocks", 0.30, -0.01, 0.50),
        ("b", "random", 0.90, 0.80, 0.95),
        ("b", "coarse layer", float("nan"), float("nan"), float("nan")),
    )
    found = judge(table, TITLES, None)
    assert found.product == "a"
    assert "Map A: on 60 samples held out in spatial blocks" in found.sentence
    assert "0.20 (95 % interval 0.05 to 0.30)" in found.sentence
    assert "0.90" not in found.sentence


def test_the_order_of_folds_does_not_matter() -> None:
    rows = [("a", "random", 0.9, 0.8, 1.0), ("a", "blocks", -0.2, -0.4, -0.1)]
    for table in (scores(*rows), scores(*rows[::-1])):
        assert judge(table, TITLES, None).product == "kriging"


def test_the_skill_of_a_choosing_model_is_that_of_the_folds() -> None:
    found = judge(scores(("a", "blocks", 0.22, -0.1, 0.4)), TITLES, "a")
    assert found.product == "a"
    assert "0.22 (95 % interval −0.10 to 0.40)" in found.sentence
    assert " is not proved better than kriging: on " in found.sentence
    assert "The kriged map is as good" in found.sentence and "Trust" not in found.sentence


def test_a_choosing_model_that_is_worse_beyond_doubt_is_not_trusted() -> None:
    assert judge(scores(("a", "blocks", -0.3, -0.5, -0.1)), TITLES, "a").product == "kriging"


def test_a_check_survey_decides_where_there_is_one() -> None:
    table = scores(
        ("a", "blocks", 0.2, 0.1, 0.3),
        ("a", "check: detailed", -0.1, -0.2, 0.1),
        ("b", "blocks", 0.1, -0.1, 0.2),
        ("b", "check: detailed", 0.2, 0.1, 0.3),
    )
    found = judge(table, TITLES, None)
    assert found.product == "b"
    assert "at 60 samples of the survey detailed, which no map has seen" in found.sentence


@pytest.mark.parametrize("rows", [[], [("a", "random", 0.9, 0.8, 1.0)]])
def test_without_a_fair_test_nothing_is_claimed(
    rows: list[tuple[str, str, float, float, float]],
) -> None:
    found = judge(scores(*rows), TITLES, None)
    assert found.product == "kriging" and "nothing is known" in found.sentence
