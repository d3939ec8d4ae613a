"""What files leave open is asked at a terminal, and assumed and stated elsewhere."""

from __future__ import annotations

import pytest

from gossan.errors import InputError, SettingsError
from gossan.pipeline.new_project.answers import TRIES, Answers, one_of


def test_without_anybody_to_ask_the_likely_answer_is_assumed_and_stated() -> None:
    found = Answers()
    assert found.settle("unit of Cu", "ppm", "the usual one") == "ppm"
    assert found.choose("sensor", ["aster", "bands"]) == "aster"
    assert found.assumed == [
        "unit of Cu = ppm: the usual one",
        "sensor = aster: it may also be 'bands'",
    ]


def test_what_nothing_suggests_is_one_line_without_anybody_to_ask() -> None:
    with pytest.raises(InputError, match=r"^crs must be EPSG:\.\.\.; got nothing.* Pass --crs"):
        Answers().need("crs", "EPSG:...", "Pass --crs")


def test_at_a_terminal_a_question_holds_why_and_the_likely_answer() -> None:
    asked = []

    def ask(question: str, guess: str) -> str:
        asked.append((question, guess))
        return " percent "

    found = Answers(ask)
    assert found.settle("unit of Fe", "ppm", "the usual one") == "percent"
    assert asked == [("unit of Fe (the usual one)", "ppm")] and not found.assumed
    assert found.need("crs", "EPSG:...", "Pass --crs") == "percent"


def test_an_answer_that_is_none_of_the_choices_is_refused_with_all_of_them() -> None:
    asked = []

    def ask(question: str, guess: str) -> str:
        asked.append(question)
        return "landsat"

    with pytest.raises(SettingsError, match="one of aster, bands; got 'landsat'"):
        Answers(ask).choose("sensor", ["aster", "bands"])
    assert len(asked) == TRIES


def test_a_wrong_answer_is_told_why_and_asked_again() -> None:
    asked, given = [], iter(["landsat", "", "bands"])

    def ask(question: str, guess: str) -> str:
        asked.append(question)
        return next(given)

    understand = one_of("sensor", ["aster", "bands"])
    assert Answers(ask).need("sensor", "its name", "Name it", understand) == "bands"
    first, second, third = asked
    assert first == "sensor (its name)"
    assert second.splitlines() == [
        "sensor must be one of aster, bands; got 'landsat'. Name one of them.",
        first,
    ]
    assert "nothing that says it" in third.splitlines()[0]


def test_an_empty_answer_means_the_likely_one() -> None:
    found = Answers(lambda question, guess: "")
    assert found.settle("unit", "ppm", "the usual one") == "ppm"
    with pytest.raises(InputError):
        found.need("crs", "EPSG:...", "Pass --crs")
