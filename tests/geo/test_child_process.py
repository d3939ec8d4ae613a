"""A reader that aborts, hangs or fills the memory ends in one line that names the file."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gossan.errors import SurveyError
from gossan.geo import child_process
from gossan.geo.child_process import in_child_process


def abort(path: Path) -> None:
    """Stand in for a native library that meets damage: the process ends without a word."""
    print("free(): invalid pointer")
    os.abort()


def hang() -> None:
    time.sleep(600)


def too_large() -> None:
    raise MemoryError


def process_number() -> int:
    return os.getpid()


def refuse(path: Path) -> None:
    raise SurveyError(f"{path.name} must be whole; got half of it. Copy it again.")


def panic() -> None:
    class Panic(BaseException):
        """As libraries in Rust raise; it cannot be pickled."""

    raise Panic("index out of bounds")


@pytest.fixture(autouse=True)
def known_to_the_child(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the child import this module under the name that pickle writes down."""
    code = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location({__name__!r}, {str(Path(__file__))!r})
module = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = module
spec.loader.exec_module(module)
from gossan.geo.child_process import serve
serve()
"""
    child = child_process._Child()
    monkeypatch.setattr(child_process, "_CHILD", child)
    monkeypatch.setattr(child_process, "COMMAND", code)
    yield
    child.close()


def test_an_abort_is_one_line_and_the_next_file_is_read(tmp_path: Path) -> None:
    with pytest.raises(SurveyError, match=r"a\.xls must be readable; got a crash .*SIGABRT|exit"):
        in_child_process("a.xls", SurveyError, abort, tmp_path)
    first = in_child_process("b.xls", SurveyError, process_number)
    assert first == in_child_process("c.xls", SurveyError, process_number) != os.getpid()


def test_a_hang_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_process, "TIMEOUT_S", 0.2)
    with pytest.raises(SurveyError, match=r"a\.xls must be readable; got no end of it"):
        in_child_process("a.xls", SurveyError, hang)


def test_too_large_a_file_is_one_line() -> None:
    with pytest.raises(SurveyError, match=r"a\.xls must be small enough for the memory"):
        in_child_process("a.xls", SurveyError, too_large)


def test_errors_of_the_reader_come_through(tmp_path: Path) -> None:
    with pytest.raises(SurveyError, match="got half of it"):
        in_child_process("a.xls", SurveyError, refuse, tmp_path / "a.xls")
    with pytest.raises(OSError, match="index out of bounds"):
        in_child_process("a.xls", SurveyError, panic)
