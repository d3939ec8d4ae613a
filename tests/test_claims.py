"""No number on a page without a command: what the tool finds, and that the pages pass it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def claims():  # type: ignore[no-untyped-def]
    spec = importlib.util.spec_from_file_location("claims", ROOT / "benchmarks" / "claims.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["claims"] = module
    spec.loader.exec_module(module)
    return module


def test_every_result_of_the_pages_is_in_a_recorded_output(claims) -> None:  # type: ignore[no-untyped-def]
    assert claims.mistakes() == []


def test_numbers_are_compared_as_they_are_rounded(claims) -> None:  # type: ignore[no-untyped-def]
    record = "Cu 0.4812 coverage 0.9163 spread 1,234.5 low -0.27"
    assert claims.untraced("0.48, 92 %, 1,234, −0.27, 1234.5", record) == []
    assert claims.untraced("0.49, 93 %, 1,236", record) == ["0.49", "93 %", "1,236"]
    assert claims.untraced("seed 7", record) == ["7"]
    assert claims.untraced("seed 7", record, labels=("7",)) == []


def test_results_without_a_command_are_found_and_definitions_are_not(claims) -> None:  # type: ignore[no-untyped-def]
    assert claims.RESULT.match(" **0.33** [0.25, 0.50] ") and claims.RESULT.match(" -1.014 (0.88)")
    assert not claims.RESULT.match(" `0.5` ") and not claims.RESULT.match(" median + 1.5 MAD ")
    assert claims._rows("| a | 0.1 | 0.2 |\n| b | 3 | 4 |\n") == ["| a | 0.1 | 0.2 |"]


def test_a_claim_has_a_record_or_a_reason_why_not(claims, tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(claims, "RECORDS", tmp_path)
    assert claims._lacking(claims.Claim("a", "x"), "0.5") == ["no record; run claims.py --run a"]
    assert claims._lacking(claims.Claim("a", "x", unrecorded="long"), "0.5") == []
    (tmp_path / "a.txt").write_text("0.4", encoding="utf-8")
    assert claims._lacking(claims.Claim("a", "x"), "0.5") == ["0.5 is not in its record"]
