from __future__ import annotations

import io
import warnings

import pytest

from gossan.errors import GossanWarning
from gossan.pipeline.progress import (
    BarProgress,
    PlainProgress,
    Silent,
    collected_warnings,
    reporter_for,
)


def test_a_log_gets_a_line_for_each_step_and_the_time_of_long_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter([0.0, 0.4, 1.0, 8.2])
    monkeypatch.setattr("gossan.pipeline.progress.time.perf_counter", lambda: next(clock))
    stream = io.StringIO()
    reporter = PlainProgress(stream)
    for title in ("short", "long"):
        with reporter.step(title) as advance:
            advance(1, 2)
    assert stream.getvalue().splitlines() == ["short", "long", "  7 s"]


def test_warnings_are_collected_and_each_is_printed_once() -> None:
    stream = io.StringIO()
    with collected_warnings(PlainProgress(stream)) as notes:
        for text in ("few samples", "few samples", "no maps"):
            warnings.warn(text, GossanWarning, stacklevel=1)
        assert notes == []
    assert notes == ["few samples", "no maps"]
    assert stream.getvalue().splitlines() == ["Note: few samples", "Note: no maps"]


def test_the_reporter_follows_from_the_place_of_output(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    assert isinstance(reporter_for(True, stream), Silent)
    assert isinstance(reporter_for(False, stream), PlainProgress)
    monkeypatch.setattr(stream, "isatty", lambda: True)
    assert isinstance(reporter_for(False, stream), BarProgress)


def test_the_silent_reporter_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    silent = Silent()
    with silent.step("a step") as advance:
        advance(1, 2)
    silent.say("a word")
    assert capsys.readouterr() == ("", "")
