"""What the steps of a command cost: time, memory, and bytes read and written."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

import pandas as pd
import psutil

from gossan.geo.memory import trim_heap
from gossan.io.contract import StepRecord
from gossan.io.finished_run import open_run
from gossan.io.tables import Column, Table
from gossan.pipeline.progress import Advance, Reporter

__all__ = ["Profile", "profile_of", "record_steps", "steps_table", "with_total"]

INTERVAL_S = 0.1
"""Time between two looks at the memory."""
MIB = 2**20


@dataclass(eq=False)
class Profile:
    """A reporter that passes everything on to another one and measures each step.

    What a step has freed goes back to the system at its end.

    Only this process is measured: work on a cluster shows in the wall time alone.

    Parameters
    ----------
    reporter
        Receives the titles and the progress.

    Examples
    --------
    >>> from gossan.pipeline.progress import Silent
    >>> profile = Profile(Silent())
    >>> with profile.step("Tables") as advance:
    ...     advance(1, 1)
    >>> [step.step for step in profile.steps]
    ['Tables']
    """

    reporter: Reporter
    steps: list[StepRecord] = field(default_factory=list)

    @contextmanager
    def step(self, title: str) -> Iterator[Advance]:
        """Measure the step, whether or not it ends well."""
        before = _Counters.now()
        with self.reporter.step(title) as advance, _memory_watched() as memory:
            try:
                yield advance
            finally:
                memory.look()
                trim_heap()
                self.steps.append(_Counters.now().since(before, title, memory.peak_mib))

    def say(self, text: str) -> None:
        """Pass a line on."""
        self.reporter.say(text)


def profile_of(reporter: Reporter) -> Profile:
    """Return the reporter itself where it measures already, or one that does."""
    return reporter if isinstance(reporter, Profile) else Profile(reporter)


def steps_table(steps: Sequence[StepRecord]) -> pd.DataFrame:
    """Tabulate steps, one row each, with the columns of ``Table.STEPS``."""
    rows = [step.model_dump() for step in steps]
    return pd.DataFrame(rows, columns=list(Table.STEPS.columns))


def with_total(steps: Sequence[StepRecord]) -> pd.DataFrame:
    """Tabulate steps and, in the last row, their sums and the highest memory."""
    table = steps_table(steps)
    total = table.drop(columns=Column.STEP).sum(min_count=1)
    total[Column.PEAK_MIB] = table[Column.PEAK_MIB].max()
    return pd.concat([table, total.to_frame().T.assign(step="all")], ignore_index=True)


def record_steps(run: Path, steps: Sequence[StepRecord]) -> None:
    """Put the steps of several commands into the manifest and the table of a finished run."""
    finished = open_run(run)
    with finished.folder.changed():
        finished.folder.write_table(Table.STEPS, steps_table(steps))
        finished.folder.write_manifest(finished.manifest.model_copy(update={"steps": tuple(steps)}))


@dataclass(frozen=True)
class _Counters:
    """Clocks and counters of this process."""

    wall_s: float
    processor_s: float
    read_mib: float | None
    written_mib: float | None

    @classmethod
    def now(cls) -> _Counters:
        return cls(time.perf_counter(), time.process_time(), *_bytes_moved())

    def since(self, before: _Counters, title: str, peak_mib: float) -> StepRecord:
        return StepRecord(
            step=title,
            wall_s=round(self.wall_s - before.wall_s, 3),
            processor_s=round(self.processor_s - before.processor_s, 3),
            peak_mib=round(peak_mib, 1),
            read_mib=_difference(self.read_mib, before.read_mib),
            written_mib=_difference(self.written_mib, before.written_mib),
        )


def _bytes_moved() -> tuple[float | None, float | None]:
    """MiB that this process has read and written so far, cached or not; None on macOS."""
    process = psutil.Process()
    if not hasattr(process, "io_counters"):
        return None, None
    found = process.io_counters()
    read = getattr(found, "read_chars", found.read_bytes)
    written = getattr(found, "write_chars", found.write_bytes)
    return read / MIB, written / MIB


def _difference(now: float | None, before: float | None) -> float | None:
    return None if now is None or before is None else round(now - before, 1)


@dataclass(eq=False)
class _Memory:
    """The highest memory seen."""

    process: psutil.Process = field(default_factory=psutil.Process)
    peak_mib: float = 0.0
    done: Event = field(default_factory=Event)

    def look(self) -> None:
        self.peak_mib = max(self.peak_mib, own_memory_mib(self.process))

    def watch(self) -> None:
        while not self.done.wait(INTERVAL_S):
            self.look()


def own_memory_mib(process: psutil.Process) -> float:
    """Memory that a process holds itself, without pages of files where the system tells them."""
    found = process.memory_info()
    return float(found.rss - getattr(found, "shared", 0)) / MIB


@contextmanager
def _memory_watched() -> Iterator[_Memory]:
    memory = _Memory()
    memory.look()
    thread = Thread(target=memory.watch, name="memory", daemon=True)
    thread.start()
    try:
        yield memory
    finally:
        memory.done.set()
        thread.join()
