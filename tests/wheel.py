"""Build the wheel, install it into a fresh environment, and run README's lines there.

Run by ``make test-wheel``, with any Python that the package supports. Versions are those of
constraints.txt; nothing of the checkout can be imported.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = """
import shutil, sys
from pathlib import Path

import gossan
assert Path(sys.prefix) in Path(gossan.__file__).parents, gossan.__file__

from gossan.demo import simulate_district
from gossan.demo.raw_scenes import write_raw_scenes

district = simulate_district(seed=3, shape=(100, 90), regional_km2=0.12)
shutil.move(write_raw_scenes(district, Path())["aster"], "AST_L1T.hdf")
district.surveys["regional"].frame.to_csv("stream.csv", index=False)
"""


def readme_lines() -> str:
    """The Python lines of README's first screen."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.S)
    return next(block for block in blocks if "import gossan as gs" in block)


def run(*words: object, folder: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    subprocess.run([str(word) for word in words], cwd=folder, env=environment, check=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pip = ("-m", "pip", "--quiet", "--disable-pip-version-check")
        run(sys.executable, *pip, "wheel", "--no-deps", "-w", folder, ROOT, folder=folder)
        (wheel,) = folder.glob("gossan-*.whl")
        venv.create(folder / "fresh", with_pip=True)
        python = folder / "fresh" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        run(python, *pip, "install", "-c", ROOT / "constraints.txt", f"{wheel}[atmosphere]",
            folder=folder)  # fmt: skip
        (folder / "readme.py").write_text(SCRIPT + readme_lines(), encoding="utf-8")
        run(python, "readme.py", folder=folder)
        assert (folder / "cu.tif").stat().st_size > 1000
        run(python, "-m", "gossan", "--version", folder=folder)


if __name__ == "__main__":
    main()
