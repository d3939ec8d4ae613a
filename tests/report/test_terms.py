"""Every term is a whole sentence, and headings of tables find it."""

from __future__ import annotations

from gossan.report.tables import ANOMALIES, OCCURRENCES, SCORES
from gossan.report.terms import TERMS, term_of


def test_every_term_is_explained_in_one_sentence() -> None:
    for name, sentence in TERMS.items():
        assert sentence[0].isupper() and sentence.endswith("."), name
        assert sentence.count(". ") == 0, name


def test_headings_that_need_it_have_a_term() -> None:
    wanted = {"skill", "r", "Spearman", "RMSE", "bias", "AUC", "contrast", "score", "probability"}
    headings = {*SCORES.values(), *ANOMALIES.values(), *OCCURRENCES.values()}
    assert {heading for heading in headings if term_of(heading)} >= wanted
    assert term_of("peak easting") is None
