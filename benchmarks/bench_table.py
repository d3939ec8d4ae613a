"""Read large survey tables: many rows, and many elements.

    python benchmarks/bench_table.py [--shapes 100000x1 1000000x1 1000x2000] [--profile]

Each table (rows x elements) is simulated: positions on a lattice of 1 km, lognormal contents with
three decimals, 4 % below a limit of detection, 1 % empty. Prints processor and wall-clock seconds
of reading and checking it, as the step "Surveys" of ``gossan krige``, ``check`` and ``run`` does;
``--profile`` also prints where they go.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from gossan.geochem.table.settings import SurveySettings
from gossan.geochem.table.survey import read_survey


def simulated(rows: int, columns: int) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Simulate a table; return it with the names of its elements."""
    rng = np.random.default_rng(1)
    width = int(np.ceil(np.sqrt(rows)))
    at = np.arange(rows)
    place = {"easting": 300_000 + 1000 * (at % width), "northing": 2e6 + 1000 * (at // width)}
    names = ("Cu",) if columns == 1 else tuple(f"V{i:04d}" for i in range(columns))
    contents = {}
    for name in names:
        cells = pd.Series(rng.lognormal(3.0, 0.8, rows).round(3)).astype(str)
        cells[rng.random(rows) < 0.04] = "<5"
        cells[rng.random(rows) < 0.01] = ""
        contents[name] = cells
    return pd.DataFrame({"sample": [f"S{i}" for i in at], **place, **contents}), names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", nargs="*", default=["100000x1", "1000000x1", "1000x2000"])
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    for shape in options.shapes:
        rows, columns = map(int, shape.split("x"))
        frame, names = simulated(rows, columns)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "survey.csv"
            frame.to_csv(path, index=False)
            settings = SurveySettings(
                name="simulated", path=str(path), crs="EPSG:32638", unit="ppm", accept=("position",)
            )
            profile = cProfile.Profile()
            clock, processor = time.perf_counter(), time.process_time()
            if options.profile:
                profile.enable()
            samples, _ = read_survey(settings, names, "EPSG:32638")
            profile.disable()
        processor, clock = time.process_time() - processor, time.perf_counter() - clock
        print(f"{shape:>12s}  {len(samples)} samples  {processor:.1f} s processor  {clock:.1f} s")
        if options.profile:
            pstats.Stats(profile).sort_stats("cumtime").print_stats(50)


if __name__ == "__main__":
    main()
