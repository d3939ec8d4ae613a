from __future__ import annotations

import numpy as np
import pytest

from gossan.geochem.censoring import Censoring, treat_censored
from gossan.geochem.element_values import ElementValues
from gossan.geochem.transforms import TransformWord, fit_transform_by_word

CONTENTS = np.exp(np.random.default_rng(3).normal(2.0, 0.7, 50))
LIMIT = 4.0


def censored(method: Censoring, word: TransformWord = "log") -> ElementValues:
    below = CONTENTS < LIMIT
    known = np.where(below, LIMIT, CONTENTS)
    values = treat_censored(known, below, np.zeros(50, bool), method)
    limits = np.where(below, LIMIT, np.nan)
    return ElementValues(values, word, limits, np.zeros(50, int), (method,))


@pytest.mark.parametrize(
    ("method", "word", "depends"),
    [("half", "log", False), ("half", "identity", False), ("ros", "log", True),
     ("likelihood", "identity", True), ("half", "boxcox", True), ("half", "normal-score", True)],
)  # fmt: skip
def test_what_depends_on_other_samples_is_known(
    method: Censoring, word: TransformWord, depends: bool
) -> None:
    assert censored(method, word).depends_on_samples is depends


@pytest.mark.parametrize("method", ["half", "ros", "likelihood"])
@pytest.mark.parametrize("word", ["log", "boxcox", "normal-score"])
def test_all_rows_give_what_the_survey_reader_gives(method: Censoring, word: TransformWord) -> None:
    one = censored(method, word)
    transform, working = one.fit(np.arange(50))
    assert transform == fit_transform_by_word(word, one.values)
    np.testing.assert_allclose(transform.inverse(working), one.values, rtol=1e-9)


def test_each_survey_is_estimated_alone() -> None:
    first, second = censored("ros"), censored("half")
    both = ElementValues(
        np.concatenate([first.values, second.values]), "log",
        np.concatenate([first.limits, second.limits]), np.repeat([0, 1], 50), ("ros", "half"),
    )  # fmt: skip
    rows = np.concatenate([np.arange(0, 50, 2), np.arange(50, 100)])
    _, working = both.fit(rows)
    np.testing.assert_allclose(working[:25], first.fit(np.arange(0, 50, 2))[1])
    np.testing.assert_allclose(np.exp(working[25:]), second.values)


def test_values_above_a_limit_stay_above_it() -> None:
    above = CONTENTS > 20
    known = np.where(above, 20.0, CONTENTS)
    values = treat_censored(known, np.zeros(50, bool), above, "likelihood")
    limits = np.where(above, 20.0, np.nan)
    one = ElementValues(values, "log", limits, np.zeros(50, int), ("likelihood",))
    _, working = one.fit(np.arange(5, 50))
    assert above[5:].any() and (np.exp(working[above[5:]]) > 20).all()
    np.testing.assert_allclose(np.exp(working[~above[5:]]), CONTENTS[5:][~above[5:]])


def test_too_few_measured_values_fall_back_on_half_the_limit() -> None:
    one = censored("ros")
    rows = np.flatnonzero(CONTENTS < LIMIT)[:5]
    _, working = one.fit(rows)
    np.testing.assert_allclose(np.exp(working), LIMIT / 2)
