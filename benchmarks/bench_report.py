"""Time the report of a scene with four elements: figures, target sheets, page and GIS project.

    python benchmarks/bench_report.py                  # a scene of 1372 x 1372 pixels of 10 m
    python benchmarks/bench_report.py --side 10980     # a Sentinel-2 tile
    python benchmarks/bench_report.py --run RUN        # of a run that is there already

Makes the project of bench_run.py with two folds and three quick products (kriging, the pyramid and
the geostatistical model without a forest), as many maps as a project of the user has, runs it, and
builds its report once more in a process of its own. Wall and processor seconds, the size of the
page and its parts.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import psutil
from bench_run import gossan, make_project

from gossan.io.finished_run import open_run

QUICK = """
[validation]
folds = 2
kinds = ["blocks"]

[[product]]
name = "kriging"
model = "kriging"

[[product]]
name = "sound"
model = "pyramid"
features = "s2.pc2"

[[product]]
name = "geostatistical"
model = "geostatistical"
features = "s2.all"
averaging = "mode"
"""


def made(folder: Path, side: int, samples: int) -> Path:
    """Make and run the project, unless the folder holds its run already."""
    if not (folder / "run" / "manifest.json").exists():
        make_project(folder, side, side, samples, ["Cu", "Zn", "Ni", "Cr"])
        path = folder / "project.toml"
        path.write_text(path.read_text(encoding="utf-8") + QUICK, encoding="utf-8")
        gossan("run", folder, "--quiet")
    return folder / "run"


def reported(run: Path) -> tuple[float, float]:
    """Wall and processor seconds of `gossan report RUN`."""
    command = [sys.executable, "-m", "gossan", "report", str(run)]
    began = time.perf_counter()
    process, spent = psutil.Popen(command), 0.0
    while process.poll() is None:
        try:
            times = process.cpu_times()
            spent = max(spent, times.user + times.system)
        except psutil.Error:
            break
        time.sleep(0.2)
    if process.wait():
        raise SystemExit("the report failed")
    return time.perf_counter() - began, spent


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--side", type=int, default=1372)
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--keep", type=Path, help="folder to work in and to keep")
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = a.keep or Path(place)
        folder.mkdir(parents=True, exist_ok=True)
        run = a.run or made(folder, a.side, a.samples)
        wall, processor = reported(run)
        page = (run / "report.html").stat().st_size / 2**20
        figures = len(list((run / "figures").glob("*.png")))
        targets = len(open_run(run).table("anomalies"))
        print(f"{', '.join(open_run(run).elements)}; {figures} figures, {targets} anomalies")
        print(f"report {wall:.1f} s wall, {processor:.1f} s processor; page {page:.1f} MiB")


if __name__ == "__main__":
    main()
