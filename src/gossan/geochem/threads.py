"""Share long lists of targets among threads."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

CHUNK = 4096


def run_chunks(
    function: Callable[[int, int], None], total: int, workers: int | None = None, size: int = CHUNK
) -> None:
    """Call ``function(start, stop)`` for runs of at most ``size`` that cover ``0:total``.

    ``workers`` threads share the runs (None: as many as there are processors); the function
    fills its own part of an array, so the result does not depend on their number.

    >>> seen = [0] * 5
    >>> run_chunks(lambda a, b: seen.__setitem__(slice(a, b), [1] * (b - a)), 5, 2, size=2)
    >>> seen
    [1, 1, 1, 1, 1]
    """
    starts = range(0, total, size)
    count = min(processors() if workers is None else workers, len(starts))
    if count <= 1:
        for start in starts:
            function(start, min(start + size, total))
        return
    with ThreadPoolExecutor(count) as pool:
        futures = [pool.submit(function, start, min(start + size, total)) for start in starts]
        for future in futures:
            future.result()


def processors() -> int:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
