"""Kill workers of a cluster until 200 are counted; compare every file with a run on threads.

    python benchmarks/kills.py                       # 200 kills, one every 5 s on average
    python benchmarks/kills.py --kills 20 --every 3

Makes the small province of province.py (4 scenes in 2 UTM zones, 100 samples, one element, tiles of
128 pixels), runs it from surveys to anomalies on threads, and then again and again on ``local:2``,
each time into a new folder, while worker processes are killed at random times, also while they
start. New processes are forked from one that has imported everything: a kill costs little
processor time, and most of them meet a worker at work.
Prints for every run its kills, the files that differ (maps byte by byte, tables of scores, samples
and anomalies as text) and files left half-written.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
import threading
import time
from argparse import Namespace
from pathlib import Path

import dask
import psutil
from distributed.utils import get_mp_context
from province import make

from gossan.geo.cluster import cluster_at
from gossan.pipeline.commands.anomalies import anomalies_of_run
from gossan.pipeline.commands.run import run_project
from gossan.pipeline.options.project import Project, load_project

SMALL = {"tiles": 4, "side": 160, "tile": 128, "samples": 100, "elements": "Cu"}
HALF = ("*.partial*", "*.scratch*")
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


def whole(project: Project, folder: Path) -> None:
    """Run from surveys to anomalies: all that cluster and files have a part in."""
    run_project(project, folder)
    anomalies_of_run(folder)


def compared(run: Path) -> dict[str, bytes]:
    files = [*run.glob("layers/**/*.tif"), *run.glob("tables/*.csv"), *run.glob("anomalies/*.csv")]
    return {str(f.relative_to(run)): f.read_bytes() for f in files if f.name not in TIMED}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--every", type=float, default=5.0, help="mean seconds between kills")
    a = parser.parse_args()
    fork_workers()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        project = load_project(make(folder, Namespace(**SMALL)))
        began = time.perf_counter()
        whole(project, folder / "threads")
        expected = compared(folder / "threads")
        print(f"threads: {len(expected)} files in {time.perf_counter() - began:.0f} s", flush=True)
        kills = differing = half = runs = 0
        while kills < a.kills:
            began, run = time.perf_counter(), folder / "cluster"
            with cluster_at("local:2"):
                killer = AnyKiller(a.every, a.kills - kills, runs)
                killer.start()
                whole(project, run)
                killer.stop.set()
                killer.join()
            found = compared(run)
            wrong = [name for name in expected | found if expected.get(name) != found.get(name)]
            left = [path.name for pattern in HALF for path in run.rglob(pattern)]
            runs, kills = runs + 1, kills + killer.kills
            differing, half = differing + len(wrong), half + len(left)
            print(f"run {runs}: {killer.kills} kills in {time.perf_counter() - began:.0f} s, "
                  f"differing {wrong}, half-written {left}", flush=True)  # fmt: skip
            shutil.rmtree(run)
        print(f"{kills} kills in {runs} runs: {differing} differing, {half} half-written files")


if __name__ == "__main__":
    main()
