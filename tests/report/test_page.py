"""The page says in words what the run holds and what it lacks."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from gossan.io.finished_run import open_run
from gossan.report.page import chapter, missing, page, swipe, verdict, warnings_of
from gossan.report.read import Results, open_results


@pytest.fixture(scope="module")
def results(finished_run: Path) -> Results:
    return open_results(finished_run)


def test_the_verdict_is_that_of_the_manifest(results: Results) -> None:
    for element in results.elements:
        assert verdict(results, element) == results.manifest.verdicts[element].sentence
    assert verdict(results, "Au") == "No map of Au was made."


def test_present_results_are_not_reported_missing(results: Results) -> None:
    says = missing(results, "Cu")
    assert not {"maps", "check", "occurrences"} & set(says)


def test_missing_results_are_listed_with_the_command_that_makes_them(bare: Path) -> None:
    says = missing(open_results(bare), "Cu")
    assert says["maps"] == "Only one map of Cu was made (Kriging: your samples only)."
    assert "gossan anomalies RUN" in says["anomalies"]
    assert "no check survey" in says["check"] and "No known occurrences" in says["occurrences"]


def test_a_swipe_compares_kriging_with_the_map_to_trust_under_one_scale(results: Results) -> None:
    found = swipe(results, "Cu")
    assert found is not None
    assert found.left == "kriging" and found.right == results.best("Cu")
    assert [code for code, _, _ in found.maps] == [one.product for one in results.of("Cu")]
    left, bottom, right, top = results.of("Cu")[0].grid.bounds
    assert found.width / found.height == pytest.approx((right - left) / (top - bottom), rel=0.01)
    assert all(0 <= float(place) <= 100 for place, _ in found.ticks)


def test_one_map_alone_cannot_be_swiped(bare: Path) -> None:
    assert swipe(open_results(bare), "Cu") is None


def test_each_warning_is_listed_once_with_its_product(run_copy: Path) -> None:
    opened = open_run(run_copy)
    first, *rest = opened.manifest.products
    noted = first.model_copy(update={"warnings": ("few samples", "few samples")})
    changed = opened.manifest.model_copy(
        update={"products": [noted, *rest], "notes": ["an old scene", "an old scene"]}
    )
    found = warnings_of(changed)
    assert found.count("an old scene") == 1
    assert found.count(f"{first.element}, {first.title}: few samples") == 1


def test_the_page_holds_every_element_and_no_address_outside(results: Results) -> None:
    chapters = [chapter(results, name, []) for name in results.elements]
    text = page(results, chapters, [])
    for name in results.elements:
        assert results.manifest.verdicts[name].sentence.split(":")[0] in text
    assert "Tiny &lt;district&gt;" in text and "Tiny <district>" not in text
    assert 'src="http' not in text


def test_skill_in_the_chapter_is_that_of_the_table(results: Results, finished_run: Path) -> None:
    scores = pd.read_csv(finished_run / "tables" / "scores.csv")
    samples = scores["domain"].str.startswith("samples") & (scores["element"] == "Zn")
    assert len(chapter(results, "Zn", []).scores[0].rows) == int(samples.sum())
