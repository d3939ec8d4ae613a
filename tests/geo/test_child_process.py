"""A reader that aborts, hangs or fills the memory ends in one line that names the file."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gossan.errors import SurveyError
from gossan.geo import child_process
from gossan.geo.child_process import in_child_process, shared


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


def slow_square(number: int) -> tuple[int, int]:
    time.sleep(0.3)
    return number**2, os.getpid()


def end_in_a_child(parent: int) -> int:
    if os.getpid() != parent:
        os.abort()
    time.sleep(1.0)
    return os.getpid()


def refuse_three(number: int) -> int:
    if number == 3:
        raise SurveyError("three must be two; got three. Write two.")
    return number


def test_work_is_shared_with_children_and_comes_back_in_order() -> None:
    found = shared(slow_square, range(12), 2)
    assert [square for square, _ in found] == [k**2 for k in range(12)]
    processes = {number for _, number in found}
    assert len(processes) == 2 and os.getpid() in processes


def test_one_process_starts_no_child() -> None:
    assert {number for _, number in shared(slow_square, [1, 2], 1)} == {os.getpid()}
    assert shared(slow_square, [], 4) == []


def test_what_a_child_leaves_is_done_here() -> None:
    assert shared(end_in_a_child, [os.getpid()] * 3, 2) == [os.getpid()] * 3


@pytest.mark.parametrize("processes", [1, 3])
def test_a_mistake_in_shared_work_is_raised(processes: int) -> None:
    with pytest.raises(SurveyError, match="three must be two"):
        shared(refuse_three, range(5), processes)
