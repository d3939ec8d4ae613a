"""Catchments held against squares: what is said of the test, and who is tested at all."""

from __future__ import annotations

import re
from dataclasses import replace

import pandas as pd
import pytest

from gossan.arrays.bootstrap import Interval
from gossan.fusion.registry import options_of
from gossan.io.contract import Comparison, ElementVerdict
from gossan.io.tables import Table, complete
from gossan.pipeline.ground_guard import GroundTest, weighs_ground, with_doubt
from gossan.pipeline.options.products import Product
from gossan.pipeline.options.project import ProductSettings


def ground_test(low: float, high: float) -> GroundTest:
    skill = Interval((low + high) / 2, low, high)
    return GroundTest(Comparison.parse("drainage"), 60, 900.0, skill)


@pytest.mark.parametrize(
    "low, high, said",
    [
        (0.1, 0.3, "Catchments predict 60 samples held out in folds by drainage better than"),
        (-0.1, 0.3, "Catchments are not proved better than squares of 900 m on 60 samples"),
        (float("nan"), float("nan"), "not proved better"),
        (-0.3, -0.1, "Squares of 900 m predict 60 samples held out in folds by drainage better"),
    ],
)
def test_a_difference_within_the_noise_proves_nothing(low: float, high: float, said: str) -> None:
    found = ground_test(low, high)
    assert said in found.sentence and found.contradicts == (high < 0)
    assert ('support = "square"' in found.sentence) == found.contradicts


def test_squares_that_were_chosen_are_held_against_catchments() -> None:
    """Both ways say the same of the same numbers, with the names changed over."""
    for low, high in ((0.1, 0.3), (-0.1, 0.3), (-0.3, -0.1)):
        one = ground_test(low, high)
        turned = replace(one, chosen="square")
        swapped = {"squares of 900 m": "catchments", "catchments": "squares of 900 m"}
        words = re.split("(squares of 900 m|catchments)", one.sentence.split(":")[0].lower())
        said = "".join(swapped.get(word, word) for word in words)
        assert turned.sentence.split(":")[0].lower() == said
        assert turned.contradicts == one.contradicts
        assert ('support = "catchment"' in turned.sentence) == turned.contradicts
        assert 'support = "square"' not in turned.sentence
        assert turned.table["kind"].tolist() == ["square"]


def test_the_verdict_of_the_map_to_trust_alone_has_the_doubt() -> None:
    verdict = ElementVerdict(product="map", sentence="Trust the map.")
    doubt, none = ground_test(-0.3, -0.1), ground_test(0.1, 0.3)
    rows = [one.table.assign(element="Cu", product="map") for one in (doubt, none)]
    complete(Table.GROUND_TESTS, rows[0])
    assert with_doubt(verdict, "Cu", rows[0]).sentence == f"Trust the map. {doubt.sentence}"
    assert with_doubt(verdict, "Cu", rows[1]) == verdict
    assert with_doubt(verdict, "Zn", rows[0]) == verdict
    assert with_doubt(verdict, "Cu", rows[0].assign(product="other")) == verdict
    assert with_doubt(verdict, "Cu", None) == verdict
    both = pd.concat(rows, ignore_index=True)
    assert with_doubt(verdict, "Cu", both).sentence.count("Squares of 900 m") == 1


@pytest.mark.parametrize(
    "model, options, chooses",
    [
        ("geostatistical", {}, True),
        ("recipe", {}, True),
        ("geostatistical", {"support": "square"}, False),
        ("kriging", {}, False),
    ],
)
def test_products_that_do_not_choose_are_not_tested(
    model: str, options: dict[str, str], chooses: bool
) -> None:
    own = ProductSettings(name="map", model=model, options=options_of(model, options))
    assert weighs_ground(Product(own, "log", ("Cu",), "Map")) == chooses
