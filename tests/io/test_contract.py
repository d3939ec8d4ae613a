from __future__ import annotations

import pytest

from gossan.errors import InputError
from gossan.io.contract import Comparison, ComparisonKind

SPATIAL = {"blocks", "drainage", "knndm", "column"}


@pytest.mark.parametrize("kind", list(ComparisonKind))
def test_every_comparison_survives_the_text_of_a_table(kind: ComparisonKind) -> None:
    survey = "soil: 2019" if kind in (ComparisonKind.CHECK, ComparisonKind.CHECK_LAYER) else ""
    one = Comparison(kind, survey)
    assert Comparison.parse(str(one)) == one
    assert one.label and (not survey or survey in one.label)
    facts = (one.is_spatial, one.is_optimistic, one.is_check, one.counts_pixels)
    assert sum(facts) == 1
    assert one.is_spatial == (kind in SPATIAL)


@pytest.mark.parametrize("text", ["spatial folds", "optimistic", "", float("nan")])
def test_a_text_that_names_no_comparison_is_refused(text: object) -> None:
    with pytest.raises(InputError, match="one of blocks"):
        Comparison.parse(text)
