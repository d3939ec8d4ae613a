"""What the tutorials share: one demo run for all pages, commands with their output, screenshots.

Where QGIS is not installed, its pictures are the last ones that were taken, in ``images/``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from IPython.display import Image, display

HERE = Path(__file__).resolve().parent
PYQGIS = Path("/usr/lib/python3/dist-packages/qgis")
SCRATCH = HERE / "_build" / "tutorials"
SCRATCH.mkdir(parents=True, exist_ok=True)
os.chdir(SCRATCH)


def demo() -> str:
    """Make the demo, or take the one that another page made, and return its last lines."""
    kept = Path("demo_output.txt")
    if not kept.exists():
        lines = _run("demo demo").splitlines()
        first = next(number for number, line in enumerate(lines) if line.startswith("element"))
        kept.write_text("\n".join(lines[first:]), encoding="utf-8")
    return kept.read_text(encoding="utf-8")


def gossan(arguments: str, quiet: bool = False) -> None:
    """Run a command as a user would, and print what it prints."""
    said = _run(arguments)
    if not quiet:
        print(said)


def _run(arguments: str) -> str:
    """Run a command in a folder of its own; a failure ends the build."""
    environment = os.environ | {"COLUMNS": "88", "NO_COLOR": "1", "TERM": "dumb"}
    found = subprocess.run(
        [sys.executable, "-m", "gossan", *arguments.split()],
        capture_output=True, text=True, encoding="utf-8", env=environment,
    )  # fmt: skip
    if found.returncode:
        raise RuntimeError(f"gossan {arguments} ended with {found.returncode}: {found.stderr}")
    return found.stdout.replace(f"{SCRATCH}{os.sep}", "").strip()


def show(page: str, width: int = 1280, height: int = 1500) -> None:
    """Show the first screen of the demo's report as a browser draws it."""
    names = ("chromium", "chromium-browser", "google-chrome")
    browser = next(filter(None, map(shutil.which, names)), None)
    if browser is None:
        raise RuntimeError("the pictures of the report need Chromium or Chrome on the PATH")
    picture = SCRATCH / f"{page}.png"
    if not picture.exists():
        report = (SCRATCH / "demo" / "run" / "report.html").as_uri()
        options = ("--headless", "--no-sandbox", "--hide-scrollbars", "--virtual-time-budget=5000")
        size = (f"--window-size={width},{height}", f"--screenshot={picture}")
        subprocess.run([browser, *options, *size, report], check=True, capture_output=True)
    display(Image(filename=str(picture), width=800))


def in_qgis(picture: str) -> None:
    """Show QGIS with the layers, the panel or a target of the demo, as it draws itself."""
    folder = SCRATCH / "qgis"
    if PYQGIS.is_dir() and not (folder / f"{picture}.png").exists():
        demo()
        program = str(HERE.parent / "qgis" / "try_installed.py")
        own = str(Path(sys.executable).with_name("gossan"))
        words = ["--gossan", own, "--demo", "demo", "--pictures", str(folder)]
        done = subprocess.run([sys.executable, program, *words], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"no pictures of QGIS: {done.stdout[-2000:]} {done.stderr[-2000:]}")
    taken = folder if PYQGIS.is_dir() else HERE / "images"
    display(Image(filename=str(taken / f"{picture}.png"), width=800))
