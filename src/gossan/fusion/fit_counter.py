"""Count the models that are fitted, fold by fold, for the progress of a long step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["fits_counted", "one_fitted", "uncounted"]

_tick: ContextVar[Callable[[], None] | None] = ContextVar("tick", default=None)


@contextmanager
def fits_counted(progress: Callable[[int, int], None], total: int) -> Iterator[None]:
    """Report every model that this block fits by itself; those inside another fit do not count.

    Parameters
    ----------
    progress
        Called with (fitted, in all), first with none fitted.
    total
        Number of models that are expected; what exceeds it is not reported.

    Examples
    --------
    >>> with fits_counted(lambda done, total: print(done, "of", total), 2):
    ...     one_fitted()
    0 of 2
    1 of 2
    """
    done = 0

    def tick() -> None:
        nonlocal done
        done = min(done + 1, total)
        progress(done, total)

    token = _tick.set(tick)
    try:
        progress(0, total)
        yield
    finally:
        _tick.reset(token)


@contextmanager
def uncounted() -> Iterator[None]:
    """Fit what belongs to another fit, without reporting it."""
    token = _tick.set(None)
    try:
        yield
    finally:
        _tick.reset(token)


def one_fitted() -> None:
    """Report one fitted model, where somebody counts."""
    tick = _tick.get()
    if tick is not None:
        tick()
