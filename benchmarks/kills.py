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
import shutil
import tempfile
import time
from argparse import Namespace
from pathlib import Path

from province import make
from worker_kills import differing, fork_workers, half_written, killing

from gossan.geo.cluster import cluster_at
from gossan.pipeline.commands.anomalies import anomalies_of_run
from gossan.pipeline.commands.run import run_project
from gossan.pipeline.options.project import Project, load_project

SMALL = {"tiles": 4, "side": 160, "tile": 128, "samples": 100, "elements": "Cu", "folds": 10}


def whole(project: Project, folder: Path) -> None:
    """Run from surveys to anomalies: all that cluster and files have a part in."""
    run_project(project, folder)
    anomalies_of_run(folder)


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
        print(f"threads: {time.perf_counter() - began:.0f} s", flush=True)
        kills = different = half = runs = 0
        while kills < a.kills:
            began, run = time.perf_counter(), folder / "cluster"
            with cluster_at("local:2"), killing(a.every, a.kills - kills, runs) as killer:
                whole(project, run)
            files, wrong = differing(folder / "threads", run)
            left = half_written(run)
            runs, kills = runs + 1, kills + killer.kills
            different, half = different + len(wrong), half + len(left)
            print(f"run {runs}: {killer.kills} kills in {time.perf_counter() - began:.0f} s, "
                  f"of {files} files {wrong} differ, half-written {left}", flush=True)  # fmt: skip
            shutil.rmtree(run)
        print(f"{kills} kills in {runs} runs: {different} differing, {half} half-written files")


if __name__ == "__main__":
    main()
