"""Run every benchmark, one after the other, and print its ratios.

``make bench`` calls this. Each benchmark is a program of its own with its own options; a full
run takes about an hour on two cores. Give names to run some: ``run_all.py chain kriging``. The race
against programs from outside leaves out those that are not installed.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def main(names: list[str]) -> int:
    found = [*sorted(FOLDER.glob("bench_*.py")), *sorted(FOLDER.glob("race_*.py"))]
    known = {path.stem.removeprefix("bench_"): path for path in found}
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"benchmark must be one of {', '.join(known)}; got {unknown[0]!r}.")
        return 2
    failed = 0
    for name in names or known:
        print(f"\n== {name}", flush=True)
        failed |= subprocess.run([sys.executable, str(known[name])], check=False).returncode
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
