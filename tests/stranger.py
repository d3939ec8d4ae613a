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
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "COMSPEC", "PATHEXT")
FIRST_MAP_SECONDS = 120.0
"""Of processors, everything compiled anew: so a quiet machine has it within two minutes."""
NETWORK = ("PIP_", "SSL_", "REQUESTS_", "HTTP_", "HTTPS_", "NO_PROXY")


def clean(home: Path) -> dict[str, str]:
    """The environment of somebody who has just come: where programs and the network are."""
    known = {k: v for k, v in os.environ.items() if k in KEPT or k.upper().startswith(NETWORK)}
    return {**known, "HOME": str(home), "PYTHONNOUSERSITE": "1"}


def step(name: str, words: list[str], folder: Path, environment: dict[str, str]) -> None:
    """Run a step, and say how long it took by the clock and of processors; so for a first map."""
    begun, before = time.perf_counter(), os.times()
    said: list[str] = []
    with subprocess.Popen(
        words, cwd=folder, env=environment, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if line.startswith("The first map"):
                used = processor_seconds(process.pid)
                tell(f"{name}: first map", begun, used)
                assert used < FIRST_MAP_SECONDS, f"the first map took {used:.0f} s of processors"
    after = os.times()
    tell(name, begun, sum(after[k] - before[k] for k in (2, 3)))
    if process.returncode:
        sys.exit(f"{name} ended with {process.returncode}:\n{''.join(said)[-6000:]}")


def tell(name: str, begun: float, used: float) -> None:
    clock = time.perf_counter() - begun
    print(f"{name:40} {clock:7.0f} s {used:7.0f} s of processors", flush=True)


def processor_seconds(session: int) -> float:
    """Processor time of a session so far, ended children included; 0 where there is no /proc."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            if fields[3] == str(session):
                ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


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
