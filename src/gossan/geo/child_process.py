"""Run fragile readers in a child process, and let children take their share of long work.

Libraries in C and Rust that read HDF4 files and workbooks can abort, hang or fill the memory when a
file is damaged: in a child a crash of theirs is an error of one line. One child serves a whole
command; it is a Python of its own, not a fork, and so works under Windows and from scripts without
a main guard. Drawing is Python too busy for threads: ``shared`` spreads it over processes.
"""

from __future__ import annotations

import atexit
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, ParamSpec, TypeVar

import psutil

from gossan.errors import InputError, must, reason_of

__all__ = ["in_child_process", "shared"]

COMMAND = "from gossan.geo.child_process import serve; serve()"
"""What the child's Python runs."""
TIMEOUT_S = 600.0
"""Seconds that a reader may take."""
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Item = TypeVar("Item")


class _Answer(NamedTuple):
    """What the child answers: a result, or the exception that it raised."""

    result: Any = None
    error: BaseException | None = None


class _Child:
    """The child process of this process; it is started again where it ended."""

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None

    def ask(self, request: tuple[Any, ...], timeout_s: float) -> _Answer:
        """Send a request and wait for its answer.

        Raises
        ------
        TimeoutError
            No answer came in time, and the child was killed.
        ChildProcessError
            The child ended; the argument is its exit code.
        """
        with self.turn:
            process = self._started()
            late = threading.Event()

            def give_up() -> None:
                late.set()
                process.kill()

            timer = threading.Timer(timeout_s, give_up)
            timer.start()
            try:
                return _exchange(process, request)
            except (EOFError, OSError, pickle.UnpicklingError) as error:
                code = self.close()
                if late.is_set():
                    raise TimeoutError from error
                raise ChildProcessError(code) from error
            finally:
                timer.cancel()

    def kill(self) -> None:
        """End the child now, whatever it does."""
        if self.process is not None:
            self.process.kill()

    def close(self) -> int:
        """Let the child end; returns its exit code."""
        process, self.process = self.process, None
        if process is None:
            return 0
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        return process.wait()

    def _started(self) -> subprocess.Popen[bytes]:
        if self.process is not None and self.process.poll() is not None:
            self.close()
        if self.process is None:
            paths = os.pathsep.join(path for path in sys.path if path)
            self.process = subprocess.Popen(
                [sys.executable, "-c", COMMAND],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": paths},
            )
        return self.process


_CHILD = _Child()
atexit.register(_CHILD.close)


def _exchange(process: subprocess.Popen[bytes], request: tuple[Any, ...]) -> _Answer:
    assert process.stdin is not None and process.stdout is not None
    pickle.dump(request, process.stdin)
    process.stdin.flush()
    answer: _Answer = pickle.load(process.stdout)
    return answer


def in_child_process(
    name: str,
    kind: type[InputError],
    work: Callable[Parameters, Result],
    *arguments: Parameters.args,
    **named: Parameters.kwargs,
) -> Result:
    """Call a function of a module in the child process and return what it returns.

    Parameters
    ----------
    name
        File that is read, for the error.
    kind
        Class of the error.
    work, arguments, named
        The call; all of it, its result and what it raises can be pickled.

    Raises
    ------
    InputError
        Of ``kind``: the child aborted, took too long or ran out of memory. What ``work`` raises is
        raised here as well.

    >>> import math
    >>> in_child_process("a.hdf", InputError, math.sqrt, 4.0)
    2.0
    """
    cure = "The file is damaged or of another kind: get another copy, or save it in another format"
    try:
        answer = _CHILD.ask((work, arguments, named), TIMEOUT_S)
    except TimeoutError as error:
        got = f"no end of it in {TIMEOUT_S:.0f} s"
        raise kind(must(name, "readable", got, cure)) from error
    except ChildProcessError as error:
        got = f"a crash of the library that reads it ({_reason(error.args[0])})"
        raise kind(must(name, "readable", got, cure)) from error
    if isinstance(answer.error, MemoryError):
        cure = "Close other programs, or save the part that is needed as a smaller file"
        raise kind(must(name, "small enough for the memory", "too large", cure)) from answer.error
    if answer.error is not None:
        raise answer.error
    result: Result = answer.result
    return result


def shared(work: Callable[[Item], Result], items: Sequence[Item], processes: int) -> list[Result]:
    """Call a function for every item, in this process and in children beside it.

    Parameters
    ----------
    work
        Function of a module. Function, items and results can be pickled.
    items
        What it is called with; an item whose child ends is done again here.
    processes
        Most processes at once, this one among them; 1 starts no child.

    Returns
    -------
    The results, in the order of the items.

    Raises
    ------
    Exception
        The first that ``work`` raises, here or in a child.

    >>> import math
    >>> shared(math.sqrt, [1.0, 4.0, 9.0], 2)
    [1.0, 2.0, 3.0]
    """
    left = _Left(range(len(items)))
    found: dict[int, Result] = {}
    children = [_Child() for _ in range(min(processes, len(items)) - 1)]

    def serve_from(child: _Child) -> None:
        for number in left:
            try:
                answer = child.ask((work, (items[number],), {}), TIMEOUT_S)
            except (TimeoutError, ChildProcessError):
                left.again(number)
                return
            if answer.error is not None:
                raise answer.error
            found[number] = answer.result

    with _ended(children), ThreadPoolExecutor(max(len(children), 1)) as pool:
        futures = [pool.submit(serve_from, child) for child in children]
        try:
            for number in left:
                found[number] = work(items[number])
            for future in futures:
                future.result()
        finally:
            left.stop()
            for child in children:
                child.kill()
    return [found[k] if k in found else work(item) for k, item in enumerate(items)]


@contextmanager
def _ended(children: Sequence[_Child]) -> Iterator[None]:
    """Let go of children at the end, whatever happens."""
    try:
        yield
    finally:
        for child in children:
            child.close()


class _Left:
    """Numbers that nobody has taken yet; several threads may take from it."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self._numbers, self._turn = list(numbers), threading.Lock()

    def __iter__(self) -> Iterator[int]:
        while (number := self._next()) is not None:
            yield number

    def again(self, number: int) -> None:
        """Put a number back."""
        with self._turn:
            self._numbers.insert(0, number)

    def stop(self) -> None:
        """Give no more."""
        with self._turn:
            self._numbers.clear()

    def _next(self) -> int | None:
        with self._turn:
            return self._numbers.pop(0) if self._numbers else None


def _reason(code: int) -> str:
    """Name the signal that ended a process.

    >>> _reason(-6), _reason(3)
    ('SIGABRT', 'exit code 3')
    """
    with suppress(ValueError):
        return signal.Signals(-code).name
    return f"exit code {code}"


def serve() -> None:
    """Answer requests from standard input until it ends: the main function of the child."""
    requests, answers = sys.stdin.buffer, _own_output()
    _limit_memory()
    while True:
        try:
            work, arguments, named = pickle.load(requests)
        except EOFError:
            return
        try:
            answer = _Answer(work(*arguments, **named))
        except BaseException as error:  # a Rust library panics with one that is no Exception
            answer = _Answer(error=error)
        _send(answers, answer)


def _own_output() -> BinaryIO:
    """Keep standard output for answers; what libraries print there is swallowed."""
    kept = os.fdopen(os.dup(1), "wb")
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    return kept


def _limit_memory() -> None:
    """Let the child run out of memory before the system does, where the system can be told so."""
    try:
        import resource
    except ImportError:  # Windows
        return
    room = psutil.virtual_memory().available + psutil.Process().memory_info().vms
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (room, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _send(stream: BinaryIO, answer: _Answer) -> None:
    try:
        content = pickle.dumps(answer)
        if answer.error is not None:
            pickle.loads(content)  # some exceptions can be written but not read
    except Exception:
        reason = reason_of(answer.error) if answer.error is not None else "an odd result"
        content = pickle.dumps(_Answer(error=OSError(reason)))
    stream.write(content)
    stream.flush()
