"""Build wheel and source distribution, install into a fresh environment, run README's lines there.

Run by ``make test-wheel``, with any Python that the package supports. Versions are those of
constraints.txt; nothing of the checkout can be imported.
"""

from __future__ import annotations

import email
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REPOSITORY = "https://example.org/gossan"
"""Where a release would say that the repository is."""
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
    environment["GOSSAN_REPOSITORY"] = REPOSITORY
    subprocess.run([str(word) for word in words], cwd=folder, env=environment, check=True)


def check_page(wheel: Path) -> None:
    """The checks of a package index: kind of page, and that all it shows is there."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = (name for name in names if name.endswith("/METADATA"))
        page = email.message_from_bytes(archive.read(metadata))
    text = page.get_payload()
    assert page["Description-Content-Type"].startswith("text/markdown"), page
    assert page["License-Expression"] == "BSD-3-Clause", page
    assert f"Repository, {REPOSITORY}" in page.get_all("Project-URL"), page
    assert "# gossan" in text and f"({REPOSITORY}/raw/main/docs/images/demo.png)" in text
    assert not re.findall(r"\]\((?!https://|#)[^)]+\)", text), "links that lead nowhere"
    assert {name.split("/")[0] for name in names} == {"gossan", metadata.split("/")[0]}
    assert not [name for name in names if "__pycache__" in name or name.endswith((".nbi", ".nbc"))]


def check_source(archive: Path) -> None:
    """The source distribution holds what its tests need."""
    with tarfile.open(archive) as source:
        inside = {name.partition("/")[2] for name in source.getnames()}
    tests = {f"tests/{path.name}" for path in (ROOT / "tests").glob("*.py")}
    needed = {"hatch_build.py", "benchmarks/claims.py", "qgis/make_plugin.py", "docs/conf.py"}
    assert tests | needed <= inside, (tests | needed) - inside


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pip = ("-m", "pip", "--quiet", "--disable-pip-version-check")
        run(sys.executable, *pip, "wheel", "--no-deps", "-w", folder, ROOT, folder=folder)
        (wheel,) = folder.glob("gossan-*.whl")
        check_page(wheel)
        venv.create(folder / "fresh", with_pip=True)
        python = folder / "fresh" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        run(python, *pip, "install", "hatchling>=1.27,<2", folder=folder)
        script = f"from hatchling.build import build_sdist; build_sdist({str(folder)!r})"
        run(python, "-c", script, folder=ROOT)
        check_source(next(folder.glob("gossan-*.tar.gz")))
        run(python, *pip, "install", "-c", ROOT / "constraints.txt", f"{wheel}[atmosphere]",
            folder=folder)  # fmt: skip
        (folder / "readme.py").write_text(SCRIPT + readme_lines(), encoding="utf-8")
        run(python, "readme.py", folder=folder)
        assert (folder / "cu.tif").stat().st_size > 1000
        run(python, "-m", "gossan", "--version", folder=folder)


if __name__ == "__main__":
    main()
