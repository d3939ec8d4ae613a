"""The plugin in real QGIS, without a window: Debian's PyQGIS and ``qgis_process``."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gossan.geo.raster import write_array

from ..conftest import ROOT
from ..presence import missing_program
from ..tiny_project import GRID
from .conftest import PLUGIN
from .stub_gossan import write_stub
from .stub_uv import write_uv

PYQGIS = Path("/usr/lib/python3/dist-packages/qgis")
PROCESS = shutil.which("qgis_process.bin") or shutil.which("qgis_process")


@pytest.fixture
def quiet_qgis(tmp_path: Path) -> dict[str, str]:
    """The environment of a QGIS without a window and with a profile of its own."""
    if not PYQGIS.is_dir():
        missing_program("QGIS is not installed: apt-get install qgis python3-qgis")
    kept = {name: os.environ[name] for name in ("LANG", "TMPDIR") if name in os.environ}
    for name in ("config", "home", "runtime"):
        (tmp_path / name).mkdir(mode=0o700)
    return {
        **kept, "PATH": "/usr/bin:/bin", "HOME": str(tmp_path / "home"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_RUNTIME_DIR": str(tmp_path / "runtime"),
        "QT_QPA_PLATFORM": "offscreen", "QGIS_CUSTOM_CONFIG_PATH": str(tmp_path / "profiles"),
        "QGIS_PLUGINPATH": str(PLUGIN),
    }  # fmt: skip


@pytest.fixture
def launcher(tmp_path: Path) -> Path:
    """An executable that starts the gossan of this source."""
    path = tmp_path / "launch gossan"
    path.write_text(
        f"#!{sys.executable} -IS\n"
        "import os, sys\n"
        f"os.environ['PYTHONPATH'] = {str(ROOT / 'src')!r}\n"
        f"os.execv({sys.executable!r}, [{sys.executable!r}, '-m', 'gossan', *sys.argv[1:]])\n",
        encoding="utf-8",
    )
    path.chmod(0o755)
    return path


def valley(folder: Path) -> Path:
    """Heights of a slope to the south-west, on the ground of the tiny project."""
    rows, columns = np.mgrid[: GRID.height, : GRID.width]
    heights = (columns + 1.01 * (GRID.height - rows)).astype(np.float32)
    path = folder / "valley.tif"
    write_array(path, GRID, ("height",), heights[None], "m")
    return path


def test_in_qgis(
    tmp_path: Path, finished_run: Path, quiet_qgis: dict[str, str], launcher: Path
) -> None:
    project = tmp_path / "tiny"
    shutil.copytree(finished_run.parent, project)
    (tmp_path / "results").mkdir()
    facts = {
        "plugin": str(PLUGIN),
        "profile": str(tmp_path / "profiles"),
        "base": str(tmp_path / "results"),
        "tiny": str(project),
        "run": str(project / "run"),
        "valley": str(valley(tmp_path)),
        "gossan": str(launcher),
        "broken": str(write_stub(tmp_path / "broken", "broken")),
        "uv": str(write_uv(tmp_path / "tools" / "uv", tmp_path / "uv.log")),
        "own": str(tmp_path / "own"),
    }
    (tmp_path / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
    script = Path(__file__).with_name("in_qgis.py")
    done = subprocess.run(
        ["/usr/bin/python3", str(script), str(tmp_path / "facts.json")],
        env=quiet_qgis, capture_output=True, text=True, timeout=540,
    )  # fmt: skip
    assert "ok all" in done.stdout, f"{done.stdout}\n{done.stderr[-3000:]}"


def test_qgis_process_lists_and_runs_an_algorithm(
    tmp_path: Path, finished_run: Path, quiet_qgis: dict[str, str], launcher: Path
) -> None:
    settings = tmp_path / "profiles" / "profiles" / "default" / "QGIS" / "QGIS3.ini"
    settings.parent.mkdir(parents=True)
    text = f"[PythonPlugins]\ngossan_qgis=true\n\n[gossan]\ncommand={launcher}\n"
    settings.write_text(text, encoding="utf-8")
    run = shutil.copytree(finished_run, tmp_path / "run")
    done = subprocess.run(
        [str(PROCESS), "run", "gossan:samplenext", "--", f"RUN={run}", "COUNT=2", "ELEMENT=Cu"],
        env=quiet_qgis, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
    assert "sample_next.gpkg|layername=samples" in done.stdout
