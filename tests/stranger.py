"""The path of a stranger, each step timed: README's two lines, then the zip in QGIS.

    python tests/stranger.py                 in a fresh clone of this repository; before a release
    python tests/stranger.py --without-qgis  where QGIS is not installed

Nothing is taken along: an empty home, no caches of compiled kernels, no variables of this
session. The steps are README's ``make demo``, ``make plugin``, ``make wheelhouse``, and the zip
installed into an empty QGIS, which does the demo's whole job from layers to targets.
``make test``, README's second line, runs with ``--with-tests`` alone. Needs make and git.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "COMSPEC", "PATHEXT")
NETWORK = ("PIP_", "SSL_", "REQUESTS_", "HTTP_", "HTTPS_", "NO_PROXY")


def clean(home: Path) -> dict[str, str]:
    """The environment of somebody who has just come: where programs and the network are."""
    known = {k: v for k, v in os.environ.items() if k in KEPT or k.upper().startswith(NETWORK)}
    return {**known, "HOME": str(home), "PYTHONNOUSERSITE": "1"}


def step(name: str, words: list[str], folder: Path, environment: dict[str, str]) -> None:
    """Run a step, and say how long it took by the clock and of processors."""
    begun, before = time.perf_counter(), os.times()
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)
    after = os.times()
    used = sum(after[k] - before[k] for k in (2, 3))
    print(f"{name:30} {time.perf_counter() - begun:7.0f} s {used:7.0f} s of processors", flush=True)
    if done.returncode:
        sys.exit(
            f"{name} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--without-qgis", action="store_true")
    parser.add_argument("--with-tests", action="store_true")
    parser.add_argument("--qgis-python", default="/usr/bin/python3")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        home, folder = Path(name) / "home", Path(name) / "gossan"
        home.mkdir()
        environment = clean(home)
        make = ["make", f"PYTHON={sys.executable}"]
        step("git clone", ["git", "clone", "-q", str(ROOT), str(folder)], home, environment)
        step("packages", [*make, ".venv/installed"], folder, environment)
        step("make demo, the first time", [*make, "demo"], folder, environment)
        assert (folder / "demo/run/report.html").stat().st_size > 100_000
        gossan = str(folder / ".venv" / "bin" / "gossan")
        step("gossan demo, kernels compiled", [gossan, "demo", "again"], folder, environment)
        if given.with_tests:
            step("make test", [*make, "test"], folder, environment)
        if given.without_qgis:
            return
        step("make plugin", [*make, "plugin"], folder, environment)
        step("make wheelhouse", [*make, "wheelhouse"], folder, environment)
        qgis = ["--qgis-python", given.qgis_python, "--demo", str(folder / "demo")]
        words = [str(folder / ".venv/bin/python"), "qgis/try_installed.py", *qgis]
        step("zip in QGIS, the whole job", words, folder, environment)


if __name__ == "__main__":
    main()
