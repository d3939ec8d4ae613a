"""Kill workers of a cluster at random, and compare the files of runs."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dask
import psutil
from distributed.utils import get_mp_context

HALF = ("*.partial*", "*.scratch*")
"""Files under a temporary name."""
TIMED = {"steps.csv"}
"""Tables that hold times of day or durations."""


class AnyKiller(threading.Thread):
    """Kills a random process of the cluster, ready or still starting, every few seconds."""

    def __init__(self, every: float, most: int, seed: int) -> None:
        super().__init__(daemon=True)
        self.every, self.most, self.kills = every, most, 0
        self.stop, self.rng = threading.Event(), random.Random(seed)

    def run(self) -> None:
        while self.kills < self.most and not self.stop.wait(
            self.every * self.rng.uniform(0.3, 1.7)
        ):
            found = [one for one in psutil.Process().children(recursive=True) if is_worker(one)]
            if found:
                self.rng.choice(found).kill()
                self.kills += 1


@contextmanager
def killing(every: float, most: int, seed: int = 0) -> Iterator[AnyKiller]:
    """Kill workers while the block runs."""
    killer = AnyKiller(every, most, seed)
    killer.start()
    yield killer
    killer.stop.set()
    killer.join()


def fork_workers() -> None:
    """Let processes of the cluster come from a server that has imported what they need."""
    dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"})
    get_mp_context().set_forkserver_preload(["distributed", "gossan.pipeline.commands.run"])


def is_worker(process: psutil.Process) -> bool:
    """Whether a process was forked from the server: the server's command line and parent."""
    try:
        parent = process.parent()
        return parent is not None and all(
            "forkserver" in " ".join(one.cmdline()) for one in (process, parent)
        )
    except psutil.Error:
        return False


def differing(one: Path, other: Path) -> tuple[int, list[str]]:
    """Compare maps and tables of two runs byte by byte: how many there are, and which differ."""
    expected, found = _contents(one), _contents(other)
    return len(expected), [n for n in expected | found if expected.get(n) != found.get(n)]


def half_written(run: Path) -> list[str]:
    """Names of files that were left under a temporary name."""
    return [path.name for pattern in HALF for path in run.rglob(pattern)]


def _contents(run: Path) -> dict[str, bytes]:
    files = [*run.glob("layers/**/*.tif"), *run.glob("tables/*.csv"), *run.glob("anomalies/*.csv")]
    return {str(f.relative_to(run)): f.read_bytes() for f in files if f.name not in TIMED}
